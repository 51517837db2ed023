//! The words of a doubt: what it is, with its figures, and what to do about it.

use crate::limits::{ADVISED_SHARE, BUSY_DOUBTFUL_SHARE, WAITED_SHARE};
use crate::outcome::verdict::Doubt;
use crate::verdict::absence::AbsenceCause;
use crate::verdict::facts::Facts;
use crate::verdict::parts_words;
use dyno_units::show;

/// Message and remedy, one line each.
pub(super) fn words(f: &Facts, doubt: &Doubt) -> (String, String) {
    if let Some(asked) = saturated(f, doubt) {
        return asked;
    }
    let (message, remedy) = usual(f, doubt);
    (message, remedy.into())
}

/// The words for a server that was asked for more than it has: what it has, and what to ask for.
fn saturated(f: &Facts, doubt: &Doubt) -> Option<(String, String)> {
    let (offered, answered) = (f.rates.offered_per_s, f.rates.achieved_per_s);
    let waited = match doubt {
        Doubt::ServerOverloaded { .. } => String::new(),
        Doubt::BacklogOverflow { backlog, at_ns } if answered > 0.0 && answered < offered => {
            let (backlog, after) = (show::whole(*backlog), show::time(*at_ns as f64));
            format!(" ({backlog} requests waited for a connection after {after})")
        }
        _ => return None,
    };
    let told = if f.answers.early_only {
        "those answered were due before the window"
    } else {
        "these latencies grow with the length of the run"
    };
    let advised = show::rate(two_digits(answered * ADVISED_SHARE));
    Some((
        format!(
            "the server answered {}/s of {}/s asked: it is saturated{waited}",
            show::rate(answered),
            show::rate(offered)
        ),
        format!("{told}; try a rate of {advised}"),
    ))
}

/// Rounded down to two digits.
fn two_digits(value: f64) -> f64 {
    let unit = 10f64.powf(value.max(1e-9).log10().floor() - 1.0);
    (value / unit).floor() * unit
}

/// What kept the generator away, and what helps.
fn kept_away(f: &Facts) -> &'static str {
    match f.absence() {
        AbsenceCause::Stopped => "the generator was stopped, or the machine was: leave it running, and alone",
        AbsenceCause::Throttled => {
            "the generator ran out of its CPU quota: raise the quota, or lower the load"
        }
        AbsenceCause::Shared => "the generator had to share its core: give it one of its own",
    }
}

fn usual(f: &Facts, doubt: &Doubt) -> (String, &'static str) {
    match doubt {
        Doubt::NothingMeasured {} if f.is_interrupted() => {
            ("interrupted before anything was measured".into(), "let it run on past its warm-up")
        }
        Doubt::NothingMeasured {} => (
            "no request got a verified answer".into(),
            f.answers.remedy.unwrap_or("see the errors; try `dyno probe URL` first"),
        ),
        Doubt::CutShort { answered, window_ns } => (
            format!("cut short: {} in {}", show::many(*answered, "answer"), show::time(*window_ns as f64)),
            "these figures are of that time alone: let it run to its end",
        ),
        Doubt::FewAnswers { answered } => (
            format!(
                "{} {} too few for any percentile",
                show::many(*answered, "answer"),
                if *answered == 1 { "is" } else { "are" }
            ),
            "a longer run, or more requests",
        ),
        Doubt::BacklogOverflow { backlog, at_ns } => (
            format!(
                "{} waited for a connection after {}",
                show::many(*backlog, "request"),
                show::time(*at_ns as f64)
            ),
            "the server cannot keep up: lower the rate, or add connections",
        ),
        Doubt::ErrorsOverLimit { share, limit } => (
            format!("{} of the requests failed, {} are allowed", show::share(*share), show::share(*limit)),
            "see the errors; percentiles of the rest would flatter the server",
        ),
        Doubt::Errors { share, failed } => (
            format!(
                "{} failed ({}), and no percentile counts {}",
                show::many(*failed, "request"),
                show::share(*share),
                if *failed == 1 { "it" } else { "them" }
            ),
            "see the errors",
        ),
        Doubt::GeneratorSaturated { busy_share } => (
            format!("the generator had work for {} of the time: it was full", show::share(*busy_share)),
            "the server may do more; for latencies lower the load, or add threads and cores",
        ),
        Doubt::GeneratorPaused { lost_share, longest_ns } => (
            format!(
                "the generator stood still for {} of the time, up to {} at once",
                show::share(*lost_share),
                show::time(*longest_ns as f64)
            ),
            kept_away(f),
        ),
        Doubt::GeneratorLate { lag_p50_ns, own_p50_ns, own_p99_ns, .. } => {
            let late_reading = own_p50_ns > lag_p50_ns || f.was_kept_away();
            let what = if late_reading { "lag and late reading" } else { "lag" };
            let p50 = show::time(*own_p50_ns as f64);
            let p99 = if f.latency.is_told(0.99) {
                format!(", p99 {}", show::time(*own_p99_ns as f64))
            } else {
                String::new()
            };
            // What has time to spare is late because it was not woken in time, at whatever rate.
            let remedy = if f.was_kept_away() {
                kept_away(f)
            } else if f.generator.busy_share < BUSY_DOUBTFUL_SHARE / 2.0 {
                "it had time to spare: give it a core of its own"
            } else {
                "give it a core of its own, or lower the rate"
            };
            (format!("the generator was late: {what} p50 {p50}{p99}"), remedy)
        }
        Doubt::PercentilesLate { quantile, total_ns, rest_ns } => (
            format!(
                "the generator made {} what it is: {}, and {} without it",
                show::quantile(*quantile),
                show::time(*total_ns as f64),
                show::time(*rest_ns as f64)
            ),
            if f.was_kept_away() { kept_away(f) } else { "give the generator a core of its own" },
        ),
        Doubt::CoreShared { switches_per_s, delayed_share } => (
            format!(
                "the generator waited for its core for {} of the time ({} preemptions a second)",
                show::share(*delayed_share),
                show::rate(*switches_per_s)
            ),
            "give it a core of its own, and pin the server elsewhere",
        ),
        Doubt::ServerOverloaded { offered_per_s, achieved_per_s } => (
            format!(
                "{}/s were offered, {}/s answered",
                show::rate(*offered_per_s),
                show::rate(*achieved_per_s)
            ),
            "overload: these latencies grow with the length of the run; lower the rate",
        ),
        Doubt::OfferedRateMissed { offered_per_s, sent_per_s } => (
            format!("{}/s were planned, {}/s sent", show::rate(*offered_per_s), show::rate(*sent_per_s)),
            if f.was_kept_away() { kept_away(f) } else { "more connections would let the plan be kept" },
        ),
        Doubt::KeptFromServer { share } => (
            format!("{} of the requests were given up before a connection was free", show::share(*share)),
            "the server never saw them: more connections, as many as rate times patience",
        ),
        Doubt::ConnectionsMissing { planned, open_max } => (
            format!("{} planned, {} open", show::many(*planned, "connection"), show::whole(*open_max)),
            "the server or a limit (ulimit -n, ports) refused the rest",
        ),
        Doubt::ConnectionsReopened { planned, opened } => (
            format!(
                "{} planned, {} opened: the server closes them",
                show::many(*planned, "connection"),
                show::whole(*opened)
            ),
            "much of each request is its connect; plan that, or let the server keep connections",
        ),
        Doubt::ServerStalled { count, longest_ns } => {
            let length = show::time(*longest_ns as f64);
            let message = match count {
                1 => format!("nothing at all was answered for {length}: the server stood still"),
                _ => format!(
                    "nothing at all was answered {count} times, once for {length}: the server stood still"
                ),
            };
            let remedy = if f.plan.open_loop {
                "every request that was due meanwhile is in the percentiles"
            } else {
                "a closed loop asks for nothing meanwhile, so its percentiles hardly show it: plan a rate"
            };
            (message, remedy)
        }
        Doubt::LittlesLawBroken { in_system, predicted } => (
            format!("Little's law is off: {in_system:.3} in the system, rate x latency gives {predicted:.3}"),
            "the generator's own books are wrong: please report it, with the command",
        ),
        Doubt::Unsteady { first_half_mean_ns, second_half_mean_ns, step } => (
            format!(
                "not steady{}: mean {} at first, {} later",
                step.map_or(String::new(), |step| format!(" in step {step}")),
                show::time(*first_half_mean_ns),
                show::time(*second_half_mean_ns)
            ),
            if f.was_kept_away() {
                kept_away(f)
            } else {
                "a longer warm-up or a longer run; look at the series"
            },
        ),
        Doubt::FewIndependentSamples { quantile, effective_beyond } => (
            format!(
                "{} rests on some {effective_beyond:.1} independent samples beyond it",
                show::quantile(*quantile)
            ),
            "slow answers come in bunches: a longer run sees more bunches",
        ),
        Doubt::PartsDoubtful { .. } | Doubt::PartsMissing { .. } | Doubt::PartsApart { .. } => {
            (parts_words::message(doubt).unwrap_or_default(), "see the parts")
        }
        Doubt::ArrivalsOff { which, process, .. } => (
            format!("{which} times are not spread as the {process} process of the plan has them"),
            if which == "intended" {
                "this is a fault of Dyno: please report it"
            } else if f.was_kept_away() {
                kept_away(f)
            } else if f.answers.waited_share > WAITED_SHARE {
                "requests waited for connections: add some"
            } else {
                "the generator sends in lumps: give it a core of its own, or lower the rate"
            },
        ),
    }
}
