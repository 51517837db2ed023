//! Points of an experiment along one axis: cores, connections, or offered rate.

use crate::curves;
use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};
use dyno_record::header::{ContestantLine, Header};
use dyno_record::measured::Record;
use dyno_record::quota::CpuQuota;
use dyno_record::step::Step;

/// What a trail is called whose connections are mostly silent, behind the name of the contestant.
pub const IDLE: &str = ", idle";

/// What a trail is called whose cores are shares by CPU quota.
pub const QUOTA: &str = ", quota";

/// What an experiment found for one contestant at one place of its axis, over all blocks.
#[derive(Debug, Clone)]
pub struct TrailPoint {
    /// Place on the axis.
    pub x: f64,
    /// Right answers a second.
    pub rate: RowFigure,
    /// Median latency, in nanoseconds.
    pub p50_ns: RowFigure,
    /// 99th percentile, in nanoseconds.
    pub p99_ns: RowFigure,
    /// CPU of the server per request, in nanoseconds.
    pub cpu_ns: RowFigure,
    /// Thread-level parallelism.
    pub parallelism: RowFigure,
    /// Memory of the process tree that belongs to no file, above its idle state, in bytes.
    pub memory: RowFigure,
    /// Memory of the kernel above its idle state, both ends of the connections, in bytes.
    pub kernel_memory: RowFigure,
    /// What the contestant could not do here, where no block counts for that reason.
    pub wall: Option<String>,
    /// Whether both sides shared a core.
    pub shared: bool,
    /// Whether some of the server's processors share the execution units of one core (SMT).
    pub siblings: bool,
    /// Whether this is the contestant's critical point, confirmed.
    pub critical: bool,
}

/// All points of one contestant, by rising place.
#[derive(Debug, Clone)]
pub struct Trail {
    /// Whose.
    pub line: ContestantLine,
    /// From left to right.
    pub points: Vec<TrailPoint>,
}

/// What an axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AxisKind {
    /// Cores of the server.
    Cores,
    /// Connections.
    Connections,
    /// The rate that is offered.
    Offered,
}

/// The axis of an experiment: the step that it is made of, its name, and where a cell lies on it.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// What it counts.
    pub kind: AxisKind,
    /// The steps that lie on it, each with what its trail is called beside the contestant.
    pub steps: &'static [(Step, &'static str)],
    /// What the axis shows.
    pub name: &'static str,
    /// Whether its places span decades.
    pub log: bool,
    /// The place of a cell.
    pub place: fn(&LevelledCell) -> f64,
    /// Whether it counts connections, so that what one takes is worth showing.
    pub counts_connections: bool,
}

impl AxisKind {
    /// The axis of that kind.
    pub fn axis(self) -> Axis {
        match self {
            AxisKind::Cores => Axis {
                kind: self,
                steps: &[(Step::Scale, ""), (Step::Scale, QUOTA)],
                name: "server cores",
                log: false,
                place: |record| {
                    let cell = &record.trial.cell;
                    cell.load.quota.map_or(cell.cores.server.len() as f64, CpuQuota::cores)
                },
                counts_connections: false,
            },
            AxisKind::Connections => Axis {
                kind: self,
                steps: &[(Step::Connections, ""), (Step::ConnectionsIdle, IDLE)],
                name: "connections",
                log: true,
                place: |record| {
                    let load = &record.trial.cell.load;
                    f64::from(load.connections + load.idle_connections)
                },
                counts_connections: true,
            },
            AxisKind::Offered => Axis {
                kind: self,
                steps: &[(Step::Curve, "")],
                name: "offered requests a second",
                log: true,
                place: |record| record.trial.cell.load.rate_per_s.unwrap_or_default(),
                counts_connections: false,
            },
        }
    }
}

/// The points of all contestants that have any.
pub fn trails(records: &Levelled, axis: Axis) -> Vec<Trail> {
    let critical_points = curves::brackets(records);
    let trail = |line: &ContestantLine, (step, suffix): (Step, &str)| {
        let own = belonging(records.cells_of(&line.label, step), suffix);
        let mut places: Vec<f64> = own.iter().map(|record| (axis.place)(record)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let points = places.iter().map(|x| {
            let here: Vec<&LevelledCell> =
                own.iter().copied().filter(|record| (axis.place)(record) == *x).collect();
            let bracket = critical_points.get(line.label.as_str());
            let confirmed = bracket.and_then(|bracket| bracket.confirmed);
            let critical = confirmed.is_some_and(|rate| curves::is_critical(*x, rate.rate_per_s));
            TrailPoint { critical, ..point(*x, &here, &records.header) }
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

/// The cells of a trail: those with a quota have one of their own, in which a quota has the longest of its periods; the
/// table of quotas has the others.
fn belonging<'a>(cells: Vec<&'a LevelledCell>, suffix: &str) -> Vec<&'a LevelledCell> {
    let period = |cell: &LevelledCell| cell.trial.cell.load.quota.map(|quota| quota.period_us);
    let longest = cells.iter().filter_map(|cell| period(cell)).max();
    let wanted = if suffix == QUOTA { longest } else { None };
    cells.into_iter().filter(|cell| period(cell) == wanted && (suffix != QUOTA || wanted.is_some())).collect()
}

fn point(x: f64, records: &[&LevelledCell], header: &Header) -> TrailPoint {
    let seed = header.seed;
    let percentile = |wanted: f64| {
        move |record: &LevelledCell| record.latencies()?.total.at_ns(wanted).map(|ns| ns as f64)
    };
    let counts = records.iter().any(|record| record.counted().is_some());
    TrailPoint {
        x,
        wall: records.iter().filter(|_| !counts).find_map(|record| record.audit.wall()).map(str::to_string),
        rate: RowFigure::of(records, seed, LevelledCell::rate_per_s)
            .at_full_pace(records, Record::rate_as_measured_per_s),
        p50_ns: RowFigure::of_cost(records, seed, percentile(50.0)),
        p99_ns: RowFigure::of_cost(records, seed, percentile(99.0)),
        cpu_ns: RowFigure::of_cost(records, seed, LevelledCell::cpu_per_request_ns)
            .at_full_pace(records, Record::cpu_as_measured_ns),
        parallelism: RowFigure::of_cost(records, seed, |record| record.server.as_ref()?.parallelism),
        memory: RowFigure::of_cost(records, seed, |record| {
            let server = record.server.as_ref()?;
            server.memory_idle.growth_bytes(&server.memory_loaded).map(|bytes| bytes as f64)
        }),
        kernel_memory: RowFigure::of_cost(records, seed, |record| {
            let server = record.server.as_ref()?;
            server.memory_idle.kernel_growth_bytes(&server.memory_loaded).map(|bytes| bytes as f64)
        }),
        shared: records.iter().any(|record| record.trial.cell.cores.shared()),
        siblings: records.iter().any(|record| shares_units(&record.trial.cell.cores.server, header)),
        critical: false,
    }
}

/// Whether two of these processors share the execution units of one core.
fn shares_units(server: &[usize], header: &Header) -> bool {
    let sets = &header.environment.siblings;
    sets.iter().any(|set| set.iter().filter(|cpu| server.contains(cpu)).count() > 1)
}
