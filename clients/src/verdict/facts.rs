//! What the checks of a run go by.

use crate::outcome::Partial;
use crate::outcome::verdict::Figures;

/// Everything that the checks go by.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Whether the schedule, and not the server, decided when requests start.
    pub open_loop: bool,
    /// Whether the planned rate is one value for the whole run, or the loop is closed.
    pub steady_plan: bool,
    /// Whether requests open their own connections.
    pub connects_on_demand: bool,
    /// Planned starts, per second.
    pub offered_per_s: f64,
    /// Sent, per second.
    pub sent_per_s: f64,
    /// Verified answers inside the window, per second.
    pub achieved_per_s: f64,
    /// Length of the window, ns.
    pub window_ns: u64,
    /// Verified answers to requests that were due in the window.
    pub completed: u64,
    /// Failed ones.
    pub failed: u64,
    /// Share of failures from which on the run is void.
    pub errors_max: f64,
    /// Total latency: median, ns.
    pub total_p50_ns: u64,
    /// Total latency: 99th percentile, ns.
    pub total_p99_ns: u64,
    /// Total latency: exact mean, ns.
    pub total_mean_ns: f64,
    /// Share of the answered requests that waited for a connection.
    pub waited_share: f64,
    /// Share of the window in which the busiest thread had work.
    pub busy_share: f64,
    /// Involuntary context switches of the generator, per second.
    pub preempted_per_s: f64,
    /// Why the run ended early, and when.
    pub partial: Option<(Partial, u64)>,
    /// What to do about the errors, where that is known.
    pub remedy: Option<&'static str>,
    /// The bound of the backlog.
    pub backlog: u64,
    /// Connections planned, and most open at one time.
    pub connections: (u64, u64),
    /// Standard error of the difference between the two halves' means, ns.
    pub halves_error_ns: f64,
    /// The percentiles told, each with its effective samples beyond.
    pub percentiles: Vec<(f64, f64)>,
    /// Figures that are published as they are.
    pub figures: Figures,
}

impl Facts {
    /// Whether the user ended the run.
    pub(super) fn is_interrupted(&self) -> bool {
        matches!(self.partial, Some((Partial::Interrupted, _)))
    }
}
