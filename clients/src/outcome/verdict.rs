//! What a run's own checks found: the verdict, the doubts behind it, and the figures that the checks went by.
//!
//! Part of the versioned result (see [`crate::outcome`]); the checks themselves are in `audit.rs`.

use dyno_units::verdict::Verdict;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the run's own checks found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Audit {
    /// The verdict on what the run was for: of a closed loop without a pause that is its rate, of every other
    /// run the graver of both.
    pub verdict: Verdict,
    /// The verdict on the rate.
    #[serde(default)]
    pub rate: Verdict,
    /// The verdict on the latencies.
    #[serde(default)]
    pub latency: Verdict,
    /// Every doubt, gravest first; empty for a sound run.
    pub findings: Vec<Finding>,
    /// The figures that the checks went by.
    pub figures: Figures,
}

/// One doubt about the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The graver of the two that follow.
    pub grade: Verdict,
    /// What it makes of the rate.
    #[serde(default)]
    pub rate: Verdict,
    /// What it makes of the latencies.
    #[serde(default)]
    pub latency: Verdict,
    /// What it is, with its figures.
    #[serde(flatten)]
    pub doubt: Doubt,
    /// The same in words, one line.
    pub message: String,
    /// What to do about it, one line.
    pub remedy: String,
}

/// What can be doubtful about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "doubt", rename_all = "kebab-case")]
pub enum Doubt {
    /// The generator sent its requests, or read the answers, too late.
    GeneratorLate {
        /// Median lag, ns.
        lag_p50_ns: u64,
        /// 99th percentile of the lag, ns.
        lag_p99_ns: u64,
        /// Median total latency, ns.
        total_p50_ns: u64,
        /// 99th percentile of the total latency, ns.
        #[serde(default)]
        total_p99_ns: u64,
        /// Median of lag and late reading together, ns.
        #[serde(default)]
        own_p50_ns: u64,
        /// 99th percentile of the same, ns.
        #[serde(default)]
        own_p99_ns: u64,
    },
    /// The generator stood still, and the loop with it: nothing was asked of the server meanwhile.
    GeneratorPaused {
        /// Share of the requests' time that was lost so.
        lost_share: f64,
        /// The longest pause, ns.
        longest_ns: u64,
    },
    /// The generator's own lateness makes percentiles what they are.
    PercentilesLate {
        /// The lowest of them, as a share.
        quantile: f64,
        /// Its value, ns.
        total_ns: u64,
        /// The same percentile without the generator's part, ns.
        rest_ns: u64,
    },
    /// The generator had no time left: its speed was measured, not the server's.
    GeneratorSaturated {
        /// Share of the time in which its busiest thread had work.
        busy_share: f64,
    },
    /// Fewer requests were sent than planned.
    OfferedRateMissed {
        /// Planned, per second.
        offered_per_s: f64,
        /// Sent, per second.
        sent_per_s: f64,
    },
    /// The server answered more slowly than requests came: latencies grow with the length of the run.
    ServerOverloaded {
        /// Planned, per second.
        offered_per_s: f64,
        /// Answered, per second.
        achieved_per_s: f64,
    },
    /// More requests waited for a connection than the bound allows, and the run was ended.
    BacklogOverflow {
        /// The bound.
        backlog: u64,
        /// When it was passed, ns from the start.
        at_ns: u64,
    },
    /// Fewer connections were open than planned.
    ConnectionsMissing {
        /// Planned.
        planned: u64,
        /// Most open at one time.
        open_max: u64,
    },
    /// Many more connections were opened than planned, though each was to last.
    ConnectionsReopened {
        /// Planned.
        planned: u64,
        /// Opened, all in all.
        opened: u64,
    },
    /// Nothing at all was answered for a while although requests waited: the whole server stood still.
    ServerStalled {
        /// How often.
        count: u64,
        /// The longest time, ns.
        longest_ns: u64,
    },
    /// Little's law does not hold: the books are wrong, or the run was far from steady.
    LittlesLawBroken {
        /// Mean number in the system, measured.
        in_system: f64,
        /// Rate times mean total latency.
        predicted: f64,
    },
    /// The intended or the actual send times do not follow the planned process.
    ArrivalsOff {
        /// Which of the two: `intended` or `sent`.
        which: String,
        /// The planned process.
        process: String,
        /// Value of the test statistic.
        statistic: f64,
        /// What it may be at most.
        limit: f64,
    },
    /// The first and the second half of the window differ, or of one step of it.
    Unsteady {
        /// Mean total latency of the first half, ns.
        first_half_mean_ns: f64,
        /// Mean total latency of the second half, ns.
        second_half_mean_ns: f64,
        /// Which step it is, from 1 on; absent when the window is all one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        step: Option<u64>,
    },
    /// More requests failed than the limit allows.
    ErrorsOverLimit {
        /// Failed share.
        share: f64,
        /// Allowed share.
        limit: f64,
    },
    /// Some requests failed; they are in no percentile.
    Errors {
        /// Failed share.
        share: f64,
        /// How many.
        failed: u64,
    },
    /// No request was answered.
    NothingMeasured {},
    /// The run was interrupted: what was measured is a part of what was planned.
    CutShort {
        /// Verified answers until then.
        answered: u64,
        /// Length of the window until then, ns.
        window_ns: u64,
    },
    /// Not even the median has answers enough beyond it.
    FewAnswers {
        /// Verified answers.
        answered: u64,
    },
    /// The highest percentile rests on few independent samples.
    FewIndependentSamples {
        /// The percentile, as a share.
        quantile: f64,
        /// Samples beyond it, discounted for dependence.
        effective_beyond: f64,
    },
    /// Clients gave up before a connection was free, so the server never saw their requests.
    KeptFromServer {
        /// Their share of all requests.
        share: f64,
    },
    /// Parts of a load that several hosts have made are doubtful by themselves.
    PartsDoubtful {
        /// Their numbers; at most the first eight.
        numbers: Vec<u32>,
        /// The hosts that have run them, in that order.
        hosts: Vec<String>,
        /// How many there are.
        count: u32,
        /// What the parts' own audits have found, as `doubt` calls it.
        kind: String,
        /// The same of the gravest of them, in words.
        found: String,
    },
    /// Parts of a load that several hosts have made are not there.
    PartsMissing {
        /// Their numbers.
        numbers: Vec<u32>,
        /// How many parts the load has.
        of: u32,
    },
    /// Parts of a load did not start at the same time.
    PartsApart {
        /// From the first start to the last, ns, as far as that is known.
        apart_ns: u64,
        /// Length of the measured window, ns.
        window_ns: u64,
    },
    /// Another process took the core while the generator had work.
    CoreShared {
        /// Involuntary context switches per second.
        switches_per_s: f64,
        /// Share of the time for which the busiest thread could have run and had no core.
        #[serde(default)]
        delayed_share: f64,
    },
}

/// The figures that the audit went by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// Median lag, ns.
    pub lag_p50_ns: u64,
    /// 99th percentile of the lag, ns.
    pub lag_p99_ns: u64,
    /// Median of what is the generator's own in a latency (lag and late reading together), ns.
    #[serde(default)]
    pub own_p50_ns: u64,
    /// 99th percentile of the same, ns.
    #[serde(default)]
    pub own_p99_ns: u64,
    /// Median of the rest of the latency, ns: what the generator's own part is judged against.
    #[serde(default)]
    pub rest_p50_ns: u64,
    /// 99th percentile of the same, ns.
    #[serde(default)]
    pub rest_p99_ns: u64,
    /// Share of the requests' time, pauses of the plan included, that was the generator's own.
    #[serde(default)]
    pub own_share: f64,
    /// Mean number of requests in the system (waiting or sent), measured over time.
    pub in_system_mean: f64,
    /// The same as rate times mean total latency: the time that each request spent in the system within the window,
    /// added up, over the window. A request that straddles an edge is cut there.
    pub in_system_predicted: f64,
    /// The arrival-process tests; empty in a closed loop.
    pub arrivals: Vec<ArrivalTest>,
    /// Mean total latency of the first half of the window, ns.
    pub first_half_mean_ns: f64,
    /// Mean total latency of the second half, ns.
    pub second_half_mean_ns: f64,
    /// By how much the dependence of neighbours shrinks the sample: effective samples = samples / this; at least 1.
    pub dependence: f64,
}

/// The test of one series of times against the planned process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArrivalTest {
    /// `intended` or `sent`.
    pub which: String,
    /// `constant` or `poisson`.
    pub process: String,
    /// `coefficient-of-variation` or `anderson-darling`.
    pub test: String,
    /// Gaps between neighbours that were tested.
    pub gaps: u64,
    /// Value of the statistic.
    pub statistic: f64,
    /// What it may be at most.
    pub limit: f64,
    /// Whether it is.
    pub passed: bool,
}
