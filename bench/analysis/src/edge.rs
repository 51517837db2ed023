//! Those that nobody beats in two figures at once (Pareto).

/// Whether nobody is at least as good in both figures and better in one. Of both less is better.
pub fn on_edge(points: &[(f64, f64)]) -> Vec<bool> {
    let beats = |one: &(f64, f64), other: &(f64, f64)| {
        one.0 <= other.0 && one.1 <= other.1 && (one.0 < other.0 || one.1 < other.1)
    };
    points.iter().map(|own| !points.iter().any(|other| beats(other, own))).collect()
}

#[cfg(test)]
mod tests {
    use super::on_edge;

    #[test]
    fn who_is_beaten_in_both_is_not_on_the_edge() {
        for (points, expected) in [
            (vec![(1.0, 4.0), (2.0, 2.0), (4.0, 1.0), (3.0, 3.0)], vec![true, true, true, false]),
            (vec![(1.0, 1.0), (1.0, 1.0)], vec![true, true]),
            (vec![(1.0, 1.0), (1.0, 2.0)], vec![true, false]),
            (vec![], vec![]),
        ] {
            assert_eq!(on_edge(&points), expected, "{points:?}");
        }
    }
}
