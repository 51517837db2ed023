//! What a curve says: the critical point, what lies beyond it, and the way back from a spike.

use dyno_record::experiment::SPIKE_SHARES;
use dyno_record::step::Step;
use std::collections::BTreeMap;

use crate::critical::{Bracket, RateEvidence, TriedRate, limit_of};
use crate::levelling::{Levelled, LevelledCell};
use dyno_record::load::{LoadFigures, Point};
use dyno_statistics::sample::median;
use dyno_units::show;

/// What happens past the critical point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// At twice the critical point at least 95 % of the peak are still answered.
    WellConditioned,
    /// At least half of it.
    Degrading,
    /// Less than half.
    Collapsing,
    /// No cell of that load counts.
    Unknown,
}

impl Beyond {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Beyond::WellConditioned => "well-conditioned: keeps answering at its peak",
            Beyond::Degrading => "degrading: answers fewer than at its peak",
            Beyond::Collapsing => "collapsing: answers less than half of its peak",
            Beyond::Unknown => "not judged: no cell at twice that rate counts",
        }
    }
}

/// The way back from a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Recovery {
    /// Milliseconds from the end of the spike.
    After(u64),
    /// Not within the run.
    Never,
    /// No cell of it counts.
    Unknown,
}

impl Recovery {
    /// For people.
    pub fn words(self) -> String {
        match self {
            Recovery::After(ms) => show::time(ms as f64 * 1e6),
            Recovery::Never => "did not recover within the run".to_string(),
            Recovery::Unknown => "not known".to_string(),
        }
    }
}

/// What a curve says of one contestant.
#[derive(Debug, Clone, PartialEq)]
pub struct CurveFinding {
    /// Whose.
    pub contestant: String,
    /// The critical point, between a rate that is confirmed and one that is not.
    pub bracket: Bracket,
    /// Why there is no confirmed rate; `None` where there is one.
    pub unfound: Option<Unfound>,
    /// The 99th percentile over all cells at the confirmed rate, in nanoseconds.
    pub p99_there_ns: Option<f64>,
    /// What lies beyond.
    pub beyond: Beyond,
    /// The way back.
    pub recovery: Recovery,
}

impl CurveFinding {
    /// The highest rate that is confirmed to keep the limit.
    pub fn critical_per_s(&self) -> Option<f64> {
        self.bracket.confirmed.map(|rate| rate.rate_per_s)
    }
}

/// Why a contestant has no critical point.
#[derive(Debug, Clone, PartialEq)]
pub enum Unfound {
    /// Nothing of it was measured: the experiment ended before.
    NotReached,
    /// Its closed loop, from which the search begins, is void for this reason.
    NoCapacity(String),
    /// The search ended before it was confirmed that any rate keeps the limit; the highest that did at least once.
    Unconfirmed(Option<TriedRate>),
}

/// The critical point of each contestant, as far as it is known.
pub fn brackets(records: &Levelled) -> BTreeMap<&str, Bracket> {
    let Some(limit) = limit_of(&records.header) else { return BTreeMap::new() };
    let of = |label| RateEvidence::of(records.cells.iter().map(|cell| &cell.record), label, limit).bracket();
    let lines = records.header.contestants.iter();
    lines.map(|line| (line.label.as_str(), of(&line.label))).collect()
}

/// Whether cells at this rate offered what a search had found.
pub fn is_critical(offered: f64, critical: f64) -> bool {
    (offered / critical - 1.0).abs() < 1e-6
}

/// What the curves say, a line for each contestant.
pub fn findings(levelled: &Levelled) -> Vec<CurveFinding> {
    let of = |label: &str, step| levelled.cells_of(label, step);
    let brackets = brackets(levelled);
    levelled
        .header
        .contestants
        .iter()
        .map(|line| {
            let spike = of(&line.label, Step::CurveSpike);
            let bracket = brackets.get(line.label.as_str()).copied().unwrap_or_default();
            let critical = bracket.confirmed.map(|rate| rate.rate_per_s);
            let points = of(&line.label, Step::Curve);
            let everywhere = [points.as_slice(), &of(&line.label, Step::CurveSearch)].concat();
            CurveFinding {
                contestant: line.label.clone(),
                bracket,
                unfound: critical.is_none().then(|| unfound(levelled, &line.label)),
                p99_there_ns: critical.and_then(|critical| p99_at(&everywhere, critical)),
                beyond: critical.map_or(Beyond::Unknown, |critical| beyond(&points, critical)),
                recovery: spike
                    .iter()
                    .find_map(|record| record.load.as_ref().map(|load| recovery(load, record)))
                    .unwrap_or(Recovery::Unknown),
            }
        })
        .collect()
}

fn unfound(levelled: &Levelled, label: &str) -> Unfound {
    let closed = levelled.cells_of(label, Step::Capacity);
    let Some(last) = closed.last() else { return Unfound::NotReached };
    let is_searched = !levelled.cells_of(label, Step::CurveSearch).is_empty();
    if !is_searched && closed.iter().all(|record| record.counted().is_none()) {
        return Unfound::NoCapacity(last.audit.reason().to_string());
    }
    let records = levelled.cells.iter().map(|cell| &cell.record);
    let best =
        limit_of(&levelled.header).and_then(|limit| RateEvidence::of(records, label, limit).best_kept());
    Unfound::Unconfirmed(best)
}

fn p99_at(points: &[&LevelledCell], critical: f64) -> Option<f64> {
    let p99s: Vec<f64> = points
        .iter()
        .filter(|record| is_critical(record.trial.cell.load.rate_per_s.unwrap_or_default(), critical))
        .filter_map(|record| Some(record.latencies()?.total.at_ns(99.0)? as f64))
        .collect();
    median(&p99s)
}

fn beyond(points: &[&LevelledCell], critical: f64) -> Beyond {
    let mut by_offered: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for record in points {
        if let (Some(offered), Some(load)) = (record.trial.cell.load.rate_per_s, record.counted()) {
            by_offered.entry(offered as u64).or_default().push(load.rate_per_s);
        }
    }
    // The best of single blocks would be luck: a peak is the best median.
    let peak = by_offered.values().filter_map(|rates| median(rates)).fold(0.0, f64::max);
    let mut far = by_offered.iter().filter(|(offered, _)| **offered as f64 > critical * 1.7);
    let Some(far) = far.next_back().and_then(|(_, rates)| median(rates)).filter(|_| peak > 0.0) else {
        return Beyond::Unknown;
    };
    match far / peak {
        share if share >= 0.95 => Beyond::WellConditioned,
        share if share >= 0.5 => Beyond::Degrading,
        _ => Beyond::Collapsing,
    }
}

/// From the end of the spike until the 99th percentile is back, to stay, within twice what it was before.
fn recovery(load: &LoadFigures, record: &LevelledCell) -> Recovery {
    let length = record.trial.cell.load.duration_ms / SPIKE_SHARES.len() as u64;
    let (before_end, spike_end) = (2 * length, 3 * length);
    let usual: Vec<f64> = load
        .series
        .iter()
        .filter(|point| point.at_ms <= before_end)
        .filter_map(|point| Some(point.p99_ns? as f64))
        .collect();
    let Some(usual) = median(&usual) else { return Recovery::Unknown };
    let after: Vec<&Point> = load.series.iter().filter(|point| point.at_ms > spike_end).collect();
    let normal = |point: &Point| point.p99_ns.is_some_and(|p99| p99 as f64 <= usual * 2.0 + 1e6);
    let after_all: Vec<bool> = after.iter().map(|point| normal(point)).collect();
    match normal_from(&after_all) {
        None => Recovery::Never,
        Some(0) => Recovery::After(0),
        Some(first) => Recovery::After(after[first - 1].at_ms.saturating_sub(spike_end)),
    }
}

/// Place from which on nine of ten intervals are normal: on a shared machine a single one that is not may be
/// anybody's. What is too short to tell is no recovery.
pub(crate) fn normal_from(normal: &[bool]) -> Option<usize> {
    const LEAST: usize = 5;
    (0..=normal.len().checked_sub(LEAST)?).find(|from| {
        let rest = &normal[*from..];
        rest[0] && rest.iter().filter(|one| !**one).count() * 10 <= rest.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_record::cell::{Cell, Cores, Load, Trial};
    use dyno_record::measured::Record;
    use dyno_record::transport::TransportKind;

    /// A cell at `offered_per_s` that was answered at `rate_per_s`.
    fn cell(step: Step, offered_per_s: f64, rate_per_s: f64, series: Vec<Point>) -> LevelledCell {
        let cell = Cell {
            step,
            contestant: "epoll".into(),
            service: "/".into(),
            transport: TransportKind::Plain,
            cores: Cores { server: vec![0], generator: vec![1] },
            workers: None,
            load: Load { rate_per_s: Some(offered_per_s), ..Load::closed(64, 100, 10_000) },
        };
        let load = Some(LoadFigures { rate_per_s, series, ..LoadFigures::default() });
        LevelledCell { record: Record { load, ..Record::new(Trial { cell, block: 0 }, "m") }, factors: None }
    }

    #[test]
    fn what_lies_beyond_is_the_share_of_the_peak_at_twice_the_critical_point() {
        for (far_per_s, expected) in [
            (990.0, Beyond::WellConditioned),
            (950.0, Beyond::WellConditioned),
            (940.0, Beyond::Degrading),
            (500.0, Beyond::Degrading),
            (490.0, Beyond::Collapsing),
        ] {
            let points = [
                cell(Step::Curve, 500.0, 500.0, vec![]),
                cell(Step::Curve, 1_000.0, 1_000.0, vec![]),
                cell(Step::Curve, 2_000.0, far_per_s, vec![]),
            ];
            assert_eq!(beyond(&points.iter().collect::<Vec<_>>(), 1_000.0), expected, "{far_per_s}");
        }
        let near = [cell(Step::Curve, 1_000.0, 1_000.0, vec![]), cell(Step::Curve, 1_600.0, 900.0, vec![])];
        assert_eq!(beyond(&near.iter().collect::<Vec<_>>(), 1_000.0), Beyond::Unknown, "nobody went so far");
    }

    #[test]
    fn a_recovery_is_timed_from_the_end_of_the_spike() {
        // Ten stretches of a second each: the spike is the third, and ends at 3,000 ms.
        let series = |slow_until_ms: u64| -> Vec<Point> {
            (1..=100)
                .map(|tenth| {
                    let at_ms = tenth * 100;
                    let p99_ns =
                        if (2_001..=slow_until_ms).contains(&at_ms) { 50_000_000 } else { 1_000_000 };
                    Point { at_ms, rate_per_s: 1_000.0, errors: 0, p99_ns: Some(p99_ns) }
                })
                .collect()
        };
        let of = |slow_until_ms| {
            let record = cell(Step::CurveSpike, 1_000.0, 1_000.0, series(slow_until_ms));
            recovery(record.load.as_ref().expect("planted"), &record)
        };
        assert_eq!(of(3_000), Recovery::After(0));
        assert_eq!(of(3_700), Recovery::After(700));
        assert_eq!(of(10_000), Recovery::Never);
        assert_eq!(Recovery::After(700).words(), show::time(7e8));
    }

    #[test]
    fn one_hiccup_is_no_relapse_and_a_lucky_end_no_recovery() {
        let hiccup = [vec![false; 4], vec![true; 15], vec![false], vec![true; 4]].concat();
        assert_eq!(normal_from(&hiccup), Some(4));
        assert_eq!(normal_from(&[vec![false; 20], vec![true; 4]].concat()), None);
        assert_eq!(normal_from(&[true, false].repeat(10)), None, "every other one");
        assert_eq!(normal_from(&[true; 20]), Some(0));
        assert_eq!(normal_from(&[]), None);
    }
}
