//! Two sets of results, side by side: what became better, worse, or is not known.

use crate::comparison::{Model, Row, model};
use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};
use dyno_record::step::Step;
use dyno_statistics::bootstrap::{Interval, ratio_of_medians, together};
use dyno_statistics::limits::LEAST_BLOCKS_FOR_A_VERDICT;
use dyno_statistics::rank::correlation;
use dyno_statistics::sample::{median, midmean};
use dyno_statistics::verdict::compare;
use dyno_units::verdict::Verdict;

/// What became of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Better by more than the threshold, with its whole interval.
    Better,
    /// Worse by more than the threshold, with its whole interval.
    Worse,
    /// The interval lies within the threshold on both sides.
    Same,
    /// The interval is too wide to say, or there are too few blocks.
    Inconclusive,
}

/// One figure of one contestant in both sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Whose, and under which workload where there are several.
    pub contestant: String,
    /// Which.
    pub figure: &'static str,
    /// Its median before.
    pub old: f64,
    /// Its median now.
    pub new: f64,
    /// New over old, with its 95 % interval.
    pub ratio: Interval,
    /// What became of it.
    pub change: Change,
    /// Whether most cells of one of both sets say "at least".
    pub at_least: bool,
}

/// Why a difference is inconclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceDoubt {
    /// Too few blocks count.
    Few,
    /// A maximum that was not reached is compared.
    AtLeast,
    /// The interval reaches beyond the threshold on one side.
    Wide,
}

impl Difference {
    /// Why it is inconclusive; `None` where it is not.
    pub fn doubt(&self) -> Option<DifferenceDoubt> {
        match self.change {
            Change::Better | Change::Worse | Change::Same => None,
            Change::Inconclusive if self.ratio.observations < LEAST_BLOCKS_FOR_A_VERDICT => {
                Some(DifferenceDoubt::Few)
            }
            Change::Inconclusive if self.at_least => Some(DifferenceDoubt::AtLeast),
            Change::Inconclusive => Some(DifferenceDoubt::Wide),
        }
    }
}

/// Picks a figure of a row.
type Read = fn(&Row) -> &RowFigure;

/// What all contestants have in common.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drift {
    /// In which figure.
    pub figure: &'static str,
    /// New over old: the interquartile mean of all contestants' ratios (on a logarithmic scale), with its 95 %
    /// interval.
    pub ratio: Interval,
}

/// Contestants from which on one can say what all have in common.
const CROWD: usize = 3;

/// By how much all moved together, for each figure that enough contestants have.
///
/// Nothing in two sets of results can tell a machine that became slower from code that all share and that became
/// slower: that takes both versions in one run.
pub fn drifts(differences: &[Difference], seed: u64) -> Vec<Drift> {
    let drift = |figure: &Figure| {
        let own = differences.iter().filter(|one| one.figure == figure.name);
        let pairs: Vec<(f64, f64)> = own.map(|one| (one.new, one.old)).collect();
        let ratio = compare(&pairs, 0.0, seed).ratio?;
        (ratio.observations >= CROWD).then_some(Drift { figure: figure.name, ratio })
    };
    FIGURES.iter().filter_map(drift).collect()
}

/// The same differences with what all have in common taken off.
pub fn beside(differences: &[Difference], drifts: &[Drift], threshold: f64) -> Vec<Difference> {
    let judge = |one: &Difference| {
        let drift =
            drifts.iter().find(|drift| drift.figure == one.figure).map_or(1.0, |drift| drift.ratio.value);
        let higher_is_better =
            FIGURES.iter().any(|figure| figure.name == one.figure && figure.higher_is_better);
        let ratio = one.ratio.map(|ratio| ratio / drift);
        let change = change(ratio, ratio.observations, threshold, higher_is_better);
        Difference { ratio, change, ..one.clone() }
    };
    differences.iter().map(judge).collect()
}

/// How well two runs of the same comparison agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Which figure.
    pub figure: &'static str,
    /// Spearman's rank correlation of the contestants' medians; absent below three contestants.
    pub rank_correlation: Option<f64>,
    /// What they are measured against.
    pub yardstick: Yardstick,
    /// Contestants whose ratio to it is in both sets.
    pub ratios: usize,
    /// Of these, how many changed by no more than the threshold.
    pub ratios_held: usize,
}

/// What ratios are taken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Yardstick {
    /// The baseline, by its label.
    Baseline(String),
    /// The mean of all (the interquartile mean, on a logarithmic scale): what the baseline has is only "at least", so
    /// it says what the generator could do, and any other one would bring its own luck into all ratios.
    Mean,
}

impl std::fmt::Display for Yardstick {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Yardstick::Baseline(label) => to.write_str(label),
            Yardstick::Mean => to.write_str("the mean"),
        }
    }
}

/// Whether both sets put the contestants into the same order, and at the same distance from the yardstick.
pub fn agreements(old: &Levelled, new: &Levelled, threshold: f64) -> Vec<Agreement> {
    let (before, now) = (model(old), model(new));
    let figures: [(&'static str, Read); 4] = [
        ("capacity", |row| &row.capacity),
        ("CPU/conn", |row| &row.cpu_at_connect_ns),
        ("connections/s", |row| &row.connect),
        ("CPU/request", |row| &row.cpu_at_capacity_ns),
    ];
    figures.into_iter().filter_map(|(name, read)| agreement(&before, &now, name, read, threshold)).collect()
}

fn agreement(
    before: &Model,
    now: &Model,
    figure: &'static str,
    read: Read,
    threshold: f64,
) -> Option<Agreement> {
    let find = |label: &str| now.rows.iter().find(|row| row.label == label);
    let rows: Vec<(&Row, &Row)> = before
        .rows
        .iter()
        .filter_map(|row| Some((row, find(&row.label)?)))
        .filter(|(old, new)| read(old).value().is_some() && read(new).value().is_some())
        .collect();
    let both: Vec<(&RowFigure, &RowFigure)> = rows.iter().map(|(old, new)| (read(old), read(new))).collect();
    let baseline = before.rows.get(before.baseline)?;
    let base = rows.iter().position(|(old, _)| old.label == baseline.label);
    let is_maximum = |place: &usize| !both[*place].0.at_least && !both[*place].1.at_least;
    let (yardstick, changes) = match base.filter(|base| both.len() < 3 || is_maximum(base)) {
        Some(base) => {
            let (old_base, new_base) = both[base];
            let ratio =
                |one: &RowFigure, base: &RowFigure| Some(one.against(base, threshold, 0).ratio?.value);
            let others = both.iter().enumerate().filter(|(place, _)| *place != base);
            let changes =
                others.filter_map(|(_, (old, new))| Some(ratio(new, new_base)? / ratio(old, old_base)?));
            (Yardstick::Baseline(rows[base].0.label.clone()), changes.collect())
        }
        None => (Yardstick::Mean, changes_to_the_mean(&both)),
    };
    let changes: Vec<f64> = changes.into_iter().filter(|change: &f64| change.is_finite()).collect();
    let (one, other): (Vec<f64>, Vec<f64>) =
        both.iter().filter_map(|(old, new)| old.value().zip(new.value())).unzip();
    let held = 1.0 / (1.0 + threshold)..=1.0 + threshold;
    Some(Agreement {
        figure,
        rank_correlation: if both.len() >= 3 { correlation(&one, &other) } else { None },
        yardstick,
        ratios: changes.len(),
        ratios_held: changes.iter().filter(|change| held.contains(*change)).count(),
    })
}

/// By how much each ratio to the mean of all changed.
fn changes_to_the_mean(both: &[(&RowFigure, &RowFigure)]) -> Vec<f64> {
    let level =
        |figure: &RowFigure| midmean(&figure.by_round.values().map(|value| value.ln()).collect::<Vec<_>>());
    let change = |(old, new): &(&RowFigure, &RowFigure)| Some(level(new)? - level(old)?);
    let changes: Vec<f64> = both.iter().filter_map(change).collect();
    let shift = midmean(&changes).unwrap_or_default();
    changes.into_iter().map(|change| (change - shift).exp()).collect()
}

struct Figure {
    name: &'static str,
    step: Step,
    higher_is_better: bool,
    /// Whether a block of one set stands beside the same block of the other. In an emulated machine block 3 is the same
    /// work whenever it is counted, so what the blocks differ by among themselves is no doubt about a change.
    blocks_repeat: bool,
    read: fn(&LevelledCell) -> Option<f64>,
}

impl Figure {
    /// New over old: the ratio of the medians, with its 95 % interval; absent where a set has no such figure.
    fn ratio(&self, old: &[&LevelledCell], new: &[&LevelledCell], seed: u64) -> Option<Interval> {
        let values = |cells: &[&LevelledCell]| -> Vec<f64> {
            cells.iter().filter_map(|cell| (self.read)(cell)).collect()
        };
        if !self.blocks_repeat {
            return ratio_of_medians(&values(new), &values(old), 0.95, seed);
        }
        let beside = |cell: &LevelledCell| {
            let before = old.iter().find(|before| before.trial.block == cell.trial.block)?;
            (self.read)(cell).zip((self.read)(before))
        };
        let pairs: Vec<(f64, f64)> = new.iter().filter_map(|cell| beside(cell)).collect();
        together(&pairs, |new, old| Some(median(new)? / median(old)?), 0.95, seed)
    }
}

const FIGURES: [Figure; 7] = [
    Figure {
        name: "capacity",
        step: Step::Capacity,
        higher_is_better: true,
        blocks_repeat: false,
        read: LevelledCell::rate_per_s,
    },
    Figure {
        name: "p99",
        step: Step::Latency,
        higher_is_better: false,
        blocks_repeat: false,
        read: |record| record.latencies()?.total.at_ns(99.0).map(|ns| ns as f64),
    },
    Figure {
        name: "CPU/conn",
        step: Step::Connect,
        higher_is_better: false,
        blocks_repeat: false,
        read: LevelledCell::cpu_per_request_ns,
    },
    Figure {
        name: "connections/s",
        step: Step::Connect,
        higher_is_better: true,
        blocks_repeat: false,
        read: LevelledCell::rate_per_s,
    },
    Figure {
        name: "CPU/request",
        step: Step::Capacity,
        higher_is_better: false,
        blocks_repeat: false,
        read: LevelledCell::cpu_per_request_ns,
    },
    Figure {
        name: "instr/request",
        step: Step::Instructions,
        higher_is_better: false,
        blocks_repeat: true,
        read: |record| Some(record.instructions()?.per_request),
    },
    Figure {
        name: "instr/connect",
        step: Step::InstructionsConnect,
        higher_is_better: false,
        blocks_repeat: true,
        read: |record| Some(record.instructions()?.per_request),
    },
];

/// The workload of a cell, where there are several.
fn workload(cell: &LevelledCell) -> Option<&str> {
    cell.trial.cell.load.workload.as_deref()
}

/// Every figure that both sets have; where there are several workloads, each contestant under each.
pub fn differences(old: &Levelled, new: &Levelled, threshold: f64) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut workloads: Vec<Option<&str>> = old.cells.iter().map(|cell| workload(cell)).collect();
    workloads.sort_unstable();
    workloads.dedup();
    let contestants = old.header.contestants.iter();
    for (line, name) in contestants.flat_map(|line| workloads.iter().map(move |name| (line, *name))) {
        for figure in &FIGURES {
            let (mut before, mut now) =
                (old.cells_of(&line.label, figure.step), new.cells_of(&line.label, figure.step));
            before.retain(|cell| workload(cell) == name);
            now.retain(|cell| workload(cell) == name);
            let middle = |cells: &[&LevelledCell]| {
                median(&cells.iter().filter_map(|cell| (figure.read)(cell)).collect::<Vec<_>>())
            };
            let at_least = |cells: &[&LevelledCell]| {
                let of = |standing| cells.iter().filter(|cell| cell.audit.verdict == standing).count();
                of(Verdict::AtLeast) > of(Verdict::Sound) + of(Verdict::Doubtful)
            };
            let (Some(was), Some(is)) = (middle(&before), middle(&now)) else { continue };
            let Some(ratio) = figure.ratio(&before, &now, new.header.seed) else { continue };
            found.push(Difference {
                contestant: name.map_or_else(|| line.label.clone(), |name| format!("{name} {}", line.label)),
                figure: figure.name,
                old: was,
                new: is,
                ratio,
                change: change(ratio, ratio.observations, threshold, figure.higher_is_better),
                at_least: figure.higher_is_better && [&before, &now].into_iter().any(|cells| at_least(cells)),
            });
        }
    }
    found
}

fn change(ratio: Interval, blocks: usize, threshold: f64, higher_is_better: bool) -> Change {
    let (low, high) = (1.0 / (1.0 + threshold), 1.0 + threshold);
    match ratio {
        _ if blocks < LEAST_BLOCKS_FOR_A_VERDICT => Change::Inconclusive,
        ratio if ratio.low > high => {
            if higher_is_better {
                Change::Better
            } else {
                Change::Worse
            }
        }
        ratio if ratio.high < low => {
            if higher_is_better {
                Change::Worse
            } else {
                Change::Better
            }
        }
        ratio if ratio.low >= low && ratio.high <= high => Change::Same,
        _ => Change::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(low: f64, high: f64) -> Interval {
        Interval { value: f64::midpoint(low, high), low, high, observations: 5 }
    }

    #[test]
    fn inconclusive_is_no_regression() {
        assert_eq!(change(ratio(0.80, 0.90), 5, 0.05, true), Change::Worse);
        assert_eq!(change(ratio(0.80, 0.90), 5, 0.05, false), Change::Better);
        assert_eq!(change(ratio(0.80, 1.01), 5, 0.05, true), Change::Inconclusive);
        assert_eq!(change(ratio(0.80, 0.90), 3, 0.05, true), Change::Inconclusive);
        assert_eq!(change(ratio(0.97, 1.03), 5, 0.05, true), Change::Same);
    }

    fn figure(values: [f64; 3]) -> RowFigure {
        RowFigure {
            interval: Some(Interval::point(values[1], 3)),
            at_least: false,
            void: 0,
            is_wall: false,
            reason: String::new(),
            by_round: (0..).zip(values).collect(),
            as_measured: Some(values[1]),
            levelled: true,
        }
    }

    #[test]
    fn the_luck_of_one_does_not_move_the_ratios_of_all() {
        let around = |level: f64| figure([level, level * 1.01, level * 1.02]);
        let old: Vec<RowFigure> = [100.0, 120.0, 140.0, 160.0, 180.0].map(around).into();
        // All became slower by a tenth, and one by a third.
        let new: Vec<RowFigure> = [90.0, 108.0, 126.0, 144.0, 120.0].map(around).into();
        let changes = changes_to_the_mean(&old.iter().zip(&new).collect::<Vec<_>>());
        assert!(changes[..4].iter().all(|change| (change - 1.0).abs() < 0.03), "{changes:?}");
        assert!(changes[4] < 0.8, "{changes:?}");
    }

    fn difference(contestant: &str, value: f64) -> Difference {
        let ratio = Interval { value, low: value * 0.99, high: value * 1.01, observations: 7 };
        Difference {
            contestant: contestant.into(),
            figure: "capacity",
            old: 100.0,
            new: 100.0 * value,
            ratio,
            change: change(ratio, 7, 0.05, true),
            at_least: false,
        }
    }

    #[test]
    fn what_all_have_in_common_can_be_taken_off() {
        let found = [("a", 1.30), ("b", 1.28), ("c", 1.31), ("d", 1.10), ("e", 1.29)]
            .map(|(name, value)| difference(name, value));
        assert!(found.iter().all(|one| one.change == Change::Better));
        let drifts = drifts(&found, 1);
        assert_eq!(drifts.len(), 1, "of one figure");
        assert!((1.25..1.32).contains(&drifts[0].ratio.value), "{drifts:?}");
        let changes: Vec<Change> = beside(&found, &drifts, 0.05).iter().map(|one| one.change).collect();
        assert_eq!(changes, [Change::Same, Change::Same, Change::Same, Change::Worse, Change::Same]);
    }

    #[test]
    fn what_is_inconclusive_tells_why() {
        let of = |low: f64, high: f64, observations, at_least| {
            let ratio = Interval { observations, ..ratio(low, high) };
            let change = change(ratio, observations, 0.05, true);
            Difference { ratio, change, at_least, ..difference("a", 1.0) }.doubt()
        };
        assert_eq!(of(0.7, 1.4, 3, true), Some(DifferenceDoubt::Few));
        assert_eq!(of(0.7, 1.4, 7, true), Some(DifferenceDoubt::AtLeast));
        assert_eq!(of(0.7, 1.4, 7, false), Some(DifferenceDoubt::Wide));
        assert_eq!(of(0.99, 1.01, 7, true), None);
    }

    #[test]
    fn two_have_nothing_in_common_that_one_could_tell() {
        let found = [difference("a", 1.3), difference("b", 1.3)];
        assert_eq!(drifts(&found, 1), []);
        assert_eq!(beside(&found, &[], 0.05), found);
    }
}
