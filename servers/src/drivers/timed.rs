//! A session in a loop, with the reasons for which the loop must come back to it: a reply that is held until it is
//! ready, and the earliest deadline.

use std::task::Waker;
use std::time::Instant;

use super::deadlines::Deadlines;
use super::held::Held;
use super::room::Room;
use super::session::Session;
use super::workers::Ticket;
use crate::kit::call::later;
use crate::kit::clock::Clock;
use crate::services::job::{For, JobStep};
use crate::services::service::Reply;

/// A session with its held reply and its entry in the heap of deadlines.
pub struct TimedSession<'a> {
    /// The session.
    pub session: Session<'a>,
    /// A reply that is not ready.
    held: Option<Box<Waiting>>,
}

/// A reply that is not ready, and when to go on with it at the latest.
struct Waiting {
    held: Held,
    waker: Waker,
    until: Option<Instant>,
}

/// What has come due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing: the deadline has moved since the entry was made.
    Nothing,
    /// The held reply; its answer has been given to the session.
    Answer,
    /// A deadline of the session. The caller has to handle it, because a driver whose kernel is sending must not
    /// touch the session now.
    Deadline,
}

impl<'a> TimedSession<'a> {
    /// A session that waits for nothing yet.
    pub fn new(session: Session<'a>) -> Self {
        TimedSession { session, held: None }
    }

    /// Answers the request that was taken last, or holds the reply until it is ready. `ticket` is the session's, and
    /// `room` is where it waits.
    pub fn take_reply(&mut self, reply: Reply, clock: &Clock, room: &Room, ticket: Ticket) {
        let held = match Held::of(reply, || clock.now()) {
            Ok(held) => held,
            Err(response) => return self.session.respond(response, clock),
        };
        self.session.waits();
        let waker = if held.is_job() { room.waker(ticket) } else { Waker::noop().clone() };
        self.held = Some(Box::new(Waiting { held, waker, until: None }));
        self.go_on(clock, room, ticket);
    }

    /// Goes on with the held reply, if there is one.
    ///
    /// # Returns
    /// Whether the request is answered now.
    pub fn go_on(&mut self, clock: &Clock, room: &Room, ticket: Ticket) -> bool {
        let Some(waiting) = &mut self.held else { return false };
        let response = match waiting.held.go_on(clock.now(), &waiting.waker, self.session.tally()) {
            JobStep::Done(response) => response,
            // A descriptor that cannot be watched would be waited for without an end.
            JobStep::Wait(For::Descriptor(descriptor, side), _)
                if room.watch(descriptor, side, ticket).is_err() =>
            {
                later()
            }
            JobStep::Wait(_, until) => {
                waiting.until = until;
                return false;
            }
        };
        self.held = None;
        self.session.respond(response, clock);
        true
    }

    /// Whether a reply is held.
    pub fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// Whether it is held for more than a time that is known.
    pub fn is_waiting_for_others(&self) -> bool {
        self.held.as_ref().is_some_and(|waiting| waiting.held.is_job())
    }

    /// The server stops: what is held ends at `limit`.
    pub fn end_by(&mut self, limit: Instant) {
        if let Some(waiting) = &mut self.held
            && waiting.held.is_job()
        {
            waiting.held.end_by(limit);
            waiting.until = waiting.until.into_iter().chain([limit]).min();
        }
    }

    /// Enters this session in the heap, to be looked at when its next deadline may pass. `place` is its place in the
    /// table of its loop.
    pub fn enter(&self, place: usize, deadlines: &mut Deadlines) {
        let until = self.held.as_ref().and_then(|waiting| waiting.until);
        if let Some(deadline) = [until, self.session.deadline()].into_iter().flatten().min() {
            deadlines.enter(place, deadline);
        }
    }

    /// Finds out what is due, and goes on with a held reply.
    pub fn due(&mut self, clock: &Clock, room: &Room, ticket: Ticket) -> Due {
        let now = clock.now();
        let until = self.held.as_ref().and_then(|waiting| waiting.until);
        if until.is_some_and(|until| until <= now) && self.go_on(clock, room, ticket) {
            return Due::Answer;
        }
        match self.session.deadline() {
            Some(deadline) if deadline <= now => Due::Deadline,
            _ => Due::Nothing,
        }
    }
}
