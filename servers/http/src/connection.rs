//! The connection: octets and instants in, requests out, answers in, octets out.

mod arriving;
mod in_parts;
mod memory;
mod time;

use crate::answer::{self, Persistence};
use crate::date::HttpDate;
use crate::fault::Fault;
use crate::head::Version;
use crate::inbox::{Feed, Inbox};
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::request::Request;
use crate::response::{Body, Response};
use crate::timer::{TimeLimit, Timer};
use std::sync::Arc;
use std::time::Instant;

/// What a connection wants its driver to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Read from the peer and feed what came.
    Read,
    /// Write [`pending`](Connection::pending) before anything else.
    Write,
    /// Take the request, or answer the one that was taken.
    Respond,
    /// Say how the body that begins is taken: [whole](Connection::take_whole), [in parts](Connection::take_in_parts) or
    /// [not at all](Connection::decline). Only where [bodies are offered](Connection::offer_bodies).
    Offer,
    /// Take the [part](Connection::part) of a body that has come, and [say so](Connection::part_taken).
    Part,
    /// The last answer is out, but the peer may still be sending. Shut the sending side down (once), then go on
    /// reading and feeding until `Close`, so that the peer reads the answer before it sees a reset (RFC 9112 9.6).
    Linger,
    /// Close the socket now.
    Close,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request is awaited or under way.
    Receiving,
    /// A body begins, and nobody has said yet how it is taken.
    Offered,
    /// A part of a body has come and is not taken.
    Part,
    /// A request is complete and not taken.
    Ready,
    /// A request is taken and not answered.
    Taken,
    /// The last answer is on its way; whatever comes is dropped. Linger afterwards, or not.
    Last {
        linger: bool,
    },
    Linger,
    Closed,
}

/// The server's side of one HTTP/1.1 connection. See the [crate's front page](crate) for the calling order.
///
/// It holds no buffer while nothing is under way, if its driver takes them back with [`reclaim`](Self::reclaim) and
/// [`reclaim_send`](Self::reclaim_send).
pub struct Connection {
    limits: Arc<Limits>,
    inbox: Inbox,
    outbox: Outbox,
    phase: Phase,
    /// Answers in `outbox` since it was last empty.
    answers: u16,
    timer: Timer,
    fault: Option<Fault>,
    /// The peer has ended its side.
    eof: bool,
    /// The next answer is the last.
    finishing: bool,
}

impl Connection {
    /// A connection that was accepted at `now`.
    pub fn new(limits: Arc<Limits>, now: Instant) -> Connection {
        debug_assert_eq!(limits.check(), Ok(()));
        Connection {
            limits,
            inbox: Inbox::new(),
            outbox: Outbox::default(),
            phase: Phase::Receiving,
            answers: 0,
            timer: Timer::new(TimeLimit::Idle, now),
            fault: None,
            eof: false,
            finishing: false,
        }
    }

    // Feed.

    /// Lends memory for the receive buffer. Its length is what can be received into it; memory that comes back from
    /// [`reclaim`](Self::reclaim) fits as it is. Dropped if there is memory already: ask
    /// [`wants_memory`](Self::wants_memory).
    pub fn lend(&mut self, memory: Vec<u8>) {
        self.inbox.buffer().lend(memory);
    }

    /// Whether there is no receive buffer at present.
    pub fn wants_memory(&self) -> bool {
        self.inbox.has_no_memory()
    }

    /// Gives the receive buffer back when nothing is in it. The next [`spare`](Self::spare) makes a new one unless
    /// some is lent.
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        self.inbox.buffer().reclaim()
    }

    /// Lends memory for the send buffer; its capacity counts. Dropped if there is memory already.
    pub fn lend_send(&mut self, memory: Vec<u8>) {
        self.outbox.lend(memory);
    }

    /// Whether there is no send buffer at present.
    pub fn wants_send_memory(&self) -> bool {
        self.outbox.has_no_memory()
    }

    /// Gives the send buffer back when nothing is to be sent.
    pub fn reclaim_send(&mut self) -> Option<Vec<u8>> {
        self.outbox.reclaim()
    }

    /// Free, initialised space to read into; never empty. Tell [`received`](Self::received) how much was filled.
    pub fn spare(&mut self) -> &mut [u8] {
        let least = self.inbox.least_octets(&self.limits);
        self.inbox.buffer().spare(self.limits.receive_initial_octets, least)
    }

    /// The first `count` octets of [`spare`](Self::spare) came from the peer. 0 changes nothing; the end of the
    /// peer's side is told by [`receive_eof`](Self::receive_eof).
    ///
    /// # Panics
    ///
    /// If `count` exceeds the space.
    pub fn received(&mut self, count: usize, now: Instant) {
        self.inbox.buffer().fill(count);
        self.timer.count(count as u64);
        match self.phase {
            Phase::Last { .. } => self.inbox.clear(self.limits.keep_octets),
            Phase::Linger => {
                self.inbox.clear(self.limits.keep_octets);
                if self.timer.counted() > self.limits.linger_octets {
                    self.phase = Phase::Closed;
                }
            }
            Phase::Closed => self.inbox.clear(0),
            Phase::Receiving => self.go_on(now),
            Phase::Offered | Phase::Part | Phase::Ready | Phase::Taken => {}
        }
    }

    /// Copies `octets` in. Takes all of them; [`is_full`](Self::is_full) says when to stop.
    pub fn receive(&mut self, mut octets: &[u8], now: Instant) {
        while !octets.is_empty() && !matches!(self.phase, Phase::Closed) {
            let spare = self.spare();
            let count = spare.len().min(octets.len());
            spare[..count].copy_from_slice(&octets[..count]);
            octets = &octets[count..];
            self.received(count, now);
        }
    }

    /// Whether so much has been received ahead of the request in hand that the driver should stop feeding for now.
    pub fn is_full(&self) -> bool {
        let is_waiting = match self.phase {
            Phase::Receiving => self.inbox.is_in_head() && !self.may_take(),
            Phase::Offered | Phase::Part | Phase::Ready | Phase::Taken => true,
            Phase::Last { .. } | Phase::Linger | Phase::Closed => false,
        };
        is_waiting && self.inbox.ahead() >= self.limits.unread_octets
    }

    /// The peer has ended its side. Requests that are complete are still answered.
    pub fn receive_eof(&mut self, now: Instant) {
        self.eof = true;
        match self.phase {
            Phase::Linger => self.phase = Phase::Closed,
            Phase::Receiving => self.go_on(now),
            Phase::Offered | Phase::Part | Phase::Ready | Phase::Taken => {}
            Phase::Last { .. } | Phase::Closed => {}
        }
    }

    // Take.

    /// The next complete request, exactly once. `None` when there is none, when the last one is not answered yet, and
    /// when so many answers wait to be written that the peer must read first.
    pub fn next_request(&mut self) -> Option<Request<'_>> {
        if self.phase != Phase::Ready {
            return None;
        }
        self.phase = Phase::Taken;
        self.inbox.request()
    }

    /// The request that [`next_request`](Self::next_request) would give. It stays where it is.
    pub fn peek_request(&self) -> Option<Request<'_>> {
        if self.phase == Phase::Ready { self.inbox.request() } else { None }
    }

    // Answer.

    /// Answers the request that was taken. `date` is the present time; drivers make it once a second.
    ///
    /// # Panics
    ///
    /// If no request is out, or the status is not a final one: misuse by our side.
    pub fn respond(&mut self, response: Response, date: &HttpDate, now: Instant) {
        let (Phase::Taken, Some(head)) = (self.phase, self.inbox.head()) else {
            panic!("respond without a request")
        };
        assert!((200..600).contains(&response.status.0), "an answer has a final status");
        let is_head = self.inbox.starts_with_head_method();
        let unread = self.inbox.ahead();
        // Requests that have arrived are answered, all of them, before a draining connection ends.
        let ended_by_us = response.close || !self.inbox.is_complete() || (self.finishing && unread == 0);
        let last = ended_by_us || head.close || (self.eof && unread == 0);
        let persistence = match (last, head.version) {
            (true, _) => Persistence::Close,
            (false, Version::Http10) => Persistence::KeepAlive,
            (false, Version::Http11) => Persistence::Implied,
        };
        let bodiless = response.status.is_bodiless();
        let length = if bodiless { None } else { response.body.told_length() };
        let has_date = response.lines.as_ref().is_some_and(|lines| lines.has_date());
        let out = self.outbox.writer(&self.limits);
        answer::write_start(out, response.status, (!has_date).then_some(date));
        answer::write_fields(out, response.content_type, &response.fields);
        if let Some(lines) = &response.lines {
            out.extend_from_slice(lines.octets());
        }
        answer::write_end(out, length, persistence);
        let body = if is_head || bodiless { Body::Empty } else { response.body };
        if self.outbox.body(body, &self.limits).is_err() {
            return self.abort();
        }
        self.answers += 1;
        self.inbox.next(&self.limits);
        if last {
            // A client that announced the end and sent nothing more has nothing left to lose to a reset.
            self.last(ended_by_us || unread > 0, now);
        } else {
            self.phase = Phase::Receiving;
            self.go_on(now);
        }
    }

    /// Says with an interim answer (100) that the request that was taken is worked on. One that waits for its final
    /// answer reads on (RFC 9110, 15.2).
    ///
    /// # Returns
    /// Whether there is something to write now: not if no request is out, nor for HTTP/1.0 (RFC 9110, 15.2).
    pub fn reassure(&mut self, now: Instant) -> bool {
        let knows_interim = self.inbox.head().is_some_and(|head| head.version == Version::Http11);
        if self.phase != Phase::Taken || !knows_interim || self.outbox.has_tail() {
            return false;
        }
        self.outbox.writer(&self.limits).extend_from_slice(answer::CONTINUE);
        self.set_timer(now);
        true
    }

    // Drain.

    /// What is to be written now; empty when there is nothing.
    pub fn pending(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// What is to be written now in two parts, for a vectored write; either may be empty.
    pub fn pending_parts(&self) -> [&[u8]; 2] {
        self.outbox.pending_parts()
    }

    /// The first `count` octets of [`pending`](Self::pending) (or of both parts) were written. May read more from a
    /// body's source.
    ///
    /// # Panics
    ///
    /// If `count` exceeds what was pending.
    pub fn advance(&mut self, count: usize, now: Instant) {
        if self.outbox.advance(count, &self.limits).is_err() {
            return self.abort();
        }
        self.timer.restart_if(TimeLimit::Write, now);
        if self.outbox.is_empty() {
            self.answers = 0;
            match self.phase {
                Phase::Last { linger } => {
                    self.phase = if linger && !self.eof { Phase::Linger } else { Phase::Closed };
                }
                // Requests that had to wait until the peer had read its answers can go on.
                Phase::Receiving => return self.go_on(now),
                _ => {}
            }
        }
        self.set_timer(now);
    }

    // Ask.

    /// What the driver should do next.
    pub fn want(&self) -> Want {
        match self.phase {
            Phase::Closed => Want::Close,
            _ if !self.outbox.is_empty() => Want::Write,
            Phase::Receiving => Want::Read,
            Phase::Ready | Phase::Taken => Want::Respond,
            Phase::Offered => Want::Offer,
            Phase::Part => Want::Part,
            Phase::Linger => Want::Linger,
            Phase::Last { .. } => unreachable!("the last answer is out only when the phase has gone on"),
        }
    }

    /// Whether a complete request waits to be [taken](Self::next_request).
    pub fn has_request(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Whether a request was taken and not answered.
    pub fn is_answering(&self) -> bool {
        self.phase == Phase::Taken
    }

    /// Whether the last answer is given, so that whatever comes is dropped.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Last { .. } | Phase::Linger | Phase::Closed)
    }

    /// Whether no octet of a request has come, nothing is owed and nothing is to be sent.
    pub fn is_idle(&self) -> bool {
        self.phase == Phase::Receiving && self.inbox.is_empty() && self.outbox.is_empty()
    }

    /// Draining: an idle connection closes when it has stayed idle for [`Limits::drain_grace`]; any other one ends with
    /// its next answer, which says so, unless more requests have arrived behind it.
    pub fn finish(&mut self, now: Instant) {
        self.finishing = true;
        if self.is_idle() {
            self.set_timer(now);
        }
    }

    /// What the peer did wrong, if that is why the connection ends.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    // Inside.

    /// Goes from octets to a complete request as far as they reach.
    fn go_on(&mut self, now: Instant) {
        // After an answer the buffer is usually empty, and there is no request to look for.
        let is_waiting = (self.inbox.is_empty() && !self.eof) || !self.may_take();
        if self.inbox.is_in_head() && is_waiting {
            return self.set_timer(now);
        }
        let fed = self.inbox.go_on(&self.limits);
        self.fed(fed, now);
    }

    /// Takes note of what the octets that came have led to.
    fn fed(&mut self, fed: Result<Feed, Fault>, now: Instant) {
        match fed {
            Err(fault) => return self.refuse(fault, now),
            Ok(Feed::Complete) => self.phase = Phase::Ready,
            Ok(Feed::Offer) => self.phase = Phase::Offered,
            Ok(Feed::Part) => self.phase = Phase::Part,
            Ok(Feed::Permission) => self.outbox.writer(&self.limits).extend_from_slice(answer::CONTINUE),
            Ok(Feed::More) => {}
        }
        if self.eof && self.phase == Phase::Receiving {
            // The octets that have come are not a whole request, and never will be.
            if !self.inbox.is_empty() {
                self.fault = Some(Fault::Truncated);
            }
            return self.last(false, now);
        }
        self.set_timer(now);
    }

    /// Whether another request may be worked on. Not while the peer has too many answers to read first.
    fn may_take(&self) -> bool {
        !self.outbox.has_tail()
            && self.answers < self.limits.pipelined_answers
            && self.outbox.buffered() <= self.limits.unsent_octets
    }

    /// Answers a fault and ends the connection.
    fn refuse(&mut self, fault: Fault, now: Instant) {
        let Some(status) = fault.status() else { return self.end(fault) };
        let date = self.limits.epoch.map(|epoch| HttpDate::from_unix_seconds(epoch.unix_seconds_at(now)));
        let is_head = self.inbox.starts_with_head_method();
        self.fault = Some(fault);
        answer::write_refusal(self.outbox.writer(&self.limits), status, fault, date.as_ref(), is_head);
        self.last(true, now);
    }

    /// Takes nothing more; closes when everything is written.
    fn last(&mut self, linger: bool, now: Instant) {
        self.inbox.clear(self.limits.keep_octets);
        self.phase = if self.outbox.is_empty() { Phase::Closed } else { Phase::Last { linger } };
        self.set_timer(now);
    }

    /// Closes in silence because of a fault.
    fn end(&mut self, fault: Fault) {
        self.fault = Some(fault);
        self.abort();
    }

    /// Closes at once, whatever was pending.
    fn abort(&mut self) {
        self.phase = Phase::Closed;
        self.inbox.clear(0);
        self.outbox.clear();
    }
}
