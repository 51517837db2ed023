//! A run as a page: from its outcome to what the report shows.

use std::path::Path;

use dyno_clients::books::histogram::{decode, samples_beyond};
use dyno_clients::limits::SAMPLES_BEYOND_MIN;
use dyno_clients::outcome::{Distribution, Outcome, RateStep, SeriesInterval};
use dyno_clients::report::{self, parts, plain, text};
use dyno_report::run_page::{Moment, RunPage, RunTable};
use dyno_units::paint::Paint;
use dyno_units::show;

use super::write::put;
use crate::exit::Failure;
use crate::limits::{PAGE_CLASSES, PAGE_POINTS_PER_NINE};

/// Writes the page of a run to a file.
///
/// # Errors
/// When it cannot be made or written.
pub(crate) fn write(outcome: &Outcome, path: &Path) -> Result<(), Failure> {
    let page = of(outcome).html().map_err(|error| Failure::failed(format!("the page: {error}"), ""))?;
    put(&page, path)
}

fn of(outcome: &Outcome) -> RunPage {
    let total = &outcome.latency.total;
    let (program, version) = outcome.program.split_once(' ').unwrap_or((&outcome.program, ""));
    RunPage {
        title: format!("{program} load: {}", outcome.plan.url),
        facts: format!(
            "{} UTC · {} · generator {}",
            show::moment(outcome.started_unix_ms),
            text::plan_line(&outcome.plan),
            match outcome.parts.len() as u64 {
                0 => outcome.plan.placement.words(),
                parts => format!("in {}", show::many(parts, "part")),
            }
        ),
        verdict: outcome.audit.verdict,
        sentences: plain::sentences(outcome),
        doubts: outcome.audit.findings.iter().map(|f| (f.message.clone(), f.remedy.clone())).collect(),
        moments: moments(outcome),
        warm_up_s: outcome.plan.warmup_ns as f64 / 1e9,
        due_spectrum: spectrum(total),
        sent_spectrum: spectrum(&outcome.latency.response),
        known_to: 1.0 - SAMPLES_BEYOND_MIN as f64 / total.count.max(SAMPLES_BEYOND_MIN) as f64,
        classes: classes(total),
        tables: tables(outcome),
        version: version.into(),
        command: std::env::args().collect::<Vec<_>>().join(" "),
    }
}

/// The intervals that lie in the run as a whole: what is answered after its end comes to the last one, whose rate would
/// be none.
fn moments(outcome: &Outcome) -> Vec<Moment> {
    let length_ns = outcome.series.interval_ns;
    let end_ns = outcome.plan.warmup_ns + outcome.window_ns;
    let whole = outcome.series.intervals.iter().filter(|one| one.start_ns + length_ns <= end_ns);
    whole.map(|one| moment(one, length_ns as f64 / 1e9)).collect()
}

fn moment(one: &SeriesInterval, length_s: f64) -> Moment {
    Moment {
        at_s: one.start_ns as f64 / 1e9,
        sent_per_s: one.sent as f64 / length_s,
        answered_per_s: one.completed as f64 / length_s,
        failed: one.failed,
        p50_ns: one.p50_ns,
        p99_ns: one.p99_ns,
        max_ns: one.max_ns,
    }
}

/// Latencies at even steps of the axis on which each step is one more nine.
fn spectrum(distribution: &Distribution) -> Vec<(f64, u64)> {
    let Ok(histogram) = decode(&distribution.hdr_v2_base64) else { return Vec::new() };
    let quantiles = (0..).map(|step| 1.0 - 10f64.powf(-f64::from(step) / PAGE_POINTS_PER_NINE));
    let known = quantiles.take_while(|&quantile| samples_beyond(histogram.len(), quantile) >= 1);
    known.map(|quantile| (quantile, histogram.value_at_quantile(quantile).max(1))).collect()
}

/// Shares of the answers in classes of equal width on a logarithmic axis; the last has none and ends the picture.
fn classes(distribution: &Distribution) -> Vec<(u64, f64)> {
    let Ok(histogram) = decode(&distribution.hdr_v2_base64) else { return Vec::new() };
    if histogram.is_empty() {
        return Vec::new();
    }
    let (low, high) = (distribution.min_ns.max(1) as f64, distribution.max_ns.max(2) as f64 * 1.02);
    let edge = |place: u32| (low * (high / low).powf(f64::from(place) / f64::from(PAGE_CLASSES))) as u64;
    let one = |place: u32| {
        let (from, to) = (if place == 0 { 0 } else { edge(place) }, edge(place + 1).max(edge(place) + 1));
        let count = if place == PAGE_CLASSES { 0 } else { histogram.count_between(from, to - 1) };
        (edge(place).max(1), count as f64 / histogram.len() as f64)
    };
    (0..=PAGE_CLASSES).map(one).collect()
}

const PERCENTILES: [f64; 6] = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999];

fn percentiles(distribution: &Distribution) -> Vec<String> {
    let told =
        PERCENTILES.map(|q| distribution.percentile_ns(q).map_or("–".into(), |ns| show::time(ns as f64)));
    let mut cells = told.to_vec();
    cells.push(show::time(distribution.max_ns as f64));
    cells
}

fn tables(outcome: &Outcome) -> Vec<RunTable> {
    let heads = |first: &[&str]| -> Vec<String> {
        let names = first.iter().map(|name| (*name).to_string());
        names.chain(PERCENTILES.map(show::quantile)).chain(["max".into()]).collect()
    };
    let told = parts(&outcome.latency).into_iter().filter(|(_, part)| part.count > 0);
    let latency = RunTable {
        id: "latency",
        title: "Latencies",
        caption: "Total is what a client meets; its parts are the wait for a connection, the generator's own lateness \
                  (lag, reading) and the response. A dash: too few answers lie beyond.",
        head: heads(&["part"]),
        rows: told.map(|(name, part)| [vec![name.to_string()], percentiles(part)].concat()).collect(),
    };
    let mut tables = vec![latency];
    if !outcome.steps.is_empty() {
        tables.push(RunTable {
            id: "steps",
            title: "Step by step",
            caption: "The steps of the rate, or the tenths of a ramp.",
            head: heads(&["rate asked", "answered/s", "failed"]),
            rows: outcome.steps.iter().map(step).collect(),
        });
    }
    if !outcome.thresholds.is_empty() {
        let plain = |threshold| <[String; 2]>::from(text::came_out(threshold, Paint(false))).to_vec();
        tables.push(RunTable {
            id: "conditions",
            title: "Conditions",
            caption: "What was asked of the run, and how it came out.",
            head: Vec::new(),
            rows: outcome.thresholds.iter().map(plain).collect(),
        });
    }
    if !outcome.parts.is_empty() {
        tables.push(RunTable {
            id: "parts",
            title: "The hosts",
            caption: "The parts that were merged, the gravest first: what each answered, how late its generator was, and \
                      what its own audit says.",
            head: Vec::new(),
            rows: report::hosts::lines(outcome).into_iter().map(|line| vec![line]).collect(),
        });
    }
    tables.push(RunTable {
        id: "audit",
        title: "The audit",
        caption: "The figures by which the run was judged.",
        head: Vec::new(),
        rows: text::audit_lines(outcome).into_iter().map(|(name, words)| vec![name, words]).collect(),
    });
    tables
}

fn step(step: &RateStep) -> Vec<String> {
    let asked = match (show::rate(step.from_per_s), show::rate(step.to_per_s)) {
        (from, to) if from == to => from,
        (from, to) => format!("{from}..{to}"),
    };
    let first = vec![asked, show::rate(step.answered_per_s), show::whole(step.failed)];
    [first, percentiles(&step.total)].concat()
}
