use super::*;

fn parts(given: &[(TimePart, u64)]) -> PartsNs {
    let mut parts = PartsNs::default();
    given.iter().for_each(|(part, ns)| parts.add(*part, *ns));
    parts
}

/// A thousand requests of which each takes as many ns as its number, a tenth of that in the service.
fn thousand() -> Vec<PartsNs> {
    (1..=1_000).map(|n| parts(&[(TimePart::Service, n), (TimePart::WayIn, n * 9)])).collect()
}

#[test]
fn parts_have_one_order_and_names_of_their_own() {
    for (index, part) in TimePart::ALL.into_iter().enumerate() {
        assert_eq!(part as usize, index, "{part:?}");
        let alike = TimePart::ALL.into_iter().filter(|other| {
            other.name() == part.name() || other.letter() == part.letter() || other.words() == part.words()
        });
        assert_eq!(alike.count(), 1, "{part:?}");
        assert!(part.name().len() <= 13, "{part:?} fits its column");
    }
}

#[test]
fn time_is_moved_between_parts_and_none_is_made() {
    let mut one = parts(&[(TimePart::WayBack, 30), (TimePart::Service, 5)]);
    one.shift(TimePart::WayBack, TimePart::Generator, 10);
    one.shift(TimePart::Service, TimePart::Generator, 50);
    assert_eq!(one, parts(&[(TimePart::WayBack, 20), (TimePart::Generator, 15)]));
    assert_eq!((one.total_ns(), one.largest()), (35, TimePart::WayBack));
}

#[test]
fn the_parts_of_a_height_add_up_to_it() {
    let sorted = thousand();
    for (level, wanted, requests) in
        [(Level::P50, 501.0, 101), (Level::P90, 901.0, 21), (Level::P99, 991.0, 3), (Level::Max, 1_000.0, 1)]
    {
        let found = at_level(&sorted, level).unwrap();
        assert_eq!((found.total_ns(), found.requests), (wanted * 10.0, requests), "{level:?}");
        assert!((found.of(TimePart::Service) - wanted).abs() < 1e-6, "{level:?}");
    }
    assert_eq!(at_level(&sorted, Level::P999), None, "one request is no distribution");
    assert_eq!(at_level(&[], Level::Max), None);
    assert_eq!(at_level(&sorted[..1], Level::Max).unwrap().total_ns(), 10.0);
}

#[test]
fn the_part_that_makes_the_difference_is_named() {
    let at = |given: &[(TimePart, u64)]| at_level(&[parts(given)], Level::Max).unwrap();
    let pool = at(&[(TimePart::Dispatch, 90), (TimePart::Service, 10), (TimePart::WayIn, 20)]);
    let single = at(&[(TimePart::Service, 10), (TimePart::WayIn, 50)]);
    let found = difference(&pool, &single).unwrap();
    assert_eq!((found.ratio, found.ns, found.part, found.share), (2.0, 60.0, TimePart::Dispatch, 1.5));
    assert_eq!(difference(&single, &pool), None);
    assert_eq!(difference(&pool, &pool), None);
}
