//! How long an experiment is unless its options give numbers.

use super::spec::Spec;

/// How long the cells of an experiment are, and how many blocks it has, unless its options say otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Preset {
    /// How often every cell is run.
    pub(crate) blocks: u32,
    /// Time left out at the start of a cell, in milliseconds.
    pub(crate) warm_up_ms: u64,
    /// Time measured in a cell, in milliseconds.
    pub(crate) duration_ms: u64,
}

impl Spec {
    /// The one of three values that fits what was asked for: quick, usual, thorough.
    pub(crate) fn choose<T: Copy>(&self, values: [T; 3]) -> T {
        values[match (self.quick, self.thorough) {
            (true, _) => 0,
            (_, false) => 1,
            (_, true) => 2,
        }]
    }
}
