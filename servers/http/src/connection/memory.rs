//! How much memory a connection holds, for a driver that has a budget for all of its connections.
//!
//! The connection itself knows no budget. Before each step that makes it hold more, its driver can ask how much that
//! will be, and [`shed`](Connection::shed) the request instead.

use super::{Connection, Phase};
use crate::fault::Fault;
use crate::response::Response;
use std::time::Instant;

/// More than the fields take that the core adds to a head: status line, Date, Content-Length, Connection.
const HEAD_OCTETS: usize = 256;

impl Connection {
    /// Octets of memory that are held now: the buffers, and a body that is sent from memory of its own.
    pub fn held_octets(&self) -> usize {
        self.inbox.held() + self.outbox.held()
    }

    /// The most octets that the next [`spare`](Self::spare) makes the connection hold.
    pub fn octets_to_read(&self) -> usize {
        self.inbox.held_by_spare(&self.limits) + self.outbox.held()
    }

    /// The most octets that the connection holds while it [receives](Self::receive) `count` of them.
    pub fn octets_to_receive(&self, count: usize) -> usize {
        self.inbox.held_by_receiving(count, &self.limits) + self.outbox.held()
    }

    /// The most octets that the connection holds while it is given this answer.
    pub fn octets_to_respond(&self, response: &Response) -> usize {
        let fields = response.fields.iter().map(|(name, value)| name.len() + value.len() + 4);
        let lines = response.lines.as_ref().map_or(0, |lines| lines.octets().len());
        let head_octets = HEAD_OCTETS + response.content_type.len() + fields.sum::<usize>() + lines;
        self.inbox.held() + self.outbox.held_by_answering(head_octets, &response.body, &self.limits)
    }

    /// Octets of the body of the request that waits to be [taken](Self::next_request); 0 where none waits.
    pub fn body_octets(&self) -> usize {
        self.inbox.body_octets()
    }

    /// There is no memory for the request under way, or for the next one: what has come of it is dropped, a 503 is
    /// the last answer, and no body is read any more. Does nothing where the last answer is written already.
    ///
    /// # Panics
    ///
    /// If a request is out, which can still be answered.
    pub fn shed(&mut self, now: Instant) {
        assert!(self.phase != Phase::Taken, "the request that is out gets an answer");
        let is_open = matches!(self.phase, Phase::Receiving | Phase::Offered | Phase::Part | Phase::Ready);
        if is_open && !self.outbox.has_tail() {
            self.refuse(Fault::NoMemory, now);
            self.inbox.clear(0);
        }
    }
}
