//! An HTTP connection behind its transport: plaintext, or a secure pipe.
//!
//! ```text
//!            spare, received                     next_request
//!   wire  ------------------>  [pipe]  -->  HTTP  ---------->  service
//!         <------------------          <--        <----------
//!            pending, advance                     respond
//! ```
//!
//! Like the HTTP connection, a session does no I/O itself, so every driver carries every transport without extra code.

mod arrival;
mod intake;
mod memory;
mod reassuring;
mod time;
mod traced;

use std::mem;
use std::net::IpAddr;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use dyno_http::connection::{Connection, Want};
use dyno_http::response::Response;
use nix::sys::socket::{MsgFlags, recv};

use self::arrival::Arrival;
use self::intake::Intake;
use super::holding::Holding;
use super::secure::Secure;
use crate::kit::access::Judge;
use crate::kit::call::busy;
use crate::kit::clock::Clock;
use crate::kit::memory::OpenConnection;
use crate::kit::site::{Origin, Site};
use crate::kit::stop::Stop;
use crate::kit::tally::Tally;
use crate::limits::WIRE_BYTES;
use crate::services::owner::Asker;
use crate::services::service::Asked;
use crate::trace::connection::ConnectionTrace;
use crate::trace::event::TracePoint;

/// One connection of a client, without its socket.
///
/// A driver asks for the [next step](Session::next_step), performs it, and tells the session the outcome.
pub struct Session<'a> {
    http: Connection,
    secure: Option<Box<Secure>>,
    tally: &'a Tally,
    stop: &'static Stop,
    /// Counts the connection as open.
    _open: OpenConnection<'a>,
    /// Whether [`DriverStep::Shut`] has been returned.
    is_shut: bool,
    /// What the session may hold.
    holding: Holding<'a>,
    shedding: Shedding,
    /// Judges requests; `None`: everybody may do everything.
    judge: Option<Box<Judge<'a>>>,
    /// The answer to a request that was denied; the next step gives it.
    denied: Option<Box<Response>>,
    /// Stores what is uploaded; `None`: nothing may be.
    intake: Option<Box<Intake<'a>>>,
    /// The address of the client, where somebody wants to know.
    source: Option<IpAddr>,
    /// Tells of a request whose body is on its way; `None`: nobody wants to know.
    arrival: Option<Arrival>,
    /// Writes down what becomes of requests; `None`: the connection is not traced.
    trace: Option<ConnectionTrace>,
}

/// Whether the memory of the server was not enough for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shedding {
    /// It was enough.
    No,
    /// It is not enough for the request that has come; the next step refuses it.
    Due,
    /// A request was refused.
    Done,
}

/// What a driver does next for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriverStep {
    /// Answer the request that was taken, or wait for its answer.
    Respond,
    /// Write what is [pending](Session::pending).
    Write,
    /// Tell the peer that nothing more will come (shut down the sending side). Returned once. After that, what the
    /// peer still sends is read and discarded, so that it sees the last answer before it could see a reset (RFC 9112,
    /// 9.6).
    Shut,
    /// Read into the [spare](Session::spare) room.
    Read,
    /// Have a part of an upload [stored](Session::store), which waits for the disk.
    Store,
    /// Close the connection.
    Close,
}

impl<'a> Session<'a> {
    /// The session of a connection that was accepted at `now` from `origin`; `tally` counts it.
    pub fn new(site: &'a Site, tally: &'a Tally, origin: Origin, now: Instant) -> Self {
        Tally::add(&tally.connections, 1);
        let source = origin.source;
        let arrival = site.register.and_then(|register| Arrival::new(register, origin));
        let trace = site.trace_of(origin);
        if let Some(trace) = &trace {
            trace.note(TracePoint::Taken);
        }
        let secure = site.transport.as_ref().map(|transport| {
            let pipe = transport.accept_from(source, now);
            Box::new(Secure::new(pipe, source, site.limits.linger_time))
        });
        let mut http = Connection::new(Arc::clone(&site.limits), now);
        if site.stop.is_requested() {
            http.finish(now);
        }
        let (holding, shedding) = match Holding::new(site) {
            Some(holding) => (holding, Shedding::No),
            None => (Holding::nothing(site), Shedding::Due),
        };
        let (judge, stop) = (site.judge(source).map(Box::new), site.stop);
        let intake = Intake::new(site, &mut http).map(Box::new);
        let (is_shut, denied) = (false, None);
        let _open = site.memory.connect();
        Session {
            http,
            secure,
            tally,
            stop,
            _open,
            is_shut,
            holding,
            shedding,
            judge,
            denied,
            intake,
            source,
            arrival,
            trace,
        }
    }

    /// Sees to it that there is memory to read into. Where the budget is spent, a request under way is refused instead.
    ///
    /// # Returns
    /// Whether to read; otherwise the [next step](Session::next_step) is another one.
    pub fn make_room(&mut self, now: Instant) -> bool {
        let octets = self.http.octets_to_read();
        if self.holding.allows(octets) || self.http.want() != Want::Read {
            return true;
        }
        self.shed(now);
        false
    }

    /// Refuses the request under way, or the next one, because there is no memory for it.
    pub(super) fn shed(&mut self, now: Instant) {
        if self.shedding != Shedding::Done {
            Tally::add(&self.tally.refused, 1);
            self.shedding = Shedding::Done;
        }
        match &mut self.secure {
            // There is nobody yet who could read an answer.
            Some(secure) if !secure.pipe.is_established() => secure.dead = true,
            _ => self.http.shed(now),
        }
        self.holding.settle(self.http.held_octets());
    }

    /// From now on `tally` counts this session: another worker has taken it over.
    pub fn count_on(&mut self, tally: &'a Tally) {
        self.tally = tally;
    }

    /// The room for read(2).
    pub fn spare(&mut self) -> &mut [u8] {
        match &mut self.secure {
            None => self.http.spare(),
            Some(secure) => secure.pipe.room(WIRE_BYTES),
        }
    }

    /// Takes in `count` bytes that were read into [`Session::spare`]; 0 is the end of what the peer sends.
    pub fn received(&mut self, count: usize, now: Instant) {
        Tally::add(&self.tally.received_bytes, count as u64);
        match &mut self.secure {
            None if count == 0 => self.http.receive_eof(now),
            None => self.http.received(count, now),
            Some(secure) => {
                let result = if secure.dead {
                    Ok(())
                } else if count == 0 {
                    secure.pipe.receive_eof()
                } else {
                    secure.pipe.received(count, now)
                };
                secure.note(result, self.tally);
                self.hand_up(count == 0, now);
            }
        }
        self.note_arrival();
    }

    /// Takes in bytes that arrived in memory that is not ours (a completion): as [`Session::received`], but copies.
    pub fn receive(&mut self, octets: &[u8], now: Instant) {
        Tally::add(&self.tally.received_bytes, octets.len() as u64);
        match &mut self.secure {
            None => self.take_in(octets, now),
            // A pipe that has failed takes nothing more.
            Some(secure) if secure.dead => {}
            Some(secure) => {
                secure.pipe.room(octets.len()).copy_from_slice(octets);
                let result = secure.pipe.received(octets.len(), now);
                secure.note(result, self.tally);
                self.hand_up(false, now);
            }
        }
        self.note_arrival();
    }

    /// Passes what the pipe has opened to HTTP.
    fn hand_up(&mut self, ended: bool, now: Instant) {
        let Some(secure) = &mut self.secure else { return };
        let ended = ended || secure.pipe.is_closed_by_peer();
        let count = secure.pipe.plain().len();
        if count > 0 {
            self.allow(count, now);
            if let Some(secure) = &mut self.secure {
                self.http.receive(secure.pipe.plain(), now);
                secure.pipe.take_plain(count);
            }
        }
        if ended {
            self.http.receive_eof(now);
        }
    }

    /// Takes in what has arrived on `connection` while a request is being answered, if the server stops: a connection
    /// ends with the answer behind which nothing has come. Call it before [`Session::respond`].
    pub fn look_behind(&mut self, connection: BorrowedFd<'_>, now: Instant) {
        if !self.looks_behind() || !self.holding.allows(self.http.octets_to_read()) {
            return;
        }
        // The end can wait; it may be that of the stop switch.
        match recv(connection.as_raw_fd(), self.spare(), MsgFlags::MSG_DONTWAIT) {
            Ok(0) | Err(_) => {}
            Ok(count) => self.received(count, now),
        }
    }

    /// Whether to take in what has arrived behind the request that is being answered.
    pub fn looks_behind(&self) -> bool {
        self.stop.is_requested() && self.http.is_answering() && !self.http.is_full()
    }

    /// Copies `octets` into HTTP, if there is memory for them.
    fn take_in(&mut self, octets: &[u8], now: Instant) {
        self.allow(octets.len(), now);
        self.http.receive(octets, now);
    }

    /// Sees to it that there is memory for `count` octets, or refuses the request under way.
    fn allow(&mut self, count: usize, now: Instant) {
        let held = self.http.octets_to_receive(count);
        if !self.holding.allows(held) && self.http.want() == Want::Read {
            self.shed(now);
        }
    }

    /// The next request to answer, returned once; then [`Session::respond`] must be called. A request that the policy
    /// denies is none: the [next step](Session::next_step) refuses it.
    pub fn next_request(&mut self) -> Option<Asked<'_>> {
        if let Some(arrival) = &mut self.arrival {
            arrival.look(&self.http);
        }
        if self.secure.as_ref().is_some_and(|secure| secure.dead) {
            return None;
        }
        // Some services give a body back, and then there are two.
        let body = self.http.body_octets();
        if body > 0 && !self.holding.allows(self.http.held_octets() + body) {
            self.shedding = Shedding::Due;
            return None;
        }
        let asker = match &mut self.judge {
            None => Asker::UNASKED,
            Some(_) if self.denied.is_some() => return None,
            Some(judge) => {
                let request = self.http.peek_request()?;
                let names = self.secure.as_ref().map_or(&[][..], |secure| secure.pipe.peer_names());
                match judge.judge(self.tally, names, request.method(), request.target().path) {
                    Ok(asker) => asker,
                    Err(refusal) => {
                        self.denied = Some(Box::new(refusal));
                        return None;
                    }
                }
            }
        };
        let request = self.http.next_request()?;
        let trace = self.trace.as_ref().map(ConnectionTrace::taken_up);
        let upload = self.intake.as_mut().and_then(|intake| intake.take());
        let peer = self.secure.as_ref().map_or(&[][..], |secure| secure.pipe.peer_names());
        Some(Asked { request, asker, peer, source: self.source, upload, trace })
    }

    /// Whether a complete request waits to be [taken](Session::next_request).
    pub fn has_request(&self) -> bool {
        self.http.has_request() && self.secure.as_ref().is_none_or(|secure| !secure.dead)
    }

    /// Answers the request that was taken last; where there is no memory for the answer, with a 503 that ends the
    /// connection. If the server stops, this is the last answer of the connection, and
    /// says so.
    pub fn respond(&mut self, response: Response, clock: &Clock) {
        if self.stop.is_requested() {
            self.http.finish(clock.now());
        }
        let response = if self.holding.allows(self.http.octets_to_respond(&response)) {
            response
        } else {
            self.shedding = Shedding::Done;
            busy(self.tally).closing()
        };
        if let Some(trace) = &self.trace {
            trace.answered(response.status.0);
        }
        self.http.respond(response, clock.date(), clock.now());
    }

    /// Bytes to write to the wire.
    pub fn pending(&mut self) -> &[u8] {
        let Some(secure) = &mut self.secure else { return self.http.pending() };
        if !secure.dead && secure.pipe.is_established() {
            // One piece at a time, so that a large body is not held twice.
            if secure.pipe.pending().is_empty() && !self.http.pending().is_empty() {
                secure.seal(self.http.pending_parts());
            }
            let over = matches!(self.http.want(), Want::Linger | Want::Close);
            if over && self.http.pending().is_empty() && !secure.goodbye_said {
                secure.goodbye_said = true;
                secure.pipe.close();
            }
        }
        secure.pipe.pending()
    }

    /// Notes that `count` bytes of [`Session::pending`] were written.
    pub fn advance(&mut self, count: usize, now: Instant) {
        Tally::add(&self.tally.sent_bytes, count as u64);
        match &mut self.secure {
            None => self.http.advance(count, now),
            Some(secure) => {
                secure.pipe.advance(count);
                if secure.sealed > 0 {
                    let is_taken = secure.pipe.pending().is_empty();
                    // A part of a record is progress, of no octet as yet. A connection that HTTP has given up has none.
                    let octets = if is_taken { mem::take(&mut secure.sealed) } else { 0 };
                    let waiting: usize = self.http.pending_parts().iter().map(|part| part.len()).sum();
                    self.http.advance(octets.min(waiting), now);
                }
            }
        }
        self.note_written();
    }

    /// The next step for the driver.
    pub fn next_step(&mut self, now: Instant) -> DriverStep {
        if self.shedding == Shedding::Due {
            self.shed(now);
        }
        if let Some(refusal) = self.denied.take()
            && self.http.next_request().is_some()
        {
            self.respond(*refusal, &Clock::new());
        }
        if let Some(intake) = &mut self.intake {
            intake.look(&self.http);
        }
        match self.want(now) {
            Want::Respond => DriverStep::Respond,
            Want::Offer | Want::Part => DriverStep::Store,
            Want::Write => DriverStep::Write,
            Want::Linger if !self.is_shut => {
                self.is_shut = true;
                DriverStep::Shut
            }
            Want::Linger | Want::Read => DriverStep::Read,
            Want::Close => DriverStep::Close,
        }
    }

    /// Whether bytes from the peer can be taken in now.
    pub fn can_receive(&mut self, now: Instant) -> bool {
        matches!(self.want(now), Want::Read | Want::Linger)
    }

    /// What the session is waiting for.
    fn want(&mut self, now: Instant) -> Want {
        if self.secure.is_none() {
            return self.http.want();
        }
        let has_pending = !self.pending().is_empty();
        let Some(secure) = &mut self.secure else { return self.http.want() };
        let is_over = secure.dead || self.http.want() == Want::Close;
        if has_pending && is_over {
            let last_chance = *secure.last_chance.get_or_insert(now + secure.grace);
            return if now < last_chance { Want::Write } else { Want::Close };
        }
        match (has_pending, is_over) {
            (true, _) => Want::Write,
            (false, true) => Want::Close,
            (false, false) => self.http.want(),
        }
    }

    /// Whether bytes that come now may be lost: the last answer is given, and there are no records that build on each
    /// other.
    pub fn is_deaf(&self) -> bool {
        self.secure.is_none() && self.http.is_over()
    }

    /// Whether there is a secure pipe.
    pub fn is_secure(&self) -> bool {
        self.secure.is_some()
    }

    /// Whether nothing is under way: no byte of a request, no answer owed, nothing to send.
    pub fn is_idle(&self) -> bool {
        self.http.is_idle() && self.secure.as_ref().is_none_or(|secure| secure.pipe.pending().is_empty())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let is_dead = self.secure.as_ref().is_some_and(|secure| secure.dead);
        let broke_a_rule = self.shedding == Shedding::No && (self.http.fault().is_some() || is_dead);
        Tally::add(&self.tally.peer_faults, u64::from(broke_a_rule));
        if let Some(trace) = &self.trace {
            trace.note(TracePoint::Closed);
        }
    }
}
