//! What the generator measured.

use std::collections::BTreeMap;

use dyno_units::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// How a request failed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// No connection could be made.
    Connect,
    /// The transport's handshake or its records failed.
    Transport,
    /// The connection was reset, or writing to it failed.
    Reset,
    /// No complete answer came within the time limit.
    Timeout,
    /// The server closed the connection before the answer was complete.
    Short,
    /// What came was not HTTP/1.1, or more than one answer to one request.
    Protocol,
    /// The status was not the expected one.
    Status,
    /// The body was not the expected one.
    Body,
    /// The request was not answered before the time for draining after the run had passed.
    Unfinished,
    /// Its client gave it up.
    Abandoned,
    /// The server refused it with a 503, as clients expect of one that is overloaded.
    Refused,
}

impl FailureKind {
    /// Its word in records and reports.
    pub fn word(self) -> &'static str {
        match self {
            FailureKind::Connect => "connect",
            FailureKind::Transport => "transport",
            FailureKind::Reset => "reset",
            FailureKind::Timeout => "timeout",
            FailureKind::Short => "short",
            FailureKind::Protocol => "protocol",
            FailureKind::Status => "status",
            FailureKind::Body => "body",
            FailureKind::Unfinished => "unfinished",
            FailureKind::Abandoned => "abandoned",
            FailureKind::Refused => "refused",
        }
    }

    /// Whether that is what comes of an overloaded server and its clients, and no accident.
    pub fn is_let_go(self) -> bool {
        matches!(self, FailureKind::Abandoned | FailureKind::Refused)
    }

    /// Whether an answer came and was wrong: then the server did other work than the request asked for.
    pub fn is_wrong_answer(self) -> bool {
        matches!(self, FailureKind::Body | FailureKind::Status | FailureKind::Protocol)
    }
}

impl std::fmt::Display for FailureKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

/// What a generator that was late or stood still made of a cell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Lateness {
    /// What it makes of the rate.
    pub rate: Verdict,
    /// What it makes of the latencies.
    pub latency: Verdict,
    /// The longest stretch for which it stood still although it had something to do, ns.
    pub paused_longest_ns: u64,
    /// What was found, in words.
    pub words: String,
}

/// What came of requests whose clients give up or are refused.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ImpatientFigures {
    /// Right answers within the patience of their clients, per second.
    pub good_per_s: f64,
    /// Requests that were given up.
    pub abandoned: u64,
    /// Those of them that were never sent.
    pub abandoned_unsent: u64,
    /// Requests that were refused with a 503.
    pub refused: u64,
    /// Requests that were second or later attempts.
    pub retried: u64,
}

/// What the generator measured, as far as reports and audit need it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LoadFigures {
    /// Length of the measured window.
    pub seconds: f64,
    /// Requests that were answered correctly.
    pub answered: u64,
    /// Failures by kind; a kind that did not occur is absent.
    pub errors: BTreeMap<FailureKind, u64>,
    /// Planned rate of an open loop.
    pub offered_per_s: Option<f64>,
    /// Requests sent per second.
    pub sent_per_s: f64,
    /// Right answers per second.
    pub rate_per_s: f64,
    /// Body bytes received per second.
    pub bytes_per_s: f64,
    /// From the intended send to the last byte: the main result.
    pub total: Latency,
    /// All values of `total` as a histogram in the format HDR V2, compressed, in base64: merged over blocks, they
    /// reach percentiles for which one cell has too few. Present where a rate was asked for; older records have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_hdr_v2_base64: Option<String>,
    /// From the actual send to the last byte: what a naive tool reports.
    pub response: Latency,
    /// Part of the total during which no connection was free.
    pub wait: Latency,
    /// From the intended to the actual send, in open loop: the lateness of the generator itself.
    pub lag: Latency,
    /// Time to establish a connection.
    pub connect: Latency,
    /// Octets of a handshake of the secure transport on the wire, both ways, in the mean; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handshake_octets: Option<f64>,
    /// Share of the connections that have resumed a session of the secure transport; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed_share: Option<f64>,
    /// Most connections open at once.
    pub connections_open: u32,
    /// Idle connections that the server had not closed at the end; absent where there were none.
    #[serde(default)]
    pub idle_open: Option<u32>,
    /// Mean number of requests in flight, counted by the generator itself.
    pub in_flight: Option<f64>,
    /// The same number by Little's law: rate times mean total time.
    pub in_flight_by_law: Option<f64>,
    /// Share of the window in which the generator's busiest thread was busy.
    pub generator_busy_share: Option<f64>,
    /// CPU of the generator in cores, 1.0 being one core all the time.
    pub generator_cores_used: Option<f64>,
    /// How often per second the generator went to sleep because no answer was there; whichever process sends the next
    /// answer then has to wake it.
    #[serde(default)]
    pub generator_sleeps_per_s: Option<f64>,
    /// The generator's own lateness, where its own audit found it too large.
    #[serde(default)]
    pub lateness: Option<Lateness>,
    /// What came of impatient clients; absent where they were patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impatient: Option<ImpatientFigures>,
    /// Objections of the generator against its own run; empty when there are none.
    pub objections: Vec<String>,
    /// Figures by interval, for time series.
    pub series: Vec<Point>,
}

impl LoadFigures {
    /// The rate in each interval of the series.
    pub fn rates(&self) -> Vec<f64> {
        self.series.iter().map(|point| point.rate_per_s).collect()
    }

    /// Whether each interval of the series overlaps one of `looks_ms`, which are (from, until) in milliseconds from
    /// the start of the measured window.
    pub fn watched(&self, looks_ms: &[(f64, f64)]) -> Vec<bool> {
        // All intervals have one length; where there is one alone it began with the window.
        let length_ms = match self.series.as_slice() {
            [first, second, ..] => second.at_ms.saturating_sub(first.at_ms),
            [only] => only.at_ms,
            [] => 0,
        };
        let overlaps = |point: &Point| {
            let (from_ms, until_ms) = (point.at_ms.saturating_sub(length_ms) as f64, point.at_ms as f64);
            looks_ms.iter().any(|(from, until)| *from < until_ms && *until >= from_ms)
        };
        self.series.iter().map(overlaps).collect()
    }

    /// Failed requests as a share of all.
    pub fn error_share(&self) -> f64 {
        let failed: u64 = self.errors.values().sum();
        let all = failed + self.answered;
        if all == 0 { 1.0 } else { failed as f64 / all as f64 }
    }
}

/// A distribution of times.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Latency {
    /// Number of observations.
    pub count: u64,
    /// Arithmetic mean.
    pub mean_ns: f64,
    /// Smallest value; absent in older records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_ns: Option<u64>,
    /// Largest value.
    pub max_ns: u64,
    /// `(percentile, nanoseconds)`, rising; a percentile without enough observations is absent.
    pub percentiles: Vec<(f64, u64)>,
}

impl Latency {
    /// A percentile that was recorded, in nanoseconds.
    pub fn at_ns(&self, percentile: f64) -> Option<u64> {
        self.percentiles.iter().find(|(known, _)| (known - percentile).abs() < 1e-9).map(|(_, value)| *value)
    }
}

/// One interval of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Point {
    /// End of the interval, in milliseconds from the start of the measured window.
    pub at_ms: u64,
    /// Answers a second in it.
    pub rate_per_s: f64,
    /// Failures in it.
    pub errors: u64,
    /// 99th percentile in it; absent when nothing was answered.
    pub p99_ns: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_watched_when_something_was_read_in_it() {
        let point = |at_ms| Point { at_ms, rate_per_s: at_ms as f64, errors: 0, p99_ns: None };
        let of = |ends: &[u64], looks: &[(f64, f64)]| {
            LoadFigures { series: ends.iter().copied().map(point).collect(), ..LoadFigures::default() }
                .watched(looks)
        };
        assert_eq!(of(&[10, 20, 30, 40], &[(10.1, 10.2), (39.0, 40.0)]), [false, true, false, true]);
        assert_eq!(of(&[10, 20, 30, 40], &[(5.0, 25.0)]), [true, true, true, false]);
        assert_eq!(of(&[20, 40], &[(10.1, 10.2)]), [true, false]);
        assert_eq!(of(&[40], &[(10.1, 10.2)]), [true]);
        assert_eq!(of(&[], &[(10.1, 10.2)]), [false; 0]);
        assert_eq!(of(&[10, 20], &[]), [false, false]);
    }
}
