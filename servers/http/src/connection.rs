//! The connection: octets and instants in, requests out, answers in, octets out.

use crate::answer::{self, Persistence};
use crate::buffer::Buffer;
use crate::chunked::Decoder;
use crate::date::HttpDate;
use crate::fault::{BadHead, Fault};
use crate::head::{self, Expectation, Framing, Head, Version};
use crate::limits::Limits;
use crate::outbox::Outbox;
use crate::request::Request;
use crate::response::{Body, Response};
use crate::timer::{Clock, Timer};
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
    /// The last answer is out, but the peer may still be sending. Shut the sending side down (once), then go on reading and
    /// feeding until `Close`, so that the peer reads the answer before it sees a reset (RFC 9112 9.6).
    Linger,
    /// Close the socket now.
    Close,
}

/// Where a connection stands on its receiving side.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Waiting for a head, or for the rest of one.
    Head,
    /// The head is complete, the body is not.
    Length,
    Chunked(Decoder),
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
    received: Buffer,
    outbox: Outbox,
    phase: Phase,
    /// Of the request in hand; meaningful from `Length` to `Taken`.
    head: Option<Head>,
    /// Octets of the request's body, decoded.
    body_len: u32,
    /// Octets that the request takes up in `received`, its framing included.
    request_len: u32,
    /// How far the head under way has been searched for its end.
    scanned: u32,
    empty_lines: u8,
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
            received: Buffer::default(),
            outbox: Outbox::default(),
            phase: Phase::Head,
            head: None,
            body_len: 0,
            request_len: 0,
            scanned: 0,
            empty_lines: 0,
            answers: 0,
            timer: Timer::new(Clock::Idle, now),
            fault: None,
            eof: false,
            finishing: false,
        }
    }

    // Feed.

    /// Lends memory for the receive buffer. Its length is what can be received into it; memory that comes back from
    /// [`reclaim`](Self::reclaim) fits as it is. Dropped if there is memory already: ask [`wants_memory`](Self::wants_memory).
    pub fn lend(&mut self, memory: Vec<u8>) {
        self.received.lend(memory);
    }

    /// Whether there is no receive buffer at present.
    pub fn wants_memory(&self) -> bool {
        self.received.has_no_memory()
    }

    /// Gives the receive buffer back when nothing is in it. The next [`spare`](Self::spare) makes a new one unless some is lent.
    pub fn reclaim(&mut self) -> Option<Vec<u8>> {
        self.received.reclaim()
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
        self.received.spare(self.limits.receive_initial_octets, self.limits.read_octets)
    }

    /// The first `count` octets of [`spare`](Self::spare) came from the peer. 0 changes nothing; the end of the peer's side is
    /// told by [`receive_eof`](Self::receive_eof).
    ///
    /// # Panics
    ///
    /// If `count` exceeds the space.
    pub fn received(&mut self, count: usize, now: Instant) {
        self.received.fill(count);
        self.timer.count(count as u64);
        match self.phase {
            Phase::Last { .. } => self.received.clear(self.limits.keep_octets),
            Phase::Linger => {
                self.received.clear(self.limits.keep_octets);
                if self.timer.counted() > self.limits.linger_octets {
                    self.phase = Phase::Closed;
                }
            }
            Phase::Closed => self.received.clear(0),
            Phase::Head | Phase::Length | Phase::Chunked(_) | Phase::Ready | Phase::Taken => self.go_on(now),
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
        let ahead = match self.phase {
            Phase::Head if self.may_take() => 0,
            Phase::Head => self.received.len(),
            Phase::Ready | Phase::Taken => self.received.len() - self.request_len as usize,
            Phase::Length | Phase::Chunked(_) | Phase::Last { .. } | Phase::Linger | Phase::Closed => 0,
        };
        ahead >= self.limits.unread_octets
    }

    /// The peer has ended its side. Requests that are complete are still answered.
    pub fn receive_eof(&mut self, now: Instant) {
        self.eof = true;
        match self.phase {
            Phase::Linger => self.phase = Phase::Closed,
            Phase::Head | Phase::Length | Phase::Chunked(_) => self.go_on(now),
            Phase::Ready | Phase::Taken | Phase::Last { .. } | Phase::Closed => {}
        }
    }

    /// Time has come to `now`. Does nothing before [`deadline`](Self::deadline), so calling it too early or twice is harmless.
    pub fn handle_deadline(&mut self, now: Instant) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.timer.clock() {
            Clock::Idle => self.end(Fault::IdleTimeout),
            Clock::Head => self.refuse(Fault::HeadTimeout, now),
            Clock::Body => self.refuse(Fault::BodyTooSlow, now),
            Clock::Write => self.end(Fault::WriteTimeout),
            Clock::Linger => self.phase = Phase::Closed,
            Clock::None => {}
        }
    }

    // Take.

    /// The next complete request, exactly once; `None` when there is none, when one is out, and when so many answers wait to be
    /// written that the peer must read first.
    pub fn next_request(&mut self) -> Option<Request<'_>> {
        let (Phase::Ready, Some(head)) = (self.phase, &self.head) else { return None };
        self.phase = Phase::Taken;
        let end = head.len as usize + self.body_len as usize;
        Some(Request::new(&self.received.octets()[..end], head))
    }

    // Answer.

    /// Answers the request that was taken. `date` is the present time; drivers make it once a second.
    ///
    /// # Panics
    ///
    /// If no request is out, or the status is not a final one: misuse by our side.
    pub fn respond(&mut self, response: Response, date: &HttpDate, now: Instant) {
        let (Phase::Taken, Some(head)) = (self.phase, self.head) else { panic!("respond without a request") };
        assert!((200..600).contains(&response.status.0), "an answer has a final status");
        let is_head = self.method_is_head(&head);
        let unread = self.received.len() - self.request_len as usize;
        let ended_by_us = response.close || self.finishing;
        let last = ended_by_us || head.close || (self.eof && unread == 0);
        let persistence = match (last, head.version) {
            (true, _) => Persistence::Close,
            (false, Version::Http10) => Persistence::KeepAlive,
            (false, Version::Http11) => Persistence::Implied,
        };
        let bodiless = response.status.is_bodiless();
        let length = (!bodiless).then(|| response.body.len());
        let out = self.outbox.writer(&self.limits);
        answer::write_start(out, response.status, Some(date));
        answer::write_fields(out, response.content_type, &response.fields);
        answer::write_end(out, length, persistence);
        let body = if is_head || bodiless { Body::Empty } else { response.body };
        if self.outbox.body(body, &self.limits).is_err() {
            return self.abort();
        }
        self.answers += 1;
        self.received.consume(self.request_len as usize, self.limits.keep_octets);
        if last {
            // A client that announced the end and sent nothing more has nothing left to lose to a reset.
            self.last(ended_by_us || unread > 0, now);
        } else {
            self.await_head();
            self.go_on(now);
        }
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

    /// The first `count` octets of [`pending`](Self::pending) (or of both parts) were written. May read more from a body's source.
    ///
    /// # Panics
    ///
    /// If `count` exceeds what was pending.
    pub fn advance(&mut self, count: usize, now: Instant) {
        if self.outbox.advance(count, &self.limits).is_err() {
            return self.abort();
        }
        self.timer.restart_if(Clock::Write, now);
        if self.outbox.is_empty() {
            self.answers = 0;
            match self.phase {
                Phase::Last { linger } => {
                    self.phase = if linger && !self.eof { Phase::Linger } else { Phase::Closed };
                }
                Phase::Head if self.finishing && self.received.is_empty() => {
                    self.phase = if self.eof { Phase::Closed } else { Phase::Linger };
                }
                // What waited for the peer to read can go on.
                Phase::Head => return self.go_on(now),
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
            Phase::Head | Phase::Length | Phase::Chunked(_) => Want::Read,
            Phase::Ready | Phase::Taken => Want::Respond,
            Phase::Linger => Want::Linger,
            Phase::Last { .. } => unreachable!("the last answer is out only when the phase has gone on"),
        }
    }

    /// When [`handle_deadline`](Self::handle_deadline) is to be called, if nothing else happens before. `None` while a request is
    /// being answered: that time is the service's.
    pub fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Closed => None,
            _ => self.timer.deadline(&self.limits),
        }
    }

    /// Whether no octet of a request has come, nothing is owed and nothing is to be sent.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Head) && self.received.is_empty() && self.outbox.is_empty()
    }

    /// Draining: an idle connection closes; any other one ends with its next answer, which says so.
    pub fn finish(&mut self, _now: Instant) {
        if self.is_idle() {
            self.phase = Phase::Closed;
        }
        self.finishing = true;
    }

    /// What the peer did wrong, if that is why the connection ends.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    // Inside.

    /// Goes from octets to a complete request as far as they reach.
    fn go_on(&mut self, now: Instant) {
        let outcome = match self.phase {
            Phase::Head => self.read_head(),
            Phase::Length | Phase::Chunked(_) => self.read_body(),
            _ => Ok(()),
        };
        if let Err(fault) = outcome {
            return self.refuse(fault, now);
        }
        if self.eof
            && matches!(self.phase, Phase::Head | Phase::Length | Phase::Chunked(_))
            && self.may_take()
        {
            // Nothing more can come of it.
            if !self.received.is_empty() {
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

    fn read_head(&mut self) -> Result<(), Fault> {
        if !self.may_take() {
            return Ok(());
        }
        while self.received.octets().starts_with(b"\r\n") {
            self.received.consume(2, self.limits.keep_octets);
            self.scanned = 0;
            self.empty_lines += 1;
            if self.empty_lines > self.limits.empty_lines {
                return Err(Fault::BadHead(BadHead::EmptyLines));
            }
        }
        if self.received.is_empty() {
            return Ok(());
        }
        let Some(head) = head::read(self.received.octets(), &mut self.scanned, &self.limits)? else {
            return Ok(());
        };
        self.head = Some(head);
        if head.expectation == Expectation::Unknown {
            return Err(Fault::UnknownExpectation);
        }
        self.phase = match head.framing {
            Framing::None => {
                (self.body_len, self.request_len) = (0, head.len);
                self.phase = Phase::Ready;
                return Ok(());
            }
            Framing::Length(length) if length > self.limits.body_octets as u64 => {
                return Err(Fault::BodyTooLarge);
            }
            Framing::Length(_) => Phase::Length,
            Framing::Chunked => Phase::Chunked(Decoder::new()),
        };
        if self.received.len() > head.len as usize {
            self.read_body()
        } else {
            // A client that already sends its body needs no permission (RFC 9110 10.1.1).
            if head.expectation == Expectation::Continue {
                self.outbox.writer(&self.limits).extend_from_slice(answer::CONTINUE);
            }
            Ok(())
        }
    }

    fn read_body(&mut self) -> Result<(), Fault> {
        let head = self.head.expect("a body follows a head");
        let head_len = head.len as usize;
        match (&mut self.phase, head.framing) {
            (Phase::Chunked(decoder), _) => {
                let end = decoder.decode(&mut self.received.octets_mut()[head_len..], &self.limits)?;
                let decoded = decoder.decoded();
                match end {
                    None => self.received.truncate(head_len + decoded),
                    Some(end) => {
                        (self.body_len, self.request_len) = (decoded as u32, (head_len + end) as u32);
                        self.phase = Phase::Ready;
                    }
                }
            }
            (_, Framing::Length(length)) if self.received.len() - head_len >= length as usize => {
                (self.body_len, self.request_len) = (length as u32, head.len + length as u32);
                self.phase = Phase::Ready;
            }
            _ => {}
        }
        Ok(())
    }

    fn await_head(&mut self) {
        self.phase = Phase::Head;
        self.head = None;
        self.scanned = 0;
        self.empty_lines = 0;
    }

    /// Answers a fault and ends the connection.
    fn refuse(&mut self, fault: Fault, now: Instant) {
        let Some(status) = fault.status() else { return self.end(fault) };
        let date = self.limits.epoch.map(|epoch| HttpDate::from_unix_seconds(epoch.unix_seconds_at(now)));
        let is_head = self.received.octets().starts_with(b"HEAD ");
        self.fault = Some(fault);
        answer::write_refusal(self.outbox.writer(&self.limits), status, fault, date.as_ref(), is_head);
        self.last(true, now);
    }

    /// Takes nothing more; closes when everything is written.
    fn last(&mut self, linger: bool, now: Instant) {
        self.received.clear(self.limits.keep_octets);
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
        self.received.clear(0);
        self.outbox.clear();
    }

    /// Starts the clock that the present state asks for, unless it is running.
    fn set_timer(&mut self, now: Instant) {
        let clock = if !self.outbox.is_empty() {
            Clock::Write
        } else {
            match self.phase {
                Phase::Head if self.received.is_empty() => Clock::Idle,
                Phase::Head => Clock::Head,
                Phase::Length | Phase::Chunked(_) => Clock::Body,
                Phase::Linger => Clock::Linger,
                Phase::Ready | Phase::Taken | Phase::Last { .. } | Phase::Closed => Clock::None,
            }
        };
        self.timer.run(clock, now);
    }

    fn method_is_head(&self, head: &Head) -> bool {
        head.method.in_octets(self.received.octets()) == b"HEAD"
    }
}
