//! The connections of a readiness loop: what is watched, what is known of each connection, and when to look at it
//! again.
//!
//! The loop itself, which decides the order of service, is a [chapter](crate::architectures::readiness). Here is what
//! the loop needs: a table with a place for each connection, the selector, the heap of deadlines, and the pause after
//! descriptors have run out.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use slab::Slab;

use super::buffers::Buffers;
use super::deadlines::Deadlines;
use super::selector::{Interest, Ready, Selector};
use super::session::Session;
use super::share::TurnShare;
use super::timed::{Due, TimedSession};
use super::workers::Ticket;
use crate::kit::accept::{Accepted, Mode, accept_once, accept_rest, refuse};
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{ACCEPT_BURST_CONNECTIONS, EXHAUSTED_PAUSE};
use crate::services::service::Reply;

const LISTENER: usize = usize::MAX;
const STOP: usize = usize::MAX - 1;
const WAKEUP: usize = usize::MAX - 2;

/// What an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// A client wants to connect.
    Listener,
    /// The server was asked to stop.
    Stop,
    /// Workers have answered.
    Wakeup,
    /// The connection in this place of the table.
    Connection(usize),
}

/// What becomes of a connection after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// The kernel is to report this.
    Wait(Interest),
    /// The connection is still ready, but others have their turn first.
    Again,
    /// The connection is over.
    Close,
}

/// The connections of one loop, and what the loop waits for.
pub struct ConnectionTable<'a, S> {
    selector: S,
    listener: &'a TcpListener,
    watched: Slab<Watched<'a>>,
    turn: Turn<'a>,
    deadlines: Deadlines,
    serial: u64,
    /// Connections that are still ready, but whose turn ended so that others get theirs.
    again: Vec<Ticket>,
    accepting: Accepting,
}

/// What all connections share in one turn of the loop.
pub struct Turn<'a> {
    /// The site that is served.
    pub site: &'a Site,
    /// The counts to add to.
    pub tally: &'a Tally,
    /// The time of this turn.
    pub clock: Clock,
    /// Memory that idle connections have given back.
    pub buffers: Buffers<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepting {
    /// When the selector reports the listener.
    WhenReady,
    /// In this turn: the last burst did not empty the queue of the listener.
    AtOnce,
    /// At this time: descriptors have run out.
    After(Instant),
    /// Not any more: the server stops.
    Never,
}

/// A connection that the selector watches.
pub struct Watched<'a> {
    /// The connection itself.
    pub stream: TcpStream,
    /// The session, with its deadlines.
    pub timed: TimedSession<'a>,
    serial: u64,
    interest: Interest,
    /// Whether there may be bytes to read.
    readable: bool,
    /// Whether the peer has sent its last byte. Then a short read does not mean that the socket is empty.
    ended: bool,
    /// Whether no answer can reach the peer any more.
    gone: bool,
    /// Its turn ended for fairness' sake, and its next one is planned.
    is_unfinished: bool,
}

impl<'a, S: Selector> ConnectionTable<'a, S> {
    /// An empty table that watches the listener, the stop switch and, where there is one, the workers' wakeup.
    ///
    /// # Errors
    /// When the selector refuses one of them.
    ///
    /// # Safety
    /// The wakeup must stay open as long as the table lives.
    pub unsafe fn watching(
        selector: S,
        site: &'a Site,
        listener: &'a TcpListener,
        tally: &'a Tally,
        wakeup: Option<BorrowedFd<'_>>,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let turn = Turn { site, tally, clock: Clock::new(), buffers: Buffers::new(&site.memory) };
        let mut table = ConnectionTable {
            selector,
            listener,
            watched: Slab::new(),
            turn,
            deadlines: Deadlines::new(),
            serial: 0,
            again: Vec::new(),
            accepting: Accepting::WhenReady,
        };
        // SAFETY: listener and stop switch are borrowed for as long as the table lives; for the wakeup the caller
        // promises it.
        unsafe {
            table.selector.add(listener.as_fd(), LISTENER)?;
            table.selector.add(site.stop.as_fd(), STOP)?;
            if let Some(wakeup) = wakeup {
                table.selector.add(wakeup, WAKEUP)?;
            }
        }
        Ok(table)
    }

    /// Waits until something is ready or due, at most for `timeout`; reads the time anew.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        let own = self.timeout();
        let timeout = own.into_iter().chain(timeout).min();
        self.selector.wait(timeout, ready)?;
        self.turn.clock.tick();
        Ok(())
    }

    fn timeout(&self) -> Option<Duration> {
        let now = self.turn.clock.now();
        if !self.again.is_empty() {
            return Some(Duration::ZERO);
        }
        let idle_for = self.deadlines.idle_for(now);
        match self.accepting {
            Accepting::AtOnce => Some(Duration::ZERO),
            Accepting::After(when) => {
                let pause = when.saturating_duration_since(now);
                Some(idle_for.map_or(pause, |idle_for| idle_for.min(pause)))
            }
            Accepting::WhenReady | Accepting::Never => idle_for,
        }
    }

    /// Finds out what an event belongs to, and notes what it says of a connection or of the listener.
    pub fn note(&mut self, event: Ready) -> Option<EventSource> {
        match event.token {
            LISTENER => {
                if self.accepting == Accepting::WhenReady {
                    self.accepting = Accepting::AtOnce;
                }
                Some(EventSource::Listener)
            }
            STOP => Some(EventSource::Stop),
            WAKEUP => Some(EventSource::Wakeup),
            index => {
                // The kernel may report a connection that an earlier event of this turn has closed.
                let watched = self.watched.get_mut(index)?;
                watched.readable = true;
                watched.ended |= event.ended;
                watched.gone |= event.gone;
                Some(EventSource::Connection(index))
            }
        }
    }

    /// Accepts a burst of connections, if clients wait.
    ///
    /// # Errors
    /// Only errors that waiting does not cure: the listener itself is broken.
    pub fn accept(&mut self) -> io::Result<()> {
        match self.accepting {
            Accepting::WhenReady | Accepting::Never => return Ok(()),
            Accepting::AtOnce => {}
            Accepting::After(when) if when > self.turn.clock.now() => return Ok(()),
            Accepting::After(_) => {
                self.accepting = Accepting::AtOnce;
                self.watch_listener(Interest::Read)?;
            }
        }
        for _ in 0..ACCEPT_BURST_CONNECTIONS {
            match accept_once(self.turn.site, self.listener, Mode::NonBlocking)? {
                Accepted::Connection(stream) => self.admit(stream),
                Accepted::Nobody | Accepted::Stopped => {
                    self.accepting = Accepting::WhenReady;
                    break;
                }
                Accepted::Exhausted => {
                    // A level-triggered selector would report the queue, which we cannot empty, again and again.
                    self.watch_listener(Interest::Nothing)?;
                    self.accepting = Accepting::After(self.turn.clock.now() + EXHAUSTED_PAUSE);
                    break;
                }
            }
        }
        Ok(())
    }

    fn watch_listener(&mut self, interest: Interest) -> io::Result<()> {
        // SAFETY: the listener is borrowed for as long as the table lives.
        unsafe { self.selector.change(self.listener.as_fd(), LISTENER, interest) }
    }

    /// Takes a connection into the table, or refuses it when there is no place.
    fn admit(&mut self, stream: TcpStream) {
        let site = self.turn.site;
        if !site.may_admit(site.open_connections.load(Relaxed)) {
            return refuse(self.turn.site, stream, self.turn.tally);
        }
        let index = self.watched.vacant_key();
        // SAFETY: `close` removes the connection from the selector before its stream is dropped, and when the table
        // is dropped, the selector is dropped before the streams.
        if unsafe { self.selector.add(stream.as_fd(), index) }.is_err() {
            return refuse(self.turn.site, stream, self.turn.tally);
        }
        self.serial += 1;
        let session = Session::new(site, self.turn.tally, site.source_of(&stream), self.turn.clock.now());
        let timed = TimedSession::new(session);
        timed.enter(index, &mut self.deadlines);
        self.watched.insert(Watched {
            stream,
            timed,
            serial: self.serial,
            interest: Interest::Read,
            readable: false,
            ended: false,
            gone: false,
            is_unfinished: false,
        });
        site.open_connections.fetch_add(1, Relaxed);
    }

    /// The places of the connections that were still ready when their turn ended, to be given another turn now.
    pub fn unfinished(&mut self) -> Vec<usize> {
        let tickets = std::mem::take(&mut self.again);
        let places: Vec<usize> = tickets.into_iter().filter_map(|ticket| self.find(ticket)).collect();
        for place in &places {
            self.watched[*place].is_unfinished = false;
        }
        places
    }

    /// The place of the connection that a ticket belongs to, if it is still open.
    fn find(&self, ticket: Ticket) -> Option<usize> {
        self.watched.get(ticket.index).filter(|one| one.serial == ticket.serial).map(|_| ticket.index)
    }

    /// Gives a connection the answer that a worker has found, and returns its place; `None` when the connection is
    /// gone.
    pub fn answer(&mut self, ticket: Ticket, reply: Reply) -> Option<usize> {
        let index = self.find(ticket)?;
        self.watched[index].look_behind(self.turn.clock.now());
        self.watched[index].timed.take_reply(reply, &self.turn.clock);
        Some(index)
    }

    /// The place of the next connection whose deadline has passed or whose held answer is due. Either has already
    /// been handled.
    pub fn due(&mut self) -> Option<usize> {
        let index = self.deadlines.due(self.turn.clock.now())?;
        let watched = &mut self.watched[index];
        watched.look_behind(self.turn.clock.now());
        let timed = &mut watched.timed;
        if timed.due(&self.turn.clock) == Due::Deadline {
            timed.session.handle_deadline(self.turn.clock.now());
        }
        Some(index)
    }

    /// A connection, its ticket, and what it shares with the others.
    ///
    /// # Panics
    /// When there is none in this place.
    pub fn at(&mut self, index: usize) -> (&mut Watched<'a>, Ticket, &mut Turn<'a>) {
        let watched = &mut self.watched[index];
        let ticket = Ticket { index, serial: watched.serial };
        (watched, ticket, &mut self.turn)
    }

    /// Tells the kernel what a connection waits for after its turn.
    pub fn rearm(&mut self, index: usize, next: TurnEnd) {
        let watched = &mut self.watched[index];
        let ticket = Ticket { index, serial: watched.serial };
        let interest = match next {
            TurnEnd::Wait(interest) => interest,
            // An event may have given it a second turn in this round; one place in the next round is its share.
            TurnEnd::Again if std::mem::replace(&mut watched.is_unfinished, true) => return,
            TurnEnd::Again => return self.again.push(ticket),
            TurnEnd::Close => return self.close(index),
        };
        if interest != watched.interest {
            watched.interest = interest;
            // SAFETY: as in `admit`, where the connection was added.
            if unsafe { self.selector.change(watched.stream.as_fd(), index, interest) }.is_err() {
                return self.close(index);
            }
        }
        watched.timed.enter(index, &mut self.deadlines);
    }

    fn close(&mut self, index: usize) {
        let mut watched = self.watched.remove(index);
        self.deadlines.forget(index);
        self.turn.site.open_connections.fetch_sub(1, Relaxed);
        watched.timed.session.return_memory(&mut self.turn.buffers);
        self.selector.remove(watched.stream.as_fd());
    }

    /// Starts to drain: connections that wait in the queue are accepted and no others after them, and all sessions are
    /// told that the server stops.
    ///
    /// # Returns
    /// The places of all connections, for a last turn, and the time until which the busy ones may finish.
    ///
    /// # Errors
    /// When the listener is broken.
    pub fn begin_to_drain(&mut self) -> io::Result<(Vec<usize>, Instant)> {
        // What waits in the queue has arrived, and is served.
        for stream in accept_rest(self.turn.site, self.listener) {
            self.admit(stream?);
        }
        // A listener that is shut reports that for ever, and so does the stop switch; both stay open.
        self.accepting = Accepting::Never;
        self.selector.forget(self.listener.as_fd());
        // The stop switch knows only one listener. The kernel would go on accepting connections for a sibling of it,
        // and nobody would serve them.
        let _ = socket2::SockRef::from(self.listener).shutdown(Shutdown::Read);
        self.selector.forget(self.turn.site.stop.as_fd());
        let now = self.turn.clock.now();
        let places: Vec<usize> = self.watched.iter().map(|(index, _)| index).collect();
        for index in &places {
            self.watched[*index].timed.session.finish(now);
        }
        Ok((places, self.turn.site.stop.deadline().unwrap_or(now)))
    }

    /// How long it is until `deadline`, while there are connections left to wait for.
    pub fn left_until(&self, deadline: Instant) -> Option<Duration> {
        let left = deadline.saturating_duration_since(self.turn.clock.now());
        (!self.watched.is_empty() && !left.is_zero()).then_some(left)
    }
}

impl Watched<'_> {
    /// Whether no answer can reach the peer any more.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Takes in what has arrived behind the request that is about to be answered, if the server stops.
    pub fn look_behind(&mut self, now: Instant) {
        self.timed.session.look_behind(self.stream.as_fd(), now);
    }

    /// Whether the peer has sent its last byte.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether there may be bytes to read.
    pub fn is_readable(&self) -> bool {
        self.readable
    }

    /// Reads as much as there is room for. Returns what the connection waits for, or that it is over; `None` when it
    /// can go on.
    pub fn read(&mut self, now: Instant, share: &mut TurnShare) -> Option<TurnEnd> {
        let spare = share.space(self.timed.session.spare());
        let room = spare.len();
        match self.stream.read(spare) {
            Ok(count) => {
                // After a short read the socket is empty, and epoll reports the next byte as a new event (epoll(7)).
                self.readable = count == room || (self.ended && count > 0);
                share.read(count, count);
                self.timed.session.received(count, now);
                None
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    None
                }
                io::ErrorKind::Interrupted => None,
                _ => Some(TurnEnd::Close),
            },
        }
    }

    /// Writes what is pending. Returns what the connection waits for, or that it is over; `None` when it can go on.
    pub fn write(&mut self, now: Instant, share: &mut TurnShare) -> Option<TurnEnd> {
        match self.stream.write(share.part(self.timed.session.pending())) {
            Ok(count) => {
                share.wrote(count);
                self.timed.session.advance(count, now);
                None
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Some(TurnEnd::Wait(Interest::Write)),
                io::ErrorKind::Interrupted => None,
                _ => Some(TurnEnd::Close),
            },
        }
    }

    /// Tells the peer that nothing more will come.
    pub fn shut(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}
