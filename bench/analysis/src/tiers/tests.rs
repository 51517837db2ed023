use super::*;

/// A figure of seven blocks around a value, with a spread of two percent.
fn figure(value: f64) -> RowFigure {
    let by_round = (0..7).map(|block| (block, value * (1.0 + 0.01 * (f64::from(block % 3) - 1.0)))).collect();
    let interval = Some(Interval { value, low: value * 0.99, high: value * 1.01, observations: 7 });
    RowFigure { interval, by_round, ..RowFigure::of(&[], 1, |_| None) }
}

/// The groups by label, and those of whom nothing is known.
fn grouped(
    values: &[(&str, f64)],
    higher: bool,
    bounds: &[&str],
    few: &[&str],
) -> (Vec<Vec<String>>, Vec<String>) {
    let figures: Vec<(&str, RowFigure)> = values
        .iter()
        .map(|(label, value)| {
            let mut figure = figure(*value);
            figure.at_least = bounds.contains(label);
            if few.contains(label) {
                figure.by_round.retain(|block, _| *block < 2);
            }
            (*label, figure)
        })
        .collect();
    let figured: Vec<Figured> =
        figures.iter().map(|(label, figure)| Figured { label, family: "f", figure }).collect();
    let found = of_figures(&figured, higher, 0.05, 1).unwrap();
    let names = |places: &[usize]| -> Vec<String> {
        places.iter().map(|place| found.entrants[*place].label.clone()).collect()
    };
    (found.groups.iter().map(|group| names(&group.members)).collect(), names(&found.unknown))
}

#[test]
fn ties_are_groups_and_groups_are_apart() {
    for (values, higher, expected) in [
        (
            vec![("a", 100.0), ("b", 101.0), ("c", 60.0), ("d", 59.0), ("e", 40.0)],
            true,
            vec!["b a", "c d", "e"],
        ),
        (
            vec![("a", 100.0), ("b", 101.0), ("c", 60.0), ("d", 59.0), ("e", 40.0)],
            false,
            vec!["e", "d c", "a b"],
        ),
        (vec![("a", 100.0), ("b", 101.0)], true, vec!["b a"]),
        (vec![("a", 100.0)], true, vec!["a"]),
        // Each is level with its neighbour, but the last is not with the first.
        (vec![("a", 100.0), ("b", 96.5), ("c", 92.0)], true, vec!["a b", "c"]),
    ] {
        let (groups, unknown) = grouped(&values, higher, &[], &[]);
        let groups: Vec<String> = groups.iter().map(|group| group.join(" ")).collect();
        assert_eq!(groups, expected, "{values:?}");
        assert!(unknown.is_empty());
    }
}

#[test]
fn of_bounds_and_of_too_few_blocks_nothing_is_said() {
    let values = [("a", 100.0), ("b", 60.0), ("c", 59.0), ("d", 40.0)];
    let (groups, unknown) = grouped(&values, true, &["b"], &["d"]);
    assert_eq!(groups, [vec!["a"], vec!["c"]]);
    assert_eq!(unknown, ["b", "d"]);
    // The best may be a bound: who is behind it is behind all the more.
    let (groups, unknown) = grouped(&values, true, &["a"], &[]);
    assert_eq!((groups.len(), unknown.len()), (3, 0));
}

#[test]
fn the_ratio_of_a_group_spans_those_of_its_members() {
    let figures = [figure(120.0), figure(60.0), figure(61.0)];
    let labels = ["a", "b", "c"];
    let figured: Vec<Figured> =
        labels.iter().zip(&figures).map(|(label, figure)| Figured { label, family: "f", figure }).collect();
    let found = of_figures(&figured, true, 0.05, 1).unwrap();
    assert_eq!(found.groups[0].times, None);
    let times = found.groups[1].times.unwrap();
    assert!(times.low <= 120.0 / 61.0 && times.high >= 2.0, "{times:?}");
    assert!(times.value > 1.96 && times.value < 2.01, "{times:?}");
}

#[test]
fn ends_that_overlap_are_level() {
    let entrant = |label: &str, low: f64, high: f64| Entrant {
        label: label.into(),
        family: "f".into(),
        value: low,
        ends: (low, high),
        at_least: !high.is_finite(),
    };
    let found = of_ends(vec![
        entrant("a", 30.0, 33.0),
        entrant("b", 60.0, 63.0),
        entrant("c", 58.0, 61.0),
        entrant("d", 20.0, f64::INFINITY),
    ])
    .unwrap();
    let names: Vec<&str> = found.entrants.iter().map(|entrant| entrant.label.as_str()).collect();
    assert_eq!(names, ["b", "c", "a", "d"]);
    assert_eq!(
        found.groups.iter().map(|group| group.members.clone()).collect::<Vec<_>>(),
        [vec![0, 1], vec![2]]
    );
    assert_eq!(found.unknown, [3]);
    let times = found.groups[1].times.unwrap();
    assert!((times.low - 60.0 / 33.0).abs() < 1e-9 && (times.high - 63.0 / 30.0).abs() < 1e-9, "{times:?}");
}
