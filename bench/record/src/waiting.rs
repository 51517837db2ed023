//! What was seen while requests waited.

use serde::{Deserialize, Serialize};

/// What requests that wait did to others and to the server, in one cell. Each step of the experiment fills its part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WaitingFigures {
    /// How others fared beside waiters, by their rising number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<Beside>,
    /// The least number of waiters beside which nobody else was served; absent where that did not happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<u32>,
    /// What held waiters took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldWaiters>,
    /// From the end of a client's side to the moment at which the server has closed its own, in nanoseconds, of each
    /// client that left with a FIN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released_fin_ns: Vec<u64>,
    /// The same of clients that left with a reset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub released_reset_ns: Vec<u64>,
}

/// How others fared beside so many waiters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Beside {
    /// Requests that waited.
    pub waiting: u32,
    /// Median time of a request on a new connection, in nanoseconds; absent where one of them stood still.
    pub other_p50_ns: Option<u64>,
}

/// What held waiters took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HeldWaiters {
    /// Requests that waited.
    pub waiting: u32,
    /// Memory of the server's own that they took, in bytes.
    pub memory_bytes: Option<u64>,
    /// Memory of the kernel that they took, both ends of their connections included, in bytes.
    pub kernel_bytes: Option<u64>,
    /// CPU of the server meanwhile, in cores.
    pub cores_used: f64,
}
