//! Converts the output of `dyno load` into what a record holds.

use std::time::Duration;

use dyno_clients::outcome::verdict::Doubt;
use dyno_clients::outcome::{Distribution, ErrorKind, Outcome, SCHEMA_VERSION};

use crate::rig::{Answers, CellFault, Drive};
use dyno_record::load::{FailureKind, ImpatientFigures, Latency, Lateness, LoadFigures, Point};

/// Reads the JSON of a run.
///
/// # Errors
/// When the text is no outcome, or has a schema that this program does not know.
pub fn read(json: &str) -> Result<Drive, CellFault> {
    let outcome: Outcome = serde_json::from_str(json)
        .map_err(|error| CellFault::generator(format!("the generator's result cannot be read: {error}")))?;
    if outcome.schema_version != SCHEMA_VERSION {
        return Err(CellFault::generator(format!(
            "the generator speaks schema {}, this program {SCHEMA_VERSION}",
            outcome.schema_version
        )));
    }
    Ok(drive(&outcome))
}

fn drive(outcome: &Outcome) -> Drive {
    let seconds = outcome.window_ns as f64 / 1e9;
    let open = matches!(outcome.plan.load, dyno_clients::plan::as_run::Load::Open { .. });
    let figures = LoadFigures {
        seconds,
        answered: outcome.counts.completed,
        errors: outcome.errors.iter().map(|error| (failure(error.kind), error.count)).collect(),
        offered_per_s: open.then_some(outcome.rates.offered_per_s),
        sent_per_s: outcome.rates.sent_per_s,
        rate_per_s: outcome.rates.achieved_per_s,
        bytes_per_s: outcome.rates.received_octets_per_s,
        total: latency(&outcome.latency.total),
        total_hdr_v2_base64: open
            .then(|| outcome.latency.total.hdr_v2_base64.clone())
            .filter(|text| !text.is_empty()),
        response: latency(&outcome.latency.response),
        wait: latency(&outcome.latency.wait),
        lag: latency(&outcome.latency.lag),
        connect: latency(&outcome.latency.connect),
        handshake_octets: outcome.connections.octets_per_handshake(),
        resumed_share: outcome
            .connections
            .octets_per_handshake()
            .map(|_| outcome.connections.resumed as f64 / outcome.connections.opened as f64),
        connections_open: u32::try_from(outcome.connections.open_max).unwrap_or(u32::MAX),
        idle_open: None,
        in_flight: Some(outcome.audit.figures.in_system_mean).filter(|mean| *mean > 0.0),
        in_flight_by_law: Some(outcome.audit.figures.in_system_predicted).filter(|mean| *mean > 0.0),
        generator_busy_share: Some(outcome.generator.busy_share),
        generator_cores_used: Some(outcome.generator.cpu_ns as f64 / outcome.window_ns.max(1) as f64),
        generator_sleeps_per_s: (seconds > 0.0)
            .then(|| outcome.generator.switches_voluntary as f64 / seconds),
        impatient: outcome.impatient.as_ref().map(|found| ImpatientFigures {
            good_per_s: found.good_per_s,
            abandoned: found.abandoned,
            abandoned_unsent: found.abandoned_unsent,
            refused: found.refused,
            retried: found.retried,
        }),
        lateness: lateness(outcome),
        objections: outcome
            .audit
            .findings
            .iter()
            .filter(|finding| !judged_here(&finding.doubt))
            .map(|finding| finding.message.clone())
            .collect(),
        series: series(outcome),
    };
    let answers = Answers {
        interval: Duration::from_nanos(outcome.series.interval_ns),
        counts: outcome.series.intervals.iter().map(|interval| interval.completed).collect(),
    };
    Drive { figures, answers, beats: Vec::new() }
}

/// What the generator's own audit says of its lateness.
fn lateness(outcome: &Outcome) -> Option<Lateness> {
    let is_late = |doubt: &Doubt| {
        matches!(
            doubt,
            Doubt::GeneratorLate { .. } | Doubt::GeneratorPaused { .. } | Doubt::PercentilesLate { .. }
        )
    };
    let late: Vec<_> = outcome.audit.findings.iter().filter(|finding| is_late(&finding.doubt)).collect();
    Some(Lateness {
        rate: late.iter().map(|finding| finding.rate).max()?,
        latency: late.iter().map(|finding| finding.latency).max()?,
        paused_longest_ns: outcome.generator.paused_longest_ns,
        words: late.first()?.message.clone(),
    })
}

/// Whether a doubt is one that the audit of the bench decides from the figures; the generator does not know the
/// purpose of the cell.
fn judged_here(doubt: &Doubt) -> bool {
    matches!(
        doubt,
        Doubt::GeneratorLate { .. }
            | Doubt::GeneratorPaused { .. }
            | Doubt::PercentilesLate { .. }
            | Doubt::GeneratorSaturated { .. }
            | Doubt::OfferedRateMissed { .. }
            | Doubt::ConnectionsMissing { .. }
            | Doubt::LittlesLawBroken { .. }
            | Doubt::ErrorsOverLimit { .. }
            | Doubt::Errors { .. }
            | Doubt::NothingMeasured {}
            | Doubt::FewIndependentSamples { .. }
    )
}

/// Converts the generator's kind of failure into that of the records. Each side has its own list, so that
/// records can still be read when the generator's list changes.
pub(crate) fn failure(kind: ErrorKind) -> FailureKind {
    match kind {
        ErrorKind::Connect => FailureKind::Connect,
        ErrorKind::Transport => FailureKind::Transport,
        ErrorKind::Reset => FailureKind::Reset,
        ErrorKind::Timeout => FailureKind::Timeout,
        ErrorKind::Short => FailureKind::Short,
        ErrorKind::Protocol => FailureKind::Protocol,
        ErrorKind::Status => FailureKind::Status,
        ErrorKind::Body => FailureKind::Body,
        ErrorKind::Unfinished => FailureKind::Unfinished,
        ErrorKind::Abandoned => FailureKind::Abandoned,
        ErrorKind::Refused => FailureKind::Refused,
    }
}

fn latency(distribution: &Distribution) -> Latency {
    Latency {
        count: distribution.count,
        mean_ns: distribution.mean_ns,
        min_ns: (distribution.count > 0).then_some(distribution.min_ns),
        max_ns: distribution.max_ns,
        percentiles: distribution
            .percentiles
            .iter()
            .map(|percentile| (percentile.quantile * 100.0, percentile.value_ns))
            .collect(),
    }
}

/// The series of the measured window; the warm-up has negative times there and is left out.
fn series(outcome: &Outcome) -> Vec<Point> {
    let length_ns = outcome.series.interval_ns.max(1);
    outcome
        .series
        .intervals
        .iter()
        .filter(|interval| interval.start_ns >= outcome.plan.warmup_ns)
        .filter(|interval| interval.start_ns < outcome.plan.warmup_ns + outcome.window_ns)
        .map(|interval| Point {
            at_ms: (interval.start_ns + length_ns - outcome.plan.warmup_ns) / 1_000_000,
            rate_per_s: interval.completed as f64 * 1e9 / length_ns as f64,
            errors: interval.failed,
            p99_ns: (interval.completed > 0).then_some(interval.p99_ns),
        })
        .collect()
}
