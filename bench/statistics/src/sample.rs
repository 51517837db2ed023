//! Order statistics of a small sample.

/// Quantile of a sorted sample by linear interpolation between closest ranks (type 7 of Hyndman and Fan,
/// "Sample quantiles in statistical packages", 1996; the default of R and NumPy). An empty sample has none.
pub fn quantile_of_sorted(sorted: &[f64], probability: f64) -> Option<f64> {
    let place = probability.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    let share = place - below as f64;
    Some(if share == 0.0 { sorted[below] } else { sorted[below] * (1.0 - share) + sorted[above] * share })
}

/// A sorted copy; values that are not numbers are left out.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut kept: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    kept.sort_by(f64::total_cmp);
    kept
}

/// The median. An empty sample has none.
pub fn median(values: &[f64]) -> Option<f64> {
    quantile_of_sorted(&sorted(values), 0.5)
}

/// The arithmetic mean. An empty sample has none.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The interquartile mean (midmean): the mean of the middle half, where a value that the quarter cuts counts in part.
/// As deaf to outliers as one needs where a quarter of the cells may be spoilt on either side, and for noise of usual
/// tails firmer than the median by a tenth to a quarter (Tukey, *Exploratory Data Analysis*, 1977). An empty sample
/// has none.
pub fn midmean(values: &[f64]) -> Option<f64> {
    let sorted = sorted(values);
    let quarter = sorted.len() as f64 / 4.0;
    let (low, high) = (quarter, sorted.len() as f64 - quarter);
    let inside = |place: usize| ((place + 1) as f64).min(high) - (place as f64).max(low);
    let parts = sorted.iter().enumerate().map(|(place, value)| value * inside(place).max(0.0));
    (!sorted.is_empty()).then(|| parts.sum::<f64>() / (high - low))
}

/// Median absolute deviation from the median, as a share of the median: how noisy a sample is. An empty sample has
/// none.
pub fn relative_deviation(values: &[f64]) -> Option<f64> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some(median(&deviations)? / centre.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16], [0.1, 0.25, 0.5, 0.9])
        let sample = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (probability, expected) in [(0.1, 1.4), (0.25, 2.0), (0.5, 4.0), (0.9, 12.8)] {
            assert!((quantile_of_sorted(&sample, probability).unwrap() - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_median_of_an_even_sample_lies_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_midmean_agrees_with_scipy() {
        // scipy.stats.trim_mean([1, 2, 3, 5, 8, 13, 21, 1000], 0.25); for five values, 0.75 * 2 + 4 + 0.75 * 8 over
        // 2.5 by hand.
        assert!((midmean(&[1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 1000.0]).unwrap() - 7.25).abs() < 1e-12);
        assert!((midmean(&[16.0, 1.0, 2.0, 4.0, 8.0]).unwrap() - 4.6).abs() < 1e-12);
        assert_eq!(midmean(&[3.0]), Some(3.0));
        assert_eq!(midmean(&[2.0, 4.0]), Some(3.0));
        assert_eq!(midmean(&[]), None);
    }

    #[test]
    fn infinities_keep_their_place() {
        assert_eq!(median(&[f64::INFINITY, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[f64::INFINITY, f64::INFINITY, 2.0]), Some(f64::INFINITY));
    }

    #[test]
    fn the_relative_deviation_is_a_share_of_the_median() {
        // The distances from the median 10 are 2, 0 and 3.
        assert_eq!(relative_deviation(&[8.0, 10.0, 13.0]), Some(0.2));
        assert_eq!(relative_deviation(&[-8.0, -10.0, -13.0]), Some(0.2));
        assert_eq!(relative_deviation(&[]), None);
    }
}
