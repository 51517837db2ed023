//! The words of a doubt: what it is, with its figures, and what to do about it.

use crate::limits::{BUSY_DOUBTFUL_SHARE, WAITED_SHARE};
use crate::outcome::verdict::Doubt;
use crate::verdict::facts::Facts;
use dyno_units::show;

/// Message and remedy, one line each.
pub(super) fn words(f: &Facts, doubt: &Doubt) -> (String, &'static str) {
    match doubt {
        Doubt::NothingMeasured {} if f.is_interrupted() => {
            ("interrupted before anything was measured".into(), "let it run on past its warm-up")
        }
        Doubt::NothingMeasured {} => (
            "no request got a verified answer".into(),
            f.answers.remedy.unwrap_or("see the errors; try `dyno probe URL` first"),
        ),
        Doubt::CutShort { answered, window_ns } => (
            format!("cut short: {} answers in {}", show::whole(*answered), show::time(*window_ns as f64)),
            "these figures are of that time alone: let it run to its end",
        ),
        Doubt::FewAnswers { answered } => (
            format!("{} answers are too few for any percentile", show::whole(*answered)),
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
            format!("the generator had work for {} of the time", show::share(*busy_share)),
            "this is its speed, not the server's: add threads and cores, or lower the load",
        ),
        Doubt::GeneratorLate { lag_p50_ns, lag_p99_ns, .. } => {
            let p50 = show::time(*lag_p50_ns as f64);
            let p99 = if f.latency.is_told(0.99) {
                format!(", p99 {}", show::time(*lag_p99_ns as f64))
            } else {
                String::new()
            };
            // What has time to spare is late because it was not woken in time, at whatever rate.
            let remedy = if f.generator.busy_share < BUSY_DOUBTFUL_SHARE / 2.0 {
                "it had time to spare: give it a core of its own"
            } else {
                "give it a core of its own, or lower the rate"
            };
            (format!("the generator was late: lag p50 {p50}{p99}"), remedy)
        }
        Doubt::CoreShared { switches_per_s } => (
            format!("the generator was preempted {} times a second", show::rate(*switches_per_s)),
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
            "more connections would let the plan be kept",
        ),
        Doubt::ConnectionsMissing { planned, open_max } => (
            format!("{} planned, {} open", show::many(*planned, "connection"), show::whole(*open_max)),
            "the server or a limit (ulimit -n, ports) refused the rest",
        ),
        Doubt::LittlesLawBroken { in_system, predicted } => (
            format!("Little's law is off: {in_system:.3} in the system, rate x latency gives {predicted:.3}"),
            "the generator's own books are wrong: please report it, with the command",
        ),
        Doubt::Unsteady { first_half_mean_ns, second_half_mean_ns } => (
            format!(
                "not steady: mean {} at first, {} later",
                show::time(*first_half_mean_ns),
                show::time(*second_half_mean_ns)
            ),
            "a longer warm-up or a longer run; look at the series",
        ),
        Doubt::FewIndependentSamples { quantile, effective_beyond } => (
            format!(
                "{} rests on some {effective_beyond:.1} independent samples beyond it",
                show::quantile(*quantile)
            ),
            "slow answers come in bunches: a longer run sees more bunches",
        ),
        Doubt::ArrivalsOff { which, process, statistic, limit } => (
            format!(
                "{which} times are not the {process} process: {statistic:.2}, at most {limit:.2} is right"
            ),
            if which == "intended" {
                "this is a fault of Dyno: please report it"
            } else if f.answers.waited_share > WAITED_SHARE {
                "requests waited for connections: add some"
            } else {
                "the generator sends in lumps: give it a core of its own, or lower the rate"
            },
        ),
    }
}
