//! One loop over many ready connections: the heart of select, poll, epoll, and of every design that has a loop of
//! readiness inside.
//!
//! A turn of the loop waits for readiness, then carries each ready connection as far as it gets without waiting: take
//! requests, have them answered, write, read. The selector may be level-triggered or edge-triggered: the loop trusts a
//! notice until a read comes back short.
//!
//! Who answers is not the loop's business. The [`Crew`] answers on the spot or later.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use dyno_http::connection::Want;
use dyno_http::request::Request;
use dyno_http::response::Response;
use slab::Slab;

use super::accept::{Accepted, Mode, accept_once, refuse};
use super::buffers::Buffers;
use super::call::call;
use super::clock::Clock;
use super::deadlines::Deadlines;
use super::selector::{Interest, Ready, Selector};
use super::session::Session;
use super::site::Site;
use super::tally::Tally;
use crate::limits::{ACCEPT_BURST_CONNECTIONS, EVENTS_PER_WAIT, EXHAUSTED_PAUSE, READS_PER_TURN};
use crate::services::service::Reply;

/// Who answers requests.
pub trait Crew {
    /// Answers now (`Some`), or later through [`Crew::finished`] (`None`).
    fn call(&mut self, ticket: Ticket, request: &Request<'_>) -> Option<Reply>;

    /// Becomes readable when an answer has come in; `None`: this crew answers everything now.
    fn bell(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// An answer that has come in.
    fn finished(&mut self) -> Option<(Ticket, Reply)> {
        None
    }
}

/// Which request an answer belongs to. It outlives its connection: a late answer finds nobody and is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    index: usize,
    serial: u64,
}

/// The crew of a loop that answers by itself.
pub struct Alone<'a> {
    /// What is served.
    pub site: &'a Site,
    /// Who counts.
    pub tally: &'a Tally,
}

impl Crew for Alone<'_> {
    fn call(&mut self, _ticket: Ticket, request: &Request<'_>) -> Option<Reply> {
        Some(call(self.site, request, self.tally))
    }
}

const LISTENER: usize = usize::MAX;
const STOP: usize = usize::MAX - 1;
const BELL: usize = usize::MAX - 2;

/// Accepts from `listener` and serves until the site is stopped. The selector is made before: where several loops start, the
/// clients of the first must not use up the descriptors that the last one needs.
///
/// # Errors
/// What made the listener or the selector unusable.
pub fn run<S: Selector>(
    selector: S,
    site: &Site,
    listener: &TcpListener,
    tally: &Tally,
    crew: &mut impl Crew,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut reactor = Reactor {
        selector,
        guests: Slab::new(),
        turn: Turn { site, tally, clock: Clock::new(), buffers: Buffers::new(), deadlines: Deadlines::new() },
        serial: 0,
        again: Vec::new(),
        accepting: Accepting::WhenReady,
    };
    reactor.selector.add(listener.as_raw_fd(), LISTENER)?;
    reactor.selector.add(site.stop.as_fd().as_raw_fd(), STOP)?;
    if let Some(bell) = crew.bell() {
        reactor.selector.add(bell.as_raw_fd(), BELL)?;
    }
    reactor.serve(listener, crew)?;
    reactor.drain(listener, crew)
}

struct Reactor<'a, S> {
    selector: S,
    guests: Slab<Guest<'a>>,
    turn: Turn<'a>,
    serial: u64,
    /// Guests whose turn ended for fairness' sake; they are ready still.
    again: Vec<Ticket>,
    accepting: Accepting,
}

/// What all guests share in one turn of the loop.
struct Turn<'a> {
    site: &'a Site,
    tally: &'a Tally,
    clock: Clock,
    buffers: Buffers,
    deadlines: Deadlines<Ticket>,
}

enum Accepting {
    /// The selector will tell.
    WhenReady,
    /// The last burst did not empty the queue.
    AtOnce,
    /// Descriptors have run out; not before then.
    After(Instant),
}

/// A connection in the loop.
struct Guest<'a> {
    stream: TcpStream,
    session: Session<'a>,
    serial: u64,
    interest: Interest,
    /// There may be octets to read.
    readable: bool,
    /// The peer has ended; a short read proves nothing any more.
    ended: bool,
    is_shut: bool,
    /// An answer that a modelled back end is still working on.
    held: Option<Box<(Instant, Response)>>,
    /// The earliest entry in the heap of deadlines.
    entered: Option<Instant>,
}

/// What a guest's turn came to.
enum Next {
    Wait(Interest),
    Again,
    Close,
}

impl<'a, S: Selector> Reactor<'a, S> {
    fn serve(&mut self, listener: &TcpListener, crew: &mut impl Crew) -> io::Result<()> {
        let mut ready = Vec::with_capacity(EVENTS_PER_WAIT);
        while !self.turn.site.stop.is_requested() {
            self.selector.wait(self.patience(), &mut ready)?;
            self.turn.clock.tick();
            self.dispatch(&ready, crew);
            if self.may_accept() {
                self.accept(listener)?;
            }
        }
        Ok(())
    }

    /// No new connections, idle ones end, busy ones end with their next answer, and at the deadline all do.
    fn drain(&mut self, listener: &TcpListener, crew: &mut impl Crew) -> io::Result<()> {
        let stop = self.turn.site.stop;
        self.selector.remove(listener.as_raw_fd(), LISTENER);
        // The stop switch knows one listener; a sibling would go on greeting clients whom nobody serves.
        let _ = socket2::SockRef::from(listener).shutdown(Shutdown::Read);
        self.selector.remove(stop.as_fd().as_raw_fd(), STOP);
        let deadline = stop.deadline().unwrap_or_else(|| self.turn.clock.now());
        let everybody: Vec<usize> = self.guests.iter().map(|(index, _)| index).collect();
        for index in everybody {
            self.guests[index].session.finish(self.turn.clock.now());
            self.advance(index, crew);
        }
        let mut ready = Vec::with_capacity(EVENTS_PER_WAIT);
        while !self.guests.is_empty() && self.turn.clock.now() < deadline {
            let left = deadline - self.turn.clock.now();
            let patience = self.patience().map_or(left, |patience| patience.min(left));
            self.selector.wait(Some(patience), &mut ready)?;
            self.turn.clock.tick();
            self.dispatch(&ready, crew);
        }
        Ok(())
    }

    fn patience(&self) -> Option<Duration> {
        let now = self.turn.clock.now();
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let idle_for = self.turn.deadlines.idle_for(now);
        match self.accepting {
            Accepting::AtOnce => Some(Duration::ZERO),
            Accepting::After(when) => {
                let pause = when.saturating_duration_since(now);
                Some(idle_for.map_or(pause, |idle_for| idle_for.min(pause)))
            }
            Accepting::WhenReady => idle_for,
        }
    }

    fn dispatch(&mut self, ready: &[Ready], crew: &mut impl Crew) {
        for ticket in std::mem::take(&mut self.again) {
            if let Some(index) = self.find(ticket) {
                self.advance(index, crew);
            }
        }
        for &Ready { token, ended } in ready {
            match token {
                LISTENER => {
                    if matches!(self.accepting, Accepting::WhenReady) {
                        self.accepting = Accepting::AtOnce;
                    }
                }
                // The loop looks at the switch by itself.
                STOP => {}
                BELL => self.hand_out(crew),
                index => {
                    let Some(guest) = self.guests.get_mut(index) else { continue };
                    guest.readable = true;
                    guest.ended |= ended;
                    self.advance(index, crew);
                }
            }
        }
        while let Some((when, ticket)) = self.turn.deadlines.due(self.turn.clock.now()) {
            let Some(index) = self.find(ticket) else { continue };
            let guest = &mut self.guests[index];
            if guest.entered == Some(when) {
                guest.entered = None;
                guest.handle_deadline(&self.turn);
                self.advance(index, crew);
            }
        }
    }

    /// Gives the crew's answers to those who wait for them.
    fn hand_out(&mut self, crew: &mut impl Crew) {
        while let Some((ticket, reply)) = crew.finished() {
            let Some(index) = self.find(ticket) else { continue };
            self.guests[index].take_reply(reply, &self.turn);
            self.advance(index, crew);
        }
    }

    fn find(&self, ticket: Ticket) -> Option<usize> {
        self.guests.get(ticket.index).filter(|guest| guest.serial == ticket.serial).map(|_| ticket.index)
    }

    /// Carries one guest as far as it gets without waiting.
    fn advance(&mut self, index: usize, crew: &mut impl Crew) {
        let guest = &mut self.guests[index];
        let ticket = Ticket { index, serial: guest.serial };
        let interest = match guest.carry(ticket, &mut self.turn, crew) {
            Next::Wait(interest) => interest,
            Next::Again => {
                self.again.push(ticket);
                return;
            }
            Next::Close => return self.close(index),
        };
        if interest != guest.interest {
            guest.interest = interest;
            if self.selector.change(guest.stream.as_raw_fd(), index, interest).is_err() {
                return self.close(index);
            }
        }
        guest.enter_deadline(ticket, &mut self.turn);
    }

    fn close(&mut self, index: usize) {
        let mut guest = self.guests.remove(index);
        self.turn.site.open_connections.fetch_sub(1, Relaxed);
        guest.session.return_memory(&mut self.turn.buffers);
        self.selector.remove(guest.stream.as_raw_fd(), index);
    }

    fn may_accept(&mut self) -> bool {
        match self.accepting {
            Accepting::WhenReady => false,
            Accepting::AtOnce => true,
            Accepting::After(when) => when <= self.turn.clock.now(),
        }
    }

    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        if matches!(self.accepting, Accepting::After(_)) {
            self.selector.change(listener.as_raw_fd(), LISTENER, Interest::Read)?;
        }
        self.accepting = Accepting::AtOnce;
        for _ in 0..ACCEPT_BURST_CONNECTIONS {
            match accept_once(self.turn.site, listener, Mode::NonBlocking)? {
                Accepted::Connection(stream) => self.welcome(stream),
                Accepted::Nobody | Accepted::Stopped => {
                    self.accepting = Accepting::WhenReady;
                    break;
                }
                Accepted::Exhausted => {
                    // To a level-triggered selector the queue that we cannot empty would be news without end.
                    self.selector.change(listener.as_raw_fd(), LISTENER, Interest::Nothing)?;
                    self.accepting = Accepting::After(self.turn.clock.now() + EXHAUSTED_PAUSE);
                    break;
                }
            }
        }
        Ok(())
    }

    fn welcome(&mut self, stream: TcpStream) {
        let site = self.turn.site;
        if site.open_connections.load(Relaxed) >= site.settings.max_connections {
            return refuse(stream, self.turn.tally);
        }
        let index = self.guests.vacant_key();
        if self.selector.add(stream.as_raw_fd(), index).is_err() {
            return refuse(stream, self.turn.tally);
        }
        self.serial += 1;
        let mut guest = Guest {
            stream,
            session: Session::new(self.turn.site, self.turn.tally, self.turn.clock.now()),
            serial: self.serial,
            interest: Interest::Read,
            readable: false,
            ended: false,
            is_shut: false,
            held: None,
            entered: None,
        };
        guest.enter_deadline(Ticket { index, serial: self.serial }, &mut self.turn);
        self.guests.insert(guest);
        site.open_connections.fetch_add(1, Relaxed);
    }
}

impl Guest<'_> {
    fn carry(&mut self, ticket: Ticket, turn: &mut Turn<'_>, crew: &mut impl Crew) -> Next {
        let now = turn.clock.now();
        for _ in 0..READS_PER_TURN {
            while let Some(request) = self.session.next_request() {
                match crew.call(ticket, &request) {
                    Some(reply) => self.take_reply(reply, turn),
                    None => break,
                }
            }
            let moved = match self.session.want(now) {
                Want::Close => return Next::Close,
                Want::Respond => return Next::Wait(Interest::Nothing),
                Want::Write => match self.stream.write(self.session.pending(now)) {
                    Ok(count) => {
                        self.session.advance(count, now);
                        continue;
                    }
                    Err(error) => Err((error, Interest::Write)),
                },
                want @ (Want::Read | Want::Linger) => {
                    if want == Want::Linger && !self.is_shut {
                        self.is_shut = true;
                        let _ = self.stream.shutdown(Shutdown::Write);
                    }
                    if !self.readable {
                        if self.session.is_idle() {
                            self.session.return_memory(&mut turn.buffers);
                        }
                        return Next::Wait(Interest::Read);
                    }
                    self.session.borrow_memory(&mut turn.buffers);
                    self.read(now).map_err(|error| (error, Interest::Read))
                }
            };
            match moved {
                Ok(()) => {}
                Err((error, interest)) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.readable &= interest == Interest::Write;
                        if interest == Interest::Write {
                            return Next::Wait(Interest::Write);
                        }
                    }
                    io::ErrorKind::Interrupted => {}
                    _ => return Next::Close,
                },
            }
        }
        Next::Again
    }

    fn read(&mut self, now: Instant) -> io::Result<()> {
        let spare = self.session.spare();
        let room = spare.len();
        let count = self.stream.read(spare)?;
        // A short read has emptied the socket, and the next octet will be news (epoll(7)).
        self.readable = count == room || (self.ended && count > 0);
        self.session.received(count, now);
        Ok(())
    }

    fn take_reply(&mut self, reply: Reply, turn: &Turn<'_>) {
        if let Some(wait) = reply.wait {
            self.held = Some(Box::new((turn.clock.now() + wait, reply.response)));
        } else {
            self.respond(reply.response, turn);
        }
    }

    fn respond(&mut self, response: Response, turn: &Turn<'_>) {
        if turn.site.stop.is_requested() {
            self.session.finish(turn.clock.now());
        }
        self.session.respond(response, &turn.clock);
    }

    fn deadline(&self) -> Option<Instant> {
        match (self.held.as_ref().map(|held| held.0), self.session.deadline()) {
            (Some(held), Some(deadline)) => Some(held.min(deadline)),
            (held, deadline) => held.or(deadline),
        }
    }

    fn enter_deadline(&mut self, ticket: Ticket, turn: &mut Turn<'_>) {
        let Some(deadline) = self.deadline() else { return };
        if self.entered.is_none_or(|entered| deadline < entered) {
            self.entered = Some(deadline);
            turn.deadlines.enter(ticket, deadline);
        }
    }

    fn handle_deadline(&mut self, turn: &Turn<'_>) {
        let now = turn.clock.now();
        if let Some((_, response)) = self.held.take_if(|held| held.0 <= now).map(|held| *held) {
            self.respond(response, turn);
        }
        if self.session.deadline().is_some_and(|deadline| deadline <= now) {
            self.session.handle_deadline(now);
        }
    }
}
