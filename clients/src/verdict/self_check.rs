//! The audit of a run: pure functions from facts to doubts. It knows no clock, no socket and no terminal.

use std::ops::Not;

use dyno_units::verdict::Verdict;

use crate::books::absence::Absence;
use crate::limits::{
    ACHIEVED_SHARE, BUSY_DOUBTFUL_SHARE, BUSY_VOID_SHARE, DELAYED_SHARE, DEVIATIONS, EFFECTIVE_BEYOND_MIN,
    HALVES_SHARE, JUDGED_QUANTILE_MAX, LAG_DOUBTFUL_PARTS, LAG_P50_FREE_NS, LAG_P99_FREE_NS, LAG_P99_VOID_NS,
    LAG_VOID_PARTS, LITTLE_SHARE, LOST_BOUND_SHARE, LOST_DOUBTFUL_SHARE, LOST_FREE_NS, LOST_VOID_SHARE,
    PAUSE_NS, PREEMPTED_PER_S, REOPENED_FACTOR, STALL_NS, STALL_PARTS,
};
use crate::outcome::verdict::{ArrivalTest, Audit, Doubt, Figures, Finding};
use crate::outcome::{Connections, Partial};
use crate::verdict::absence::AbsenceCause;
use crate::verdict::facts::Facts;
use crate::verdict::words::words;

/// Judges a run.
pub fn audit(facts: &Facts) -> Audit {
    let checks = [
        nothing_measured,
        backlog_overflow,
        cut_short,
        errors,
        server_overloaded,
        generator_paused,
        generator_saturated,
        generator_late,
        percentiles_late,
        core_shared,
        offered_rate_missed,
        kept_from_server,
        connections_missing,
        connections_reopened,
        server_stalled,
        little,
        unsteady,
        few_answers,
        few_samples,
    ];
    let single = checks.iter().filter_map(|check| check(facts));
    let arrivals = facts.figures.arrivals.iter().filter_map(|test| arrivals_off(facts, test));
    let findings = single.chain(arrivals).map(|(judged, doubt)| finding(facts, judged, doubt)).collect();
    judged(findings, facts.plan.finds_rate, facts.figures.clone())
}

/// The verdict that follows from findings, of a run that is there to find a rate or not.
pub fn judged(mut findings: Vec<Finding>, finds_rate: bool, figures: Figures) -> Audit {
    // Stable: findings of one grade stay in the order above.
    findings.sort_by_key(|f| std::cmp::Reverse(f.grade));
    let worst = |of: fn(&Finding) -> Verdict| findings.iter().map(of).max().unwrap_or_default();
    let (rate, latency) = (worst(|f| f.rate), worst(|f| f.latency));
    let verdict = if finds_rate { rate } else { rate.max(latency) };
    Audit { verdict, rate, latency, findings, figures }
}

/// What a doubt makes of the figures of a run.
#[derive(Debug, Clone, Copy)]
struct Judged {
    rate: Verdict,
    latency: Verdict,
}

impl Judged {
    fn both(verdict: Verdict) -> Self {
        Judged { rate: verdict, latency: verdict }
    }

    fn latency(verdict: Verdict) -> Self {
        Judged { rate: Verdict::Sound, latency: verdict }
    }
}

type Doubted = Option<(Judged, Doubt)>;

fn nothing_measured(f: &Facts) -> Doubted {
    // That everybody was refused or gave up is a figure: of the rate, which is zero, and not of any latency.
    let is_outcome = f.plan.impatient && failed(f) == 0 && f.answers.let_go > 0;
    let judged = if is_outcome { Judged::latency(Verdict::Void) } else { Judged::both(Verdict::Void) };
    (f.answers.completed == 0).then_some((judged, Doubt::NothingMeasured {}))
}

fn backlog_overflow(f: &Facts) -> Doubted {
    match f.partial {
        Some((Partial::Backlog, at_ns)) => {
            // What was answered until then the server could answer; its latencies hang on the bound.
            let rate = if f.rates.achieved_per_s > 0.0 { Verdict::Doubtful } else { Verdict::Void };
            let judged = Judged { rate, latency: Verdict::Void };
            Some((judged, Doubt::BacklogOverflow { backlog: f.plan.backlog, at_ns }))
        }
        _ => None,
    }
}

fn cut_short(f: &Facts) -> Doubted {
    (f.is_interrupted() && f.answers.completed > 0).then_some((
        Judged::both(Verdict::Doubtful),
        Doubt::CutShort { answered: f.answers.completed, window_ns: f.window_ns },
    ))
}

/// What a server that is asked for more than it has leaves unanswered is no failure of its own kind.
fn failed(f: &Facts) -> u64 {
    let failed = f.answers.failed - f.answers.let_go;
    if is_overloaded(f) { failed - f.answers.unfinished } else { failed }
}

fn errors(f: &Facts) -> Doubted {
    let failed = failed(f);
    if failed == 0 {
        return None;
    }
    let share = failed as f64 / (failed + f.answers.completed) as f64;
    if share > f.plan.errors_max {
        let doubt = Doubt::ErrorsOverLimit { share, limit: f.plan.errors_max };
        return Some((Judged::both(Verdict::Void), doubt));
    }
    Some((Judged::both(Verdict::Doubtful), Doubt::Errors { share, failed }))
}

/// In a closed loop the time that a request takes longer is time in which the server was asked for less. As
/// long as the generator only waited for a core, the rate is a lower bound: the server may well be who had the
/// core.
fn generator_paused(f: &Facts) -> Doubted {
    let Absence { longest_ns, .. } = f.generator.absence;
    let lost_share = f.figures.own_share;
    let lost = lost_share > LOST_DOUBTFUL_SHARE && longest_ns >= PAUSE_NS;
    if f.plan.open_loop || !lost || f.answers.completed == 0 {
        return None;
    }
    let rate = match f.absence() {
        _ if lost_share <= LOST_VOID_SHARE || f.generator.lost_ns <= LOST_FREE_NS => Verdict::Doubtful,
        AbsenceCause::Shared if lost_share <= LOST_BOUND_SHARE => Verdict::AtLeast,
        AbsenceCause::Shared | AbsenceCause::Throttled | AbsenceCause::Stopped => Verdict::Void,
    };
    let doubt = Doubt::GeneratorPaused { lost_share, longest_ns };
    Some((Judged { rate, latency: Verdict::Doubtful }, doubt))
}

fn generator_saturated(f: &Facts) -> Doubted {
    let judged = if f.generator.busy_share > BUSY_VOID_SHARE {
        // The server may do more than it was asked for; how fast it would have answered is not known.
        Judged { rate: Verdict::AtLeast, latency: Verdict::Void }
    } else {
        Judged::both(Verdict::Doubtful)
    };
    // Where nothing was answered there is no speed of anybody's to speak of.
    (f.generator.busy_share > BUSY_DOUBTFUL_SHARE && f.answers.completed > 0)
        .then_some((judged, Doubt::GeneratorSaturated { busy_share: f.generator.busy_share }))
}

/// Whether the generator's own part of the latency is too large beside the rest of it, which it cannot distort.
fn is_late(f: &Facts, parts: u64, p99_free_ns: u64) -> bool {
    let figures = &f.figures;
    f.answers.completed > 0
        && (f.latency.is_told(0.5) && figures.own_p50_ns > LAG_P50_FREE_NS.max(figures.rest_p50_ns / parts)
            || f.latency.is_told(0.99) && figures.own_p99_ns > p99_free_ns.max(figures.rest_p99_ns / parts))
}

fn generator_late(f: &Facts) -> Doubted {
    let figures = &f.figures;
    let void = is_late(f, LAG_VOID_PARTS, LAG_P99_VOID_NS);
    let doubtful = is_late(f, LAG_DOUBTFUL_PARTS, LAG_P99_FREE_NS);
    let doubt = Doubt::GeneratorLate {
        lag_p50_ns: figures.lag_p50_ns,
        lag_p99_ns: figures.lag_p99_ns,
        total_p50_ns: f.latency.p50_ns,
        total_p99_ns: f.latency.p99_ns,
        own_p50_ns: figures.own_p50_ns,
        own_p99_ns: figures.own_p99_ns,
    };
    let verdict = if void { Verdict::Void } else { Verdict::Doubtful };
    (void || doubtful).then_some((Judged::latency(verdict), doubt))
}

fn percentiles_late(f: &Facts) -> Doubted {
    let (quantile, total_ns, rest_ns) = f.latency.made_late?;
    let verdict = if quantile <= JUDGED_QUANTILE_MAX { Verdict::Void } else { Verdict::Doubtful };
    let doubt = Doubt::PercentilesLate { quantile, total_ns, rest_ns };
    // Where more than single percentiles are late, that has been said.
    is_late(f, LAG_VOID_PARTS, LAG_P99_VOID_NS).not().then_some((Judged::latency(verdict), doubt))
}

fn core_shared(f: &Facts) -> Doubted {
    let late = f.latency.is_told(0.99) && f.figures.own_p99_ns > LAG_P99_FREE_NS;
    let preempted = f.generator.preempted_per_s > PREEMPTED_PER_S;
    (late && (preempted || f.generator.delayed_share > DELAYED_SHARE)).then_some((
        Judged::latency(Verdict::Doubtful),
        Doubt::CoreShared {
            switches_per_s: f.generator.preempted_per_s,
            delayed_share: f.generator.delayed_share,
        },
    ))
}

/// Share of the run in which the generator was there to ask: what it did not ask for, nobody could answer.
fn present_share(f: &Facts) -> f64 {
    1.0 - (f.generator.absence.sum_ns as f64 / f.generator.run_ns.max(f.window_ns).max(1) as f64).min(1.0)
}

fn is_overloaded(f: &Facts) -> bool {
    let missing = (f.rates.offered_per_s - f.rates.achieved_per_s) * f.window_ns as f64 / 1e9;
    let growing = f.figures.second_half_mean_ns > f.figures.first_half_mean_ns * (1.0 + HALVES_SHARE);
    f.plan.open_loop
        && f.answers.completed > 0
        && f.rates.achieved_per_s < ACHIEVED_SHARE * f.rates.offered_per_s
        && missing > DEVIATIONS * (f.answers.completed as f64).sqrt()
        && f.rates.achieved_per_s < ACHIEVED_SHARE * f.rates.offered_per_s * present_share(f)
        && (growing || !f.plan.steady)
}

/// Whether the sends cannot follow the plan because the server does not.
fn is_behind(f: &Facts) -> bool {
    is_overloaded(f) || matches!(f.partial, Some((Partial::Backlog, _)))
}

fn server_overloaded(f: &Facts) -> Doubted {
    // Those that were answered were the quickest, where others were not answered at all.
    let left_share = (f.answers.failed - f.answers.let_go - failed(f)) as f64
        / (f.answers.failed + f.answers.completed).max(1) as f64;
    let latency = if left_share > f.plan.errors_max { Verdict::Void } else { Verdict::Doubtful };
    (is_overloaded(f) && !matches!(f.partial, Some((Partial::Backlog, _)))).then_some((
        Judged::latency(latency),
        Doubt::ServerOverloaded {
            offered_per_s: f.rates.offered_per_s,
            achieved_per_s: f.rates.achieved_per_s,
        },
    ))
}

fn offered_rate_missed(f: &Facts) -> Doubted {
    // Those that were given up unsent are told of as such.
    let missed = f.plan.open_loop
        && f.answers.unsent == 0
        && f.rates.sent_per_s < ACHIEVED_SHARE * f.rates.offered_per_s;
    (missed && !is_overloaded(f) && f.partial.is_none()).then_some((
        Judged::both(Verdict::Doubtful),
        Doubt::OfferedRateMissed { offered_per_s: f.rates.offered_per_s, sent_per_s: f.rates.sent_per_s },
    ))
}

/// What never left the client is no load for the server.
fn kept_from_server(f: &Facts) -> Doubted {
    let share = f.answers.unsent as f64 / (f.answers.failed + f.answers.completed).max(1) as f64;
    (share > 1.0 - ACHIEVED_SHARE)
        .then_some((Judged::both(Verdict::Doubtful), Doubt::KeptFromServer { share }))
}

fn connections_missing(f: &Facts) -> Doubted {
    let Connections { planned, open_max, .. } = f.connections;
    (open_max < planned && !f.plan.connects_on_demand)
        .then_some((Judged::both(Verdict::Doubtful), Doubt::ConnectionsMissing { planned, open_max }))
}

fn connections_reopened(f: &Facts) -> Doubted {
    let Connections { planned, opened, .. } = f.connections;
    (opened as f64 > planned as f64 * REOPENED_FACTOR && !f.plan.connects_on_demand)
        .then_some((Judged::both(Verdict::Doubtful), Doubt::ConnectionsReopened { planned, opened }))
}

/// The generator's own pauses are no stalls of the server; they have been said.
fn server_stalled(f: &Facts) -> Doubted {
    let (medians, p99s) = STALL_PARTS;
    let hidden_ns = if f.plan.open_loop { 0 } else { p99s * f.latency.p99_ns };
    let least_ns = STALL_NS.max(medians * f.latency.p50_ns).max(hidden_ns);
    let is_long = |ns: u64| ns >= least_ns && ns / 2 > f.generator.absence.longest_ns;
    let stalls = f.answers.stalls_ns.iter().copied().filter(|&ns| is_long(ns));
    let (count, longest_ns) = stalls.fold((0, 0), |(count, longest), ns| (count + 1, longest.max(ns)));
    // In an open loop each request that was due meanwhile has waited, and is counted.
    let latency = if f.plan.open_loop { Verdict::Sound } else { Verdict::Doubtful };
    (count > 0).then_some((Judged::latency(latency), Doubt::ServerStalled { count, longest_ns }))
}

fn little(f: &Facts) -> Doubted {
    let (measured, predicted) = (f.figures.in_system_mean, f.figures.in_system_predicted);
    let off = (measured - predicted).abs() > LITTLE_SHARE * predicted.max(measured);
    off.then_some((
        Judged::both(Verdict::Doubtful),
        Doubt::LittlesLawBroken { in_system: measured, predicted },
    ))
}

fn unsteady(f: &Facts) -> Doubted {
    let found = |[first, second]: [f64; 2], mean_ns: f64, error_ns: f64, step: Option<u64>| {
        let difference = (first - second).abs();
        let large = difference > HALVES_SHARE * mean_ns && difference > DEVIATIONS * error_ns;
        (large && first > 0.0 && second > 0.0).then_some((
            Judged::both(Verdict::Doubtful),
            Doubt::Unsteady { first_half_mean_ns: first, second_half_mean_ns: second, step },
        ))
    };
    // In overload latencies grow by nature, and a longer run would only let them grow further.
    if f.plan.steady {
        let halves = [f.figures.first_half_mean_ns, f.figures.second_half_mean_ns];
        return found(halves, f.latency.mean_ns, f.latency.halves_error_ns, None)
            .filter(|_| !is_overloaded(f));
    }
    let kept = f.latency.steps.iter().filter(|s| s.answered_per_s >= ACHIEVED_SHARE * s.offered_per_s);
    kept.map(|s| {
        let mean_ns = (s.halves_mean_ns[0] + s.halves_mean_ns[1]) / 2.0;
        found(s.halves_mean_ns, mean_ns, s.halves_error_ns, Some(s.number))
    })
    .find_map(|found| found)
}

fn few_answers(f: &Facts) -> Doubted {
    (f.answers.completed > 0 && f.latency.percentiles.is_empty())
        .then_some((Judged::latency(Verdict::Doubtful), Doubt::FewAnswers { answered: f.answers.completed }))
}

fn few_samples(f: &Facts) -> Doubted {
    let weakest = f
        .latency
        .percentiles
        .iter()
        .filter(|p| p.0 <= JUDGED_QUANTILE_MAX)
        .find(|p| p.1 < EFFECTIVE_BEYOND_MIN);
    weakest.filter(|_| !is_behind(f)).map(|&(quantile, effective_beyond)| {
        let doubt = Doubt::FewIndependentSamples { quantile, effective_beyond };
        (Judged::latency(Verdict::Doubtful), doubt)
    })
}

fn arrivals_off(f: &Facts, test: &ArrivalTest) -> Doubted {
    // In overload the sends cannot follow the plan, and that has been said.
    // The server decides when its clients are sent away, and connections with them.
    let lets_go = f.plan.impatient && f.answers.let_go > 0;
    if test.passed || (test.which == "sent" && (is_behind(f) || lets_go)) {
        return None;
    }
    let doubt = Doubt::ArrivalsOff {
        which: test.which.clone(),
        process: test.process.clone(),
        statistic: test.statistic,
        limit: test.limit,
    };
    Some((Judged::latency(Verdict::Doubtful), doubt))
}

fn finding(f: &Facts, judged: Judged, doubt: Doubt) -> Finding {
    let (message, remedy) = words(f, &doubt);
    let Judged { rate, latency } = judged;
    Finding { grade: rate.max(latency), rate, latency, message, remedy, doubt }
}

#[cfg(test)]
mod tests;
