//! Every bound of the statistics: a name, a unit, a value and a reason.

use std::time::Duration;

/// Resamples of a bootstrap: the ends of a 95 % interval settle to a few percent of its width.
pub const BOOTSTRAP_RESAMPLES: usize = 5_000;

/// Resamples for the scalability law, where each is a fit of its own.
pub const SCALABILITY_RESAMPLES: usize = 300;

/// Numbers of cores that a fit of three coefficients needs at least: one more than it has coefficients.
pub const LEAST_POINTS_FOR_A_FIT: usize = 4;

/// Blocks that a verdict needs at least: with five, the range of the sample holds the true median 15 times in 16; with
/// fewer, an interval is a wish.
pub const LEAST_BLOCKS_FOR_A_VERDICT: usize = 5;

/// How soon a machine forgets how fast it was: the time in which what cells have in common falls to a third. On a
/// host where speed comes in spells, cells 0.25 s apart share more than half of what full pace leaves, and cells 2 s
/// apart a sixth.
pub const MOMENT: Duration = Duration::from_millis(400);

/// Intervals that must be left for comparison before a dip in others is looked for: the scatter of fewer is hardly
/// known.
pub(crate) const LEAST_OTHERS_OF_DIP: usize = 8;
