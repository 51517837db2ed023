//! When may one say "faster"?

use crate::limits::LEAST_BLOCKS_FOR_A_VERDICT;
use crate::statistics::bootstrap::{Interval, bca};
use crate::statistics::sample::midmean;

/// What a comparison says, and no more than it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The whole interval of the ratio lies above 1 by more than the threshold.
    Higher,
    /// The whole interval of the ratio lies below 1 by more than the threshold.
    Lower,
    /// The interval reaches into the band around 1 that the threshold calls equal.
    NoDifferenceSeen,
    /// Too few blocks for an interval.
    TooFewBlocks,
}

/// The ratio of two contestants, taken within each block, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Comparison {
    /// Interquartile mean of the ratios, on a scale on which a half and a double are as far from one, with its 95 % interval.
    pub ratio: Interval,
    /// What may be said.
    pub verdict: Verdict,
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
    let Interval { value, low, high, observations } = bca(&logarithms, midmean, 0.95, seed);
    let ratio = Interval { value: value.exp(), low: low.exp(), high: high.exp(), observations };
    let verdict = if logarithms.len() < LEAST_BLOCKS_FOR_A_VERDICT {
        Verdict::TooFewBlocks
    } else if ratio.low > 1.0 + threshold {
        Verdict::Higher
    } else if ratio.high < 1.0 / (1.0 + threshold) {
        Verdict::Lower
    } else {
        Verdict::NoDifferenceSeen
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
        assert_eq!(compare(&pairs, 0.05, 1).verdict, Verdict::Higher);
        let turned: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
        assert_eq!(compare(&turned, 0.05, 1).verdict, Verdict::Lower);
    }

    #[test]
    fn an_effect_below_the_threshold_is_none() {
        let pairs = [(102.0, 100.0), (102.1, 100.0), (101.9, 100.0), (102.0, 100.1), (102.0, 99.9)];
        assert_eq!(compare(&pairs, 0.05, 1).verdict, Verdict::NoDifferenceSeen);
    }

    #[test]
    fn two_blocks_decide_nothing() {
        assert_eq!(compare(&[(2.0, 1.0), (2.0, 1.0)], 0.05, 1).verdict, Verdict::TooFewBlocks);
    }

    #[test]
    fn equals_are_rarely_told_apart() {
        // A against A with 5 % of noise on each side, five blocks: at most 3 of 20 may be told apart.
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let mut noisy = move || 100.0 * (1.0 + 0.1 * (random.random::<f64>() - 0.5));
        let told_apart = (0..20)
            .filter(|&trial| {
                let pairs: Vec<(f64, f64)> = (0..5).map(|_| (noisy(), noisy())).collect();
                compare(&pairs, 0.05, trial).verdict != Verdict::NoDifferenceSeen
            })
            .count();
        assert!(told_apart <= 1, "{told_apart}");
    }
}
