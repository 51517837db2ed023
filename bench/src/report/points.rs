//! Points of an experiment along one axis: cores, connections, or offered rate.

use std::fmt::Write;

use crate::experiment::{connections, curve, scale};
use crate::record::header::ContestantLine;
use crate::record::measured::Record;
use crate::record::store::Records;
use crate::report::curves;
use crate::report::model::Measured;
use crate::report::text::wrap;
use crate::show;

/// What a trail is called whose connections are mostly silent, behind the name of the contestant.
pub const IDLE: &str = ", idle";

/// What an experiment found for one contestant at one place of its axis, over all blocks.
#[derive(Debug, Clone)]
pub struct Point {
    /// Place on the axis.
    pub x: f64,
    /// Right answers a second.
    pub rate: Measured,
    /// Median latency, in nanoseconds.
    pub p50_ns: Measured,
    /// 99th percentile, in nanoseconds.
    pub p99_ns: Measured,
    /// CPU of the server per request, in nanoseconds.
    pub cpu_ns: Measured,
    /// Thread-level parallelism.
    pub parallelism: Measured,
    /// Memory of the process tree that belongs to no file, above its idle state, in bytes.
    pub memory: Measured,
    /// Memory of the kernel above its idle state, both ends of the connections, in bytes.
    pub kernel_memory: Measured,
    /// What the contestant could not do here, where no block counts for that reason.
    pub wall: Option<String>,
    /// Whether both sides shared a core.
    pub shared: bool,
    /// Whether this is the contestant's critical point.
    pub critical: bool,
}

/// All points of one contestant, by rising place.
#[derive(Debug, Clone)]
pub struct Trail {
    /// Whose.
    pub line: ContestantLine,
    /// From left to right.
    pub points: Vec<Point>,
}

/// The axis of an experiment: the step that it is made of, its name, and where a cell lies on it.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// The steps that lie on it, each with what its trail is called beside the contestant.
    pub steps: &'static [(&'static str, &'static str)],
    /// What the axis shows.
    pub name: &'static str,
    /// Whether its places span decades.
    pub log: bool,
    /// The place of a cell.
    pub place: fn(&Record) -> f64,
    /// Whether it counts connections, so that what one takes is worth showing.
    pub counts_connections: bool,
}

/// The axis of an experiment, where it has one.
pub fn axis(experiment: &str) -> Option<Axis> {
    match experiment {
        "scale" => Some(Axis {
            steps: &[(scale::SCALE, "")],
            name: "server cores",
            log: false,
            place: |record| record.trial.cell.cores.server.len() as f64,
            counts_connections: false,
        }),
        "connections" => Some(Axis {
            steps: &[(connections::CONNECTIONS, ""), (connections::IDLE, IDLE)],
            name: "connections",
            log: true,
            place: |record| {
                let load = &record.trial.cell.load;
                f64::from(load.connections + load.idle_connections)
            },
            counts_connections: true,
        }),
        "curve" => Some(Axis {
            steps: &[(curve::POINT, "")],
            name: "offered requests a second",
            log: true,
            place: |record| record.trial.cell.load.rate_per_s.unwrap_or_default(),
            counts_connections: false,
        }),
        _ => None,
    }
}

/// The points of all contestants that have any.
pub fn trails(records: &Records, axis: Axis) -> Vec<Trail> {
    let critical_points = curves::critical_points(records);
    let trail = |line: &ContestantLine, (step, suffix): (&str, &str)| {
        let own: Vec<&Record> = records
            .cells
            .iter()
            .filter(|record| record.trial.cell.contestant == line.label && record.trial.cell.step == step)
            .collect();
        let mut places: Vec<f64> = own.iter().map(|record| (axis.place)(record)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let points = places.iter().map(|x| {
            let here: Vec<&Record> =
                own.iter().copied().filter(|record| (axis.place)(record) == *x).collect();
            let critical = critical_points.get(line.label.as_str());
            let critical = critical.is_some_and(|critical| curves::is_critical(*x, *critical));
            Point { critical, ..point(*x, &here, records.header.seed) }
        });
        let line = ContestantLine { label: format!("{}{suffix}", line.label), ..line.clone() };
        Trail { line, points: points.collect() }
    };
    let lines = records.header.contestants.iter();
    lines
        .flat_map(|line| axis.steps.iter().map(move |step| trail(line, *step)))
        .filter(|trail| !trail.points.is_empty())
        .collect()
}

fn point(x: f64, records: &[&Record], seed: u64) -> Point {
    let percentile =
        |wanted: f64| move |record: &Record| record.load.as_ref()?.total.at_ns(wanted).map(|ns| ns as f64);
    let counts = records.iter().any(|record| record.counted().is_some());
    Point {
        x,
        wall: records.iter().filter(|_| !counts).find_map(|record| record.audit.wall()).map(str::to_string),
        rate: Measured::of(records, seed, Record::rate_per_s),
        p50_ns: Measured::of_cost(records, seed, percentile(50.0)),
        p99_ns: Measured::of_cost(records, seed, percentile(99.0)),
        cpu_ns: Measured::of_cost(records, seed, Record::cpu_per_request_ns),
        parallelism: Measured::of_cost(records, seed, |record| record.server.as_ref()?.parallelism),
        memory: Measured::of_cost(records, seed, |record| {
            let server = record.server.as_ref()?;
            server.memory_idle.growth_bytes(&server.memory_loaded).map(|bytes| bytes as f64)
        }),
        kernel_memory: Measured::of_cost(records, seed, |record| {
            let server = record.server.as_ref()?;
            server.memory_idle.kernel_growth_bytes(&server.memory_loaded).map(|bytes| bytes as f64)
        }),
        shared: records.iter().any(|record| record.trial.cell.cores.shared()),
        critical: false,
    }
}

/// The points as a table of 80 columns.
pub fn table(axis: Axis, trails: &[Trail]) -> String {
    let mut text = format!(
        "\n{:<27} {:>10} {:>11} {:>9} {:>9} {:>9}\n",
        "",
        axis.name.split(' ').next_back().unwrap_or_default(),
        if axis.counts_connections { "memory each" } else { "requests/s" },
        "p50",
        "p99",
        "CPU/req"
    );
    for trail in trails {
        for point in &trail.points {
            let sign = if point.rate.at_least { ">" } else { "" };
            let figure = |figure: &Measured, shown: fn(f64) -> String| match figure.value() {
                Some(value) => shown(value),
                None if figure.void > 0 => "void".to_string(),
                None => "-".to_string(),
            };
            let _ = writeln!(
                text,
                "{:<27} {:>10} {:>11} {:>9} {:>9} {:>9}",
                trail.line.label,
                format!("{}{}", show::rate(point.x), if point.shared { "*" } else { "" }),
                match point.memory.value().filter(|_| axis.counts_connections) {
                    Some(growth) => show::bytes(growth / point.x),
                    // The rate is the same at all of them, so only that it failed is worth a place.
                    None if axis.counts_connections && point.rate.value().is_some() => "-".to_string(),
                    None => format!("{sign}{}", figure(&point.rate, show::rate)),
                },
                figure(&point.p50_ns, show::time),
                figure(&point.p99_ns, show::time),
                figure(&point.cpu_ns, show::time),
            );
            if point.rate.value().is_none() && !point.rate.reason.is_empty() {
                let why = wrap(&format!("void: {}", point.rate.reason), 76);
                why.lines().for_each(|line| text += &format!("    {line}\n"));
            }
        }
    }
    let points = || trails.iter().flat_map(|trail| &trail.points);
    if points().any(|point| point.rate.at_least) {
        text += "\n>  at least: the server was not the bottleneck\n";
    }
    if points().any(|point| point.shared) {
        text += "\n*  server and generator shared cores: what one used, the other lacked\n";
    }
    text
}
