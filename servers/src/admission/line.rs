//! What a controller knows of its server: how many requests are in hand, when the last ones were admitted, how long a
//! service takes, and at which pace requests are done.
//!
//! All of it lies in memory that forked workers share. It is made of atomics without a lock, because a worker may die
//! at any place; where two write at once, one of two figures that are nearly the same counts.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{Arrival, Finished};
use crate::limits::{
    ADMISSION_HEAL, ADMISSION_PLACES_MAX, ADMISSION_WINDOW, ADMISSION_WINDOWS_KEPT, IDLE_GAP,
};
use crate::shared::{Shared, Zeroed};

/// The requests of a server that were admitted, as far as controllers ask about them.
pub struct WaitingLine {
    state: Shared<LineState>,
    /// So many requests are computed at once before one waits for another.
    cores: u64,
}

const PLACES: usize = ADMISSION_PLACES_MAX as usize;

#[repr(C)]
struct LineState {
    /// Admitted and neither served nor dropped.
    in_hand: AtomicU64,
    /// The last verdict, or the last end of a service.
    active_ns: AtomicU64,
    /// Since when something is in hand, or since the window began if that was later; and for how long something was in
    /// the window that runs, up to then.
    busy_since_ns: AtomicU64,
    busy_ns: AtomicU64,
    /// How long it took in the last window from one request that was done to the next, while something was in hand.
    pace_ns: AtomicU64,
    /// The last time that `in_hand` changed.
    moved_ns: AtomicU64,
    /// Requests admitted so far.
    admitted: AtomicU64,
    /// When each of the last of them was.
    admitted_ns: [AtomicU64; PLACES],
    /// Of the window that runs: its start, requests served in it, and how long that took.
    window_ns: AtomicU64,
    window_count: AtomicU64,
    window_sum_ns: AtomicU64,
    /// Windows that are over, and the mean time of a service in the last of them.
    windows: AtomicU64,
    means_ns: [AtomicU64; ADMISSION_WINDOWS_KEPT],
    /// The least of these means.
    service_ns: AtomicU64,
}

// SAFETY: it is made of atomics alone.
unsafe impl Zeroed for LineState {}

impl WaitingLine {
    /// An empty line.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new() -> io::Result<Self> {
        Ok(WaitingLine { state: Shared::new(1)?, cores: 1 })
    }

    /// The line of a server with so many cores instead of one.
    #[must_use]
    pub fn with_cores(self, cores: usize) -> Self {
        WaitingLine { cores: cores.max(1) as u64, ..self }
    }

    fn state(&self) -> &LineState {
        &self.state[0]
    }

    /// Whether nothing is in hand, and nothing was since a request came that has waited until now, or for a while: it
    /// has waited for nobody.
    pub fn is_idle(&self, Arrival { now_ns, waited_ns }: Arrival) -> bool {
        let state = self.state();
        let quiet_ns = now_ns.saturating_sub(state.active_ns.load(Relaxed));
        state.in_hand.load(Relaxed) == 0 && quiet_ns >= waited_ns.min(IDLE_GAP.as_nanos() as u64)
    }

    /// A request is admitted.
    pub fn enter(&self, now_ns: u64) {
        let state = self.state();
        let quiet_ns = now_ns.saturating_sub(state.moved_ns.swap(now_ns, Relaxed));
        if quiet_ns >= ADMISSION_HEAL.as_nanos() as u64 {
            // A worker that died has left its requests in the count.
            state.in_hand.store(0, Relaxed);
        }
        if state.in_hand.fetch_add(1, Relaxed) == 0 {
            state.busy_since_ns.store(now_ns, Relaxed);
        }
        let place = state.admitted.fetch_add(1, Relaxed) as usize % PLACES;
        state.admitted_ns[place].store(now_ns, Relaxed);
        state.active_ns.store(now_ns, Relaxed);
    }

    /// A request is refused.
    pub fn turn_away(&self, now_ns: u64) {
        self.state().active_ns.store(now_ns, Relaxed);
    }

    /// A request that was admitted is in hand no more.
    pub fn leave(&self, now_ns: u64) {
        let state = self.state();
        // A count that was set right meanwhile must not fall below nothing.
        if state.in_hand.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)) == Ok(1) {
            let since_ns = state.busy_since_ns.load(Relaxed);
            state.busy_ns.fetch_add(now_ns.saturating_sub(since_ns), Relaxed);
        }
    }

    /// A request was served.
    pub fn served(&self, finished: Finished) {
        let Finished { now_ns, served_ns, .. } = finished;
        let state = self.state();
        state.active_ns.store(now_ns, Relaxed);
        state.moved_ns.store(now_ns, Relaxed);
        state.window_count.fetch_add(1, Relaxed);
        state.window_sum_ns.fetch_add(served_ns, Relaxed);
        let since_ns = state.window_ns.load(Relaxed);
        if now_ns.saturating_sub(since_ns) < ADMISSION_WINDOW.as_nanos() as u64
            || state.window_ns.compare_exchange(since_ns, now_ns, Relaxed, Relaxed).is_err()
        {
            return;
        }
        let count = state.window_count.swap(0, Relaxed);
        let sum_ns = state.window_sum_ns.swap(0, Relaxed);
        let place = state.windows.fetch_add(1, Relaxed) as usize % ADMISSION_WINDOWS_KEPT;
        state.means_ns[place].store((sum_ns / count.max(1)).max(1), Relaxed);
        // The request that was served is in hand still.
        let since_ns = state.busy_since_ns.swap(now_ns, Relaxed);
        let busy_ns = state.busy_ns.swap(0, Relaxed) + now_ns.saturating_sub(since_ns);
        state.pace_ns.store((busy_ns / count.max(1)).max(1), Relaxed);
        let known = state.means_ns.iter().map(|mean| mean.load(Relaxed)).filter(|mean| *mean > 0);
        state.service_ns.store(known.min().unwrap_or(0), Relaxed);
    }

    /// Requests in hand.
    pub fn in_hand(&self) -> u64 {
        self.state().in_hand.load(Relaxed)
    }

    /// Whether at least `places` requests have been served before one that came at `since_ns`, or will be: so many were
    /// admitted since, or are in hand.
    pub fn has_before(&self, places: u64, since_ns: u64) -> bool {
        let state = self.state();
        if state.in_hand.load(Relaxed) >= places {
            return true;
        }
        let admitted = state.admitted.load(Relaxed);
        let places = places.min(ADMISSION_PLACES_MAX);
        admitted >= places && {
            let place = (admitted - places) as usize % PLACES;
            state.admitted_ns[place].load(Relaxed) > since_ns
        }
    }

    /// How long a service is at work while nobody disturbs it, ns: the least mean of the last windows. 0: not known
    /// yet.
    pub fn service_ns(&self) -> u64 {
        let state = self.state();
        match state.service_ns.load(Relaxed) {
            // In the first window the services so far have to do.
            0 => state.window_sum_ns.load(Relaxed) / state.window_count.load(Relaxed).max(1),
            known => known,
        }
    }

    /// How long it will take until a core is free of what is in hand, ns: at the pace of the last window, which holds
    /// how many are served at once, and what else the machine does.
    pub fn work_ns(&self) -> u64 {
        let state = self.state();
        let pace_ns = match state.pace_ns.load(Relaxed) {
            0 => state.busy_ns.load(Relaxed) / state.window_count.load(Relaxed).max(1),
            known => known,
        };
        (self.in_hand() + 1).saturating_sub(self.cores) * pace_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn served(line: &WaitingLine, now_ns: u64, served_ns: u64) {
        line.served(Finished { now_ns, waited_ns: 0, served_ns });
        line.leave(now_ns);
    }

    #[test]
    fn a_line_is_idle_when_nothing_is_in_hand_and_nothing_was_for_a_while() {
        let line = WaitingLine::new().unwrap();
        let is_idle = |now_ns: u64, waited_ns: u64| line.is_idle(Arrival { now_ns, waited_ns });
        assert!(is_idle(100 * MS, 0));
        line.enter(100 * MS);
        assert!(!is_idle(102 * MS, 0), "one is in hand");
        served(&line, 110 * MS, 8 * MS);
        assert!(is_idle(112 * MS, MS) && !is_idle(112 * MS, 3 * MS), "it has waited for that one");
        assert!(is_idle(140 * MS, 3_000 * MS), "nobody was served for long");
        line.turn_away(150 * MS);
        assert!(!is_idle(151 * MS, 3 * MS), "who refuses is at work");
    }

    #[test]
    fn those_before_a_request_are_in_hand_or_were_admitted_while_it_waited() {
        let line = WaitingLine::new().unwrap();
        for at in 1..=5 {
            line.enter(at * MS);
            served(&line, at * MS + MS / 2, MS / 2);
        }
        assert!(line.has_before(3, 2 * MS), "those of 3, 4 and 5 ms");
        assert!(!line.has_before(4, 2 * MS) && !line.has_before(1, 5 * MS) && !line.has_before(6, 0));
        line.enter(6 * MS);
        line.enter(6 * MS);
        assert!(line.has_before(2, 7 * MS) && !line.has_before(3, 7 * MS));
    }

    #[test]
    fn the_time_of_a_service_is_the_least_mean_and_forgotten_in_time() {
        let line = WaitingLine::new().unwrap();
        let mut now_ns = 0;
        let mut windows = |count: usize, served_ns: u64| {
            for _ in 0..count {
                now_ns += ADMISSION_WINDOW.as_nanos() as u64;
                line.enter(now_ns);
                served(&line, now_ns, served_ns);
            }
            line.service_ns()
        };
        assert_eq!(windows(1, 3 * MS), 3 * MS);
        assert_eq!(windows(2, 2 * MS), 2 * MS);
        assert_eq!(windows(ADMISSION_WINDOWS_KEPT - 1, 9 * MS), 2 * MS, "others made it slow");
        assert_eq!(windows(1, 9 * MS), 9 * MS, "it has become slow");
    }

    #[test]
    fn what_is_in_hand_is_done_at_the_pace_of_the_last_window() {
        let line = WaitingLine::new().unwrap();
        // Two at once for 10 ms each, and then nothing for 30 ms: 5 ms for each while there is work.
        let mut now_ns = 1_000 * MS;
        for _ in 0..8 {
            line.enter(now_ns);
            line.enter(now_ns);
            now_ns += 10 * MS;
            served(&line, now_ns, 10 * MS);
            served(&line, now_ns, 10 * MS);
            now_ns += 30 * MS;
        }
        (0..4).for_each(|_| line.enter(now_ns));
        let work_ms = line.work_ns() / MS;
        assert!((16..=24).contains(&work_ms), "{work_ms} ms for four");
        let line = line.with_cores(4);
        assert!((4..=6).contains(&(line.work_ns() / MS)), "three of four cores would be free at once");
        assert_eq!(line.with_cores(5).work_ns(), 0, "a core is free");
    }

    #[test]
    fn what_dead_workers_have_left_is_forgotten() {
        let line = WaitingLine::new().unwrap();
        (0..7).for_each(|_| line.enter(MS));
        line.enter(2 * MS + ADMISSION_HEAL.as_nanos() as u64);
        assert_eq!(line.in_hand(), 1);
        (0..9).for_each(|_| line.leave(3 * MS));
        assert_eq!(line.in_hand(), 0, "the others may be alive after all");
    }
}
