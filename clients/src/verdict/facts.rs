//! What the checks of a run go by.

use crate::books::absence::Absence;
use crate::outcome::verdict::Figures;
use crate::outcome::{Connections, Partial, Rates};

/// Everything that the checks go by.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What was asked for.
    pub plan: PlanFacts,
    /// Length of the window, ns.
    pub window_ns: u64,
    /// Why the run ended early, and when.
    pub partial: Option<(Partial, u64)>,
    /// What was offered, sent and achieved.
    pub rates: Rates,
    /// What came of the requests.
    pub answers: AnswerFacts,
    /// How long the answers took.
    pub latency: LatencyFacts,
    /// Connections, as planned and as found.
    pub connections: Connections,
    /// What the generator had left.
    pub generator: GeneratorFacts,
    /// Figures that are published as they are.
    pub figures: Figures,
}

/// What was asked for.
#[derive(Debug, Clone, Default)]
pub struct PlanFacts {
    /// Whether the schedule, and not the server, decided when requests start.
    pub open_loop: bool,
    /// Whether the planned rate is one value for the whole run, or the loop is closed.
    pub steady: bool,
    /// Whether the run is there to find a rate: the loop is closed, and without a pause.
    pub finds_rate: bool,
    /// Whether requests open their own connections.
    pub connects_on_demand: bool,
    /// Whether clients give up or try again: then refused and given up requests are outcomes, and no failures.
    pub impatient: bool,
    /// The bound of the backlog.
    pub backlog: u64,
    /// Share of failures from which on the run is void.
    pub errors_max: f64,
}

/// What came of the requests that were due in the window.
#[derive(Debug, Clone, Default)]
pub struct AnswerFacts {
    /// Verified answers.
    pub completed: u64,
    /// Failed requests.
    pub failed: u64,
    /// Those of them that were never answered, or not even sent, until the run was over.
    pub unfinished: u64,
    /// Failed requests that were refused, or given up by impatient clients.
    pub let_go: u64,
    /// Those of them that were given up before they were sent.
    pub unsent: u64,
    /// Share of the answered requests that waited for a connection.
    pub waited_share: f64,
    /// Whether no request of the window was answered, and those are counted that were due before it.
    pub early_only: bool,
    /// How long each stretch was in which nothing was answered although a request waited, ns.
    pub stalls_ns: Vec<u64>,
    /// What to do about the failures, where that is known.
    pub remedy: Option<&'static str>,
}

/// The total latency.
#[derive(Debug, Clone, Default)]
pub struct LatencyFacts {
    /// Median, ns.
    pub p50_ns: u64,
    /// 99th percentile, ns.
    pub p99_ns: u64,
    /// Exact mean, ns.
    pub mean_ns: f64,
    /// Standard error of the difference between the two halves' means, ns.
    pub halves_error_ns: f64,
    /// The percentiles told, each with its effective samples beyond.
    pub percentiles: Vec<(f64, f64)>,
    /// The lowest percentile that the generator's own lateness has made much larger: its share, its value and
    /// what it is without that, ns.
    pub made_late: Option<(f64, u64, u64)>,
    /// The steps whose rate is level.
    pub steps: Vec<StepFacts>,
}

/// A step of the rate.
#[derive(Debug, Clone, Default)]
pub struct StepFacts {
    /// Its number among all steps, from 1 on.
    pub number: u64,
    /// Planned rate, per second.
    pub offered_per_s: f64,
    /// Verified answers to its requests, per second.
    pub answered_per_s: f64,
    /// Mean total latency of its halves, ns.
    pub halves_mean_ns: [f64; 2],
    /// Standard error of their difference, ns.
    pub halves_error_ns: f64,
}

/// What the generator had left of its machine.
#[derive(Debug, Clone, Default)]
pub struct GeneratorFacts {
    /// Share of the window in which the busiest thread had work.
    pub busy_share: f64,
    /// Involuntary context switches, per second.
    pub preempted_per_s: f64,
    /// Share of the window for which the most delayed thread could have run and had no core.
    pub delayed_share: f64,
    /// Length of the run, warm-up and draining included, ns.
    pub run_ns: u64,
    /// How long it stood still in it.
    pub absence: Absence,
    /// What the pauses took from each connection, ns.
    pub lost_ns: u64,
    /// Periods in which the process ran out of its CPU quota.
    pub throttled_periods: u64,
}

impl LatencyFacts {
    /// Whether this percentile has the samples to be told, and so to be judged.
    pub(super) fn is_told(&self, quantile: f64) -> bool {
        self.percentiles.iter().any(|&(told, _)| told == quantile)
    }
}

impl Facts {
    /// Whether the user ended the run, or a condition that the user gave.
    pub(super) fn is_interrupted(&self) -> bool {
        matches!(self.partial, Some((Partial::Interrupted | Partial::Condition, _)))
    }
}
