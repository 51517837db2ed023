//! From records to rows: one contestant each, every figure with its interval and its doubts.

use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};
use crate::spoilt;
use crate::watched;
use dyno_record::header::{ContestantLine, Header};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::transport::TransportKind;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::sample::mean;
use dyno_units::verdict::Verdict;

/// Everything that `compare` knows of a contestant.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Label.
    pub label: String,
    /// What it is.
    pub idea: String,
    /// Its kin.
    pub family: String,
    /// What carries its requests.
    pub transport: TransportKind,
    /// Whether others are measured against it where nothing else is asked for.
    pub is_baseline: bool,
    /// Requests a second in closed loop with lasting connections.
    pub capacity: RowFigure,
    /// Median latency at the common rate, in nanoseconds.
    pub p50_ns: RowFigure,
    /// 99th percentile there.
    pub p99_ns: RowFigure,
    /// Requests a second with a connection each.
    pub connect: RowFigure,
    /// CPU per request at the common rate, in nanoseconds.
    pub cpu_ns: RowFigure,
    /// CPU per request at capacity, in nanoseconds.
    pub cpu_at_capacity_ns: RowFigure,
    /// CPU of the whole machine per request at capacity, generator included, in nanoseconds.
    pub machine_cpu_ns: RowFigure,
    /// CPU per request with a connection each, in nanoseconds.
    pub cpu_at_connect_ns: RowFigure,
    /// CPU of the generator per request with a connection each, in nanoseconds.
    pub client_cpu_at_connect_ns: RowFigure,
    /// 99th percentile of the time to make a connection, with its handshake, under that load, in nanoseconds.
    pub connect_p99_ns: RowFigure,
    /// Octets of a handshake of the transport on the wire, both ways.
    pub handshake_octets: RowFigure,
    /// Share of the CPU that the kernel took.
    pub system_share: RowFigure,
    /// Context switches per request at the common rate.
    pub switches: RowFigure,
    /// Memory per lasting connection, in bytes: growth of the memory that belongs to no file.
    pub memory_per_connection: RowFigure,
    /// Memory under load, in bytes.
    pub memory: RowFigure,
    /// Latencies at the common rate by percentile, in nanoseconds.
    pub percentiles: Vec<(f64, RowFigure)>,
    /// Most threads and processes seen.
    pub threads: u32,
    /// Processes.
    pub processes: u32,
    /// Requests by worker, of the last block.
    pub spread: Vec<u64>,
    /// By which share the rate is lower in intervals in which clocks were read, over all cells without an asked rate;
    /// below zero where it is higher.
    pub watched_fall: Option<Interval>,
}

/// Everything that a report of `compare` shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The header of the records.
    pub header: Header,
    /// A row each, in the order of the header.
    pub rows: Vec<Row>,
    /// The common rate.
    pub rate_per_s: Option<f64>,
    /// Place of the baseline among the rows: the iterative server, or else the first.
    pub baseline: usize,
    /// Cells that count, are "at least", are void.
    pub verdicts: [usize; 3],
    /// Why cells are void, counted by reason; empty where none is.
    pub void_for: String,
    /// Share of the time in which the cores were slowed, where figures were brought to full pace for it.
    pub slowed_share: Option<f64>,
}

impl Model {
    /// The ratio of a row's figure to the baseline's: that of the medians that the row and the baseline show.
    pub fn to_baseline(&self, row: usize, figure: fn(&Row) -> &RowFigure) -> Option<Interval> {
        let (own, base) = (figure(self.rows.get(row)?), figure(self.rows.get(self.baseline)?));
        if row == self.baseline {
            return own.interval.map(|interval| Interval::point(1.0, interval.observations));
        }
        own.ratio_to(base, self.header.seed)
    }

    /// How many cells stand behind each median, in words.
    pub fn basis(&self) -> String {
        let cells = |figure: fn(&Row) -> &RowFigure| {
            self.rows.iter().map(figure).map(|figure| figure.by_round.len() + figure.void).max().unwrap_or(0)
        };
        let (capacity, connect) = (cells(|row| &row.capacity), cells(|row| &row.connect));
        let blocks = self.header.blocks as usize;
        if capacity.max(connect) <= blocks {
            return format!("{blocks} blocks");
        }
        format!(
            "{blocks} blocks, in which capacity was taken {capacity} times and connections {connect} times"
        )
    }
}

/// Percentiles that are drawn.
pub const PERCENTILES: [f64; 6] = [50.0, 75.0, 90.0, 99.0, 99.9, 99.99];

/// The model of a comparison.
pub fn model(records: &Levelled) -> Model {
    let rows: Vec<Row> =
        records.header.contestants.iter().map(|line| row(line, records)).filter(has_anything).collect();
    let baseline = rows.iter().position(|row| row.is_baseline).unwrap_or(0);
    let rate_per_s = records
        .cells
        .iter()
        .filter(|record| record.trial.cell.step == Step::Latency)
        .find_map(|record| record.trial.cell.load.rate_per_s);
    let told =
        |fits: fn(Verdict) -> bool| records.cells.iter().filter(|record| fits(record.audit.verdict)).count();
    Model {
        header: records.header.clone(),
        rows,
        rate_per_s,
        baseline,
        verdicts: [Verdict::is_value, |it| it == Verdict::AtLeast, |it| it == Verdict::Void].map(told),
        void_for: spoilt::counted(
            records
                .cells
                .iter()
                .filter(|cell| cell.audit.verdict == Verdict::Void)
                .map(|cell| spoilt::kind(cell)),
        ),
        slowed_share: slowed_share(records),
    }
}

fn slowed_share(records: &Levelled) -> Option<f64> {
    let levelled = records.cells.iter().filter(|record| record.factors.is_some());
    let shares: Vec<f64> = levelled.flat_map(|record| &record.pace).map(|core| core.slowed_share).collect();
    mean(&shares)
}

/// A contestant that an interrupted run never reached has no row.
fn has_anything(row: &Row) -> bool {
    [&row.capacity, &row.p50_ns, &row.connect]
        .iter()
        .any(|figure| !figure.by_round.is_empty() || figure.void > 0)
}

fn row(line: &ContestantLine, records: &Levelled) -> Row {
    let step = |step| records.cells_of(&line.label, step);
    let seed = records.header.seed;
    let (capacity, latency, connect) = (step(Step::Capacity), step(Step::Latency), step(Step::Connect));
    let percentile = |percentile: f64| {
        move |record: &LevelledCell| record.latencies()?.total.at_ns(percentile).map(|value| value as f64)
    };
    let rate = LevelledCell::rate_per_s;
    let all: Vec<&LevelledCell> = [capacity.as_slice(), &latency, &connect].concat();
    let most = |read: fn(&LevelledCell) -> Option<u32>| {
        all.iter().filter_map(|record| read(record)).max().unwrap_or(0)
    };
    Row {
        label: line.label.clone(),
        idea: line.idea.clone(),
        family: line.family.clone(),
        transport: all.first().map_or(TransportKind::Plain, |record| record.trial.cell.transport),
        is_baseline: line.is_baseline(),
        capacity: RowFigure::of(&capacity, seed, rate)
            .at_full_pace(&capacity, Record::rate_as_measured_per_s),
        p50_ns: RowFigure::of(&latency, seed, percentile(50.0)),
        p99_ns: RowFigure::of(&latency, seed, percentile(99.0)),
        connect: RowFigure::of(&connect, seed, rate).at_full_pace(&connect, Record::rate_as_measured_per_s),
        cpu_ns: RowFigure::of(&latency, seed, LevelledCell::cpu_per_request_ns)
            .at_full_pace(&latency, Record::cpu_as_measured_ns),
        cpu_at_capacity_ns: RowFigure::of_cost(&capacity, seed, LevelledCell::cpu_per_request_ns)
            .at_full_pace(&capacity, Record::cpu_as_measured_ns),
        machine_cpu_ns: RowFigure::of_cost(&capacity, seed, |record| {
            let rate = record.counted()?.rate_per_s;
            (rate > 0.0).then_some(record.machine.as_ref()?.cores_used * 1e9 / rate)
        }),
        cpu_at_connect_ns: RowFigure::of_cost(&connect, seed, LevelledCell::cpu_per_request_ns)
            .at_full_pace(&connect, Record::cpu_as_measured_ns),
        client_cpu_at_connect_ns: RowFigure::of_cost(&connect, seed, |record| {
            let load = record.counted()?;
            (load.rate_per_s > 0.0).then_some(load.generator_cores_used? * 1e9 / load.rate_per_s)
        }),
        connect_p99_ns: RowFigure::of_cost(&connect, seed, |record| {
            record.latencies()?.connect.at_ns(99.0).map(|value| value as f64)
        }),
        handshake_octets: RowFigure::of_cost(&connect, seed, |record| record.counted()?.handshake_octets),
        system_share: RowFigure::of(&latency, seed, |record| record.server.as_ref()?.system_share),
        switches: RowFigure::of(&latency, seed, |record| {
            let server = record.server.as_ref()?;
            Some(server.switches_per_s? / record.counted()?.rate_per_s)
        }),
        memory_per_connection: RowFigure::of_cost(&capacity, seed, |record| {
            let server = record.server.as_ref()?;
            let grown = server.memory_idle.growth_bytes(&server.memory_loaded)?;
            Some(grown as f64 / f64::from(record.trial.cell.load.connections.max(1)))
        }),
        memory: RowFigure::of_cost(&capacity, seed, |record| {
            record.server.as_ref()?.memory_loaded.pss_bytes.map(|bytes| bytes as f64)
        }),
        percentiles: PERCENTILES
            .iter()
            .map(|wanted| (*wanted, RowFigure::of(&latency, seed, percentile(*wanted))))
            .collect(),
        threads: most(|record| Some(record.server.as_ref()?.threads)),
        processes: most(|record| Some(record.server.as_ref()?.processes)),
        spread: capacity
            .last()
            .and_then(|record| record.server.as_ref())
            .map(|server| server.spread.clone())
            .unwrap_or_default(),
        watched_fall: watched::fall(&[capacity.as_slice(), &connect].concat(), seed),
    }
}
