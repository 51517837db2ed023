use super::*;
use dyno_analysis::tiers::{TieStand, tiers};

/// A contestant with its family, its value, and whether that is a bound.
type Planted<'a> = (&'a str, &'a str, f64, bool);

fn quantity(higher: bool) -> Quantity {
    Quantity {
        noun: if higher { "capacity" } else { "CPU per request" }.into(),
        best: if higher { "the highest capacity" } else { "the least CPU per request" }.into(),
        axis: "a",
        told: |value| format!("{value}"),
        shown: |value| format!("{value}"),
        binary: false,
        higher,
        sure: "SURE.".into(),
    }
}

/// The sentence of contestants that differ where their values do by more than five percent.
fn told(planted: &[Planted], higher: bool) -> String {
    let entrants = planted.iter().map(|(label, family, value, at_least)| Entrant {
        label: (*label).into(),
        family: (*family).into(),
        value: *value,
        ends: (value * 0.95, value * 1.05),
        at_least: *at_least,
    });
    let found = tiers(entrants.collect(), higher, |better, own| {
        let ratio = if higher { better.value / own.value } else { own.value / better.value };
        let stand = match ratio {
            _ if own.at_least => TieStand::Unknown,
            ratio if ratio > 1.05 => TieStand::Behind,
            _ => TieStand::Level,
        };
        (stand, Some(Times { value: ratio, low: ratio * 0.95, high: ratio * 1.05 }))
    });
    of(&quantity(higher), &found.unwrap())
}

#[test]
fn the_sentence_names_ties_ratios_and_confidence() {
    let threads = [("calm", "threads", 80.0, false), ("quiet", "threads", 81.0, false)];
    let first = [("swift", "completion", 144.0, false), ("brisk", "readiness", 142.0, false)];
    let last = [("slow", "processes", 60.0, false)];
    let all: Vec<Planted> = [&first[..], &threads, &last].concat();
    assert_eq!(
        told(&all, true),
        "swift and brisk tie for the highest capacity: 142 to 144; 1.8 times quiet and calm (1.7 to 1.9), 2.4 times slow (2.3 to 2.5). SURE."
    );
    assert_eq!(
        told(&all, false),
        "slow has the least CPU per request: 60 (57 to 63); 1.3 times less than calm and quiet (1.3 to 1.4), 2.4 times less than brisk and swift (2.2 to 2.5). SURE."
    );
}

#[test]
fn a_family_stands_for_its_members_where_all_are_in_the_group() {
    let mut all = vec![("brisk", "readiness", 142.0, false)];
    let names = ["one", "two", "three", "four"];
    all.extend(names.iter().map(|name| (*name, "threads", 71.0, false)));
    assert!(told(&all, true).contains("2.0 times the thread designs (1.9 to 2.1)"), "{}", told(&all, true));
    all.push(("five", "threads", 30.0, false));
    let words = told(&all, true);
    assert!(
        words.contains("2.0 times one, two, three and four") && words.contains("4.7 times five"),
        "{words}"
    );
}

#[test]
fn what_is_not_known_is_not_decided() {
    let (a, b) = (("a", "f", 100.0, false), ("b", "f", 60.0, true));
    let words = told(&[a, b], true);
    assert_eq!(words, "a: capacity 100 (95 to 105); of the others it is not known. Not decided for b. SURE.");
    let words = told(&[a, ("c", "f", 50.0, false), b], true);
    assert!(words.contains("2.0 times c (1.9 to 2.1). Not decided for b."), "{words}");
    let words = told(&[("a", "f", 100.0, true), ("c", "f", 50.0, false)], true);
    assert!(words.starts_with("a has the highest capacity: at least 100"), "{words}");
}

#[test]
fn inside_a_tie_nobody_is_best() {
    let words = told(&[("a", "f", 100.0, false), ("b", "g", 101.0, false)], true);
    assert_eq!(words, "No difference was seen in capacity between b and a: 100 to 101. SURE.");
    assert_eq!(told(&[("a", "f", 100.0, false)], true), "a: capacity 100 (95 to 105).");
}

#[test]
fn many_groups_are_told_by_the_next_and_the_last() {
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let all: Vec<Planted> = names
        .iter()
        .enumerate()
        .map(|(place, name)| (*name, "x", 100.0 * 0.8f64.powi(place as i32), false))
        .collect();
    let words = told(&all, true);
    assert!(words.contains("times b") && words.contains("times c") && words.contains("times g"), "{words}");
    assert!(words.contains(", 3 others between, ") && !words.contains("times d"), "{words}");
}
