//! A figure of one contestant over all blocks, with its interval and its doubts.

use std::collections::BTreeMap;

use crate::levelling::LevelledCell;
use dyno_record::audit::Law;
use dyno_record::measured::Record;
use dyno_statistics::bootstrap::{Interval, apart, bca, together};
use dyno_statistics::sample::median;
use dyno_statistics::verdict::{Comparison, compare, compare_apart};
use dyno_units::verdict::Verdict;

/// A figure over all blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct RowFigure {
    /// Median with its 95 % interval; absent when no block counts.
    pub interval: Option<Interval>,
    /// Whether more than half of the blocks say "at least".
    pub at_least: bool,
    /// Blocks that were void.
    pub void: usize,
    /// Whether no block counts because of a limit of the contestant itself, which did start.
    pub is_wall: bool,
    /// Why it is void or "at least"; empty when it is neither.
    pub reason: String,
    /// The value of each block that counts.
    pub by_round: BTreeMap<u32, f64>,
    /// The median of what was measured, before anything was taken off.
    pub as_measured: Option<f64>,
    /// Whether what the machine did in each block is taken off the values (see [`levelling`](crate::levelling)).
    pub levelled: bool,
}

impl RowFigure {
    /// The figure that `read` takes from each record that counts.
    pub fn of(records: &[&LevelledCell], seed: u64, read: impl Fn(&LevelledCell) -> Option<f64>) -> Self {
        let by_round: BTreeMap<u32, f64> = records
            .iter()
            .filter(|record| record.counts())
            .filter_map(|record| Some((record.trial.block, read(record)?)))
            .collect();
        let values: Vec<f64> = by_round.values().copied().collect();
        let standing =
            |wanted: Verdict| records.iter().filter(|record| record.audit.verdict == wanted).count();
        let at_least = standing(Verdict::AtLeast) * 2 > by_round.len();
        let void = standing(Verdict::Void);
        let doubted = records.iter().find(|record| {
            let wanted = if by_round.is_empty() { Verdict::Void } else { Verdict::AtLeast };
            record.audit.verdict == wanted
        });
        let reason = if at_least || by_round.is_empty() {
            doubted.map(|record| record.audit.reason().to_string()).unwrap_or_default()
        } else {
            String::new()
        };
        let is_wall = doubted.filter(|_| by_round.is_empty()).is_some_and(|record| {
            let worst = record.audit.findings.first();
            record.audit.wall().is_some() && worst.is_some_and(|finding| finding.law != Law::Contract)
        });
        RowFigure {
            is_wall,
            interval: bca(&values, median, 0.95, seed),
            at_least,
            void,
            reason,
            by_round,
            as_measured: median(&values),
            levelled: false,
        }
    }

    /// The same for a figure that is no maximum, such as a cost: that the server could have done more does not make
    /// it "at least".
    pub fn of_cost(
        records: &[&LevelledCell],
        seed: u64,
        read: impl Fn(&LevelledCell) -> Option<f64>,
    ) -> Self {
        let mut figure = RowFigure::of(records, seed, read);
        figure.at_least = false;
        if !figure.by_round.is_empty() {
            figure.reason.clear();
        }
        figure
    }

    /// Says that `read` took rates or costs from these records, which are at full pace where that is known, and that
    /// `measured` is what they were before.
    pub(crate) fn at_full_pace(
        mut self,
        records: &[&LevelledCell],
        measured: fn(&Record) -> Option<f64>,
    ) -> Self {
        let counted = || records.iter().filter(|record| record.counted().is_some());
        self.levelled = counted().all(|record| record.factors.is_some());
        self.as_measured = median(&counted().filter_map(|record| measured(record)).collect::<Vec<_>>());
        self
    }

    /// The median of what was measured, where the figure that is shown is another.
    pub fn adjusted_from(&self) -> Option<f64> {
        let shown = self.value()?;
        self.as_measured.filter(|measured| (measured / shown - 1.0).abs() > 1e-9)
    }

    /// The median, when any block counts.
    pub fn value(&self) -> Option<f64> {
        self.interval.map(|interval| interval.value)
    }

    /// The word for a figure without a value, where there is one.
    pub fn sign(&self) -> Option<&'static str> {
        match self.interval {
            None if self.is_wall => Some("wall"),
            None if self.void > 0 => Some("void"),
            _ => None,
        }
    }

    /// The ratio of the two medians, with its interval.
    pub fn ratio_to(&self, other: &RowFigure, seed: u64) -> Option<Interval> {
        self.joined(other, |one, other| Some(median(one)? / median(other)?), seed)
    }

    /// By how much the median lies above that of another, with its interval.
    pub fn above(&self, other: &RowFigure, seed: u64) -> Option<Interval> {
        self.joined(other, |one, other| Some(median(one)? - median(other)?), seed)
    }

    /// A statistic of the values of both. Its value is that of all values, so that it agrees with the medians that
    /// are shown beside it; its interval is that of pairs of one block, unless what blocks do is taken off already.
    fn joined(
        &self,
        other: &RowFigure,
        statistic: fn(&[f64], &[f64]) -> Option<f64>,
        seed: u64,
    ) -> Option<Interval> {
        let (own, others) = (self.values(), other.values());
        let value = statistic(&own, &others)?;
        let found = if self.levelled && other.levelled {
            apart(&own, &others, statistic, 0.95, seed)
        } else {
            together(&self.pairs(other), statistic, 0.95, seed)
        };
        let Some(Interval { low, high, observations, .. }) = found else {
            return Some(Interval::point(value, 0));
        };
        Some(Interval { value, low: low.min(value), high: high.max(value), observations })
    }

    fn values(&self) -> Vec<f64> {
        self.by_round.values().copied().collect()
    }

    fn pairs(&self, other: &RowFigure) -> Vec<(f64, f64)> {
        let own = self.by_round.iter();
        own.filter_map(|(block, value)| Some((*value, *other.by_round.get(block)?))).collect()
    }

    /// The ratio to the figure of another contestant: block by block, unless what blocks do to both is taken off
    /// already.
    pub fn against(&self, other: &RowFigure, threshold: f64, seed: u64) -> Comparison {
        if self.levelled && other.levelled {
            return compare_apart(&self.values(), &other.values(), threshold, seed);
        }
        compare(&self.pairs(other), threshold, seed)
    }
}
