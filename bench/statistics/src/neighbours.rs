//! What observations that lie close in time have in common: nearest-neighbour adjustment.
//!
//! A field is not equally good everywhere, and a machine not at all times. Plots beside a good one tend to be good
//! whatever grows there, so the residuals of its neighbours tell of a plot what no block does. Source: Bartlett,
//! "Nearest neighbour models in the analysis of field experiments", Journal of the Royal Statistical Society B 40
//! (1978), after Papadakis (1937).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::covariance::{Observation, slopes};
use crate::limits::MOMENT;
use crate::sample::{median, midmean};

/// One observation in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// Its group, which has a level of its own.
    pub group: String,
    /// The figure.
    pub value: f64,
    /// When it was made.
    pub at: Duration,
}

/// Residuals further out than this many standard deviations say no more about their neighbours.
const FAR: f64 = 3.0;

/// Rounds of telling levels from moments; levels settle to a thousandth within four.
const ROUNDS: usize = 4;

/// What is added to the weight of all neighbours, so that the more distant they are the less they say.
const DOUBT: f64 = 0.5;

/// What each observation owes to its moment: less that, it is what it would have been at a usual one. Where
/// neighbours tell nothing of each other, nearly zero.
pub fn moments(observations: &[Timed]) -> Vec<f64> {
    let mut owed = vec![0.0; observations.len()];
    for _ in 0..ROUNDS {
        let levels = levels(observations, &owed);
        // A group of numbers that cannot be ordered has no level, and tells nothing of a moment.
        let residual = |one: &Timed| levels.get(one.group.as_str()).map_or(0.0, |level| one.value - level);
        let residuals: Vec<f64> = observations.iter().map(residual).collect();
        let beside = means_of_neighbours(observations, &bounded(residuals));
        let covariates = observations.iter().zip(&beside).map(|(one, beside)| Observation {
            group: one.group.clone(),
            value: one.value,
            beside: [*beside, 0.0],
        });
        let [slope, _] = slopes(&covariates.collect::<Vec<_>>(), [true, false]);
        // Neighbours that contradict each other do so by chance.
        owed = beside.iter().map(|beside| slope.max(0.0) * beside).collect();
    }
    owed
}

/// The level of each group at a usual moment.
fn levels<'a>(observations: &'a [Timed], owed: &[f64]) -> BTreeMap<&'a str, f64> {
    let mut groups: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (one, owed) in observations.iter().zip(owed) {
        groups.entry(&one.group).or_default().push(one.value - owed);
    }
    groups.into_iter().filter_map(|(group, values)| Some((group, midmean(&values)?))).collect()
}

fn bounded(residuals: Vec<f64>) -> Vec<f64> {
    let sizes: Vec<f64> = residuals.iter().map(|residual| residual.abs()).collect();
    let most = FAR * 1.4826 * median(&sizes).unwrap_or_default();
    // No bound where the residuals themselves have none: `clamp` does not take a bound that is no number.
    let most = if most.is_finite() { most } else { f64::MAX };
    residuals.into_iter().map(|residual| residual.clamp(-most, most)).collect()
}

/// The mean of the others' residuals, those that are close in time first.
fn means_of_neighbours(observations: &[Timed], residuals: &[f64]) -> Vec<f64> {
    let weight =
        |one: &Timed, other: &Timed| (-one.at.abs_diff(other.at).as_secs_f64() / MOMENT.as_secs_f64()).exp();
    let mean = |place: usize| {
        let others = (0..observations.len()).filter(|other| *other != place);
        let (sum, weights) = others.fold((0.0, DOUBT), |(sum, weights), other| {
            let weight = weight(&observations[place], &observations[other]);
            (sum + weight * residuals[other], weights + weight)
        });
        sum / weights
    };
    (0..observations.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::mean;
    use rand::seq::SliceRandom;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Rounds over eight groups in random order, an observation each quarter of a second, on a machine that is slow
    /// by `slow` in spells of a second and a half; with noise of its own in each observation.
    fn planted(slow: f64) -> Vec<Timed> {
        let mut random = ChaCha8Rng::seed_from_u64(5);
        let mut order: Vec<u32> = (0..8).collect();
        let mut observations = Vec::new();
        let mut is_slow = false;
        for round in 0..100 {
            order.shuffle(&mut random);
            for (turn, group) in order.iter().enumerate() {
                if turn % 6 == 0 {
                    is_slow = random.random::<bool>();
                }
                let noise = 0.04 * (random.random::<f64>() - 0.5);
                observations.push(Timed {
                    group: group.to_string(),
                    value: f64::from(*group) + noise - if is_slow { slow } else { 0.0 },
                    at: Duration::from_millis(250 * (round * 8 + turn as u64)),
                });
            }
        }
        observations
    }

    fn deviation(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.collect();
        let centre = mean(&values).unwrap();
        (values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn spells_are_told_from_neighbours_and_levels_stay() {
        let observations = planted(0.3);
        let owed = moments(&observations);
        let own = |group: u32| {
            observations.iter().zip(&owed).filter(move |(one, _)| one.group == group.to_string())
        };
        let level =
            |group| mean(&own(group).map(|(one, owed)| one.value - owed).collect::<Vec<_>>()).unwrap();
        for group in 0..8 {
            let before = deviation(own(group).map(|(one, _)| one.value));
            let after = deviation(own(group).map(|(one, owed)| one.value - owed));
            assert!(after < before * 0.8, "group {group}: {before} {after}");
            let distance = level(group) - level(0);
            assert!((distance - f64::from(group)).abs() < 0.05, "group {group}: {distance}");
        }
    }

    #[test]
    fn where_moments_are_alike_nothing_is_owed_to_them() {
        let owed = moments(&planted(0.0));
        assert!(deviation(owed.iter().copied()) < 0.004, "{:?}", deviation(owed.iter().copied()));
    }

    #[test]
    fn one_that_went_wild_says_little_of_its_neighbours() {
        let mut observations = planted(0.0);
        observations[100].value -= 5.0;
        let owed = moments(&observations);
        assert!(owed.iter().all(|owed| owed.abs() < 0.02));
    }

    #[test]
    fn those_that_are_alone_owe_nothing() {
        let alone = |group: &str, at| Timed { group: group.into(), value: 1.0, at: Duration::from_secs(at) };
        assert_eq!(moments(&[]), Vec::<f64>::new());
        assert_eq!(moments(&[alone("a", 0)]), [0.0]);
        assert_eq!(moments(&[alone("a", 0), alone("b", 0)]), [0.0, 0.0]);
    }

    #[test]
    fn figures_without_bounds_end_in_figures_and_not_in_a_panic() {
        for value in [f64::INFINITY, f64::NAN, f64::MAX] {
            let mut observations = planted(0.3);
            observations.iter_mut().for_each(|one| one.value = value);
            assert_eq!(moments(&observations).len(), observations.len());
        }
    }
}
