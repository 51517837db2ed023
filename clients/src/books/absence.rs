//! How long the threads of the generator stood still, in a few figures.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long a thread stood still, all in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Absence {
    /// All pauses, ns.
    pub sum_ns: u64,
    /// The longest, ns.
    pub longest_ns: u64,
    /// What of them it did not spend waiting for a core, ns: it was stopped, or the machine was.
    pub stopped_ns: u64,
}

impl Absence {
    /// Of two threads, each figure of the one that has more of it.
    #[must_use]
    pub fn max(self, other: Absence) -> Absence {
        Absence {
            sum_ns: self.sum_ns.max(other.sum_ns),
            longest_ns: self.longest_ns.max(other.longest_ns),
            stopped_ns: self.stopped_ns.max(other.stopped_ns),
        }
    }
}
