//! A limit that the server finds by itself: as many requests before one as keep the latency within a few times that of
//! an idle server.
//!
//! The idea is that of Netflix' concurrency-limits (2018): the ratio of the latency without load to the present one
//! says by how much the limit is too large, and some headroom lets it grow again. Two faults of the original are left
//! out. It takes the least latency *seen* for the one without load, and under a load that never ends that creeps up; a
//! server knows better, because it sees how long the service itself is at work. And its limit grows while nobody comes
//! near it, so that the next burst meets no limit at all.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Arrival, Controller, Finished};
use crate::admission::line::WaitingLine;
use crate::limits::{ADMISSION_PLACES, ADMISSION_PLACES_MAX, ADMISSION_WINDOW, GRADIENT_TOLERANCE};
use crate::shared::{Shared, Zeroed};

/// A limit that follows the latency.
pub struct Gradient {
    state: Shared<GradientState>,
}

#[derive(Default)]
struct GradientState {
    /// The limit; 0: the one to begin with.
    limit: AtomicU64,
    /// Of the window that runs: its start, requests served in it, their latencies, and whether the limit was met.
    window_ns: AtomicU64,
    count: AtomicU64,
    sum_ns: AtomicU64,
    met: AtomicU64,
}

// SAFETY: it is made of atomics alone.
unsafe impl Zeroed for GradientState {}

impl Gradient {
    /// A limit to begin with.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new() -> io::Result<Self> {
        Ok(Gradient { state: Shared::new(1)? })
    }

    /// The limit at present.
    pub fn limit(&self) -> u64 {
        match self.state[0].limit.load(Relaxed) {
            0 => ADMISSION_PLACES,
            limit => limit,
        }
    }
}

/// The limit after a window in which requests took `latency_ns`, and `service_ns` of that is their due.
fn next_limit(limit: u64, service_ns: u64, latency_ns: u64, met: bool) -> u64 {
    let gradient = (GRADIENT_TOLERANCE * service_ns as f64 / latency_ns.max(1) as f64).clamp(0.5, 1.0);
    let headroom = if met { (limit as f64).sqrt() } else { 0.0 };
    ((limit as f64 * gradient + headroom).round() as u64).clamp(1, ADMISSION_PLACES_MAX)
}

impl Controller for Gradient {
    fn admits(&self, line: &WaitingLine, Arrival { now_ns, waited_ns }: Arrival) -> bool {
        let is_met = line.has_before(self.limit(), now_ns.saturating_sub(waited_ns));
        if is_met {
            self.state[0].met.store(1, Relaxed);
        }
        !is_met
    }

    fn is_stale(&self, _line: &WaitingLine, _arrival: Arrival) -> bool {
        false
    }

    fn done(&self, line: &WaitingLine, Finished { now_ns, waited_ns, served_ns }: Finished) {
        let GradientState { limit, window_ns, count, sum_ns, met } = &self.state[0];
        count.fetch_add(1, Relaxed);
        sum_ns.fetch_add(waited_ns + served_ns, Relaxed);
        let since_ns = window_ns.load(Relaxed);
        if now_ns.saturating_sub(since_ns) < ADMISSION_WINDOW.as_nanos() as u64
            || window_ns.compare_exchange(since_ns, now_ns, Relaxed, Relaxed).is_err()
        {
            return;
        }
        let latency_ns = sum_ns.swap(0, Relaxed) / count.swap(0, Relaxed).max(1);
        let met = met.swap(0, Relaxed) == 1;
        // Before the first window is over it is not known what a service takes.
        if line.service_ns() > 0 {
            limit.store(next_limit(self.limit(), line.service_ns(), latency_ns, met), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_nobody_meets_does_not_grow() {
        assert_eq!(next_limit(20, 1_000, 1_000, false), 20);
        assert_eq!(next_limit(16, 1_000, 1_000, true), 20);
    }

    #[test]
    fn a_limit_comes_to_rest_where_requests_take_some_times_their_service() {
        for start in [1, 10, 200] {
            // Served one after the other, so the last of them takes as long as all.
            let limit = (0..100).fold(start, |limit, _| next_limit(limit, 1_000, limit * 1_000, true));
            assert!((9..=16).contains(&limit), "from {start} to {limit}");
        }
    }

    #[test]
    fn a_limit_stays_within_its_bounds() {
        assert_eq!(next_limit(1, 1, u64::MAX, false), 1);
        assert_eq!(next_limit(ADMISSION_PLACES_MAX, 1_000, 1_000, true), ADMISSION_PLACES_MAX);
    }
}
