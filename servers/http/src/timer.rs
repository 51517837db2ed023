//! The clock of a connection, of which one runs at a time, and the deadline that it sets.

use crate::limits::Limits;
use std::time::{Duration, Instant};

/// What is being timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeLimit {
    /// Between requests.
    Idle,
    /// From the first octet of a head to its last.
    Head,
    /// A body, by its rate.
    Body,
    /// An answer, since something of it was last written.
    Write,
    /// Between requests, while the server drains.
    Drain,
    /// After the last answer.
    Linger,
    /// Nothing: the service has its own time.
    None,
}

/// A running clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timer {
    clock: TimeLimit,
    since: Instant,
    /// Octets received since then.
    octets: u64,
}

impl Timer {
    pub(crate) fn new(clock: TimeLimit, now: Instant) -> Timer {
        Timer { clock, since: now, octets: 0 }
    }

    pub(crate) fn clock(&self) -> TimeLimit {
        self.clock
    }

    /// Starts `clock`, unless that very one is running.
    pub(crate) fn run(&mut self, clock: TimeLimit, now: Instant) {
        if self.clock != clock {
            *self = Timer::new(clock, now);
        }
    }

    /// Starts the clock again if it is `clock`: there was progress.
    pub(crate) fn restart_if(&mut self, clock: TimeLimit, now: Instant) {
        if self.clock == clock {
            *self = Timer::new(clock, now);
        }
    }

    /// `octets` were received.
    pub(crate) fn count(&mut self, octets: u64) {
        self.octets += octets;
    }

    /// Octets received since the clock was started.
    pub(crate) fn counted(&self) -> u64 {
        self.octets
    }

    pub(crate) fn deadline(&self, limits: &Limits) -> Option<Instant> {
        let allowed = match self.clock {
            TimeLimit::Idle => limits.idle_time,
            TimeLimit::Head => limits.head_time,
            TimeLimit::Body => {
                limits.body_grace
                    + Duration::from_millis(self.octets.saturating_mul(1_000) / limits.body_octets_per_s)
            }
            TimeLimit::Write => limits.write_time,
            TimeLimit::Drain => limits.drain_grace,
            TimeLimit::Linger => limits.linger_time,
            TimeLimit::None => return None,
        };
        Some(self.since + allowed)
    }
}
