//! When may one say "faster"?

use crate::bootstrap::{Interval, apart, bca};
use crate::limits::LEAST_BLOCKS_FOR_A_VERDICT;
use crate::sample::midmean;

/// What a comparison says, and no more than it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonVerdict {
    /// The whole interval of the ratio lies above 1 by more than the threshold.
    Higher,
    /// The whole interval of the ratio lies below 1 by more than the threshold.
    Lower,
    /// The interval reaches into the band around 1 that the threshold calls equal.
    NoDifferenceSeen,
    /// Too few blocks for an interval.
    TooFewBlocks,
}

/// The ratio of two contestants, and what it says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// Interquartile mean of the ratios, on a scale on which a half and a double are as far from one, with its 95 %
    /// interval; absent where there is nothing to compare.
    pub ratio: Option<Interval>,
    /// What may be said.
    pub verdict: ComparisonVerdict,
}

/// Compares pairs `(one, other)`, one pair a block, by the ratio `one / other`.
///
/// `threshold` is the relative difference that matters (0.05 for 5 %): an effect must exceed it with its whole
/// interval before it is called one.
pub fn compare(pairs: &[(f64, f64)], threshold: f64, seed: u64) -> Comparison {
    let logarithms: Vec<f64> = pairs
        .iter()
        .filter(|(one, other)| one.is_finite() && other.is_finite() && *one > 0.0 && *other > 0.0)
        .map(|(one, other)| (one / other).ln())
        .collect();
    judge(bca(&logarithms, midmean, 0.95, seed), threshold)
}

/// The same of samples that are not paired, for figures from which what the machine did in each block is taken off
/// already: a cell that is void then costs itself and not its pair.
pub fn compare_apart(one: &[f64], other: &[f64], threshold: f64, seed: u64) -> Comparison {
    let logarithms = |values: &[f64]| -> Vec<f64> {
        values.iter().filter(|value| value.is_finite() && **value > 0.0).map(|value| value.ln()).collect()
    };
    let (one, other) = (logarithms(one), logarithms(other));
    judge(apart(&one, &other, |one, other| Some(midmean(one)? - midmean(other)?), 0.95, seed), threshold)
}

/// What the logarithm of a ratio says.
fn judge(logarithm: Option<Interval>, threshold: f64) -> Comparison {
    let ratio = logarithm.map(|logarithm| logarithm.map(f64::exp));
    let Some(enough) = ratio.filter(|ratio| ratio.observations >= LEAST_BLOCKS_FOR_A_VERDICT) else {
        return Comparison { ratio, verdict: ComparisonVerdict::TooFewBlocks };
    };
    let verdict = if enough.low > 1.0 + threshold {
        ComparisonVerdict::Higher
    } else if enough.high < 1.0 / (1.0 + threshold) {
        ComparisonVerdict::Lower
    } else {
        ComparisonVerdict::NoDifferenceSeen
    };
    Comparison { ratio, verdict }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn a_clear_effect_is_called_one() {
        let pairs: Vec<(f64, f64)> =
            (0..7).map(|i| (200.0 + f64::from(i), 100.0 + f64::from(i) / 3.0)).collect();
        assert_eq!(compare(&pairs, 0.05, 1).verdict, ComparisonVerdict::Higher);
        let turned: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
        assert_eq!(compare(&turned, 0.05, 1).verdict, ComparisonVerdict::Lower);
    }

    #[test]
    fn an_effect_below_the_threshold_is_none() {
        let pairs = [(102.0, 100.0), (102.1, 100.0), (101.9, 100.0), (102.0, 100.1), (102.0, 99.9)];
        assert_eq!(compare(&pairs, 0.05, 1).verdict, ComparisonVerdict::NoDifferenceSeen);
    }

    #[test]
    fn two_blocks_decide_nothing() {
        assert_eq!(compare(&[(2.0, 1.0), (2.0, 1.0)], 0.05, 1).verdict, ComparisonVerdict::TooFewBlocks);
        assert_eq!(compare_apart(&[2.0, 2.0], &[1.0; 9], 0.05, 1).verdict, ComparisonVerdict::TooFewBlocks);
    }

    #[test]
    fn samples_that_are_not_paired_are_compared_as_they_are() {
        let around = |level: f64, cells: u32| -> Vec<f64> {
            (0..cells).map(|cell| level * (1.0 + 0.02 * (f64::from(cell % 5) - 2.0))).collect()
        };
        let found = compare_apart(&around(200.0, 30), &around(100.0, 35), 0.05, 1);
        assert_eq!(found.verdict, ComparisonVerdict::Higher);
        assert!((found.ratio.unwrap().value - 2.0).abs() < 0.01, "{found:?}");
        let other = compare_apart(&around(100.0, 35), &around(200.0, 30), 0.05, 1);
        assert!((found.ratio.unwrap().value * other.ratio.unwrap().value - 1.0).abs() < 1e-9);
        assert_eq!(other.verdict, ComparisonVerdict::Lower);
        let level = compare_apart(&around(103.0, 30), &around(100.0, 35), 0.05, 1);
        assert_eq!(level.verdict, ComparisonVerdict::NoDifferenceSeen);
    }

    #[test]
    fn equals_are_rarely_told_apart() {
        // A against A with 5 % of noise on each side, five blocks: at most 3 of 20 may be told apart.
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut noisy = move || 100.0 * (1.0 + 0.1 * (random.random::<f64>() - 0.5));
        let told_apart = (0..20)
            .filter(|&trial| {
                let pairs: Vec<(f64, f64)> = (0..5).map(|_| (noisy(), noisy())).collect();
                compare(&pairs, 0.05, trial).verdict != ComparisonVerdict::NoDifferenceSeen
            })
            .count();
        assert!(told_apart <= 1, "{told_apart}");
    }

    #[test]
    fn figures_that_have_no_logarithm_are_left_out() {
        let good = [(2.0, 1.0), (2.1, 1.0), (2.2, 1.0), (2.0, 1.1), (1.9, 1.0)];
        let odd = [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)];
        assert_eq!(compare(&[&good[..], &odd[..]].concat(), 0.05, 1), compare(&good, 0.05, 1));
        let (one, other) = ([2.0, 2.1, 2.2, 1.9, 2.0], [1.0, 1.1, 0.9, 1.0, 1.0]);
        let with = |values: [f64; 5]| [&values[..], &[0.0, -1.0, f64::NAN, f64::INFINITY]].concat();
        assert_eq!(compare_apart(&with(one), &with(other), 0.05, 1), compare_apart(&one, &other, 0.05, 1));
    }
}
