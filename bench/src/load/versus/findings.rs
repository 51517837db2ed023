//! What the blocks say: figures of each side, and ratios of the first to each other one within the blocks.

use dyno_clients::outcome::Outcome;
use dyno_statistics::sample::median;
use dyno_statistics::verdict::{Comparison, ComparisonVerdict, compare};
use dyno_units::show;
use dyno_units::verdict::Verdict;
use serde::Serialize;

use super::blocks::{Rival, RivalBlock};

/// A figure by which servers are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RivalFigure {
    Rate,
    CpuPerRequest,
    P50,
    P99,
}

impl RivalFigure {
    pub(crate) const ALL: [RivalFigure; 4] =
        [RivalFigure::Rate, RivalFigure::CpuPerRequest, RivalFigure::P50, RivalFigure::P99];

    pub(crate) fn name(self) -> &'static str {
        match self {
            RivalFigure::Rate => "answers/s",
            RivalFigure::CpuPerRequest => "CPU a request",
            RivalFigure::P50 => "p50",
            RivalFigure::P99 => "p99",
        }
    }

    pub(crate) fn shown(self, value: f64) -> String {
        match self {
            RivalFigure::Rate => show::rate(value),
            RivalFigure::CpuPerRequest | RivalFigure::P50 | RivalFigure::P99 => show::time(value),
        }
    }

    /// Its value in a block, unless that is void or only a bound.
    pub(crate) fn of(self, block: &RivalBlock) -> Option<f64> {
        let Outcome { audit, latency, rates, .. } = &block.outcome;
        let percentile = |quantile| latency.total.percentile_ns(quantile).map(|ns| ns as f64);
        let (value, verdict) = match self {
            RivalFigure::Rate => (Some(rates.achieved_per_s), audit.rate),
            // What the server used is counted whatever the generator did, as long as the answers were right.
            RivalFigure::CpuPerRequest => {
                let void = audit.rate == Verdict::Void;
                (block.cpu_per_answer_ns, if void { Verdict::Void } else { Verdict::Sound })
            }
            RivalFigure::P50 => (percentile(0.5), audit.latency),
            RivalFigure::P99 => (percentile(0.99), audit.latency),
        };
        value.filter(|_| verdict.is_value() && block.is_whole())
    }
}

/// A side's figure: the median of the blocks that count, and how many do.
pub(crate) fn middle(figure: RivalFigure, side: &Rival) -> (Option<f64>, usize) {
    let values: Vec<f64> = side.blocks.iter().filter_map(|block| figure.of(block)).collect();
    (median(&values), values.len())
}

/// The first side over another in one figure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RivalRatio {
    pub(crate) figure: RivalFigure,
    pub(crate) comparison: Comparison,
}

/// All ratios of `first` to `other`, from the blocks in which both count. `threshold` is the difference that matters.
pub(crate) fn ratios(first: &Rival, other: &Rival, threshold: f64, seed: u64) -> Vec<RivalRatio> {
    let one = |figure: RivalFigure| {
        let pairs: Vec<(f64, f64)> = first
            .blocks
            .iter()
            .zip(&other.blocks)
            .filter_map(|(one, other)| figure.of(one).zip(figure.of(other)))
            .collect();
        RivalRatio { figure, comparison: compare(&pairs, threshold, seed) }
    };
    RivalFigure::ALL.map(one).to_vec()
}

impl RivalRatio {
    /// What it says of `first`, as a sentence.
    pub(crate) fn words(&self, first: &str, other: &str) -> String {
        let name = match self.figure {
            RivalFigure::Rate => "rate",
            other => other.name(),
        };
        let Some(ratio) = self.comparison.ratio else {
            return format!("{name}: not known, because no block counts for both.");
        };
        let interval = format!("{} to {}", show::ratio(ratio.low), show::ratio(ratio.high));
        let value = show::ratio(ratio.value);
        match self.comparison.verdict {
            ComparisonVerdict::Higher => format!("{first} has {value} the {name} of {other} ({interval})."),
            ComparisonVerdict::Lower => format!("{first} has {value} the {name} of {other} ({interval})."),
            ComparisonVerdict::NoDifferenceSeen => {
                format!("{name}: no difference was seen ({interval}).")
            }
            ComparisonVerdict::TooFewBlocks => {
                format!("{name}: not decided, {} of the blocks count.", ratio.observations)
            }
        }
    }

    /// Whether anything may be said.
    pub(crate) fn is_decided(&self) -> bool {
        self.comparison.verdict != ComparisonVerdict::TooFewBlocks
    }
}
