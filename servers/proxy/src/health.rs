//! Which backends are there: one state machine for what is seen of requests (passive) and of probes (active).
//!
//! A backend is up; or down until an instant, after which one request, or probe, at a time tries it again. The first
//! failure puts it down for a second, each further one in a row for twice as long, and a success puts it up. All
//! backends may be down at once: then a request is refused at once, which is told apart from one that has failed.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::farm::{Backends, Farm, FarmCell};
use crate::limits::{DOWN_FIRST, DOWN_MOST, TRIAL_TIME};

/// What is seen of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthSign {
    /// An answer of its own.
    Success,
    /// No connection, or one that ended before its answer.
    Failure,
}

/// The backends that are up.
pub fn up(farm: &Farm<'_>) -> Backends {
    let is_up = |backend: &usize| farm.cell(*backend, FarmCell::DownUntil).load(Relaxed) == 0;
    farm.all().each().filter(is_up).fold(Backends::default(), Backends::with)
}

/// Takes on the trial of a backend whose time of being left alone is over. Nobody else gets the same one until that
/// trial is over, or has taken too long.
pub fn take_trial(farm: &Farm<'_>, among: Backends, now_ns: u64) -> Option<usize> {
    let later = now_ns + nanos(TRIAL_TIME);
    among.each().find(|backend| {
        let until = farm.cell(*backend, FarmCell::DownUntil);
        let due = until.load(Relaxed);
        due != 0 && due <= now_ns && until.compare_exchange(due, later, Relaxed, Relaxed).is_ok()
    })
}

/// Notes what was seen of a backend. `is_trial`: by who has [taken its trial on](take_trial).
pub fn note(farm: &Farm<'_>, backend: usize, seen: HealthSign, is_trial: bool, now_ns: u64) {
    let (failures, until) = (farm.cell(backend, FarmCell::Failures), farm.cell(backend, FarmCell::DownUntil));
    if seen == HealthSign::Success {
        // Nearly always both are zero already, and then nobody's cache line is taken away.
        if failures.load(Relaxed) != 0 || until.load(Relaxed) != 0 {
            failures.store(0, Relaxed);
            until.store(0, Relaxed);
        }
        return;
    }
    // Those that were under way together fail together, and are one failure.
    let was = until.load(Relaxed);
    if was != 0 && !is_trial {
        return;
    }
    let fresh = now_ns + nanos(down_time(failures.load(Relaxed)));
    if until.compare_exchange(was, fresh, Relaxed, Relaxed).is_ok() {
        failures.fetch_add(1, Relaxed);
    }
}

/// For how long a backend is left alone after so many failures in a row before this one.
pub fn down_time(failures: u64) -> Duration {
    let doubled = DOWN_FIRST.saturating_mul(1 << failures.min(10));
    doubled.min(DOWN_MOST)
}

/// After how many seconds it makes sense to ask again; at least 1.
pub fn seconds_until_trial(farm: &Farm<'_>, now_ns: u64) -> u64 {
    let times = farm.all().each().map(|backend| farm.cell(backend, FarmCell::DownUntil).load(Relaxed));
    let first = times.min().unwrap_or(0).saturating_sub(now_ns);
    first.div_ceil(1_000_000_000).max(1)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
