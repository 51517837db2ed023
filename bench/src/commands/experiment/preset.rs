//! The length of an experiment when its options give no numbers.

use super::spec::Spec;

/// The length of the cells and the number of blocks when the options do not set them.
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
    /// The one of three values that fits the options: quick, usual, thorough.
    pub(crate) fn choose<T: Copy>(&self, values: [T; 3]) -> T {
        values[match (self.quick, self.thorough) {
            (true, _) => 0,
            (_, false) => 1,
            (_, true) => 2,
        }]
    }
}
