//! The audit on facts that were made up: each doubt alone, and what it makes of which figure.

use super::*;
use crate::outcome::Rates;
use crate::outcome::verdict::Figures;
use crate::verdict::facts::{AnswerFacts, GeneratorFacts, LatencyFacts, PlanFacts, StepFacts};

/// A run that nobody could object to.
fn sound() -> Facts {
    Facts {
        plan: PlanFacts { open_loop: true, steady: true, errors_max: 0.01, ..PlanFacts::default() },
        window_ns: 10_000_000_000,
        rates: Rates {
            offered_per_s: 10_000.0,
            sent_per_s: 10_000.0,
            achieved_per_s: 10_000.0,
            ..Rates::default()
        },
        answers: AnswerFacts { completed: 100_000, ..AnswerFacts::default() },
        latency: LatencyFacts {
            p50_ns: 80_000,
            p99_ns: 300_000,
            mean_ns: 100_000.0,
            halves_error_ns: 500.0,
            percentiles: vec![(0.5, 50_000.0), (0.99, 800.0), (0.9999, 3.0)],
            ..LatencyFacts::default()
        },
        connections: Connections { planned: 64, open_max: 64, opened: 64, ..Connections::default() },
        generator: GeneratorFacts { busy_share: 0.3, ..GeneratorFacts::default() },
        figures: Figures {
            lag_p50_ns: 2_000,
            lag_p99_ns: 20_000,
            own_p50_ns: 2_000,
            own_p99_ns: 20_000,
            rest_p50_ns: 78_000,
            rest_p99_ns: 290_000,
            in_system_mean: 1.001,
            in_system_predicted: 1.0,
            first_half_mean_ns: 99_000.0,
            second_half_mean_ns: 101_000.0,
            ..Figures::default()
        },
        ..Facts::default()
    }
}

#[test]
fn a_sound_run_has_no_findings() {
    assert_eq!(audit(&sound()).findings, []);
    assert_eq!(audit(&sound()).verdict, Verdict::Sound);
}

#[test]
fn each_fault_is_found_given_a_remedy_and_spoils_its_figures() {
    use Verdict::{AtLeast, Doubtful, Sound, Void};
    // (the doubt, what it makes of the rate, and of the latencies, how it comes about)
    type Case = (&'static str, Verdict, Verdict, fn(&mut Facts));
    let cases: &[Case] = &[
        ("nothing-measured", Void, Void, |f| f.answers.completed = 0),
        ("backlog-overflow", Doubtful, Void, |f| f.partial = Some((Partial::Backlog, 5))),
        ("backlog-overflow", Void, Void, |f| {
            (f.partial, f.rates.achieved_per_s) = (Some((Partial::Backlog, 5)), 0.0);
        }),
        ("cut-short", Doubtful, Doubtful, |f| f.partial = Some((Partial::Interrupted, 5))),
        ("nothing-measured", Void, Void, |f| {
            (f.answers.completed, f.partial) = (0, Some((Partial::Interrupted, 5)));
        }),
        ("server-stalled", Sound, Sound, |f| f.answers.stalls_ns = vec![2_000_000_000]),
        ("server-stalled", Sound, Doubtful, |f| {
            (f.plan.open_loop, f.answers.stalls_ns) = (false, vec![2_000_000_000]);
        }),
        ("few-answers", Sound, Doubtful, |f| {
            (f.answers.completed, f.latency.percentiles) = (19, vec![]);
        }),
        ("nothing-measured", Sound, Void, |f| {
            (f.plan.impatient, f.answers.completed) = (true, 0);
            (f.answers.failed, f.answers.let_go) = (50, 50);
        }),
        ("kept-from-server", Doubtful, Doubtful, |f| {
            f.plan.impatient = true;
            (f.answers.failed, f.answers.let_go, f.answers.unsent) = (5_000, 5_000, 5_000);
        }),
        ("errors", Doubtful, Doubtful, |f| {
            f.plan.impatient = true;
            (f.answers.failed, f.answers.let_go) = (2_001, 2_000);
        }),
        ("errors", Doubtful, Doubtful, |f| f.answers.failed = 1),
        ("errors-over-limit", Void, Void, |f| f.answers.failed = 2_000),
        ("generator-saturated", AtLeast, Void, |f| f.generator.busy_share = 0.96),
        ("generator-saturated", Doubtful, Doubtful, |f| f.generator.busy_share = 0.9),
        ("generator-late", Sound, Void, |f| f.figures.own_p50_ns = 50_000),
        ("generator-late", Sound, Void, |f| f.figures.own_p99_ns = 250_000),
        ("generator-late", Sound, Doubtful, |f| f.figures.own_p99_ns = 100_000),
        // It is held against what it cannot distort: the latency with its own part in it is three times as long.
        ("generator-late", Sound, Void, |f| {
            (f.figures.own_p99_ns, f.figures.rest_p99_ns, f.latency.p99_ns) =
                (7_500_000, 5_000_000, 12_500_000);
        }),
        ("percentiles-late", Sound, Void, |f| f.latency.made_late = Some((0.75, 30_000_000, 1_000_000))),
        ("percentiles-late", Sound, Doubtful, |f| {
            f.latency.made_late = Some((0.9999, 30_000_000, 1_000_000));
        }),
        ("server-overloaded", Sound, Doubtful, |f| {
            f.rates.achieved_per_s = 9_000.0;
            f.figures.second_half_mean_ns = 2e6;
            f.latency.halves_error_ns = 1e7;
        }),
        ("offered-rate-missed", Doubtful, Doubtful, |f| f.rates.sent_per_s = 9_000.0),
        ("connections-missing", Doubtful, Doubtful, |f| f.connections.open_max = 63),
        ("connections-reopened", Doubtful, Doubtful, |f| f.connections.opened = 100_000),
        ("littles-law-broken", Doubtful, Doubtful, |f| f.figures.in_system_mean = 1.05),
        ("unsteady", Doubtful, Doubtful, |f| f.figures.second_half_mean_ns = 150_000.0),
        ("few-independent-samples", Sound, Doubtful, |f| f.latency.percentiles[1].1 = 2.0),
        ("arrivals-off", Sound, Doubtful, |f| {
            f.figures.arrivals = vec![ArrivalTest {
                which: "sent".into(),
                process: "poisson".into(),
                test: "anderson-darling".into(),
                gaps: 2_000,
                statistic: 9.0,
                limit: 5.97,
                passed: false,
            }];
        }),
        ("core-shared", Sound, Doubtful, |f| {
            f.generator.preempted_per_s = 1_000.0;
            (f.figures.own_p99_ns, f.figures.rest_p99_ns) = (51_000, 1_000_000);
        }),
        ("core-shared", Sound, Doubtful, |f| {
            f.generator.delayed_share = 0.3;
            (f.figures.own_p99_ns, f.figures.rest_p99_ns) = (51_000, 1_000_000);
        }),
    ];
    for (name, rate, latency, spoil) in cases {
        for finds_rate in [false, true] {
            let mut facts = sound();
            facts.plan.finds_rate = finds_rate;
            spoil(&mut facts);
            let audit = audit(&facts);
            let json = serde_json::to_value(&audit.findings[0]).unwrap();
            assert_eq!(json["doubt"], *name);
            assert_eq!(audit.findings.len(), 1, "{name}: {:?}", audit.findings);
            assert_eq!((audit.rate, audit.latency), (*rate, *latency), "{name}");
            let verdict = if finds_rate { audit.rate } else { audit.rate.max(audit.latency) };
            assert_eq!(audit.verdict, verdict, "{name}: what the run was for decides");
            assert!(!audit.findings[0].message.is_empty() && !audit.findings[0].remedy.is_empty());
        }
    }
}

#[test]
fn a_pause_voids_the_rate_of_a_closed_loop_and_names_the_generator() {
    // (share of the requests' time that was lost, the same of each connection, verdict on the rate)
    for (own_share, lost_ns, rate) in [
        (0.25, 1_000_000_000, Verdict::Void),
        (0.021, 210_000_000, Verdict::Void),
        (0.01, 100_000_000, Verdict::Doubtful),
        // Fifty requests in five milliseconds, and one late wake-up.
        (0.5, 2_500_000, Verdict::Doubtful),
        (0.004, 40_000_000, Verdict::Sound),
    ] {
        // (what was not spent waiting for a core, periods without quota, what a void rate is then)
        for (stopped_ns, throttled_periods, void) in [
            (1_000_000_000, 0, Verdict::Void),
            (0, 9, Verdict::Void),
            // The server may have had the core, so the rate is a bound.
            (0, 0, Verdict::AtLeast),
        ] {
            let mut facts = sound();
            (facts.plan.finds_rate, facts.plan.open_loop) = (true, false);
            (facts.figures.own_share, facts.generator.lost_ns) = (own_share, lost_ns);
            facts.generator.absence =
                Absence { sum_ns: 1_100_000_000, longest_ns: 1_000_000_000, stopped_ns };
            facts.generator.throttled_periods = throttled_periods;
            let audit = audit(&facts);
            let rate = if rate == Verdict::Void { void } else { rate };
            assert_eq!((audit.rate, audit.verdict), (rate, rate), "{own_share} {stopped_ns}");
            let told: Vec<&str> = audit.findings.iter().map(|f| f.message.as_str()).collect();
            assert!(told.iter().all(|message| message.starts_with("the generator stood still")), "{told:?}");
        }
    }
}

#[test]
fn the_advice_names_what_kept_the_generator() {
    type Case = (&'static str, fn(&mut GeneratorFacts));
    let cases: &[Case] = &[
        ("quota", |g| (g.throttled_periods, g.absence.stopped_ns) = (9, 0)),
        ("was stopped", |g| (g.throttled_periods, g.absence.stopped_ns) = (9, 900_000_000)),
        ("share its core", |g| g.absence.stopped_ns = 100_000_000),
        ("was stopped", |g| g.absence.stopped_ns = 1_000_000_000),
    ];
    for (words, cause) in cases {
        let mut facts = sound();
        (facts.plan.finds_rate, facts.plan.open_loop) = (true, false);
        (facts.generator.absence.sum_ns, facts.generator.absence.longest_ns) = (1_100_000_000, 1_000_000_000);
        (facts.figures.own_share, facts.generator.lost_ns) = (0.3, 1_000_000_000);
        cause(&mut facts.generator);
        assert!(audit(&facts).findings[0].remedy.contains(words), "{:?}", audit(&facts).findings);
    }
}

#[test]
fn a_saturated_server_is_said_to_be_one_with_a_rate_to_try() {
    let overloaded = |f: &mut Facts| {
        (f.rates.offered_per_s, f.rates.achieved_per_s) = (400_000.0, 46_800.0);
        (f.figures.second_half_mean_ns, f.latency.halves_error_ns) = (2e6, 1e7);
    };
    type Case = (&'static str, fn(&mut Facts));
    let ends: &[Case] = &[
        ("grow with the length", |_| {}),
        ("requests waited", |f| (f.partial, f.plan.backlog) = (Some((Partial::Backlog, 5)), 1_000_000)),
        ("due before the window", |f| f.answers.early_only = true),
        ("grow with the length", |f| (f.answers.failed, f.answers.unfinished) = (300_000, 300_000)),
    ];
    for (says, end) in ends {
        let mut facts = sound();
        overloaded(&mut facts);
        end(&mut facts);
        let audit = audit(&facts);
        let (message, remedy) = (&audit.findings[0].message, &audit.findings[0].remedy);
        assert!(
            message.starts_with("the server answered 46.8 k/s of 400 k/s asked: it is saturated"),
            "{message}"
        );
        assert!(
            remedy.ends_with("try a rate of 32.0 k") || remedy.ends_with("try a rate of 32 k"),
            "{remedy}"
        );
        assert!(format!("{message} {remedy}").contains(says), "{message} {remedy}");
        assert_eq!(audit.findings.len(), 1, "{:?}", audit.findings);
    }
}

#[test]
fn steadiness_is_judged_within_a_step() {
    let step = |number: u64, offered_per_s: f64, halves_mean_ns: [f64; 2]| StepFacts {
        number,
        offered_per_s,
        answered_per_s: offered_per_s.min(5_000.0),
        halves_mean_ns,
        halves_error_ns: 500.0,
    };
    let mut facts = sound();
    facts.plan.steady = false;
    facts.figures.second_half_mean_ns = 9e9;
    // Each step is slower than the one before, which is the plan; the last is overloaded, where latencies grow.
    facts.latency.steps =
        vec![step(1, 1e3, [1e5, 1.01e5]), step(2, 5e3, [4e5, 3.9e5]), step(3, 1e4, [1e9, 2e9])];
    assert_eq!(audit(&facts).findings, []);
    facts.latency.steps[1].halves_mean_ns = [4e5, 9e5];
    let told = audit(&facts).findings;
    assert!(matches!(told[0].doubt, Doubt::Unsteady { step: Some(2), .. }), "{told:?}");
    assert!(told[0].message.contains("in step 2"), "{told:?}");
}

#[test]
fn no_law_judges_a_percentile_that_is_not_told() {
    // (percentiles told, what is wrong, graded)
    type Case = (&'static [f64], fn(&mut Facts), Option<Verdict>);
    let cases: &[Case] = &[
        (&[0.5, 0.9], |f| f.figures.own_p99_ns = 250_000, None),
        (&[0.5, 0.9, 0.99], |f| f.figures.own_p99_ns = 250_000, Some(Verdict::Void)),
        (&[0.5, 0.9], |f| f.figures.own_p50_ns = 50_000, Some(Verdict::Void)),
        (&[0.5, 0.9], |f| (f.generator.preempted_per_s, f.figures.own_p99_ns) = (1_000.0, 250_000), None),
    ];
    for (told, spoil, graded) in cases {
        let mut facts = sound();
        facts.latency.percentiles = told.iter().map(|&quantile| (quantile, 1e4)).collect();
        spoil(&mut facts);
        let audit = audit(&facts);
        assert_eq!(audit.findings.first().map(|f| f.grade), *graded, "{told:?}: {:?}", audit.findings);
    }
    // Six answers, one of them late: too few for any percentile, and nothing else.
    let mut few = sound();
    few.latency.percentiles = vec![];
    (few.figures.own_p50_ns, few.figures.own_p99_ns) = (50_000, 1_590_000);
    assert_eq!(audit(&few).findings.len(), 1);
    assert!(matches!(audit(&few).findings[0].doubt, Doubt::FewAnswers { .. }));
}

#[test]
fn an_idle_generator_that_is_late_is_not_told_to_lower_the_rate() {
    let mut facts = sound();
    facts.figures.own_p50_ns = 50_000;
    facts.generator.busy_share = 0.01;
    assert!(!audit(&facts).findings[0].remedy.contains("lower the rate"));
    facts.generator.busy_share = 0.8;
    assert!(audit(&facts).findings[0].remedy.contains("lower the rate"));
}

#[test]
fn the_gravest_finding_comes_first() {
    let mut facts = sound();
    facts.connections.open_max = 1;
    facts.generator.busy_share = 0.99;
    let grades: Vec<Verdict> = audit(&facts).findings.iter().map(|f| f.grade).collect();
    assert_eq!(grades, [Verdict::Void, Verdict::Doubtful]);
}

#[test]
fn a_closed_loop_has_no_offered_rate_and_a_ramp_need_not_be_steady() {
    let mut closed = sound();
    closed.plan.open_loop = false;
    closed.rates.achieved_per_s = 10.0;
    closed.rates.sent_per_s = 10.0;
    assert_eq!(audit(&closed).verdict, Verdict::Sound);
    let mut ramp = sound();
    ramp.plan.steady = false;
    ramp.figures.second_half_mean_ns = 1e9;
    assert_eq!(audit(&ramp).verdict, Verdict::Sound);
}
