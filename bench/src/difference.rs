//! Two sets of results, side by side: what became better, worse, or is not known.

use crate::experiment::compare::{CAPACITY, CONNECT, LATENCY};
use crate::limits::LEAST_BLOCKS_FOR_A_VERDICT;
use crate::record::measured::Record;
use crate::record::store::Records;
use crate::report::model::{Measured, Model, Row, model};
use crate::statistics::bootstrap::{Interval, ratio_of_medians};
use crate::statistics::rank::correlation;

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
    /// Whose.
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
}

/// Picks a figure of a row.
type Read = fn(&Row) -> &Measured;

/// How well two runs of the same comparison agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Which figure.
    pub figure: &'static str,
    /// Spearman's rank correlation of the contestants' medians; absent below three contestants.
    pub rank_correlation: Option<f64>,
    /// The contestant that the others are measured against: the baseline, or where its figure is only "at least", the one with
    /// the narrowest interval.
    pub baseline: String,
    /// Contestants whose ratio to the baseline is in both sets.
    pub ratios: usize,
    /// Of these, how many changed by no more than the threshold.
    pub ratios_held: usize,
}

/// Whether both sets put the contestants into the same order, and at the same distance from the baseline.
pub fn agreements(old: &Records, new: &Records, threshold: f64) -> Vec<Agreement> {
    let (before, now) = (model(old), model(new));
    let figures: [(&'static str, Read); 3] = [
        ("capacity", |row| &row.capacity),
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
    let (old_base, new_base) = yardstick(&rows, before.rows.get(before.baseline)?, read)?;
    let baseline = old_base.label.clone();
    let (old_base, new_base) = (read(old_base), read(new_base));
    let both: Vec<(&Measured, &Measured)> = rows.iter().map(|(old, new)| (read(old), read(new))).collect();
    let side = |pick: fn(&(&Measured, &Measured)) -> f64| -> Vec<f64> { both.iter().map(pick).collect() };
    let (one, other) = (side(|pair| pair.0.interval.value), side(|pair| pair.1.interval.value));
    let ratio = |figure: &Measured, base: &Measured| figure.against(base, threshold, 0).ratio.value;
    let changes: Vec<f64> = both
        .iter()
        .filter(|(old, _)| !std::ptr::eq(*old, old_base))
        .map(|(old, new)| ratio(new, new_base) / ratio(old, old_base))
        .filter(|change| change.is_finite())
        .collect();
    Some(Agreement {
        figure,
        rank_correlation: if both.len() >= 3 { correlation(&one, &other) } else { None },
        baseline,
        ratios: changes.len(),
        ratios_held: changes
            .iter()
            .filter(|change| (1.0 / (1.0 + threshold)..=1.0 + threshold).contains(*change))
            .count(),
    })
}

/// Whom the others are measured against: the baseline, unless its figure is only "at least" in one of both sets, for then it
/// says what the generator could do. In its place comes the one with the narrowest interval.
fn yardstick<'a>(rows: &[(&'a Row, &'a Row)], baseline: &Row, read: Read) -> Option<(&'a Row, &'a Row)> {
    let is_maximum = |(old, new): &&(&'a Row, &'a Row)| !read(old).at_least && !read(new).at_least;
    let width = |row: &Row| (read(row).interval.high - read(row).interval.low) / read(row).interval.value;
    let maxima = || rows.iter().filter(is_maximum);
    maxima()
        .find(|(old, _)| old.label == baseline.label)
        .or_else(|| maxima().min_by(|(one, _), (other, _)| width(one).total_cmp(&width(other))))
        .or_else(|| rows.iter().find(|(old, _)| old.label == baseline.label))
        .copied()
}

struct Figure {
    name: &'static str,
    step: &'static str,
    higher_is_better: bool,
    read: fn(&Record) -> Option<f64>,
}

const FIGURES: [Figure; 4] = [
    Figure { name: "capacity", step: CAPACITY, higher_is_better: true, read: Record::rate_per_s },
    Figure {
        name: "p99",
        step: LATENCY,
        higher_is_better: false,
        read: |record| record.counted()?.total.at_ns(99.0).map(|ns| ns as f64),
    },
    Figure { name: "connections/s", step: CONNECT, higher_is_better: true, read: Record::rate_per_s },
    Figure { name: "CPU/request", step: CAPACITY, higher_is_better: false, read: Record::cpu_per_request_ns },
];

/// Every figure that both sets have.
pub fn differences(old: &Records, new: &Records, threshold: f64) -> Vec<Difference> {
    let mut found = Vec::new();
    for line in &old.header.contestants {
        for figure in &FIGURES {
            let values = |records: &Records| -> Vec<f64> {
                records
                    .cells
                    .iter()
                    .filter(|record| {
                        record.trial.cell.contestant == line.label && record.trial.cell.step == figure.step
                    })
                    .filter_map(figure.read)
                    .collect()
            };
            let (before, now) = (values(old), values(new));
            if before.is_empty() || now.is_empty() {
                continue;
            }
            let ratio = ratio_of_medians(&now, &before, 0.95, new.header.seed);
            found.push(Difference {
                contestant: line.label.clone(),
                figure: figure.name,
                old: crate::statistics::sample::median(&before),
                new: crate::statistics::sample::median(&now),
                ratio,
                change: change(ratio, before.len().min(now.len()), threshold, figure.higher_is_better),
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
}
