//! When is a run warm?
//!
//! Source: White, "An effective truncation heuristic for bias reduction in simulation output", Simulation 69 (1997):
//! of all ways to cut off the start of a series, the marginal standard error rule takes the one that leaves the mean
//! of the rest with the least standard error. A start that differs from the rest is worth cutting; a start that does
//! not is worth keeping. Hoad, Robinson and Davies (2010) found it the most reliable of 44 rules.

/// How many values at the start of a series are better left out.
///
/// # Returns
/// `None` when the series is not steady: the best cut lies in its later half, or there are fewer than ten values.
pub fn warm_up(series: &[f64]) -> Option<usize> {
    if series.len() < 10 {
        return None;
    }
    // From the end on, so that the sums of each rest follow from those of the one before (Welford 1962).
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    let mut errors = vec![f64::INFINITY; series.len()];
    for (place, value) in series.iter().enumerate().rev() {
        count += 1.0;
        let off = value - mean;
        mean += off / count;
        squares += off * (value - mean);
        errors[place] = squares / (count * count);
    }
    // The last few values are alike by chance; White leaves them out too.
    let candidates = series.len() - 5;
    let best = (0..candidates).min_by(|a, b| errors[*a].total_cmp(&errors[*b]))?;
    (best <= series.len() / 2).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn noisy(seed: u64, level: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..50).map(|place| level(place) * (1.0 + 0.05 * (random.random::<f64>() - 0.5))).collect()
    }

    #[test]
    fn a_cold_start_is_cut_off_where_it_ends() {
        let mut cuts = 0;
        for seed in 0..20 {
            let cold = noisy(seed, |place| if place < 8 { 50.0 + 5.0 * place as f64 } else { 100.0 });
            let cut = warm_up(&cold).unwrap();
            assert!(cut >= 7, "seed {seed}: {cut}");
            cuts += cut;
        }
        assert!(cuts / 20 <= 14, "{cuts}");
    }

    #[test]
    fn a_steady_series_keeps_nearly_all() {
        let cuts: usize = (0..20).filter_map(|seed| warm_up(&noisy(seed, |_| 100.0))).sum();
        assert!(cuts / 20 <= 8, "{cuts}");
    }

    #[test]
    fn a_series_that_climbs_to_its_end_is_not_steady() {
        assert_eq!(warm_up(&noisy(3, |place| 100.0 + 10.0 * place as f64)), None);
        assert_eq!(warm_up(&[1.0; 9]), None);
    }
}
