//! One line per contestant and quantity: the figures of the page, for programs.
//!
//! `at_full_pace` is what page, terminal and Markdown show; `as_measured` is the median of the cells as they are in
//! `cells.csv`. Both are equal where nothing was taken off. The interval is that of `at_full_pace`.

use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::curves;
use dyno_analysis::duel::DuelRow;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::instructions::CountRow;
use dyno_analysis::isolation::{self, IsolationRow, back_ns};
use dyno_analysis::levelling::Levelled;
use dyno_analysis::overload::{OverloadPoint, OverloadRow};
use dyno_analysis::points::{AxisKind, Trail, TrailPoint};
use dyno_analysis::transports::prices;
use dyno_analysis::waiting::WaitingRow;
use dyno_analysis::workloads::Matrix;
use dyno_record::experiment::Experiment;
use dyno_record::header::Header;
use dyno_record::transport::TransportKind;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::sample::median;
use dyno_units::show::quantile;
use serde::Serialize;

use crate::cells::{lines, plain};
use crate::error::ReportError;
use crate::found::Found;

/// Version of `summary.json`; it rises with every change that an older reader would misread.
pub const SCHEMA: u32 = 2;

/// A figure. Values that are not available are empty, or null.
#[derive(Debug, Clone, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub(crate) struct SummaryLine {
    experiment: &'static str,
    contestant: String,
    family: String,
    transport: String,
    /// What `place` counts, in experiments along an axis.
    axis: &'static str,
    #[serde(serialize_with = "plain")]
    place: Option<f64>,
    /// Which figure, its unit last.
    quantity: String,
    #[serde(serialize_with = "plain")]
    as_measured: Option<f64>,
    #[serde(serialize_with = "plain")]
    at_full_pace: Option<f64>,
    #[serde(serialize_with = "plain")]
    low: Option<f64>,
    #[serde(serialize_with = "plain")]
    high: Option<f64>,
    /// Cells that the figure rests on.
    n: usize,
    /// Cells that were void.
    void: usize,
    /// `valid`, `at-least`, `void`, or `none` where nothing was measured.
    standing: &'static str,
    reason: String,
    /// Under which workload, where there are several.
    workload: String,
}

/// All figures of an experiment, with what tells experiments apart.
#[derive(Serialize, schemars::JsonSchema)]
struct Summary<'a> {
    /// Version of this schema.
    schema: u32,
    experiment: &'static str,
    /// Version of the program.
    dyno: &'a str,
    /// Digest of the machine: figures of different machines do not compare.
    machine_id: &'a str,
    began_unix_ms: u64,
    seed: u64,
    blocks: u32,
    figures: Vec<SummaryLine>,
}

/// The JSON Schema of `summary.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Summary<'static>).to_value()
}

/// The lines as CSV (RFC 4180).
pub(crate) fn csv(figures: &[SummaryLine]) -> Result<String, ReportError> {
    lines(figures)
}

/// The same as JSON, with what tells experiments apart.
pub(crate) fn json(header: &Header, figures: Vec<SummaryLine>) -> Result<String, ReportError> {
    let summary = Summary {
        schema: SCHEMA,
        experiment: header.experiment.word(),
        dyno: &header.environment.dyno,
        machine_id: &header.environment.machine_id,
        began_unix_ms: header.began_unix_ms,
        seed: header.seed,
        blocks: header.blocks,
        figures,
    };
    serde_json::to_string_pretty(&summary).map(|text| text + "\n").map_err(ReportError::Summary)
}

/// The figures of an experiment.
pub(crate) fn figures(model: &Model, records: &Levelled, found: &Found) -> Vec<SummaryLine> {
    match found {
        Found::Compared(_) => {
            let rows = model.rows.iter().enumerate();
            rows.flat_map(|(place, row)| compared(model, place, row)).collect()
        }
        Found::Counted(rows) => rows.iter().flat_map(counted).collect(),
        Found::InTurn(rows) => rows.iter().flat_map(in_turn).collect(),
        Found::Isolated(rows) => rows.iter().flat_map(isolated).collect(),
        Found::Overloaded(rows) => rows.iter().flat_map(overloaded).collect(),
        Found::Waited(rows) => rows.iter().flat_map(waited).collect(),
        Found::Workloads(matrix) => workloads(matrix),
        Found::Along(axis, trails) => {
            let (name, further) = match axis.kind {
                AxisKind::Cores => ("cores", Vec::new()),
                AxisKind::Connections => ("connections", Vec::new()),
                AxisKind::Offered => ("offered_per_s", critical_points(records)),
            };
            let experiment = records.header.experiment;
            trails.iter().flat_map(|trail| along(trail, experiment, name)).chain(further).collect()
        }
    }
}

/// A line of a figure over blocks.
fn line(of: &SummaryLine, quantity: &str, figure: &RowFigure) -> SummaryLine {
    let standing = match figure.value() {
        Some(_) if figure.at_least => "at-least",
        Some(_) => "valid",
        None if figure.void > 0 => "void",
        None => "none",
    };
    SummaryLine {
        quantity: quantity.to_string(),
        as_measured: figure.as_measured,
        at_full_pace: figure.value(),
        low: figure.interval.map(|interval| interval.low),
        high: figure.interval.map(|interval| interval.high),
        n: figure.by_round.len(),
        void: figure.void,
        standing,
        reason: figure.reason.clone(),
        ..of.clone()
    }
}

/// A line of a figure that is computed from those of others.
fn derived(of: &SummaryLine, quantity: &str, interval: Option<Interval>) -> Option<SummaryLine> {
    let interval = interval?;
    Some(SummaryLine {
        quantity: quantity.to_string(),
        at_full_pace: Some(interval.value),
        low: Some(interval.low),
        high: Some(interval.high),
        n: interval.observations,
        standing: "valid",
        ..of.clone()
    })
}

/// The figures of each design under each workload.
fn workloads(matrix: &Matrix) -> Vec<SummaryLine> {
    let mut found = Vec::new();
    for (place, design) in matrix.designs.iter().enumerate() {
        for row in &matrix.rows {
            let score = &row.scores[place];
            let of = SummaryLine {
                experiment: Experiment::Workloads.word(),
                contestant: design.label.clone(),
                family: design.family.clone(),
                transport: row.workload.transport.to_string(),
                workload: row.workload.name.to_string(),
                ..SummaryLine::default()
            };
            let known: [(&str, &RowFigure); 5] = [
                ("rate_per_s", &score.rate),
                ("cpu_ns", &score.cpu_ns),
                ("p50_ns", &score.p50_ns),
                ("p99_ns", &score.p99_ns),
                ("memory_bytes", &score.memory),
            ];
            found.extend(known.into_iter().map(|(quantity, figure)| line(&of, quantity, figure)));
            let share = score.share.map(|share| Interval::point(share, score.rate.by_round.len()));
            found.extend(derived(&of, "of_the_best_share", share));
        }
    }
    found
}

/// The figures of a count.
fn counted(row: &CountRow) -> Vec<SummaryLine> {
    let of = SummaryLine {
        experiment: Experiment::Count.word(),
        contestant: row.line.label.clone(),
        family: row.line.family.clone(),
        ..SummaryLine::default()
    };
    let known: [(&str, &RowFigure); 6] = [
        ("instructions_per_request", &row.request.all),
        ("system_calls_per_request", &row.request.system_calls),
        ("switches_per_request", &row.request.switches),
        ("instructions_per_connection", &row.connection.all),
        ("system_calls_per_connection", &row.connection.system_calls),
        ("switches_per_connection", &row.connection.switches),
    ];
    known.into_iter().map(|(quantity, figure)| line(&of, quantity, figure)).collect()
}

/// The figures of an experiment of isolation: two for each fault.
fn isolated(row: &IsolationRow) -> Vec<SummaryLine> {
    let of = SummaryLine {
        experiment: Experiment::Isolation.word(),
        contestant: row.line.label.clone(),
        family: row.line.family.clone(),
        ..SummaryLine::default()
    };
    let figure = |cell: &isolation::FaultCell, name: &str, value: Option<f64>| SummaryLine {
        quantity: format!("{}_{name}", cell.fault),
        as_measured: value,
        at_full_pace: value,
        n: cell.blocks.len(),
        void: cell.void,
        standing: match (cell.blocks.is_empty(), value) {
            (true, _) => "void",
            (false, Some(_)) => "valid",
            // The server was not as before within the watch.
            (false, None) => "none",
        },
        reason: if cell.blocks.is_empty() { cell.reason.clone() } else { String::new() },
        ..of.clone()
    };
    let both = |cell: &isolation::FaultCell| {
        let times: Vec<f64> = cell.blocks.iter().filter_map(back_ns).collect();
        let is_back = times.len() * 2 > cell.blocks.len();
        let back = if is_back { median(&times) } else { None };
        [figure(cell, "hurt_share", cell.hurt_share()), figure(cell, "as_before_ns", back)]
    };
    row.cells.iter().flat_map(both).collect()
}

/// The figures of an architecture under a control, by the multiple of its peak that was asked for.
fn overloaded(row: &OverloadRow) -> Vec<SummaryLine> {
    let of = |point: &OverloadPoint| SummaryLine {
        experiment: Experiment::Overload.word(),
        contestant: row.line.label.clone(),
        family: row.line.family.clone(),
        axis: "peaks",
        place: Some(point.times),
        ..SummaryLine::default()
    };
    let known = |point: &OverloadPoint| {
        let figures = [
            ("good_per_s", &point.good),
            ("p99_ns", &point.p99_ns),
            ("cpu_per_right_answer_ns", &point.cpu_ns),
        ];
        let shares = [("good_to_peak", point.of_peak), ("good_to_possible", point.of_possible)];
        let share = |(quantity, share): (&str, Option<f64>)| SummaryLine {
            quantity: quantity.to_string(),
            at_full_pace: share,
            standing: if share.is_some() { "valid" } else { "none" },
            n: point.good.by_round.len(),
            ..of(point)
        };
        let lines = figures.map(|(quantity, figure)| line(&of(point), quantity, figure));
        lines.into_iter().chain(shares.map(share)).collect::<Vec<_>>()
    };
    row.points.iter().flat_map(known).filter(|line| line.standing != "none").collect()
}

/// The figures of two that took turns; the ratios stand with the first.
fn in_turn(row: &DuelRow) -> Vec<SummaryLine> {
    let of = |place: usize| SummaryLine {
        experiment: Experiment::Duel.word(),
        contestant: row.sides[place].line.label.clone(),
        family: row.sides[place].line.family.clone(),
        ..SummaryLine::default()
    };
    let mut found = Vec::new();
    for (place, side) in row.sides.iter().enumerate() {
        found.push(line(&of(place), "cpu_per_request_ns", &side.cpu_ns));
        found.push(line(&of(place), "rate_per_s", &side.rate_per_s));
    }
    found.extend(derived(&of(0), "cpu_per_request_to_rival", row.cpu.ratio));
    found.extend(derived(&of(0), "rate_to_rival", row.rate.ratio));
    found
}

/// The figures of requests that wait.
fn waited(row: &WaitingRow) -> Vec<SummaryLine> {
    let of = SummaryLine {
        experiment: Experiment::Waiting.word(),
        contestant: row.line.label.clone(),
        family: row.line.family.clone(),
        ..SummaryLine::default()
    };
    let known: [(&str, &RowFigure); 5] = [
        ("memory_per_waiter_bytes", &row.memory),
        ("kernel_memory_per_waiter_bytes", &row.kernel),
        ("cpu_per_waiter_ns_per_s", &row.cpu_ns),
        ("released_after_fin_ns", &row.fin_ns),
        ("released_after_reset_ns", &row.reset_ns),
    ];
    let stops = row.stops().map(|(least, most)| (f64::from(least), f64::from(most)));
    let stopped = SummaryLine {
        quantity: "stopped_by_waiters".to_string(),
        as_measured: stops.map(|(least, _)| least),
        low: stops.map(|(least, _)| least),
        high: stops.map(|(_, most)| most),
        n: row.stopped_by.len(),
        standing: if stops.is_some() { "valid" } else { "none" },
        ..of.clone()
    };
    let figures = known.into_iter().map(|(quantity, figure)| line(&of, quantity, figure));
    std::iter::once(stopped).chain(figures).collect()
}

fn compared(model: &Model, place: usize, row: &Row) -> Vec<SummaryLine> {
    let of = SummaryLine {
        experiment: Experiment::Compare.word(),
        contestant: row.label.clone(),
        family: row.family.clone(),
        transport: row.transport.to_string(),
        ..SummaryLine::default()
    };
    let known: [(&str, &RowFigure); 12] = [
        ("capacity_per_s", &row.capacity),
        ("connect_per_s", &row.connect),
        ("cpu_at_capacity_ns", &row.cpu_at_capacity_ns),
        ("cpu_at_common_rate_ns", &row.cpu_ns),
        ("cpu_at_connect_ns", &row.cpu_at_connect_ns),
        ("connect_p99_ns", &row.connect_p99_ns),
        ("machine_cpu_at_capacity_ns", &row.machine_cpu_ns),
        ("system_share", &row.system_share),
        ("switches_per_request", &row.switches),
        ("memory_bytes", &row.memory),
        ("memory_per_connection_bytes", &row.memory_per_connection),
        ("p99_ns", &row.p99_ns),
    ];
    let mut found: Vec<SummaryLine> =
        known.into_iter().map(|(quantity, figure)| line(&of, quantity, figure)).collect();
    let others = row.percentiles.iter().filter(|(percentile, _)| *percentile != 99.0);
    found.extend(others.map(|(percentile, figure)| {
        line(&of, &format!("{}_ns", quantile(percentile / 100.0).replace('.', "_")), figure)
    }));
    let ratio = model.to_baseline(place, |row| &row.cpu_at_capacity_ns);
    found.extend(derived(&of, "cpu_at_capacity_to_baseline", ratio));
    let ratio = model.to_baseline(place, |row| &row.cpu_at_connect_ns);
    found.extend(derived(&of, "cpu_at_connect_to_baseline", ratio));
    found.extend(derived(&of, "rate_fall_while_read_share", row.watched_fall));
    let own = |label: &str, transport: TransportKind| transport.label_behind(label) == row.label;
    for price in prices(model).iter().filter(|price| own(&price.contestant, price.transport)) {
        found.extend(derived(&of, "capacity_to_plain", price.capacity_share));
        found.extend(derived(&of, "cpu_at_capacity_above_plain_ns", price.cpu_ns));
        found.extend(derived(&of, "cpu_at_connect_above_plain_ns", price.handshake_cpu_ns));
        found.extend(derived(&of, "client_cpu_at_connect_above_plain_ns", price.client_handshake_cpu_ns));
        found.push(line(&of, "handshake_octets", &price.handshake_octets));
        found.extend(derived(&of, "handshakes_per_core_s", price.handshakes_per_core_s));
        found.extend(derived(&of, "memory_per_connection_above_plain_bytes", price.memory_bytes));
    }
    found
}

/// Picks a figure of a point.
type Read = fn(&TrailPoint) -> &RowFigure;

fn along(trail: &Trail, experiment: Experiment, axis: &'static str) -> Vec<SummaryLine> {
    let of = |point: &TrailPoint| SummaryLine {
        experiment: experiment.word(),
        contestant: trail.line.label.clone(),
        family: trail.line.family.clone(),
        axis,
        place: Some(point.x),
        ..SummaryLine::default()
    };
    let figures: [(&str, Read); 7] = [
        ("rate_per_s", |point| &point.rate),
        ("p50_ns", |point| &point.p50_ns),
        ("p99_ns", |point| &point.p99_ns),
        ("cpu_ns", |point| &point.cpu_ns),
        ("parallelism", |point| &point.parallelism),
        ("memory_above_idle_bytes", |point| &point.memory),
        ("kernel_memory_above_idle_bytes", |point| &point.kernel_memory),
    ];
    let points = trail.points.iter();
    points
        .flat_map(|point| figures.map(|(quantity, read)| line(&of(point), quantity, read(point))))
        .filter(|line| line.standing != "none")
        .collect()
}

/// The critical points: `low` is the confirmed rate, and `high` the one above it that did not keep the limit.
fn critical_points(records: &Levelled) -> Vec<SummaryLine> {
    let family = |label: &str| {
        let line = records.header.contestants.iter().find(|line| line.label == label);
        line.map_or(String::new(), |line| line.family.clone())
    };
    let line = |finding: &curves::CurveFinding| {
        let confirmed = finding.critical_per_s();
        SummaryLine {
            experiment: Experiment::Curve.word(),
            contestant: finding.contestant.clone(),
            family: family(&finding.contestant),
            quantity: "critical_per_s".to_string(),
            as_measured: confirmed,
            at_full_pace: confirmed,
            low: confirmed,
            high: finding.bracket.beyond.map(|rate| rate.rate_per_s),
            n: finding.bracket.confirmed.map_or(0, |rate| (rate.tries.kept + rate.tries.missed) as usize),
            standing: if confirmed.is_some() { "valid" } else { "none" },
            ..SummaryLine::default()
        }
    };
    curves::findings(records).iter().map(line).collect()
}
