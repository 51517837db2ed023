//! Which design when: each design under each workload, judged by what was measured.
//!
//! Two figures decide. The *rate* of the closed loop tells who can carry the load at all: a design that makes
//! clients wait while its core is idle has a low one. Among those that carry it, *CPU per request* tells who
//! does it for less; where the server is full both say the same. A design is among the best where neither
//! figure is behind the best one's by more than threshold and chance ([`Standing::Best`]). Latency is shown
//! beside both, and decides nothing.

pub mod choice;
mod judge;
mod picks;

use dyno_record::header::ContestantLine;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::workload::{Fills, Workload, all};
use dyno_statistics::sample::median;
use dyno_units::verdict::Verdict;

use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};
use crate::limits::GENERATOR_FULL_SHARE;

pub use picks::{Picks, StandingTally};

/// All designs under all workloads.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The designs, in the order of the header.
    pub designs: Vec<ContestantLine>,
    /// The workloads, in the order of their table; paths after them.
    pub rows: Vec<WorkloadRow>,
}

/// All designs under one workload.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkloadRow {
    /// The workload.
    pub workload: Workload,
    /// The rate at which latencies were compared, where they were.
    pub common_per_s: Option<f64>,
    /// What each design showed, in the order of the designs.
    pub scores: Vec<Score>,
}

/// What one design showed under one workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Right answers a second in the closed loop.
    pub rate: RowFigure,
    /// CPU of the server per right answer there, in nanoseconds.
    pub cpu_ns: RowFigure,
    /// Median latency, in nanoseconds: at the common rate, or in the closed loop where all clients wait.
    pub p50_ns: RowFigure,
    /// 99th percentile of the same.
    pub p99_ns: RowFigure,
    /// Memory of its processes in the closed loop, in bytes.
    pub memory: RowFigure,
    /// What else was seen of it in the closed loop.
    pub seen: Seen,
    /// Where it stands.
    pub standing: Standing,
    /// What it reaches of the best: the smaller of its share of the best rate, and of the share that the least CPU of
    /// those that carry the load is of its own. `None` where nothing counts.
    pub share: Option<f64>,
}

/// What was seen of a design in the closed loop, beside rate and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Seen {
    /// Share of its cores that it used.
    pub busy_share: Option<f64>,
    /// Whether the generator was full, so that the rate is its own.
    pub generator_full: bool,
    /// Requests that waited at a time for what they had asked for: the rate times the wait (Little's law).
    /// `None` where nothing was asked to wait.
    pub waiting: Option<f64>,
    /// Context switches per request.
    pub switches: Option<f64>,
    /// System calls per request, where they could be counted.
    pub system_calls: Option<f64>,
    /// Most threads at once.
    pub threads: u32,
    /// Most processes at once.
    pub processes: u32,
}

/// Where a design stands under a workload.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Among the best: nobody is seen to be better.
    Best,
    /// It carries the load, for more CPU than the best.
    Costly,
    /// Its cores are full before it reaches the best rate, or it cannot use all of them.
    Slower,
    /// Its clients wait while its cores are idle.
    Jammed,
    /// It fails by a limit of its own, told in words.
    Fails(String),
    /// Too few cells count for a verdict; the words tell why cells are void, where some are.
    Unknown(String),
    /// It was not measured.
    Missing,
}

/// The matrix of an experiment with workloads.
pub fn matrix(records: &Levelled) -> Matrix {
    let mut names: Vec<String> = all().iter().map(|workload| workload.name.to_string()).collect();
    for cell in &records.cells {
        let name = cell.trial.cell.load.workload.as_ref();
        if let Some(name) = name.filter(|name| !names.contains(name)) {
            names.push(name.clone());
        }
    }
    let rows = names.iter().filter_map(|name| row(name, records)).collect();
    Matrix { designs: records.header.contestants.clone(), rows }
}

/// All designs under the workload of that name; `None` where it was not measured.
fn row(name: &str, records: &Levelled) -> Option<WorkloadRow> {
    let own: Vec<&LevelledCell> =
        records.cells.iter().filter(|cell| cell.trial.cell.load.workload.as_deref() == Some(name)).collect();
    let cell = &own.first()?.trial.cell;
    // A later version may measure another load under the same name: what was asked for is on record.
    let mut workload = Workload::of(name).unwrap_or_else(|| Workload::of_path(&cell.service));
    workload.service = cell.service.clone().into();
    workload.clients.connections = cell.load.connections;
    let common_per_s = own
        .iter()
        .filter(|cell| cell.trial.cell.step == Step::Latency)
        .find_map(|cell| cell.trial.cell.load.rate_per_s);
    let scores =
        records.header.contestants.iter().map(|line| score(line, &own, &workload, records.header.seed));
    let scores = judge::stand(scores.collect(), records.header.threshold, records.header.seed);
    Some(WorkloadRow { workload, common_per_s, scores })
}

/// What a design showed, not judged yet beyond what its own cells tell.
fn score(line: &ContestantLine, own: &[&LevelledCell], workload: &Workload, seed: u64) -> Score {
    let of = |step: Step| -> Vec<&LevelledCell> {
        let fits =
            |cell: &&&LevelledCell| cell.trial.cell.contestant == line.label && cell.trial.cell.step == step;
        own.iter().filter(fits).copied().collect()
    };
    let (counts, closed, open) = (of(Step::Counts), of(Step::Capacity), of(Step::Latency));
    let timed = if workload.fills == Fills::Clients { &closed } else { &open };
    let percentile = |wanted: f64| {
        RowFigure::of_cost(timed, seed, move |cell| cell.latencies()?.total.at_ns(wanted).map(|ns| ns as f64))
    };
    let rate = RowFigure::of(&closed, seed, LevelledCell::rate_per_s)
        .at_full_pace(&closed, Record::rate_as_measured_per_s);
    Score {
        cpu_ns: RowFigure::of_cost(&closed, seed, LevelledCell::cpu_per_request_ns)
            .at_full_pace(&closed, Record::cpu_as_measured_ns),
        p50_ns: percentile(50.0),
        p99_ns: percentile(99.0),
        memory: RowFigure::of_cost(&closed, seed, |cell| {
            cell.server.as_ref()?.memory_loaded.pss_bytes.map(|bytes| bytes as f64)
        }),
        seen: seen(&closed, &counts),
        standing: alone(&rate, &closed, &counts),
        share: None,
        rate,
    }
}

/// What a design's own cells tell of its standing, whatever the others do.
fn alone(rate: &RowFigure, closed: &[&LevelledCell], counts: &[&LevelledCell]) -> Standing {
    let mut all = closed.iter().chain(counts);
    if rate.value().is_some() {
        return Standing::Unknown(String::new());
    }
    if let Some(wall) = all.clone().find_map(|cell| cell.audit.wall()) {
        return Standing::Fails(wall.to_string());
    }
    match all.find(|cell| cell.audit.verdict == Verdict::Void) {
        Some(void) => Standing::Unknown(void.audit.reason().to_string()),
        None => Standing::Missing,
    }
}

fn seen(closed: &[&LevelledCell], counts: &[&LevelledCell]) -> Seen {
    let counted: Vec<&LevelledCell> =
        closed.iter().filter(|cell| cell.counted().is_some()).copied().collect();
    let middle = |cells: &[&LevelledCell], read: fn(&LevelledCell) -> Option<f64>| {
        median(&cells.iter().filter_map(|cell| read(cell)).collect::<Vec<_>>())
    };
    let per_request = |cell: &LevelledCell, per_s: Option<f64>| {
        let rate = cell.load.as_ref()?.rate_per_s;
        per_s.filter(|_| rate > 0.0).map(|per_s| per_s / rate)
    };
    let switches: fn(&LevelledCell) -> Option<f64> = |cell| cell.server.as_ref()?.switches_per_s;
    let switches = |cells: &[&LevelledCell]| {
        let each = cells.iter().filter_map(|cell| per_request(cell, switches(cell)));
        median(&each.collect::<Vec<_>>())
    };
    let calls = counts.iter().filter_map(|cell| per_request(cell, cell.server.as_ref()?.system_calls_per_s));
    let generator_busy = middle(&counted, |cell| cell.load.as_ref()?.generator_busy_share);
    let most = |read: fn(&LevelledCell) -> Option<u32>| {
        closed.iter().chain(counts).filter_map(|cell| read(cell)).max().unwrap_or(0)
    };
    Seen {
        busy_share: middle(&counted, |cell| {
            let server = cell.server.as_ref()?;
            Some(server.cores_used / server.cores_allotted.max(1) as f64)
        }),
        generator_full: generator_busy.is_some_and(|busy| busy >= GENERATOR_FULL_SHARE),
        waiting: middle(&counted, |cell| {
            Some(cell.counted()?.rate_per_s * cell.trial.cell.wait_ns()? as f64 / 1e9)
        }),
        // The kernel counts those of threads that have ended only in the counted cells.
        switches: switches(counts).or_else(|| switches(&counted)),
        system_calls: median(&calls.collect::<Vec<_>>()),
        threads: most(|cell| Some(cell.server.as_ref()?.threads)),
        processes: most(|cell| Some(cell.server.as_ref()?.processes)),
    }
}

#[cfg(test)]
mod tests;
