//! A standing delay: even the shortest wait of an interval is longer than the target.
//!
//! A queue that fills and empties again does its work; one that never empties only makes everybody late. The two are
//! told apart by the shortest wait of an interval (Nichols and Jacobson, *Controlling Queue Delay*, 2012; RFC 8289).
//! Packets are dropped ever more often then; requests have clients who wait, so those that have waited twice the
//! target are refused, and queues give out the newest first, whose clients have most of their patience left (Maurer,
//! *Fail at Scale*, 2015). Where the kernel or a selector keeps the queue, its order is not ours to change.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::{Arrival, Controller};
use crate::admission::line::WaitingLine;
use crate::limits::CODEL_INTERVAL;
use crate::shared::{Shared, Zeroed};

/// A target for the shortest wait.
pub struct Codel {
    state: Shared<CodelState>,
    target_ns: u64,
}

#[derive(Default)]
struct CodelState {
    /// When the interval that runs ends.
    ends_ns: AtomicU64,
    /// The shortest wait in it, and one more so that zero means none.
    least_ns: AtomicU64,
    /// Whether the delay of the interval before was a standing one: 1.
    stands: AtomicU64,
}

// SAFETY: it is made of atomics alone.
unsafe impl Zeroed for CodelState {}

impl Codel {
    /// The usual rule with this target.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new(target: Duration) -> io::Result<Self> {
        Ok(Codel { state: Shared::new(1)?, target_ns: target.as_nanos() as u64 })
    }

    /// Notes a wait, and says whether the delay stands.
    fn stands(&self, now_ns: u64, delay_ns: u64) -> bool {
        let CodelState { ends_ns, least_ns, stands } = &self.state[0];
        let end_ns = ends_ns.load(Relaxed);
        let next_ns = now_ns + CODEL_INTERVAL.as_nanos() as u64;
        if now_ns >= end_ns && ends_ns.compare_exchange(end_ns, next_ns, Relaxed, Relaxed).is_ok() {
            let least = least_ns.swap(delay_ns + 1, Relaxed);
            // An interval in which nobody came has no standing delay, and neither has one long past.
            let is_fresh = now_ns < end_ns + CODEL_INTERVAL.as_nanos() as u64;
            stands.store(u64::from(is_fresh && least > self.target_ns + 1), Relaxed);
        } else {
            least_ns.fetch_min(delay_ns + 1, Relaxed);
        }
        stands.load(Relaxed) == 1
    }
}

impl Controller for Codel {
    fn admits(&self, line: &WaitingLine, arrival: Arrival) -> bool {
        let delay_ns = arrival.waited_ns + line.work_ns();
        !(self.stands(arrival.now_ns, delay_ns) && delay_ns > 2 * self.target_ns)
    }

    fn is_stale(&self, _line: &WaitingLine, Arrival { now_ns, waited_ns }: Arrival) -> bool {
        // What comes out of a queue tells best how long it is.
        self.stands(now_ns, waited_ns) && waited_ns > 2 * self.target_ns
    }

    fn prefers_newest(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_burst_is_no_standing_delay_and_a_queue_that_never_empties_is_one() {
        let (codel, line) = (Codel::new(Duration::from_millis(5)).unwrap(), WaitingLine::new().unwrap());
        let mut now_ns = 1_000 * MS;
        let mut ask = |waited_ms: u64| {
            now_ns += 10 * MS;
            codel.admits(&line, Arrival { now_ns, waited_ns: waited_ms * MS })
        };
        assert!((0..200).all(|i| ask(if i % 10 == 0 { 1 } else { 50 })), "it empties once in an interval");
        let refused = (0..40).filter(|_| !ask(50)).count();
        assert!((20..=31).contains(&refused), "{refused}: from the second interval on");
        assert!(ask(10), "a short wait is served meanwhile");
        assert!((0..20).all(|_| ask(1)) && ask(50), "and the delay is gone after an interval");
    }

    #[test]
    fn a_queue_that_is_only_emptied_stands_too() {
        let (codel, line) = (Codel::new(Duration::from_millis(5)).unwrap(), WaitingLine::new().unwrap());
        let is_stale = |age_ms: u64| {
            codel.is_stale(&line, Arrival { now_ns: (1_000 + age_ms) * MS, waited_ns: age_ms * MS })
        };
        let stale = (1..100).filter(|number| is_stale(10 * number)).count();
        assert!((75..=89).contains(&stale), "{stale} of 99: from the second interval on");
    }

    #[test]
    fn a_delay_is_forgotten_when_nobody_comes() {
        let (codel, line) = (Codel::new(Duration::from_millis(5)).unwrap(), WaitingLine::new().unwrap());
        let ask = |now_ms: u64| codel.admits(&line, Arrival { now_ns: now_ms * MS, waited_ns: 50 * MS });
        assert!((0..50).any(|i| !ask(1_000 + 10 * i)), "it stands");
        assert!(ask(10_000), "long after");
    }
}
