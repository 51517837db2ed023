//! What overload controls save, one row for each architecture under each of them.

use dyno_record::experiment::{OVERLOAD_SPIKE, OVERLOAD_TIMES};
use dyno_record::header::ContestantLine;
use dyno_record::load::{LoadFigures, Point};
use dyno_record::measured::Record;
use dyno_record::step::Step;

use crate::curves::{Recovery, normal_from};
use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};
use crate::limits::NORMAL_LOST_SHARE;

/// What stands between the name of an architecture and that of its control.
const UNDER: char = '/';

/// An architecture under a control.
#[derive(Debug, Clone, PartialEq)]
pub struct OverloadRow {
    /// Whose.
    pub line: ContestantLine,
    /// The architecture.
    pub architecture: String,
    /// The control; `none` where there is none.
    pub control: String,
    /// What the architecture can do without control, requests a second.
    pub peak: RowFigure,
    /// What an answer without work costs, as a share of one with it: refusing is not cheaper.
    pub refusal_share: Option<f64>,
    /// What came of each multiple of the peak, by rising multiple.
    pub points: Vec<OverloadPoint>,
    /// The way back from a spike.
    pub spike: Recovery,
    /// The same where whoever is sent away comes back.
    pub storm: Recovery,
}

/// What came of one multiple of the peak.
#[derive(Debug, Clone, PartialEq)]
pub struct OverloadPoint {
    /// The multiple.
    pub times: f64,
    /// Right answers within the patience, per second.
    pub good: RowFigure,
    /// 99th percentile of the answers, in nanoseconds.
    pub p99_ns: RowFigure,
    /// CPU of the server per right answer, in nanoseconds.
    pub cpu_ns: RowFigure,
    /// Good-put as a share of the peak, or of what was asked for where that is less.
    pub of_peak: Option<f64>,
    /// The same as a share of what is possible where refusing costs what it does.
    pub of_possible: Option<f64>,
}

impl OverloadRow {
    /// Its point at a multiple.
    pub fn at(&self, times: f64) -> Option<&OverloadPoint> {
        self.points.iter().find(|point| point.times == times)
    }

    /// By how much a request costs more CPU at half load than `without` control, as a share.
    pub fn cost_above(&self, without: &OverloadRow) -> Option<f64> {
        let cpu = |row: &OverloadRow| row.at(0.5)?.cpu_ns.value();
        Some(cpu(self)? / cpu(without)? - 1.0)
    }
}

/// The best share of its peak that a server can serve in time at `times` the peak, where a refusal costs the share
/// `refusal` of an answer: of `times` requests in the time of one answer it serves x, and
/// `x + refusal (times - x) = 1`.
pub fn possible(times: f64, refusal: f64) -> f64 {
    if times <= 1.0 { times } else { ((1.0 - times * refusal) / (1.0 - refusal)).max(0.0) }
}

/// The rows of all contestants that were measured, in the order of the header.
pub fn rows(records: &Levelled) -> Vec<OverloadRow> {
    let lines = records.header.contestants.iter();
    lines.map(|line| row(records, line)).filter(|row| !row.points.is_empty()).collect()
}

/// The best control of each architecture: the one that serves most at the largest multiple.
pub fn best(rows: &[OverloadRow]) -> Vec<&OverloadRow> {
    let mut found: Vec<&OverloadRow> = Vec::new();
    let most = |row: &OverloadRow| row.points.last().and_then(|point| point.good.value()).unwrap_or(-1.0);
    for row in rows.iter().filter(|row| row.control != "none") {
        match found.iter_mut().find(|known| known.architecture == row.architecture) {
            None => found.push(row),
            Some(known) if most(row) > most(known) => *known = row,
            Some(_) => {}
        }
    }
    found
}

fn row(records: &Levelled, line: &ContestantLine) -> OverloadRow {
    let seed = records.header.seed;
    let (architecture, control) = line.label.split_once(UNDER).unwrap_or((&line.label, "none"));
    let capacity = records.cells_of(architecture, Step::Capacity);
    let peak = RowFigure::of(&capacity, seed, LevelledCell::rate_per_s);
    let refusal_share = refusal_share(records, architecture, &capacity);
    let points = OVERLOAD_TIMES.into_iter().filter_map(|times| {
        let cells: Vec<&LevelledCell> = records
            .cells_of(&line.label, Step::Overload)
            .into_iter()
            .filter(|cell| peak.value().is_some_and(|peak| nearest(cell, peak) == times))
            .collect();
        (!cells.is_empty()).then(|| point(&cells, seed, times, peak.value(), refusal_share))
    });
    let points = points.collect();
    let back = |step| {
        let cells = records.cells_of(&line.label, step);
        let known = cells.iter().find_map(|cell| Some(recovery(cell.load.as_ref()?, cell)));
        known.unwrap_or(Recovery::Unknown)
    };
    OverloadRow {
        line: line.clone(),
        architecture: architecture.to_string(),
        control: control.to_string(),
        refusal_share,
        points,
        spike: back(Step::OverloadSpike),
        storm: back(Step::OverloadStorm),
        peak,
    }
}

fn refusal_share(records: &Levelled, architecture: &str, capacity: &[&LevelledCell]) -> Option<f64> {
    let seed = records.header.seed;
    let cost =
        |cells: &[&LevelledCell]| RowFigure::of_cost(cells, seed, LevelledCell::cpu_per_request_ns).value();
    let is_own = |label: &str| label.split_once(UNDER).is_some_and(|(name, _)| name == architecture);
    let cells: Vec<&LevelledCell> = records
        .cells
        .iter()
        .filter(|cell| cell.trial.cell.step == Step::OverloadRefusal && is_own(&cell.trial.cell.contestant))
        .collect();
    Some(cost(&cells)? / cost(capacity)?)
}

/// The multiple of the peak that a cell was meant to be: rates are rounded, and the peak is that of all blocks.
fn nearest(cell: &Record, peak: f64) -> f64 {
    let times = cell.trial.cell.load.rate_per_s.unwrap_or_default() / peak;
    let apart = |known: f64| (times.max(1e-9) / known).ln().abs();
    OVERLOAD_TIMES.into_iter().min_by(|one, other| apart(*one).total_cmp(&apart(*other))).unwrap_or_default()
}

fn point(
    cells: &[&LevelledCell],
    seed: u64,
    times: f64,
    peak: Option<f64>,
    refusal: Option<f64>,
) -> OverloadPoint {
    let good =
        RowFigure::of_cost(cells, seed, |cell| Some(cell.load.as_ref()?.impatient.as_ref()?.good_per_s));
    let offered = cells.iter().filter_map(|cell| cell.trial.cell.load.rate_per_s).fold(0.0, f64::max);
    let of = |most: f64| good.value().filter(|_| most > 0.0).map(|good| good / most);
    let of_peak = peak.and_then(|peak| of(peak.min(offered)));
    let of_possible = peak.zip(refusal).and_then(|(peak, refusal)| {
        of(if times <= 1.0 { peak.min(offered) } else { peak * possible(times, refusal) })
    });
    OverloadPoint {
        times,
        p99_ns: RowFigure::of_cost(cells, seed, |cell| Some(cell.load.as_ref()?.total.at_ns(99.0)? as f64)),
        cpu_ns: RowFigure::of_cost(cells, seed, LevelledCell::cpu_per_request_ns),
        of_peak,
        of_possible,
        good,
    }
}

/// From the end of the spike until hardly a request is refused or given up any more, to stay.
fn recovery(load: &LoadFigures, record: &Record) -> Recovery {
    let length = record.trial.cell.load.duration_ms / OVERLOAD_SPIKE.len() as u64;
    let calm = OVERLOAD_SPIKE[0];
    let before = OVERLOAD_SPIKE.iter().rposition(|times| *times > calm).map_or(0, |last| last as u64 + 1);
    let spike_end = before * length;
    let after: Vec<&Point> = load.series.iter().filter(|point| point.at_ms > spike_end).collect();
    let interval_s = match load.series.as_slice() {
        [first, second, ..] => second.at_ms.saturating_sub(first.at_ms) as f64 / 1e3,
        _ => return Recovery::Unknown,
    };
    let is_normal = |point: &&Point| {
        let answered = point.rate_per_s * interval_s;
        answered > 0.0 && point.errors as f64 <= NORMAL_LOST_SHARE * (answered + point.errors as f64)
    };
    let normal: Vec<bool> = after.iter().map(is_normal).collect();
    match normal_from(&normal) {
        None => Recovery::Never,
        Some(0) => Recovery::After(0),
        Some(first) => Recovery::After(after[first - 1].at_ms.saturating_sub(spike_end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_possible_falls_with_the_cost_of_refusing() {
        assert_eq!(possible(0.5, 0.1), 0.5);
        assert_eq!(possible(1.0, 0.1), 1.0);
        assert_eq!(possible(8.0, 0.0), 1.0);
        assert!((possible(8.0, 0.05) - 0.6 / 0.95).abs() < 1e-12);
        assert_eq!(possible(8.0, 0.2), 0.0, "it does nothing but refuse");
    }
}
