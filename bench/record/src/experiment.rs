//! The experiments that leave records, and the constants on which measurement and report must agree.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Experiment {
    /// Contestants side by side: capacity, latency at a common rate, connections a second.
    Compare,
    /// One contestant's latency over its offered rate, past the critical point and back.
    Curve,
    /// Capacity over the number of server cores.
    Scale,
    /// The cost of connections, from ten to ten thousand.
    Connections,
    /// Instructions per request and per connection in an emulated machine.
    Count,
    /// What a handler that fails costs everybody else.
    Isolation,
    /// What overload controls serve in time past what an architecture can do.
    Overload,
    /// Two contestants in turn, in short bursts.
    Duel,
    /// Contestants side by side under several workloads.
    Workloads,
    /// Requests that wait: whom they stop, what they take, and how soon they are let go.
    Waiting,
}

impl Experiment {
    /// Its word in records.
    pub fn word(self) -> &'static str {
        match self {
            Experiment::Compare => "compare",
            Experiment::Curve => "curve",
            Experiment::Scale => "scale",
            Experiment::Connections => "connections",
            Experiment::Count => "count",
            Experiment::Isolation => "isolation",
            Experiment::Overload => "overload",
            Experiment::Duel => "duel",
            Experiment::Waiting => "waiting",
            Experiment::Workloads => "workloads",
        }
    }

    /// The command that runs it.
    pub fn command(self) -> &'static str {
        match self {
            Experiment::Workloads => Experiment::Compare.word(),
            other => other.word(),
        }
    }
}

impl fmt::Display for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Shares of the critical point at which a curve is measured.
pub const CURVE_SHARES: [f64; 10] = [0.05, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0];
/// Shares of the critical point of the sweep, in order.
pub const SWEEP_SHARES: [f64; 11] = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 1.5, 1.0, 0.75, 0.5, 0.25];
/// Shares of the critical point of the spike, and of the time before and after it.
pub const SPIKE_SHARES: [f64; 10] = [0.5, 0.5, 2.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
/// Multiples of its peak at which a server is asked under each control; half of it shows what a control costs.
pub const OVERLOAD_TIMES: [f64; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];
/// Multiples of the peak of a spike under overload control, and of the time before and after it.
pub const OVERLOAD_SPIKE: [f64; 10] = [0.5, 0.5, 4.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5];
