//! The news of a run as lines of JSON, for a program that shows it while it goes on.
//!
//! A line is of the latest seconds, so that it tells what happens now: whoever changes the load sees the answer to
//! that, and not the mean of all that was before.

use std::collections::VecDeque;
use std::sync::Arc;

use dyno_clients::books::coarse::Coarse;
use dyno_clients::books::glance::{Glance, WindowGlance};
use dyno_clients::books::histogram::samples_beyond;
use dyno_clients::engine::{self, live::Live};
use dyno_clients::plan::Plan;
use dyno_units::show;
use dyno_units::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::view::ViewFacts;
use super::view::forming::forming;
use crate::exit::Failure;
use crate::limits::{NEWS_MOMENTS, NEWS_RATE_MOMENTS};
use crate::load::progress;
use crate::print::outln;

/// How long a server is silent before that is said, ns: nobody takes a second for an answer that is on its way.
const SILENCE_NS: u64 = 1_000_000_000;

/// What a run tells of its latest seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct NewsLine {
    /// Since the start, ms; 0 while connections are being opened.
    pub(crate) now_ms: u64,
    /// Verified answers a second, in the last second.
    pub(crate) rate_per_s: f64,
    /// Requests sent a second, in the last second.
    pub(crate) sent_per_s: f64,
    /// Failures a second, in the last second.
    pub(crate) failed_per_s: f64,
    /// Verified answers so far.
    pub(crate) completed: u64,
    /// Sent, and neither answered nor failed.
    pub(crate) under_way: u64,
    /// Due, and waiting for a connection.
    pub(crate) backlog: u64,
    /// Share of the last seconds in which the busiest thread of the generator had work.
    pub(crate) busy_share: f64,
    /// Answers from which the following figures are made.
    pub(crate) answers: u64,
    /// Total latency, ns; absent where too few answers lie beyond.
    pub(crate) p50_ns: Option<u64>,
    pub(crate) p90_ns: Option<u64>,
    pub(crate) p99_ns: Option<u64>,
    pub(crate) p999_ns: Option<u64>,
    /// What of the mean latency was the generator's own lateness, ns.
    pub(crate) lag_mean_ns: Option<f64>,
    /// What the audit would say of the last seconds.
    pub(crate) verdict: Option<Verdict>,
    /// The reason.
    pub(crate) words: String,
}

/// The latest moments of a run, from which a line is made.
pub(crate) struct LoadNews {
    facts: ViewFacts,
    moments: VecDeque<(Glance, Coarse)>,
}

impl LoadNews {
    /// For a run of `plan`, of which nothing is known yet.
    pub(crate) fn of(plan: &Plan) -> Self {
        LoadNews { facts: ViewFacts::of(plan), moments: VecDeque::new() }
    }

    /// Takes a moment in, and tells the news.
    pub(crate) fn line(&mut self, now: &Glance, latencies: &Coarse) -> NewsLine {
        let (second, _) = self.before(NEWS_RATE_MOMENTS);
        let (first, earlier) = self.before(NEWS_MOMENTS);
        let seconds = (now.now_ns.saturating_sub(second.now_ns)).max(1) as f64 / 1e9;
        let per_s = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        let recent = since(now, &first);
        let latest = latencies.since(&earlier);
        let (verdict, words) = forming(&self.facts, &recent, &latest);
        let is_silent = recent.now_ns >= SILENCE_NS && recent.window.completed + recent.window.failed == 0;
        let (verdict, words) = match is_silent && now.sent > 0 {
            true => {
                (Some(Verdict::Void), format!("void: no answer for {}", show::time(recent.now_ns as f64)))
            }
            false => (verdict, words),
        };
        let count = latest.count();
        let at = |quantile| latest.quantile_ns(quantile).filter(|_| samples_beyond(count, quantile) > 0);
        let window = &recent.window;
        let line = NewsLine {
            now_ms: now.now_ns / 1_000_000,
            rate_per_s: per_s(now.completed, second.completed),
            sent_per_s: per_s(now.sent, second.sent),
            failed_per_s: per_s(now.failed, second.failed),
            completed: now.completed,
            under_way: now.sent.saturating_sub(now.completed + now.failed),
            backlog: now.backlog,
            busy_share: recent.busy_ns as f64 / recent.now_ns.max(1) as f64,
            answers: count,
            p50_ns: at(0.5),
            p90_ns: at(0.9),
            p99_ns: at(0.99),
            p999_ns: at(0.999),
            lag_mean_ns: (window.completed > 0).then(|| window.lag_sum_ns as f64 / window.completed as f64),
            verdict,
            words: words.replace(" so far", ""),
        };
        self.moments.push_back((*now, latencies.clone()));
        if self.moments.len() > NEWS_MOMENTS {
            self.moments.pop_front();
        }
        line
    }

    /// How it was so many moments ago, or at the first that is known.
    fn before(&self, moments: usize) -> (Glance, Coarse) {
        let at = self.moments.len().saturating_sub(moments);
        self.moments.get(at).cloned().unwrap_or_default()
    }
}

/// What has happened between two glances, as a glance at a run that began with the first. What waits is as it is now.
fn since(now: &Glance, then: &Glance) -> Glance {
    let (window, before) = (&now.window, &then.window);
    Glance {
        now_ns: now.now_ns.saturating_sub(then.now_ns),
        busy_ns: now.busy_ns.saturating_sub(then.busy_ns),
        window: WindowGlance {
            elapsed_ns: window.elapsed_ns.saturating_sub(before.elapsed_ns),
            answered: window.answered.saturating_sub(before.answered),
            completed: window.completed.saturating_sub(before.completed),
            failed: window.failed.saturating_sub(before.failed),
            sum_ns: window.sum_ns.saturating_sub(before.sum_ns),
            lag_sum_ns: window.lag_sum_ns.saturating_sub(before.lag_sum_ns),
            ..*window
        },
        ..*now
    }
}

/// Runs a plan that has learned everything, and tells its news until it is over or ended by a signal.
///
/// # Errors
/// When no run could be made.
pub(crate) fn run(plan: Plan) -> Result<(), Failure> {
    let plan = Arc::new(plan);
    let live = Arc::new(Live::new(plan.threads));
    let mut news = LoadNews::of(&plan);
    engine::run(&plan, &live, &mut |glance| {
        if progress::is_interrupted() {
            live.stop();
        }
        let line = news.line(glance, &live.latencies());
        outln!("{}", serde_json::to_string(&line).unwrap_or_default());
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use dyno_clients::plan::Length;

    use super::*;

    fn news() -> LoadNews {
        let facts = ViewFacts {
            title: "http://127.0.0.1:8080/".into(),
            plan: "open loop".into(),
            placement: "on core 1".into(),
            warm_up_ns: 0,
            length: Length::Duration(60_000_000_000),
            open_loop: true,
            errors_max: 0.01,
        };
        LoadNews { facts, moments: VecDeque::new() }
    }

    #[test]
    fn a_line_tells_of_the_latest_seconds_and_forgets_the_first() {
        let (mut news, mut latencies, mut told) = (news(), Coarse::default(), NewsLine::default());
        for tenth in 1..=100_u64 {
            // For nine seconds each answer takes a second, then a millisecond.
            let slow = tenth <= 40;
            for _ in 0..10 {
                latencies.record(if slow { 1_000_000_000 } else { 1_000_000 });
            }
            let window = WindowGlance {
                elapsed_ns: tenth * 100_000_000,
                completed: tenth * 10,
                ..WindowGlance::default()
            };
            let now_ns = tenth * 100_000_000;
            let glance =
                Glance { now_ns, sent: tenth * 10 + 3, completed: tenth * 10, window, ..Glance::default() };
            told = news.line(&glance, &latencies);
        }
        assert_eq!(told.rate_per_s.round(), 100.0, "{told:?}");
        assert_eq!((told.under_way, told.answers), (3, 10 * NEWS_MOMENTS as u64));
        assert!(told.p99_ns.unwrap() < 2_000_000, "{told:?}");
        assert_eq!(told.p999_ns, None, "of five hundred answers none lies beyond");
    }

    #[test]
    fn nothing_is_told_of_a_run_that_has_not_begun() {
        let told = news().line(&Glance::default(), &Coarse::default());
        assert_eq!((told.p50_ns, told.verdict, told.lag_mean_ns, told.rate_per_s), (None, None, None, 0.0));
        let text = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<NewsLine>(&text).unwrap(), told);
    }
}
