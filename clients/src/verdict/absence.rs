//! Why the generator was not there, as far as the system tells.

use crate::books::absence::Absence;
use crate::limits::{LOST_FREE_NS, PAUSE_NS};
use crate::verdict::facts::Facts;

/// Why a generator stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AbsenceCause {
    /// It did not wait for a core, and yet it did not run.
    Stopped,
    /// It had used up its CPU quota.
    Throttled,
    /// Somebody else had its core.
    Shared,
}

impl Facts {
    /// Whether pauses of the generator are what its lateness comes from.
    pub(super) fn was_kept_away(&self) -> bool {
        let longest_ns = self.generator.absence.longest_ns;
        longest_ns > LOST_FREE_NS || longest_ns >= PAUSE_NS && longest_ns >= self.figures.own_p99_ns
    }

    /// Why the generator stood still for the most part, as far as the system tells.
    pub(super) fn absence(&self) -> AbsenceCause {
        let Absence { sum_ns, stopped_ns, .. } = self.generator.absence;
        if stopped_ns > sum_ns / 2 {
            AbsenceCause::Stopped
        } else if self.generator.throttled_periods > 0 {
            AbsenceCause::Throttled
        } else {
            AbsenceCause::Shared
        }
    }
}
