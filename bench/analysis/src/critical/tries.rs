//! What a number of cells says of the rate that they offered.

use crate::limits::{KEPT_CELLS_TO_CONFIRM, MISSED_CELLS_TO_REFUTE, VOID_CELLS_TO_GIVE_UP};

/// How often a rate was offered, and what became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    /// Cells that kept the limit.
    pub kept: u32,
    /// Cells that missed it.
    pub missed: u32,
    /// Cells that say nothing of the rate.
    pub void: u32,
}

/// What is known of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateStanding {
    /// It kept the limit often enough.
    Confirmed,
    /// It kept the limit more often than not, but too few times to be sure.
    Kept,
    /// Nothing yet: as many kept the limit as missed it.
    Open,
    /// It missed the limit more often than not, but too few times to be sure.
    Missed,
    /// It missed the limit too often.
    Refuted,
    /// It cannot be measured here: each cell was void.
    Unmeasured,
}

impl Tries {
    /// What these cells say of their rate.
    pub fn standing(self) -> RateStanding {
        let Tries { kept, missed, void } = self;
        match () {
            () if kept >= KEPT_CELLS_TO_CONFIRM && kept > 2 * missed => RateStanding::Confirmed,
            () if missed >= MISSED_CELLS_TO_REFUTE && kept <= 2 * missed => RateStanding::Refuted,
            () if kept > missed => RateStanding::Kept,
            () if missed > kept => RateStanding::Missed,
            () if kept == 0 && void >= VOID_CELLS_TO_GIVE_UP => RateStanding::Unmeasured,
            () => RateStanding::Open,
        }
    }
}

/// A rate with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TriedRate {
    /// Offered requests a second.
    pub rate_per_s: f64,
    /// The cells that offered it.
    pub tries: Tries,
}

impl TriedRate {
    /// What is known of it.
    pub fn standing(&self) -> RateStanding {
        self.tries.standing()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_judged_by_their_number() {
        let standing = |kept, missed, void| Tries { kept, missed, void }.standing();
        for (kept, missed, void, expected) in [
            (0, 0, 0, RateStanding::Open),
            (0, 0, 1, RateStanding::Open),
            (0, 0, 2, RateStanding::Unmeasured),
            (1, 0, 0, RateStanding::Kept),
            (2, 0, 5, RateStanding::Kept),
            (2, 1, 0, RateStanding::Kept),
            (3, 0, 0, RateStanding::Confirmed),
            (3, 1, 0, RateStanding::Confirmed),
            (5, 2, 0, RateStanding::Confirmed),
            (1, 1, 0, RateStanding::Open),
            (0, 1, 0, RateStanding::Missed),
            (0, 2, 0, RateStanding::Refuted),
            (1, 2, 0, RateStanding::Refuted),
            (4, 2, 0, RateStanding::Refuted),
        ] {
            assert_eq!(standing(kept, missed, void), expected, "{kept} {missed} {void}");
        }
    }
}
