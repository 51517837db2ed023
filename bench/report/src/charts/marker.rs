//! The outlines of points.

/// The outline of a point: each family has a shape of its own, for those who do not see its colour.
pub(crate) fn marker(family: &str, x: f64, y: f64) -> String {
    let corners = |corners: &[(f64, f64)]| {
        let places = corners.iter().map(|(right, down)| format!("{:.1} {:.1}", x + right, y + down));
        format!("M{}Z", places.collect::<Vec<_>>().join("L"))
    };
    match family {
        "processes" => corners(&[(-3.0, -3.0), (3.0, -3.0), (3.0, 3.0), (-3.0, 3.0)]),
        "threads" => corners(&[(0.0, -3.9), (3.6, 2.7), (-3.6, 2.7)]),
        "hybrid" => corners(&[(0.0, 3.9), (3.6, -2.7), (-3.6, -2.7)]),
        "tasks" => corners(&[(0.0, -4.2), (4.2, 0.0), (0.0, 4.2), (-4.2, 0.0)]),
        "completion" => corners(&[(-3.9, 0.0), (2.7, -3.6), (2.7, 3.6)]),
        "foreign" => corners(&[(0.0, -4.0), (3.8, -1.2), (2.4, 3.2), (-2.4, 3.2), (-3.8, -1.2)]),
        // Two arcs make a circle.
        "readiness" => format!("M{:.1} {y:.1}a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0 -6.4 0Z", x - 3.2),
        _ => corners(&[(-4.0, -1.6), (4.0, -1.6), (4.0, 1.6), (-4.0, 1.6)]),
    }
}

#[cfg(test)]
mod tests {
    use super::marker;

    #[test]
    fn each_family_has_an_outline_of_its_own() {
        let families =
            ["iterative", "processes", "threads", "readiness", "hybrid", "tasks", "completion", "foreign"];
        let mut outlines = families.map(|family| marker(family, 0.0, 0.0)).to_vec();
        outlines.sort_unstable();
        outlines.dedup();
        assert_eq!(outlines.len(), families.len());
    }
}
