//! At which pace the cores ran.

use serde::{Deserialize, Serialize};

/// The pace of one core during the measured window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CorePace {
    /// Number of the core.
    pub core: usize,
    /// How often it was looked at.
    pub looks: u32,
    /// What a system call takes on it when it is left alone, in nanoseconds.
    pub full_ns: f64,
    /// What it took at the median.
    pub median_ns: f64,
    /// Share of the looks that found the core slowed, from 0 to 1.
    pub slowed_share: f64,
}
