//! Do two runs put the contestants into the same order?

/// Spearman's rank correlation of two samples of equal length, ties sharing their mean rank.
///
/// # Returns
/// A value from -1 to 1; `None` below two pairs or when one side is constant.
///
/// # Panics
/// When the lengths differ, which is the caller's mistake.
pub fn correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    assert_eq!(one.len(), other.len(), "rank correlation needs pairs");
    let (x, y) = (ranks(one), ranks(other));
    let centre = (one.len() as f64 + 1.0) / 2.0;
    let product: f64 = x.iter().zip(&y).map(|(a, b)| (a - centre) * (b - centre)).sum();
    let squares = |ranks: &[f64]| ranks.iter().map(|rank| (rank - centre).powi(2)).sum::<f64>();
    let scale = (squares(&x) * squares(&y)).sqrt();
    (one.len() >= 2 && scale > 0.0).then(|| product / scale)
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..].iter().take_while(|place| values[**place] == values[order[start]]).count();
        for place in &order[start..start + tied] {
            ranks[*place] = start as f64 + (tied as f64 + 1.0) / 2.0;
        }
        start += tied;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_scipy() {
        // scipy.stats.spearmanr([1, 2, 3, 4, 5], [5, 6, 7, 8, 7]).statistic
        let rho = correlation(&[1.0, 2.0, 3.0, 4.0, 5.0], &[5.0, 6.0, 7.0, 8.0, 7.0]).unwrap();
        assert!((rho - 0.820_782_681_668_123).abs() < 1e-12);
    }

    #[test]
    fn knows_the_extremes() {
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[10.0, 20.0, 90.0]), Some(1.0));
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(correlation(&[1.0, 1.0], &[3.0, 2.0]), None);
        assert_eq!(correlation(&[1.0], &[3.0]), None);
    }
}
