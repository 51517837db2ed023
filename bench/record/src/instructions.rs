//! What was counted in an emulated machine, where one instruction takes one nanosecond of its clock.
//!
//! A figure that the guest's kernel does not provide is absent, never zero.

use serde::{Deserialize, Serialize};

/// What a request costs the contestant in instructions, the kernel's included: the difference of two loads that differ
/// in their number of requests alone, so what both begin and end with is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InstructionFigures {
    /// By how many requests the loads differ.
    pub requests: u64,
    /// Instructions of all processes and threads of the contestant per request, those that ended included, and those of
    /// the kernel that ran on their time.
    pub per_request: f64,
    /// System calls of the contestant per request.
    pub system_calls_per_request: Option<f64>,
    /// Context switches of the contestant per request.
    pub switches_per_request: Option<f64>,
    /// Instructions of the generator per request, the kernel's included.
    pub generator_per_request: f64,
    /// Share of the time of all threads of the machine that neither the contestant's account nor that of anybody else
    /// holds, in both loads together.
    pub unaccounted_share: Option<f64>,
}
