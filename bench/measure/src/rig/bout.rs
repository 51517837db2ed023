//! What the measurement of two contestants in turn needs from outside, in addition to what one needs.

use dyno_clients::books::bursts::BurstGroup;
use dyno_record::cell::Cell;

use super::{CellFault, Rig};
use crate::probe::figures::Reading;
use crate::probe::glance::CpuGlance;

/// Number of contestants of a bout.
pub const SIDES: usize = 2;

/// Decided by chance for each bout, so that neither side has the advantage always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toss {
    /// Whether the second contestant is started before the first.
    pub b_starts_first: bool,
    /// Whether the second has the first burst of the first group.
    pub b_begins: bool,
}

/// What was seen of a bout.
#[derive(Debug, Clone, Default)]
pub struct Bout {
    /// Groups that are left out at the start.
    pub warm: usize,
    /// What the generator tells of each group.
    pub groups: Vec<BurstGroup>,
    /// What the probes tell of each contestant.
    pub sides: [BoutSide; SIDES],
}

/// What the probes tell of one contestant.
#[derive(Debug, Clone, Default)]
pub struct BoutSide {
    /// Everything, before the first group.
    pub before: Reading,
    /// Before the first group and after each.
    pub glances: Vec<CpuGlance>,
    /// Everything, after the last group.
    pub after: Reading,
}

/// A rig that lets two contestants take turns.
pub trait DuelRig: Rig {
    /// Loads both servers, which are ready, group by group; the cells tell how long.
    ///
    /// # Errors
    /// When the generator fails or hangs.
    fn bout(
        &mut self,
        servers: [&Self::Server; SIDES],
        cells: [&Cell; SIDES],
        toss: Toss,
    ) -> Result<Bout, CellFault>;
}
