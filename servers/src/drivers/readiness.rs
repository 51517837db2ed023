//! The connections of a readiness loop: what is watched, what is known of each connection, and when to look at it
//! again.
//!
//! The loop itself, which decides the order of service, is a [chapter](crate::architectures::readiness). Here is what
//! the loop needs: a table with a place for each connection, the selector, the heap of deadlines, and the pause after
//! descriptors have run out.

mod watched;

use std::io;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use slab::Slab;

pub use self::watched::Watched;
use super::buffers::Buffers;
use super::deadlines::Deadlines;
use super::room::Room;
use super::selector::{Interest, Ready, Selector};
use super::session::Session;
use super::timed::{Due, TimedSession};
use super::workers::{News, Ticket};
use crate::kit::accept::{Accepted, Mode, accept_once, accept_rest, refuse};
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{ACCEPT_BURST_CONNECTIONS, EXHAUSTED_PAUSE, LAST_WORD};
use crate::under_way::urgent::{self, UrgentBy};

const LISTENER: usize = usize::MAX;
const STOP: usize = usize::MAX - 1;
const WAKEUP: usize = usize::MAX - 2;
const ROOM: usize = usize::MAX - 4;

/// What an event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// A client wants to connect.
    Listener,
    /// The server was asked to stop.
    Stop,
    /// Workers have answered.
    Wakeup,
    /// Something has happened in the waiting room.
    Room,
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
    /// Whether the room watches clients whose requests wait.
    room_watches: bool,
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
    /// Where requests wait for others.
    pub room: Room,
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
        let turn = Turn {
            site,
            tally,
            clock: Clock::new(),
            buffers: Buffers::new(&site.memory),
            room: Room::new()?,
        };
        let mut table = ConnectionTable {
            selector,
            listener,
            watched: Slab::new(),
            turn,
            deadlines: Deadlines::new(),
            serial: 0,
            again: Vec::new(),
            accepting: Accepting::WhenReady,
            room_watches: !S::REPORTS_ENDS || urgent::is_wanted_by(UrgentBy::Epoll),
        };
        // SAFETY: listener and stop switch are borrowed for as long as the table lives; for the wakeup the caller
        // promises it.
        unsafe {
            table.selector.add(listener.as_fd(), LISTENER)?;
            table.selector.add(site.stop.as_fd(), STOP)?;
            // The room is dropped after the selector, see the order of the fields.
            table.selector.add(table.turn.room.as_fd(), ROOM)?;
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
            ROOM => Some(EventSource::Room),
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
        let session = Session::new(site, self.turn.tally, site.origin_of(&stream), self.turn.clock.now());
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
            is_reassured: false,
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

    /// Gives a connection the reply that a worker has found, and returns its place; `None` when the connection is
    /// gone.
    pub fn take_news(&mut self, ticket: Ticket, news: News) -> Option<usize> {
        let index = self.find(ticket)?;
        let watched = &mut self.watched[index];
        match news {
            News::Reply(reply) => {
                watched.look_behind(self.turn.clock.now());
                watched.timed.take_reply(reply, &self.turn.clock, &self.turn.room, ticket);
            }
            News::Waits => {}
        }
        Some(index)
    }

    /// The place of the next connection whose deadline has passed or whose held answer is due. Either has already
    /// been handled.
    pub fn due(&mut self) -> Option<usize> {
        let index = self.deadlines.due(self.turn.clock.now())?;
        let (watched, ticket, turn) = self.at(index);
        watched.look_for_client(turn.clock.now());
        watched.look_behind(turn.clock.now());
        if watched.timed.due(&turn.clock, &turn.room, ticket) == Due::Deadline {
            watched.timed.session.handle_deadline(turn.clock.now());
        }
        Some(index)
    }

    /// Takes in what has happened in the waiting room.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn listen(&mut self) -> io::Result<()> {
        self.turn.room.listen()
    }

    /// The place of the next connection for whose request something has happened in the waiting room. It has already
    /// gone on.
    pub fn called(&mut self) -> Option<usize> {
        while let Some(ticket) = self.turn.room.next_called() {
            // Events of the room carry the lower bits of a serial; a name that fits by chance asks for nothing.
            if let Some(watched) = self.watched.get_mut(ticket.index) {
                let ticket = Ticket { index: ticket.index, serial: watched.serial };
                urgent::look(watched.stream.as_fd());
                watched.look_at_client(self.turn.clock.now());
                if !watched.gone {
                    watched.look_behind(self.turn.clock.now());
                    watched.timed.go_on(&self.turn.clock, &self.turn.room, ticket);
                }
                return Some(ticket.index);
            }
        }
        None
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
            if self.room_watches {
                match interest {
                    Interest::End | Interest::Reset => {
                        let ended = interest == Interest::Reset;
                        self.turn.room.watch_client(watched.stream.as_fd(), ended, ticket);
                    }
                    Interest::Nothing | Interest::Read | Interest::Write => {
                        self.turn.room.forget_client(watched.stream.as_fd());
                    }
                }
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
        if !self.turn.site.stop.leaves_listener() {
            let _ = socket2::SockRef::from(self.listener).shutdown(Shutdown::Read);
        }
        self.selector.forget(self.turn.site.stop.as_fd());
        let now = self.turn.clock.now();
        let deadline = self.turn.site.stop.deadline().unwrap_or(now);
        self.turn.site.services.stop();
        let places: Vec<usize> = self.watched.iter().map(|(index, _)| index).collect();
        for index in &places {
            let timed = &mut self.watched[*index].timed;
            timed.session.finish(now);
            timed.end_by(deadline.checked_sub(LAST_WORD).unwrap_or(now));
        }
        Ok((places, deadline))
    }

    /// How long it is until `deadline`, while there are connections left to wait for.
    pub fn left_until(&self, deadline: Instant) -> Option<Duration> {
        let left = deadline.saturating_duration_since(self.turn.clock.now());
        (!self.watched.is_empty() && !left.is_zero()).then_some(left)
    }
}
