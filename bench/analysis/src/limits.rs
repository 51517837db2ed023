//! Every bound of the analysis: a name, a unit, a value and a reason.

/// How much longer than at full pace a system call takes on a core that counts as slowed. On the host where this was
/// found, a core left alone scatters by 10 %, and one whose neighbour is at work is slower by 35 to 60 %.
pub const PACE_SLOWED: f64 = 1.2;

/// Cells of a step that must have been looked at before what being slowed costs is told from them: with thirty, a
/// slope is known to a fifth or so of the scatter of a cell.
pub const LEAST_CELLS_FOR_PACE: usize = 30;

/// Share of the time in which a core may be slowed before a cell says so.
pub const SLOWED_SHARE: f64 = 0.10;

/// Share of a difference that may stay unexplained before `dyno explain` says so first. Unit costs scatter by a tenth
/// from run to run, so a smaller share could not be told from noise.
pub const UNEXPLAINED_SHARE: f64 = 0.15;

/// How close the confirmed and the refuted rate around a critical point must be, as a share.
pub const BRACKET: f64 = 0.05;

/// Cells that must keep the limit before their rate is confirmed: where a good rate misses it in one cell of
/// ten, three that keep it are chance in fewer than one bad rate of thirty.
pub const KEPT_CELLS_TO_CONFIRM: u32 = 3;

/// Cells that must miss the limit before their rate is refuted: a single one may be a disturbance.
pub const MISSED_CELLS_TO_REFUTE: u32 = 2;

/// Void cells after which a rate counts as one that cannot be measured here: one may be a disturbance.
pub const VOID_CELLS_TO_GIVE_UP: u32 = 2;

/// By how much the rate may fall in the intervals in which clocks are read, over all cells of a contestant,
/// before the report says so: the same share by which a single cell is judged, but here chance is gone.
pub const WATCHED_FALL_NOTED: f64 = 0.03;

/// Share of the victims of a fault from which on all were hurt: of 64, a few that connect after it may be served for a
/// moment by what is about to end.
pub const EVERYBODY_SHARE: f64 = 0.9;
/// Share of the requests of an interval that may be lost after a spike where all is normal again: 5 %, one of the
/// twenty or so that such an interval holds.
pub(crate) const NORMAL_LOST_SHARE: f64 = 0.05;

/// Share of its cores that a design may use at most when its clients wait for something else than CPU: with
/// half of a core idle and less than half of the others' rate, it is not the core that they wait for.
pub const JAM_BUSY_SHARE: f64 = 0.5;

/// Share of the best rate below which a design with idle cores has jammed.
pub const JAM_RATE_SHARE: f64 = 0.5;

/// Share of its time in which the generator's busiest thread may be busy before its own speed bounds the rate.
pub const GENERATOR_FULL_SHARE: f64 = 0.95;

/// Share of a core that a plan uses: beyond it queues grow faster than load. At seven tenths the mean wait of a
/// queue with one server and equal work is a little more than the work itself (M/D/1).
pub const PLANNED_USE_SHARE: f64 = 0.7;

/// Answers that must lie beyond a percentile before it is told: with ten, chance moves their number by a third.
pub const SAMPLES_BEYOND_PERCENTILE: f64 = 10.0;
