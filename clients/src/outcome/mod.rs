//! What a run of the load generator gives back: versioned types that go to JSON and come back unchanged.
//!
//! Times are integer nanoseconds, rates are per second, shares lie between 0 and 1. Within one schema version
//! fields are only added; readers ignore fields that they do not know.
//!
//! ```text
//!   intended          connection free          sent              arrived           read
//!      |------- wait ------->|------- lag ------>|---- response ---->|---- reading ---->|
//!      |------------------------------------- total ----------------------------------->|
//! ```
//!
//! `wait + lag + response + reading = total` holds for each request, exactly. *Total* runs from the moment at
//! which the plan wanted the request to start: it is the headline. *Response* runs from the moment of sending:
//! it is what a naive generator reports. *Wait* is the time for which no connection was free. *Lag* is the
//! generator's own lateness, and
//! *reading* is too: for how long the answer was left unread because the generator stood still (stopped,
//! preempted, out of its quota). It counts from a millisecond on; what a wake-up takes is part of the response.
//! Of the wait, what passed in such a pause is lag, for nobody knows whether a connection was free meanwhile.

pub mod impatience;
pub mod parts;
pub mod verdict;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::impatience::Impatient;
use crate::outcome::parts::PartTold;
use crate::outcome::verdict::Audit;
use crate::plan::as_run::PlanAsRun;

/// Version of the types in this file, as written to [`Outcome::schema_version`].
pub const SCHEMA_VERSION: u32 = 1;

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// [`SCHEMA_VERSION`] of the program that wrote this.
    pub schema_version: u32,
    /// Name and version of that program, such as `dyno 0.1.0`.
    pub program: String,
    /// When the first request was due, in milliseconds since 1970-01-01 UTC.
    pub started_unix_ms: u64,
    /// The plan as it was run, with every default filled in.
    pub plan: PlanAsRun,
    /// Why the run ended before its plan was done; absent when it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partial: Option<Partial>,
    /// Length of the measured window, without warm-up and without the draining at the end, in nanoseconds.
    pub window_ns: u64,
    /// Counts over the measured window.
    pub counts: Counts,
    /// Rates over the measured window.
    pub rates: Rates,
    /// The four parts of each latency, and the time to connect.
    pub latency: Latency,
    /// Failed requests by kind; kinds that did not occur are left out.
    pub errors: Vec<ErrorCount>,
    /// The run over time, warm-up included.
    pub series: Series,
    /// The steps of a rate that changes in steps, or the tenths of a ramp; empty when there is one rate.
    #[serde(default)]
    pub steps: Vec<RateStep>,
    /// What came of impatient clients; absent: they were patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impatient: Option<Impatient>,
    /// What the generator itself needed.
    pub generator: Generator,
    /// Connections, as planned and as found.
    pub connections: Connections,
    /// What the run's own checks found.
    pub audit: Audit,
    /// Each threshold that was asked for, and how it came out.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
    /// The parts that were merged, where several hosts have made the load together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartTold>,
}

/// Why a run ended before its plan was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partial {
    /// The user interrupted it.
    Interrupted,
    /// More requests waited for a connection than [`PlanAsRun::backlog`] allows.
    Backlog,
    /// A condition came true under which the user wanted it ended.
    Condition,
}

/// Counts of requests that were due inside the measured window, unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// Requests that the plan wanted to start.
    pub intended: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Answers that came complete and passed every check: exactly those that the histograms hold.
    pub completed: u64,
    /// Requests that failed, of whatever kind.
    pub failed: u64,
    /// Verified answers that came inside the window, whenever their request was due; basis of the achieved rate.
    pub completed_in_window: u64,
    /// Octets of answers received, head and body, inside the window.
    pub received_octets: u64,
    /// Octets of requests sent inside the window.
    pub sent_octets: u64,
    /// Requests that had to wait for a connection.
    pub waited: u64,
    /// Most requests that waited for a connection at one time, warm-up included.
    pub backlog_max: u64,
}

/// Rates over the measured window, per second.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rates {
    /// Requests that the plan wanted to start; in a closed loop the same as sent.
    pub offered_per_s: f64,
    /// Requests sent.
    pub sent_per_s: f64,
    /// Verified answers that came inside the window.
    pub achieved_per_s: f64,
    /// Octets received.
    pub received_octets_per_s: f64,
}

/// The parts of the latency; see the module's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// From the intended start to the end of the answer: the headline.
    pub total: Distribution,
    /// From the sending until the answer was there: what a naive generator reports.
    pub response: Distribution,
    /// Waiting for a free connection.
    pub wait: Distribution,
    /// The generator's own lateness.
    pub lag: Distribution,
    /// Its own lateness, too: for how long answers were left unread.
    #[serde(default)]
    pub reading: Distribution,
    /// Time to establish a connection (TCP, and the handshake of the transport), warm-up and opening included.
    pub connect: Distribution,
}

/// A distribution of durations.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// Number of values.
    pub count: u64,
    /// Smallest, ns.
    pub min_ns: u64,
    /// Largest, ns.
    pub max_ns: u64,
    /// Mean, ns; exact, not taken from the histogram's buckets.
    pub mean_ns: f64,
    /// Standard deviation, ns; from the histogram's buckets (three significant digits).
    pub stdev_ns: f64,
    /// The percentiles for which there are samples enough, in rising order.
    pub percentiles: Vec<Percentile>,
    /// The whole histogram: HDR V2, compressed, in base64, as every HDR tool reads it; empty when `count` is 0.
    pub hdr_v2_base64: String,
}

/// One percentile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentile {
    /// The quantile as a share: 0.99 is the 99th percentile.
    pub quantile: f64,
    /// Its value, ns.
    pub value_ns: u64,
    /// Samples beyond it.
    pub samples_beyond: u64,
    /// The same, discounted for how strongly neighbouring samples depend on each other.
    pub effective_beyond: f64,
}

impl Distribution {
    /// The value at `quantile`, if the run had samples enough to claim it.
    pub fn percentile_ns(&self, quantile: f64) -> Option<u64> {
        let found = self.percentiles.iter().find(|p| (p.quantile - quantile).abs() < 1e-9);
        found.map(|p| p.value_ns)
    }
}

/// Failed requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorCount {
    /// What went wrong.
    pub kind: ErrorKind,
    /// How often, among the requests that were due inside the window.
    pub count: u64,
    /// The first of them in words.
    pub example: String,
}

/// What can go wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// No connection could be made.
    Connect,
    /// The transport's handshake or its records failed.
    Transport,
    /// The connection was reset, or writing to it failed.
    Reset,
    /// No complete answer within the timeout.
    Timeout,
    /// The server closed the connection before the answer was complete.
    Short,
    /// What came was not HTTP/1.1, or more than one answer to one request.
    Protocol,
    /// The status was not the expected one.
    Status,
    /// The body was not the expected one.
    Body,
    /// Not answered when the time for draining after the run was over.
    Unfinished,
    /// Its client gave it up.
    Abandoned,
    /// The server refused it with a 503, and clients were to expect that.
    Refused,
}

impl ErrorKind {
    /// Every kind, in the order of [`ErrorKind::index`].
    pub const ALL: [ErrorKind; 11] = [
        ErrorKind::Connect,
        ErrorKind::Transport,
        ErrorKind::Reset,
        ErrorKind::Timeout,
        ErrorKind::Short,
        ErrorKind::Protocol,
        ErrorKind::Status,
        ErrorKind::Body,
        ErrorKind::Unfinished,
        ErrorKind::Abandoned,
        ErrorKind::Refused,
    ];

    /// Place in [`ErrorKind::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The kind as it stands in JSON and on the terminal.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Connect => "connect",
            ErrorKind::Transport => "transport",
            ErrorKind::Reset => "reset",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Short => "short",
            ErrorKind::Protocol => "protocol",
            ErrorKind::Status => "status",
            ErrorKind::Body => "body",
            ErrorKind::Unfinished => "unfinished",
            ErrorKind::Abandoned => "abandoned",
            ErrorKind::Refused => "refused",
        }
    }
}

/// The run over time: intervals of equal length from the first intended request on, warm-up included.
///
/// The number of intervals is bounded: when it would pass the bound, neighbours are merged in pairs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Length of an interval, ns.
    pub interval_ns: u64,
    /// The intervals; the last may be cut short by the end of the run.
    pub intervals: Vec<SeriesInterval>,
}

/// One interval. Requests are counted by when they were sent, answers and failures by when they came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesInterval {
    /// Its start, ns from the start of the run.
    pub start_ns: u64,
    /// Requests sent in it.
    pub sent: u64,
    /// Verified answers that came in it.
    pub completed: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Median total latency of those answers, ns, to two significant digits; 0 when none came.
    pub p50_ns: u64,
    /// 99th percentile of it, ns.
    pub p99_ns: u64,
    /// Largest, ns.
    pub max_ns: u64,
    /// Mean of it, ns; exact.
    pub mean_ns: f64,
}

/// A part of the run with a rate of its own: a step, or a tenth of a ramp. Requests count where they were due.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateStep {
    /// Its start, ns from the start of the run.
    pub start_ns: u64,
    /// Its length, ns.
    pub length_ns: u64,
    /// The planned rate at its start, per second.
    pub from_per_s: f64,
    /// The planned rate at its end, per second.
    pub to_per_s: f64,
    /// Verified answers to requests that were due in it, per second.
    pub answered_per_s: f64,
    /// Such answers.
    pub completed: u64,
    /// Failed requests that were due in it.
    pub failed: u64,
    /// Total latency of those answers.
    pub total: Distribution,
    /// Mean wait for a connection, ns.
    pub wait_mean_ns: f64,
}

/// What the generator itself needed over the measured window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// CPU time of its threads, user and system, ns, spinning included.
    pub cpu_ns: u64,
    /// The same for the user part.
    pub cpu_user_ns: u64,
    /// CPU time per completed request, ns; 0 when none completed.
    pub cpu_per_request_ns: f64,
    /// CPU time as a share of one core per thread, spinning included.
    pub cpu_share: f64,
    /// Share of the window in which the busiest thread had work, neither waiting nor spinning.
    pub busy_share: f64,
    /// Voluntary context switches.
    pub switches_voluntary: u64,
    /// Involuntary context switches.
    pub switches_involuntary: u64,
    /// Largest resident set of the whole process so far, in octets.
    pub resident_max_octets: u64,
    /// Share of the window for which its most delayed thread could have run and had no core.
    #[serde(default)]
    pub delayed_share: f64,
    /// For how long, over the whole run, the thread that did so longest stood still although it had something
    /// to do, ns.
    #[serde(default)]
    pub paused_ns: u64,
    /// The longest of these pauses of any thread, ns.
    #[serde(default)]
    pub paused_longest_ns: u64,
    /// What of the pauses such a thread did not spend waiting for a core, ns: it was stopped, or the machine was.
    #[serde(default)]
    pub stopped_ns: u64,
    /// Periods in which the process ran out of its CPU quota, over the whole run.
    #[serde(default)]
    pub throttled_periods: u64,
}

/// Connections over the whole run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connections {
    /// What the plan asked for.
    pub planned: u64,
    /// Most that were open at one time.
    pub open_max: u64,
    /// Open when the last request of the plan was due.
    pub open_at_end: u64,
    /// Successfully opened, all in all.
    pub opened: u64,
    /// Those of them that have resumed a session of the secure transport by a ticket, without signatures.
    #[serde(default)]
    pub resumed: u64,
    /// Octets of their handshakes of the secure transport, both ways, up to the moment at which requests may be sent.
    #[serde(default)]
    pub handshake_octets: u64,
    /// Attempts that failed.
    pub failed: u64,
}

impl Connections {
    /// Octets of a handshake of the secure transport in the mean; `None` without one.
    pub fn octets_per_handshake(&self) -> Option<f64> {
        (self.handshake_octets > 0 && self.opened > 0)
            .then(|| self.handshake_octets as f64 / self.opened as f64)
    }
}

/// What follows from a condition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionRole {
    /// The run fails where it holds.
    #[default]
    FailIf,
    /// The run fails where it does not hold.
    Require,
    /// The run is ended as soon as it holds, and fails.
    AbortOn,
}

/// One threshold, and how it came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// What follows from it.
    #[serde(default)]
    pub role: ConditionRole,
    /// As it was written.
    pub expression: String,
    /// The measured value, in ns, per second, or as a share, by the metric; absent when it was not measured.
    pub measured: Option<f64>,
    /// Whether the run fails because of it. A value that was not measured fails.
    pub failed: bool,
    /// Whether it is not known: the figure is void, or only a bound that does not decide. It is not `failed` then.
    #[serde(default)]
    pub undecided: bool,
}
