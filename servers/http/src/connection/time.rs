//! The clocks of a connection: one runs at a time, and what its end means depends on what it times.

use super::{Connection, Phase};
use crate::fault::Fault;
use crate::timer::TimeLimit;
use std::time::Instant;

impl Connection {
    /// Time has come to `now`. Does nothing before [`deadline`](Self::deadline), so calling it too early or
    /// twice is harmless.
    pub fn handle_deadline(&mut self, now: Instant) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.give_up(now);
        }
    }

    /// Does what the end of the running time limit would do, before that time: the server needs its time for
    /// others.
    pub fn give_up(&mut self, now: Instant) {
        match self.timer.clock() {
            TimeLimit::Idle => self.end(Fault::IdleTimeout),
            TimeLimit::Head => self.refuse(Fault::HeadTimeout, now),
            TimeLimit::Body => self.refuse(Fault::BodyTooSlow, now),
            TimeLimit::Write => self.end(Fault::WriteTimeout),
            TimeLimit::Drain | TimeLimit::Linger => self.phase = Phase::Closed,
            TimeLimit::None => {}
        }
    }

    /// When [`handle_deadline`](Self::handle_deadline) is to be called, if nothing else happens before. `None`
    /// while a request is being answered: that time is the service's.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Closed => None,
            _ => self.timer.deadline(&self.limits),
        }
    }

    /// Starts the clock that the present state asks for, unless it is running.
    #[inline]
    pub(super) fn set_timer(&mut self, now: Instant) {
        let clock = if !self.outbox.is_empty() {
            TimeLimit::Write
        } else {
            match self.phase {
                Phase::Receiving if self.inbox.is_empty() && self.finishing => TimeLimit::Drain,
                Phase::Receiving if self.inbox.is_empty() => TimeLimit::Idle,
                Phase::Receiving if self.inbox.is_in_head() => TimeLimit::Head,
                // The clock of a body goes on while a part of it is stored, and does not start again with each
                // part.
                Phase::Receiving | Phase::Part => TimeLimit::Body,
                Phase::Linger => TimeLimit::Linger,
                Phase::Offered | Phase::Ready | Phase::Taken | Phase::Last { .. } | Phase::Closed => {
                    TimeLimit::None
                }
            }
        };
        self.timer.run(clock, now);
    }
}
