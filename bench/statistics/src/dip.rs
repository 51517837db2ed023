//! How much lower a series is in some of its intervals than in all others.

use crate::limits::LEAST_OTHERS_OF_DIP;
use crate::sample::median;

/// From the median distance from the median to the standard deviation, where values are normal.
const DEVIATION_OF_MEDIAN_DISTANCE: f64 = 1.4826;

/// How much lower some values are than the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dip {
    /// The difference of the means as a share of the mean of the others; below zero where they are higher.
    pub share: f64,
    /// Its standard error, told from the scatter of the others.
    pub error: f64,
}

/// Compares those `values` whose mark in `among` is set with all others. `None` where none is marked, or too few are
/// left.
pub fn dip(values: &[f64], among: &[bool]) -> Option<Dip> {
    let of = |marked: bool| -> Vec<f64> {
        let both = values.iter().zip(among);
        both.filter(|(_, mark)| **mark == marked).map(|(value, _)| *value).collect()
    };
    let (marked, others) = (of(true), of(false));
    if marked.is_empty() || others.len() < LEAST_OTHERS_OF_DIP {
        return None;
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let level = mean(&others);
    if level <= 0.0 {
        return None;
    }
    // Both measures of scatter are honest about normal values. One spoilt value enlarges the first alone, and many
    // equal ones make the second zero: the larger is the careful one.
    let squares: f64 = others.iter().map(|value| (value - level).powi(2)).sum();
    let deviation = (squares / (others.len() - 1) as f64).sqrt();
    let middle = median(&others)?;
    let distances: Vec<f64> = others.iter().map(|value| (value - middle).abs()).collect();
    let deviation = deviation.max(median(&distances)? * DEVIATION_OF_MEDIAN_DISTANCE);
    let error = deviation * (1.0 / marked.len() as f64 + 1.0 / others.len() as f64).sqrt() / level;
    Some(Dip { share: 1.0 - mean(&marked) / level, error })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt as _, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Sixteen intervals of which three are marked and lower by `fall`; each value scatters by `scatter`.
    fn cell(random: &mut ChaCha8Rng, fall: f64, scatter: f64) -> Dip {
        let among: Vec<bool> = (0..16).map(|place| matches!(place, 1 | 7 | 14)).collect();
        // The sum of twelve even values has the variance of one.
        let mut normal = || (0..12).map(|_| random.random_range(0.0..1.0)).sum::<f64>() - 6.0;
        let value = |mark: &bool| 1e4 * (1.0 + scatter * normal()) * if *mark { 1.0 - fall } else { 1.0 };
        let values: Vec<f64> = among.iter().map(value).collect();
        dip(&values, &among).unwrap()
    }

    #[test]
    fn what_is_lower_in_every_marked_interval_is_found_and_chance_is_not() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        for (fall, scatter, least, most) in
            [(0.0, 0.02, 0, 1), (0.0, 0.10, 0, 1), (0.14, 0.02, 990, 1_000), (0.41, 0.05, 990, 1_000)]
        {
            let is_beyond = |_: &u32| {
                let found = cell(&mut random, fall, scatter);
                found.share > 0.03 + 4.0 * found.error
            };
            let seen = (0..1_000).filter(is_beyond).count();
            assert!((least..=most).contains(&seen), "{fall} {scatter}: {seen} of 1,000");
        }
        let mean = (0..1_000).map(|_| cell(&mut random, 0.14, 0.05).share).sum::<f64>() / 1e3;
        assert!((mean - 0.14).abs() < 0.005, "{mean}");
    }

    #[test]
    fn nothing_is_said_where_there_is_nothing_to_compare() {
        assert_eq!(dip(&[1.0; 16], &[false; 16]), None);
        assert_eq!(dip(&[1.0; 8], &[true, false, false, false, false, false, false, false]), None);
        assert_eq!(
            dip(&[0.0; 10], &[true, false, false, false, false, false, false, false, false, false]),
            None
        );
        assert_eq!(dip(&[], &[]), None);
        let even = dip(&[5.0; 16], &[[true; 3].as_slice(), &[false; 13]].concat()).unwrap();
        assert_eq!(even, Dip { share: 0.0, error: 0.0 });
    }
}
