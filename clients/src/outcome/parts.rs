//! The parts of a load that several hosts have made together, as the merged result tells of them.

use dyno_units::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartTold {
    /// Its number, from 1 on.
    pub number: u32,
    /// The name of the host that has run it.
    pub host: String,
    /// The identifier of that host's boot: parts with the same have the same clock.
    pub boot: String,
    /// What its own audit makes of the rate.
    pub rate: Verdict,
    /// What its own audit makes of the latencies.
    pub latency: Verdict,
    /// Verified answers to requests that were due in the window.
    pub completed: u64,
    /// Failed requests.
    pub failed: u64,
    /// Verified answers that came in the window, per second.
    pub achieved_per_s: f64,
    /// 99th percentile of the generator's own part of the latencies, ns.
    pub own_p99_ns: u64,
    /// What is known of its clock.
    pub clock: ClockTold,
}

/// From the first start of these parts to the last, ns: what is certain of it, and what is possible. `None` where the
/// clock of some host is not known beside those of the others.
pub fn starts_apart_ns<'a>(parts: impl Iterator<Item = &'a PartTold> + Clone) -> Option<(u64, u64)> {
    let boot = &parts.clone().next()?.boot;
    if !boot.is_empty() && parts.clone().all(|part| part.boot == *boot) {
        return Some((0, 0));
    }
    let offsets: Vec<Offset> = parts.map(|part| part.clock.server_ahead).collect::<Option<_>>()?;
    let least = || offsets.iter().map(|offset| offset.least_ns);
    let most = || offsets.iter().map(|offset| offset.most_ns);
    let span = |low: Option<i64>, high: Option<i64>| {
        u64::try_from(high.unwrap_or(0).saturating_sub(low.unwrap_or(0))).unwrap_or(0)
    };
    Some((span(most().min(), least().max()), span(least().min(), most().max())))
}

/// What is known of the clock of a host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockTold {
    /// By how much the server's clock is ahead of it, ns, by the dates that the server has told; absent where it told
    /// none, or none that go together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_ahead: Option<Offset>,
    /// Whether the kernel says that the clock is kept by another; absent where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_synchronized: Option<bool>,
    /// By how much it may be wrong, ns, as the kernel says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_max_ns: Option<u64>,
    /// By how much it was moved against the monotonic clock from before the start to the end of the run, ns.
    #[serde(default)]
    pub moved_ns: i64,
}

/// A difference between two clocks, known within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Offset {
    /// It is at least this, ns.
    pub least_ns: i64,
    /// And at most this, ns.
    pub most_ns: i64,
}

impl Offset {
    /// The middle of what it may be, ns.
    pub fn middle_ns(self) -> i64 {
        self.least_ns + (self.most_ns - self.least_ns) / 2
    }

    /// How far from the middle it may be, ns.
    pub fn error_ns(self) -> u64 {
        self.most_ns.abs_diff(self.least_ns) / 2
    }
}
