//! How much of a figure goes with what was seen beside it: analysis of covariance.
//!
//! Observations fall into groups, each with a level of its own; within all of them the figure rises or falls with the
//! covariates by the same slopes. Source: Fisher, *Statistical Methods for Research Workers*, 4th edition (1932),
//! chapter VIII; weights against outliers: Huber, "Robust estimation of a location parameter", Annals of Mathematical
//! Statistics 35 (1964).

use std::collections::BTreeMap;

use crate::sample::median;

/// One observation with two covariates.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its group.
    pub group: String,
    /// The figure.
    pub value: f64,
    /// What was seen beside it.
    pub beside: [f64; 2],
}

/// Rounds of weighting; the slopes settle to a thousandth within five.
const ROUNDS: usize = 8;

/// Residuals above this many standard deviations lose weight (Huber's constant for 95 % efficiency).
const HUBER: f64 = 1.345;

/// Least standard deviation of a covariate within its groups from which a slope can be told.
const LEAST_SPREAD: f64 = 0.02;

/// The slopes that all groups have in common. A covariate that hardly varies has none, and the slope of another is
/// then found without it.
///
/// # Panics
/// Never; without observations the slopes are zero.
pub fn slopes(observations: &[Observation], wanted: [bool; 2]) -> [f64; 2] {
    let mut weights = vec![1.0; observations.len()];
    let mut slopes = [0.0; 2];
    for _ in 0..ROUNDS {
        let centred = centre(observations, &weights);
        slopes = solve(&centred, &weights, wanted);
        let residuals: Vec<f64> = centred.iter().map(|one| (one.0 - along(slopes, one.1)).abs()).collect();
        let Some(scale) = median(&residuals).map(|middle| 1.4826 * middle).filter(|scale| *scale > 0.0)
        else {
            break;
        };
        for (weight, residual) in weights.iter_mut().zip(residuals) {
            *weight = (HUBER * scale / residual.max(f64::MIN_POSITIVE)).min(1.0);
        }
    }
    slopes
}

/// What the slopes make of covariates.
pub fn along(slopes: [f64; 2], beside: [f64; 2]) -> f64 {
    slopes[0] * beside[0] + slopes[1] * beside[1]
}

type Centred = (f64, [f64; 2]);

/// Figures and covariates as distances from their group's weighted mean.
fn centre(observations: &[Observation], weights: &[f64]) -> Vec<Centred> {
    let mut sums: BTreeMap<&str, (f64, Centred)> = BTreeMap::new();
    for (one, weight) in observations.iter().zip(weights) {
        let (weight_sum, (value, beside)) = sums.entry(&one.group).or_default();
        *weight_sum += weight;
        *value += weight * one.value;
        for (sum, covariate) in beside.iter_mut().zip(one.beside) {
            *sum += weight * covariate;
        }
    }
    let centred = |one: &Observation| {
        let (weight, (value, beside)) = sums[one.group.as_str()];
        let distance = |place: usize| one.beside[place] - beside[place] / weight;
        (one.value - value / weight, [distance(0), distance(1)])
    };
    observations.iter().map(centred).collect()
}

/// Weighted least squares over those covariates that are wanted and vary.
fn solve(centred: &[Centred], weights: &[f64], wanted: [bool; 2]) -> [f64; 2] {
    let sum = |term: &dyn Fn(&Centred) -> f64| -> f64 {
        centred.iter().zip(weights).map(|(one, weight)| weight * term(one)).sum()
    };
    let all = weights.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let square = |place: usize| sum(&|one| one.1[place] * one.1[place]);
    let varies = |place: usize| wanted[place] && (square(place) / all).sqrt() >= LEAST_SPREAD;
    let (a, b) = (square(0), square(1));
    let (with_a, with_b) = (sum(&|one| one.1[0] * one.0), sum(&|one| one.1[1] * one.0));
    match (varies(0), varies(1)) {
        (false, false) => [0.0, 0.0],
        (true, false) => [with_a / a, 0.0],
        (false, true) => [0.0, with_b / b],
        (true, true) => {
            let both = sum(&|one| one.1[0] * one.1[1]);
            let determinant = a * b - both * both;
            // Two covariates that always move together cannot be told apart: the first stands for both.
            if determinant <= 0.01 * a * b {
                return [with_a / a, 0.0];
            }
            [(with_a * b - with_b * both) / determinant, (with_b * a - with_a * both) / determinant]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Groups at levels of their own, whose figures fall by 0.4 and 0.1 with the covariates, with noise; every tenth
    /// is wild.
    fn planted(seed: u64, wild: f64) -> Vec<Observation> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..400)
            .map(|number| {
                let group = number % 8;
                let beside = [random.random::<f64>(), random.random::<f64>()];
                let noise = 0.1 * (random.random::<f64>() - 0.5) + if number % 10 == 0 { wild } else { 0.0 };
                let value = f64::from(group) - 0.4 * beside[0] - 0.1 * beside[1] + noise;
                Observation { group: group.to_string(), value, beside }
            })
            .collect()
    }

    #[test]
    fn planted_slopes_are_found_whatever_the_levels() {
        let [first, second] = slopes(&planted(1, 0.0), [true, true]);
        assert!((first + 0.4).abs() < 0.02 && (second + 0.1).abs() < 0.02, "{first} {second}");
    }

    #[test]
    fn agrees_with_another_implementation() {
        // numpy.linalg.lstsq on the same points, each group's mean taken off; no point is far enough out to lose
        // weight.
        let points = [
            ("a", 1.0, 0.0, 0.0),
            ("a", 2.0, 1.0, 0.0),
            ("a", 4.0, 1.0, 1.0),
            ("b", 9.0, 0.0, 0.0),
            ("b", 9.0, 0.0, 1.0),
        ];
        let observations: Vec<Observation> = points
            .iter()
            .map(|(group, value, one, other)| Observation {
                group: (*group).into(),
                value: *value,
                beside: [*one, *other],
            })
            .collect();
        let found = solve(&centre(&observations, &[1.0; 5]), &[1.0; 5], [true, true]);
        assert!((found[0] - 1.5).abs() < 1e-9 && (found[1] - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn wild_observations_hardly_move_them() {
        let [first, second] = slopes(&planted(2, 3.0), [true, true]);
        assert!((first + 0.4).abs() < 0.06 && (second + 0.1).abs() < 0.06, "{first} {second}");
    }

    #[test]
    fn what_does_not_vary_has_no_slope() {
        let mut still = planted(3, 0.0);
        for one in &mut still {
            one.beside[1] = 0.5;
        }
        assert_eq!(slopes(&still, [true, true])[1], 0.0);
        assert_eq!(slopes(&planted(3, 0.0), [false, true])[0], 0.0);
        assert_eq!(slopes(&[], [true, true]), [0.0, 0.0]);
    }

    #[test]
    fn two_that_move_together_count_once() {
        let mut twins = planted(4, 0.0);
        for one in &mut twins {
            one.value += 0.1 * one.beside[1];
            one.beside[1] = one.beside[0];
        }
        let [first, second] = slopes(&twins, [true, true]);
        assert!((first + 0.4).abs() < 0.02 && second == 0.0, "{first} {second}");
    }

    #[test]
    fn two_of_little_spread_that_move_apart_have_a_slope_each() {
        let point = |one: f64, other: f64| Observation {
            group: "a".into(),
            value: 1.0 + 2.0 * one + 3.0 * other,
            beside: [one, other],
        };
        let points = [point(0.0, 0.0), point(0.2, 0.0), point(0.0, 0.2), point(0.2, 0.2)];
        let [first, second] = slopes(&points, [true, true]);
        assert!((first - 2.0).abs() < 1e-9 && (second - 3.0).abs() < 1e-9, "{first} {second}");
    }
}
