//! The audit of a run: pure functions from facts to doubts. It knows no clock, no socket and no terminal.

use crate::limits::{
    ACHIEVED_SHARE, BUSY_DOUBTFUL_SHARE, BUSY_VOID_SHARE, DEVIATIONS, EFFECTIVE_BEYOND_MIN, HALVES_SHARE,
    JUDGED_QUANTILE_MAX, LAG_DOUBTFUL_PARTS, LAG_P50_FREE_NS, LAG_P99_FREE_NS, LAG_P99_VOID_NS,
    LAG_VOID_PARTS, LITTLE_SHARE, PREEMPTED_PER_S,
};
use crate::outcome::verdict::{ArrivalTest, Audit, Doubt, Finding, Verdict};
use crate::outcome::{Connections, Partial};
use crate::verdict::facts::Facts;
use crate::verdict::words::words;

/// Judges a run.
pub fn audit(facts: &Facts) -> Audit {
    let checks = [
        nothing_measured,
        backlog_overflow,
        cut_short,
        errors,
        generator_saturated,
        generator_late,
        core_shared,
        server_overloaded,
        offered_rate_missed,
        connections_missing,
        little,
        unsteady,
        few_answers,
        few_samples,
    ];
    let single = checks.iter().filter_map(|check| check(facts));
    let arrivals = facts.figures.arrivals.iter().filter_map(|test| arrivals_off(facts, test));
    let mut findings: Vec<Finding> =
        single.chain(arrivals).map(|(grade, doubt)| finding(facts, grade, doubt)).collect();
    // Stable: findings of one grade stay in the order above.
    findings.sort_by_key(|f| std::cmp::Reverse(f.grade));
    let verdict = findings.first().map_or(Verdict::Sound, |f| f.grade);
    Audit { verdict, findings, figures: facts.figures.clone() }
}

type Doubted = Option<(Verdict, Doubt)>;

fn nothing_measured(f: &Facts) -> Doubted {
    (f.answers.completed == 0).then_some((Verdict::Void, Doubt::NothingMeasured {}))
}

fn backlog_overflow(f: &Facts) -> Doubted {
    match f.partial {
        Some((Partial::Backlog, at_ns)) => {
            Some((Verdict::Void, Doubt::BacklogOverflow { backlog: f.plan.backlog, at_ns }))
        }
        _ => None,
    }
}

fn cut_short(f: &Facts) -> Doubted {
    (f.is_interrupted() && f.answers.completed > 0).then_some((
        Verdict::Doubtful,
        Doubt::CutShort { answered: f.answers.completed, window_ns: f.window_ns },
    ))
}

fn errors(f: &Facts) -> Doubted {
    if f.answers.failed == 0 {
        return None;
    }
    let share = f.answers.failed as f64 / (f.answers.failed + f.answers.completed) as f64;
    if share > f.plan.errors_max {
        return Some((Verdict::Void, Doubt::ErrorsOverLimit { share, limit: f.plan.errors_max }));
    }
    Some((Verdict::Doubtful, Doubt::Errors { share, failed: f.answers.failed }))
}

fn generator_saturated(f: &Facts) -> Doubted {
    let grade = if f.generator.busy_share > BUSY_VOID_SHARE { Verdict::Void } else { Verdict::Doubtful };
    // Where nothing was answered there is no speed of anybody's to speak of.
    (f.generator.busy_share > BUSY_DOUBTFUL_SHARE && f.answers.completed > 0)
        .then_some((grade, Doubt::GeneratorSaturated { busy_share: f.generator.busy_share }))
}

fn generator_late(f: &Facts) -> Doubted {
    let (p50, p99) = (f.figures.lag_p50_ns, f.figures.lag_p99_ns);
    let late = |p50_limit_ns: u64, p99_limit_ns: u64| {
        f.latency.is_told(0.5) && p50 > p50_limit_ns || f.latency.is_told(0.99) && p99 > p99_limit_ns
    };
    let (total_p50, total_p99) = (f.latency.p50_ns, f.latency.p99_ns);
    let void = late(
        LAG_P50_FREE_NS.max(total_p50 / LAG_VOID_PARTS),
        LAG_P99_VOID_NS.max(total_p99 / LAG_VOID_PARTS),
    );
    let doubtful = late(
        LAG_P50_FREE_NS.max(total_p50 / LAG_DOUBTFUL_PARTS),
        LAG_P99_FREE_NS.max(total_p99 / LAG_DOUBTFUL_PARTS),
    );
    let doubt = Doubt::GeneratorLate {
        lag_p50_ns: p50,
        lag_p99_ns: p99,
        total_p50_ns: f.latency.p50_ns,
        total_p99_ns: f.latency.p99_ns,
    };
    let grade = if void { Verdict::Void } else { Verdict::Doubtful };
    (f.answers.completed > 0 && (void || doubtful)).then_some((grade, doubt))
}

fn core_shared(f: &Facts) -> Doubted {
    let late = f.latency.is_told(0.99) && f.figures.lag_p99_ns > LAG_P99_FREE_NS;
    (f.generator.preempted_per_s > PREEMPTED_PER_S && late)
        .then_some((Verdict::Doubtful, Doubt::CoreShared { switches_per_s: f.generator.preempted_per_s }))
}

fn is_overloaded(f: &Facts) -> bool {
    let missing = (f.rates.offered_per_s - f.rates.achieved_per_s) * f.window_ns as f64 / 1e9;
    let growing = f.figures.second_half_mean_ns > f.figures.first_half_mean_ns * (1.0 + HALVES_SHARE);
    f.plan.open_loop
        && f.answers.completed > 0
        && f.rates.achieved_per_s < ACHIEVED_SHARE * f.rates.offered_per_s
        && missing > DEVIATIONS * (f.answers.completed as f64).sqrt()
        && (growing || !f.plan.steady)
}

fn server_overloaded(f: &Facts) -> Doubted {
    is_overloaded(f).then_some((
        Verdict::Doubtful,
        Doubt::ServerOverloaded {
            offered_per_s: f.rates.offered_per_s,
            achieved_per_s: f.rates.achieved_per_s,
        },
    ))
}

fn offered_rate_missed(f: &Facts) -> Doubted {
    let missed = f.plan.open_loop && f.rates.sent_per_s < ACHIEVED_SHARE * f.rates.offered_per_s;
    (missed && !is_overloaded(f) && f.partial.is_none()).then_some((
        Verdict::Doubtful,
        Doubt::OfferedRateMissed { offered_per_s: f.rates.offered_per_s, sent_per_s: f.rates.sent_per_s },
    ))
}

fn connections_missing(f: &Facts) -> Doubted {
    let Connections { planned, open_max, .. } = f.connections;
    (open_max < planned && !f.plan.connects_on_demand)
        .then_some((Verdict::Doubtful, Doubt::ConnectionsMissing { planned, open_max }))
}

fn little(f: &Facts) -> Doubted {
    let (measured, predicted) = (f.figures.in_system_mean, f.figures.in_system_predicted);
    let off = (measured - predicted).abs() > LITTLE_SHARE * predicted.max(measured);
    off.then_some((Verdict::Doubtful, Doubt::LittlesLawBroken { in_system: measured, predicted }))
}

fn unsteady(f: &Facts) -> Doubted {
    let (first, second) = (f.figures.first_half_mean_ns, f.figures.second_half_mean_ns);
    let difference = (first - second).abs();
    let large =
        difference > HALVES_SHARE * f.latency.mean_ns && difference > DEVIATIONS * f.latency.halves_error_ns;
    // In overload latencies grow by nature, and a longer run would only let them grow further.
    (f.plan.steady && large && first > 0.0 && second > 0.0 && !is_overloaded(f)).then_some((
        Verdict::Doubtful,
        Doubt::Unsteady { first_half_mean_ns: first, second_half_mean_ns: second },
    ))
}

fn few_answers(f: &Facts) -> Doubted {
    (f.answers.completed > 0 && f.latency.percentiles.is_empty())
        .then_some((Verdict::Doubtful, Doubt::FewAnswers { answered: f.answers.completed }))
}

fn few_samples(f: &Facts) -> Doubted {
    let weakest = f
        .latency
        .percentiles
        .iter()
        .filter(|p| p.0 <= JUDGED_QUANTILE_MAX)
        .find(|p| p.1 < EFFECTIVE_BEYOND_MIN);
    weakest.filter(|_| !is_overloaded(f)).map(|&(quantile, effective_beyond)| {
        (Verdict::Doubtful, Doubt::FewIndependentSamples { quantile, effective_beyond })
    })
}

fn arrivals_off(f: &Facts, test: &ArrivalTest) -> Doubted {
    // In overload the sends cannot follow the plan, and that has been said.
    if test.passed || (test.which == "sent" && is_overloaded(f)) {
        return None;
    }
    let doubt = Doubt::ArrivalsOff {
        which: test.which.clone(),
        process: test.process.clone(),
        statistic: test.statistic,
        limit: test.limit,
    };
    Some((Verdict::Doubtful, doubt))
}

fn finding(f: &Facts, grade: Verdict, doubt: Doubt) -> Finding {
    let (message, remedy) = words(f, &doubt);
    Finding { grade, message, remedy: remedy.into(), doubt }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Rates;
    use crate::outcome::verdict::Figures;
    use crate::verdict::facts::{AnswerFacts, GeneratorFacts, LatencyFacts, PlanFacts};

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
            },
            connections: Connections { planned: 64, open_max: 64, ..Connections::default() },
            generator: GeneratorFacts { busy_share: 0.3, ..GeneratorFacts::default() },
            figures: Figures {
                lag_p50_ns: 2_000,
                lag_p99_ns: 20_000,
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
    fn each_fault_is_found_graded_and_given_a_remedy() {
        type Case = (&'static str, Verdict, fn(&mut Facts));
        let cases: &[Case] = &[
            ("nothing-measured", Verdict::Void, |f| f.answers.completed = 0),
            ("backlog-overflow", Verdict::Void, |f| f.partial = Some((Partial::Backlog, 5))),
            ("cut-short", Verdict::Doubtful, |f| f.partial = Some((Partial::Interrupted, 5))),
            ("nothing-measured", Verdict::Void, |f| {
                (f.answers.completed, f.partial) = (0, Some((Partial::Interrupted, 5)));
            }),
            ("few-answers", Verdict::Doubtful, |f| {
                (f.answers.completed, f.latency.percentiles) = (19, vec![]);
            }),
            ("errors", Verdict::Doubtful, |f| f.answers.failed = 1),
            ("errors-over-limit", Verdict::Void, |f| f.answers.failed = 2_000),
            ("generator-saturated", Verdict::Void, |f| f.generator.busy_share = 0.96),
            ("generator-saturated", Verdict::Doubtful, |f| f.generator.busy_share = 0.9),
            ("generator-late", Verdict::Void, |f| f.figures.lag_p50_ns = 50_000),
            ("generator-late", Verdict::Void, |f| f.figures.lag_p99_ns = 250_000),
            ("generator-late", Verdict::Doubtful, |f| f.figures.lag_p99_ns = 100_000),
            ("server-overloaded", Verdict::Doubtful, |f| {
                f.rates.achieved_per_s = 9_000.0;
                f.figures.second_half_mean_ns = 2e6;
                f.latency.halves_error_ns = 1e7;
            }),
            ("offered-rate-missed", Verdict::Doubtful, |f| f.rates.sent_per_s = 9_000.0),
            ("connections-missing", Verdict::Doubtful, |f| f.connections.open_max = 63),
            ("littles-law-broken", Verdict::Doubtful, |f| f.figures.in_system_mean = 1.05),
            ("unsteady", Verdict::Doubtful, |f| f.figures.second_half_mean_ns = 150_000.0),
            ("few-independent-samples", Verdict::Doubtful, |f| f.latency.percentiles[1].1 = 2.0),
            ("arrivals-off", Verdict::Doubtful, |f| {
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
            ("core-shared", Verdict::Doubtful, |f| {
                f.generator.preempted_per_s = 1_000.0;
                f.figures.lag_p99_ns = 51_000;
                f.latency.p99_ns = 1_000_000;
            }),
        ];
        for (name, grade, spoil) in cases {
            let mut facts = sound();
            spoil(&mut facts);
            let audit = audit(&facts);
            let json = serde_json::to_value(&audit.findings[0]).unwrap();
            assert_eq!(json["doubt"], *name);
            assert_eq!((audit.verdict, audit.findings.len()), (*grade, 1), "{name}: {:?}", audit.findings);
            assert!(!audit.findings[0].message.is_empty() && !audit.findings[0].remedy.is_empty());
        }
    }

    #[test]
    fn no_law_judges_a_percentile_that_is_not_told() {
        // (percentiles told, what is wrong, graded)
        type Case = (&'static [f64], fn(&mut Facts), Option<Verdict>);
        let cases: &[Case] = &[
            (&[0.5, 0.9], |f| f.figures.lag_p99_ns = 250_000, None),
            (&[0.5, 0.9, 0.99], |f| f.figures.lag_p99_ns = 250_000, Some(Verdict::Void)),
            (&[0.5, 0.9], |f| f.figures.lag_p50_ns = 50_000, Some(Verdict::Void)),
            (&[0.5, 0.9], |f| (f.generator.preempted_per_s, f.figures.lag_p99_ns) = (1_000.0, 250_000), None),
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
        (few.figures.lag_p50_ns, few.figures.lag_p99_ns) = (50_000, 1_590_000);
        assert_eq!(audit(&few).findings.len(), 1);
        assert!(matches!(audit(&few).findings[0].doubt, Doubt::FewAnswers { .. }));
    }

    #[test]
    fn an_idle_generator_that_is_late_is_not_told_to_lower_the_rate() {
        let mut facts = sound();
        facts.figures.lag_p50_ns = 50_000;
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
}
