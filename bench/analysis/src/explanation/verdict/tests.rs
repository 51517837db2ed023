use super::*;
use crate::cost_part::CostPart;
use crate::explanation::Reason;
use dyno_record::step::Step;

const NAMES: [&str; 2] = ["a", "b"];

/// A difference of 10 us, and reasons that add so much.
fn explained(adds_ns: &[f64]) -> Explained {
    let reasons = adds_ns.iter().map(|adds| Reason {
        part: CostPart::Started,
        what: "steps",
        per_request: [1.0, 0.0],
        cost_ns: [*adds; 2],
        is: ["a step"; 2],
    });
    let explanation = Explanation {
        step: Step::Capacity,
        cpu_ns: [15_000.0, 5_000.0],
        reasons: reasons.collect(),
        not_available: Vec::new(),
        outside_kernel_ns: None,
    };
    Explained { explanation, difference_ns: Some([8_000.0, 12_000.0]), unexplained_share: None }
}

#[test]
fn nothing_comes_first_when_the_reasons_explain_the_difference() {
    assert_eq!(explained(&[9_000.0]).verdict(NAMES), None);
    assert_eq!(explained(&[6_000.0, 2_600.0]).verdict(NAMES), None);
}

#[test]
fn a_difference_is_explained_when_little_is_left_of_it_and_it_is_no_noise() {
    let noise = Explained { difference_ns: Some([-1_000.0, 3_000.0]), ..explained(&[9_000.0]) };
    for (what, found, is_explained) in [
        ("a small rest", explained(&[9_000.0]), true),
        ("a rest below nothing", explained(&[11_000.0]), true),
        ("a large rest", explained(&[6_000.0]), false),
        ("parts far beyond the whole", explained(&[15_700.0]), false),
        ("nothing counted", explained(&[]), false),
        ("noise", noise, false),
    ] {
        assert_eq!(found.is_explained(), is_explained, "{what}");
    }
}

#[test]
fn a_rest_above_the_limit_is_said_first_with_what_is_known_of_it() {
    let mut found = explained(&[6_000.0]);
    assert_eq!(
        found.verdict(NAMES).unwrap(),
        "This does not explain it here: 40 % of the difference is left, more than 15 %. The system does not tell whether \
         the rest is work in the kernel or outside it."
    );
    found.unexplained_share = Some([0.1, 0.6]);
    found.explanation.not_available = vec!["page faults"];
    found.explanation.outside_kernel_ns = Some([9_000.0, 2_000.0]);
    assert_eq!(
        found.verdict(NAMES).unwrap(),
        "This does not explain it here: 40 % of the difference is left, more than 15 %. 90 % of resamples give 10 % to \
         60 %: noise alone may make so much, and more blocks narrow that. Not counted, so not explained: page faults. The rest is likely \
         work in their own code and its caches: outside the kernel a request takes 9.00 µs with a and 2.00 µs with b."
    );
    found.explanation.outside_kernel_ns = Some([3_000.0, 2_000.0]);
    assert!(found.verdict(NAMES).unwrap().contains("likely work in the kernel"));
    found.unexplained_share = Some([0.3, 0.5]);
    assert!(found.verdict(NAMES).unwrap().contains("90 % of resamples give 30 % to 50 %. Not counted"));
}

#[test]
fn parts_that_are_larger_than_the_whole_are_said_first_and_never_told_as_shares() {
    let much = explained(&[13_000.0]);
    let words = much.verdict(NAMES).unwrap();
    assert!(words.starts_with(
        "The reasons together are larger than the difference: they add up to 13.0 µs, 130 % of it."
    ));
    assert!(
        words.ends_with("\nThis does not explain it here: 30 % of the difference is left, more than 15 %."),
        "{words}"
    );
    assert!(much.explanation.words(NAMES).starts_with("13.0 µs more: a takes 1.00 steps a request"));

    let little = explained(&[11_000.0]);
    assert!(little.verdict(NAMES).unwrap().ends_with("counted or priced too high."), "below the limit");

    let balanced = explained(&[13_000.0, -4_000.0]);
    assert_eq!(
        balanced.verdict(NAMES).unwrap(),
        "One reason alone is larger than the difference, 130 % of it; others make up for a part of that."
    );
    let words = balanced.explanation.words(NAMES);
    assert!(words.starts_with("13.0 µs more: a takes") && words.contains("\n4.00 µs less: "), "{words}");
}

#[test]
fn of_a_difference_that_may_be_noise_nothing_else_is_said() {
    let found = Explained { difference_ns: Some([-1_000.0, 3_000.0]), ..explained(&[20_000.0]) };
    assert_eq!(
        found.verdict(NAMES).unwrap(),
        "The difference itself is not told apart from noise: 90 % of resamples give -1.00 µs to 3.00 µs. Reasons may \
         be larger than it, so no shares of it are told."
    );
}
