//! Bodies that are taken in parts, so that one may be larger than any memory.
//!
//! Where [bodies are offered](Connection::offer_bodies), a body that begins is an [offer](super::Want::Offer):
//! whoever answers looks at the head and says how the body is taken. What is taken whole goes on as ever. What
//! is taken in parts is given away part by part as it comes, and the request is complete, with an empty body,
//! when the last part was taken. The client is told to send (100) only when the offer was accepted.

use super::{Connection, Phase};
use crate::request::Request;
use std::time::Instant;

impl Connection {
    /// From now on each body is offered before it is taken.
    pub fn offer_bodies(&mut self) {
        self.inbox.offer_bodies();
    }

    /// The request whose body begins, without its body.
    pub fn offered(&self) -> Option<Request<'_>> {
        self.inbox.offered()
    }

    /// How many octets the body has that is offered; `None`: its end will show itself.
    pub fn announced_octets(&self) -> Option<u64> {
        self.inbox.announced_octets()
    }

    /// Takes the body that is offered as a whole, within
    /// [`Limits::body_octets`](crate::limits::Limits::body_octets).
    ///
    /// # Panics
    ///
    /// If no body is offered, as in all functions that take one: misuse by our side.
    pub fn take_whole(&mut self, now: Instant) {
        self.accept();
        let fed = self.inbox.take_whole(&self.limits);
        self.fed(fed, now);
    }

    /// Takes the body that is offered in parts, `most` octets together: a larger one is answered 413, before
    /// any of it is taken where its head tells the length.
    pub fn take_in_parts(&mut self, most: u64, now: Instant) {
        self.accept();
        let fed = self.inbox.take_in_parts(most, &self.limits);
        self.fed(fed, now);
    }

    fn accept(&mut self) {
        assert!(self.phase == Phase::Offered, "a body is taken that is not offered");
        self.phase = Phase::Receiving;
    }

    /// The part of a body that has come; `None` when there is none to take.
    pub fn part(&self) -> Option<&[u8]> {
        (self.phase == Phase::Part).then(|| self.inbox.part())
    }

    /// The [part](Self::part) was taken, all of it.
    pub fn part_taken(&mut self, now: Instant) {
        if self.phase == Phase::Part {
            self.phase = Phase::Receiving;
            let fed = self.inbox.part_taken(&self.limits);
            self.fed(fed, now);
        }
    }

    /// Takes the request whose body is offered or under way, in order to answer it before its end; that answer
    /// is the last one of the connection.
    ///
    /// # Returns
    /// Whether there is such a request.
    pub fn decline(&mut self) -> bool {
        let is_under_way = matches!(self.phase, Phase::Offered | Phase::Part);
        if is_under_way {
            self.phase = Phase::Taken;
        }
        is_under_way
    }
}
