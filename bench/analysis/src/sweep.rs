//! Up and down again: the latencies of a server whose offered rate rises past its critical point and falls back.

use std::collections::BTreeMap;

use dyno_record::step::Step;
use dyno_statistics::sample::median;

use crate::levelling::{Levelled, LevelledCell};

/// Share of a step at its begin that belongs to the change of the rate.
const SETTLING_SHARE: f64 = 0.25;

/// One rate of a sweep, over all blocks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SweepStep {
    /// What was offered.
    pub offered_per_s: f64,
    /// The median over blocks of the median 99th percentile of an interval, ns.
    pub p99_ns: f64,
}

/// A sweep, its highest rate in both parts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sweep {
    /// On the way up.
    pub up: Vec<SweepStep>,
    /// On the way back.
    pub back: Vec<SweepStep>,
}

/// The sweep of a contestant; `None` where no cell of it tells its latencies.
pub fn sweep(records: &Levelled, contestant: &str) -> Option<Sweep> {
    let cells = records.cells_of(contestant, Step::CurveSweep);
    let mut by_step: BTreeMap<usize, (f64, Vec<f64>)> = BTreeMap::new();
    for cell in cells.iter().filter(|cell| cell.counted().is_some()) {
        for (number, (offered, p99)) in steps(cell).into_iter().enumerate() {
            let known = by_step.entry(number).or_insert((offered, Vec::new()));
            known.1.extend(p99);
        }
    }
    let all: Vec<SweepStep> = by_step
        .into_values()
        .filter_map(|(offered_per_s, p99s)| Some(SweepStep { offered_per_s, p99_ns: median(&p99s)? }))
        .collect();
    let top =
        all.iter().enumerate().max_by(|one, other| one.1.offered_per_s.total_cmp(&other.1.offered_per_s))?.0;
    Some(Sweep { up: all[..=top].to_vec(), back: all[top..].to_vec() })
}

/// The rates of a cell, each with the median 99th percentile of its intervals.
fn steps(cell: &LevelledCell) -> Vec<(f64, Option<f64>)> {
    let load = &cell.trial.cell.load;
    let Some(figures) = &cell.load else { return Vec::new() };
    let length_ms = load.duration_ms as f64 / load.steps.len().max(1) as f64;
    let of = |(number, offered): (usize, &f64)| {
        let (from, until) = ((number as f64 + SETTLING_SHARE) * length_ms, (number as f64 + 1.0) * length_ms);
        let inside = figures.series.iter().filter(|point| {
            let at_ms = point.at_ms as f64;
            at_ms > from && at_ms <= until
        });
        let p99s: Vec<f64> = inside.filter_map(|point| Some(point.p99_ns? as f64)).collect();
        (*offered, median(&p99s))
    };
    load.steps.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_record::cell::{Cell, Cores, Load, Trial};
    use dyno_record::load::{LoadFigures, Point};
    use dyno_record::measured::Record;
    use dyno_record::transport::TransportKind;

    #[test]
    fn a_server_that_remembers_its_overload_is_slower_on_the_way_back() {
        let cell = Cell {
            step: Step::CurveSweep,
            contestant: "x".into(),
            service: "/".into(),
            transport: TransportKind::Plain,
            cores: Cores::default(),
            workers: None,
            load: Load { steps: vec![100.0, 200.0, 100.0], ..Load::closed(8, 0, 300) },
        };
        // Ten intervals a step; the first two of each step still show the step before.
        let of = |number: u64| [1.0, 50.0, 9.0][((number.saturating_sub(2)) / 10).min(2) as usize];
        let series = (0..30).map(|number| Point {
            at_ms: 10 * (number + 1),
            rate_per_s: 1.0,
            errors: 0,
            p99_ns: Some((of(number) * 1e6) as u64),
        });
        let load = Some(LoadFigures { series: series.collect(), ..LoadFigures::default() });
        let record = Record { load, ..Record::new(Trial { cell, block: 0 }, "m") };
        let figures: Vec<_> = steps(&LevelledCell { record, factors: None })
            .into_iter()
            .map(|step| (step.0, step.1.unwrap()))
            .collect();
        assert_eq!(figures, [(100.0, 1e6), (200.0, 50e6), (100.0, 9e6)]);
    }
}
