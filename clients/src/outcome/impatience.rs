//! What came of requests whose clients do not wait for ever.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts of requests that were due inside the measured window. Each attempt is a request of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Impatient {
    /// Verified answers within the patience of their clients.
    pub good: u64,
    /// The same, per second.
    pub good_per_s: f64,
    /// Requests whose clients gave them up.
    pub abandoned: u64,
    /// Those of them that were never sent, because no connection was free: the server did not see them.
    pub abandoned_unsent: u64,
    /// Requests that the server refused with a 503.
    pub refused: u64,
    /// Requests that were second or later attempts.
    pub retried: u64,
}
