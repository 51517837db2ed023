//! The pace at which the cores ran.

use serde::{Deserialize, Serialize};

/// The pace of one core during the measured window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CorePace {
    /// Number of the core.
    pub core: usize,
    /// How often the core was sampled.
    pub looks: u32,
    /// The time that a system call takes on it when nothing slows the core, in nanoseconds.
    pub full_ns: f64,
    /// The median time that it took.
    pub median_ns: f64,
    /// Share of the samples that found the core slowed, from 0 to 1.
    pub slowed_share: f64,
}
