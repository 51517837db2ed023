//! Planted figures: what is a regression, what is none, and how often chance makes one.

use dyno_record::header::ContestantLine;
use dyno_statistics::verdict::compare;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::duel::DuelSide;
use crate::figure::RowFigure;

const THRESHOLD: f64 = 0.05;

fn side(label: &str, at_least: bool) -> DuelSide {
    let figure = || RowFigure { at_least, ..RowFigure::of(&[], 1, |_| None) };
    let line =
        ContestantLine { label: label.into(), idea: String::new(), family: "x".into(), command: Vec::new() };
    DuelSide { line, cpu_ns: figure(), rate_per_s: figure() }
}

/// A duel whose bouts have these ratios of CPU; rates are their inverse.
fn row(label: &str, ratios: &[f64], at_least: bool, seed: u64) -> DuelRow {
    let pairs: Vec<(f64, f64)> = ratios.iter().map(|ratio| (*ratio, 1.0)).collect();
    let inverse: Vec<(f64, f64)> = ratios.iter().map(|ratio| (1.0, *ratio)).collect();
    DuelRow {
        sides: [side(label, at_least), side(&format!("{label}@old"), false)],
        cpu: compare(&pairs, THRESHOLD, seed),
        rate: compare(if at_least { &[] } else { inverse.as_slice() }, THRESHOLD, seed),
        void: 0,
        reason: String::new(),
    }
}

fn count(label: &str, change: Change) -> Difference {
    let value = if change == Change::Worse { 1.02 } else { 1.0 };
    Difference {
        contestant: label.into(),
        figure: "instr/request",
        old: 16_000.0,
        new: 16_000.0 * value,
        ratio: Interval { value, low: value - 0.001, high: value + 0.001, observations: 5 },
        change,
        at_least: false,
    }
}

fn around(level: f64) -> Vec<f64> {
    (0..8).map(|block| level * (1.0 + 0.004 * (f64::from(block % 5) - 2.0))).collect()
}

#[test]
fn only_what_is_decided_is_a_regression() {
    use RegressionVerdict::{Improvement, NoneSeen, Regression, Void};
    let judged = |ratios: &[f64], at_least, counts: &[Difference]| {
        judge(&[row("epoll", ratios, at_least, 1)], counts)[0].clone()
    };
    assert_eq!(judged(&around(1.0), false, &[]).verdict, NoneSeen);
    assert_eq!(judged(&around(1.04), false, &[]).verdict, NoneSeen);
    let worse = judged(&around(1.10), false, &[]);
    assert_eq!(worse.verdict, Regression);
    assert_eq!(worse.worse.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["CPU of a request", "rate"]);
    let bound = judged(&around(1.10), true, &[]);
    assert_eq!(bound.worse.len(), 1, "a rate that is a bound is not judged");
    assert_eq!(judged(&around(0.90), false, &[]).verdict, Improvement);
    assert_eq!(judged(&[1.3, 1.0, 1.2, 0.9, 1.4, 1.1], false, &[]).verdict, NoneSeen);
    assert_eq!(judged(&[1.3, 1.3], false, &[]).verdict, Void, "two bouts decide nothing");
    assert_eq!(judged(&[], false, &[]).verdict, Void);
    // A count decides what time does not.
    assert_eq!(judged(&around(1.01), false, &[count("epoll", Change::Worse)]).verdict, Regression);
    assert_eq!(judged(&around(0.90), false, &[count("epoll", Change::Worse)]).verdict, Regression);
    assert_eq!(judged(&[], false, &[count("epoll", Change::Same)]).verdict, NoneSeen);
    assert_eq!(judged(&around(1.0), false, &[count("epoll", Change::Inconclusive)]).verdict, NoneSeen);
}

#[test]
fn who_was_only_counted_is_judged_by_that() {
    let found = judge(&[row("epoll", &around(1.0), false, 1)], &[count("fork", Change::Worse)]);
    let verdicts: Vec<_> = found.iter().map(|one| (one.label.as_str(), one.verdict)).collect();
    assert_eq!(verdicts, [("epoll", RegressionVerdict::NoneSeen), ("fork", RegressionVerdict::Regression)]);
}

/// A normal deviate, by the sum of twelve uniform ones.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

/// A run over sixteen architectures, of which each bout's ratio scatters around `level` by `spread`, and one bout of
/// twelve is spoilt.
fn run(seed: u64, level: f64, spread: f64) -> Vec<Judgement> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let rows: Vec<DuelRow> = (0..16)
        .map(|number| {
            let ratios: Vec<f64> = (0..8)
                .map(|_| {
                    let spoilt = if random.random_bool(1.0 / 12.0) { 6.0 } else { 1.0 };
                    level * (1.0 + spread * spoilt * normal(&mut random))
                })
                .collect();
            // A rate that is a bound is not judged, and takes no time here.
            row(&format!("a{number}"), &ratios, true, seed)
        })
        .collect();
    judge(&rows, &[])
}

#[test]
fn the_same_program_against_itself_is_a_regression_in_fewer_than_one_run_of_fifty() {
    // How far bouts scatter is a matter of the machine; here by 1.5 %, and a twelfth of them by six times as much.
    let alarms = (0..50)
        .filter(|seed| run(*seed, 1.0, 0.015).iter().any(|one| one.verdict == RegressionVerdict::Regression))
        .count();
    assert_eq!(alarms, 0, "of 50 runs over sixteen architectures");
}

#[test]
fn a_regression_of_a_tenth_is_found_nearly_always() {
    let found: usize = (0..4)
        .map(|seed| {
            run(seed, 1.10, 0.015).iter().filter(|one| one.verdict == RegressionVerdict::Regression).count()
        })
        .sum();
    assert!(found >= 58, "{found} of 64");
}
