//! Answers that came in the window to requests that were due before it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::division::Division;
use crate::books::histogram::Recorder;
use crate::books::split::Split;

/// Latencies of requests that were due before the window and were answered in it. Where a server is so far
/// behind that none of the window is answered, they are all that there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Early {
    /// From the intended start.
    pub total: Recorder,
    /// From the sending.
    pub response: Recorder,
    /// For a connection.
    pub wait: Recorder,
    /// The generator's fault.
    pub lag: Recorder,
    /// Whose the total latency was.
    pub division: Division,
}

impl Early {
    /// Such an answer.
    #[cold]
    pub fn record(&mut self, split: &Split) {
        self.total.record(split.total_ns());
        self.response.record(split.response_ns);
        self.wait.record(split.wait_ns);
        self.lag.record(split.lag_ns);
        self.division.record(split);
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: &Early) {
        self.total.merge(&other.total);
        self.response.merge(&other.response);
        self.wait.merge(&other.wait);
        self.lag.merge(&other.lag);
        self.division.merge(other.division.clone());
    }
}
