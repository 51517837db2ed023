//! Why a comparison does not measure until it is decided: how often equals are told apart by who looks after every
//! block and stops when an interval excludes one, and what an interval costs that may be looked at at any time.

use dyno_statistics::verdict::{ComparisonVerdict, compare};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The least and the most blocks that are looked at.
const LOOKS: std::ops::RangeInclusive<usize> = 5..=20;

/// Logarithms of the ratios of a contestant to itself, one a block, with a standard deviation of five per cent.
fn equals(seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let normal = |random: &mut ChaCha8Rng| (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0;
    (0..*LOOKS.end()).map(|_| 0.05 * normal(&mut random)).collect()
}

/// Whether the usual interval of the first blocks excludes one.
fn is_told_apart(logarithms: &[f64], seed: u64) -> bool {
    let pairs: Vec<(f64, f64)> = logarithms.iter().map(|log| (log.exp(), 1.0)).collect();
    matches!(compare(&pairs, 0.0, seed).verdict, ComparisonVerdict::Higher | ComparisonVerdict::Lower)
}

#[test]
fn who_looks_after_every_block_and_stops_tells_equals_apart_far_too_often() {
    let trials = 60;
    let (mut once, mut often) = (0, 0);
    for seed in 0..trials {
        let all = equals(seed);
        once += u32::from(is_told_apart(&all, seed));
        often += u32::from(LOOKS.step_by(3).any(|blocks| is_told_apart(&all[..blocks], seed)));
    }
    assert!(once <= 9, "an interval of 95 % that is looked at once: {once} of {trials}");
    assert!(often >= 10 && often > once, "looked at after every third block: {often} of {trials}");
}

/// Half the width of a confidence sequence for the mean of normal values of a known deviation, at `blocks` (Robbins,
/// "Statistical methods related to the law of the iterated logarithm", 1970: the normal mixture, tuned for 20 blocks),
/// in standard deviations.
fn sequence(blocks: f64) -> f64 {
    let (alpha, tuned): (f64, f64) = (0.05, 20.0);
    // The mixture is narrowest near the number of blocks for which it is tuned.
    let rho = tuned / (-2.0 * alpha.ln() + (-2.0 * alpha.ln() + 1.0).ln());
    ((blocks + rho) / (blocks * blocks) * ((blocks + rho) / (rho * alpha * alpha)).ln()).sqrt()
}

#[test]
fn an_interval_for_looking_at_any_time_takes_twice_the_blocks() {
    for blocks in [7.0f64, 14.0, 20.0] {
        let once = 1.96 / blocks.sqrt();
        let wider = sequence(blocks) / once;
        // The width falls with the root of the number of blocks.
        assert!((2.0..4.0).contains(&(wider * wider)), "{blocks} blocks: {wider} times as wide");
    }
}
