//! A session in a loop, with the two reasons for which the loop must come back to it: an answer that is held until it
//! is due, and the earliest deadline.

use std::time::Instant;

use dyno_http::response::Response;

use super::deadlines::Deadlines;
use super::session::Session;
use crate::kit::clock::Clock;
use crate::services::service::Reply;

/// A session with its held answer and its entry in the heap of deadlines.
pub struct TimedSession<'a> {
    /// The session.
    pub session: Session<'a>,
    /// An answer that waits for a modelled back end, and when it is due.
    held: Option<Box<(Instant, Response)>>,
}

/// What has come due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing: the deadline has moved since the entry was made.
    Nothing,
    /// The held answer; it has been given to the session.
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

    /// Answers the request that was taken last, or holds the answer until it is due.
    pub fn take_reply(&mut self, reply: Reply, clock: &Clock) {
        match reply.wait {
            Some(wait) => self.held = Some(Box::new((clock.now() + wait, reply.response))),
            None => self.session.respond(reply.response, clock),
        }
    }

    /// Enters this session in the heap, to be looked at when its next deadline may pass. `place` is its place in the
    /// table of its loop.
    pub fn enter(&self, place: usize, deadlines: &mut Deadlines) {
        let held = self.held.as_ref().map(|held| held.0);
        if let Some(deadline) = [held, self.session.deadline()].into_iter().flatten().min() {
            deadlines.enter(place, deadline);
        }
    }

    /// Finds out what is due, and gives a held answer to the session.
    pub fn due(&mut self, clock: &Clock) -> Due {
        let now = clock.now();
        if let Some((_, response)) = self.held.take_if(|held| held.0 <= now).map(|held| *held) {
            self.session.respond(response, clock);
            return Due::Answer;
        }
        match self.session.deadline() {
            Some(deadline) if deadline <= now => Due::Deadline,
            _ => Due::Nothing,
        }
    }
}
