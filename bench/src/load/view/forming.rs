//! What the verdict on a run would be, were it over now.

use dyno_clients::books::coarse::Coarse;
use dyno_clients::books::glance::Glance;
use dyno_clients::books::histogram::samples_beyond;
use dyno_clients::limits::{BUSY_DOUBTFUL_SHARE, LAG_P50_FREE_NS, SAMPLES_BEYOND_MIN};
use dyno_units::show;
use dyno_units::verdict::Verdict;

use super::ViewFacts;

/// The verdict, where there is one yet, and its reason in words.
pub(crate) fn forming(facts: &ViewFacts, glance: &Glance, latencies: &Coarse) -> (Option<Verdict>, String) {
    let window = &glance.window;
    let ended = window.completed + window.failed;
    if ended == 0 {
        return (None, "no verdict yet: nothing is measured before the warm-up is over".into());
    }
    let failed = window.failed as f64 / ended as f64;
    if failed > facts.errors_max {
        return (Some(Verdict::Void), format!("void so far: {} of the requests failed", show::share(failed)));
    }
    if facts.open_loop && glance.backlog > SAMPLES_BEYOND_MIN && glance.backlog as f64 > 0.02 * ended as f64 {
        let waiting = show::many(glance.backlog, "request");
        return (Some(Verdict::Void), format!("saturated so far: {waiting} wait for a connection"));
    }
    let busy = glance.busy_ns as f64 / glance.now_ns.max(1) as f64;
    if busy > BUSY_DOUBTFUL_SHARE {
        return (
            Some(Verdict::Doubtful),
            format!("doubtful so far: the generator has work {} of the time", show::share(busy)),
        );
    }
    let lag_ns = window.lag_sum_ns as f64 / window.completed.max(1) as f64;
    let mean_ns = window.sum_ns as f64 / window.completed.max(1) as f64;
    if lag_ns > (LAG_P50_FREE_NS as f64).max(mean_ns / 10.0) {
        return (
            Some(Verdict::Doubtful),
            format!("doubtful so far: the generator is late by {} in the mean", show::time(lag_ns)),
        );
    }
    if samples_beyond(latencies.count(), 0.99) < SAMPLES_BEYOND_MIN {
        return (None, "too few answers so far for a 99th percentile".into());
    }
    if window.failed > 0 {
        return (
            Some(Verdict::Doubtful),
            format!("doubtful so far: {} failed", show::many(window.failed, "request")),
        );
    }
    (Some(Verdict::Sound), "sound so far: nothing speaks against this run".into())
}
