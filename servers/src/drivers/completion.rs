//! Carries many connections by completions: the counterpart of [`super::readiness`] for a kernel that does the reads
//! and writes itself.
//!
//! One rule governs everything here. While the kernel sends, the session is not touched, because the bytes that are
//! being sent belong to it; and a connection stays in the table until the kernel has finished with it.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::Shutdown;
use slab::Slab;

use super::buffers::Buffers;
use super::deadlines::Deadlines;
use super::ring::Ring;
use super::room::Room;
use super::session::{DriverStep, Session};
use super::share::TurnShare;
use super::timed::{Due, TimedSession};
use super::workers::Ticket;
use crate::kit::accept::{Mode, accept_rest, refuse, settle};
use crate::kit::call::call;
use crate::kit::client::Client;
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{HELD_BYTES, LAST_WORD};

/// The connections of one ring.
pub struct RingConnections {
    site: &'static Site,
    tally: &'static Tally,
    connections: Slab<RingConnection>,
    clock: Clock,
    buffers: Buffers<'static>,
    deadlines: Deadlines,
    room: Room,
    serial: u64,
}

/// A connection, and what the kernel is doing for it.
struct RingConnection {
    /// Ends before its connection is closed.
    timed: TimedSession<'static>,
    stream: OwnedFd,
    serial: u64,
    receiving: bool,
    sending: bool,
    /// Bytes that came while the session could not take them in.
    held: Vec<u8>,
    /// There was no memory to hold what came, so there is a gap: the next request is refused.
    overfull: bool,
    ended: bool,
    is_cut: bool,
    /// A client that had ended its side was told that its request is worked on; the room watches it.
    is_reassured: bool,
    /// The connection is being closed; it stays until the kernel has finished with it.
    closing: bool,
}

impl RingConnections {
    /// An empty table.
    ///
    /// # Errors
    /// When the kernel has no descriptors left.
    pub fn new(site: &'static Site) -> io::Result<Self> {
        Ok(RingConnections {
            site,
            tally: site.tallies.of(0),
            connections: Slab::new(),
            clock: Clock::new(),
            buffers: Buffers::new(&site.memory),
            deadlines: Deadlines::new(),
            room: Room::new()?,
            serial: 0,
        })
    }

    /// Begins to watch the waiting room.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn open(&self, ring: &mut Ring) -> io::Result<()> {
        ring.watch_room(self.room.as_fd())
    }

    /// Takes in what has happened in the waiting room, and watches it again.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn listen(&mut self, ring: &mut Ring) -> io::Result<()> {
        self.room.listen()?;
        self.open(ring)
    }

    /// Goes on with requests for which something has happened in the waiting room.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn go_on(&mut self, ring: &mut Ring) -> io::Result<()> {
        while let Some(Ticket { index, .. }) = self.room.next_called() {
            // A ticket that is outdated asks for nothing.
            let Some(connection) = self.connections.get_mut(index) else { continue };
            connection.go_on(index, &self.clock, &self.room);
            self.carry(ring, index)?;
        }
        Ok(())
    }

    /// Reads the time anew.
    pub fn tick(&mut self) -> Instant {
        self.clock.tick()
    }

    /// The time of the last tick.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// How long it is until the next deadline; `None` when there is none.
    pub fn idle_for(&self) -> Option<Duration> {
        self.deadlines.idle_for(self.clock.now())
    }

    /// Takes in a connection, or refuses it when there is no place.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue, as in all functions that start an operation.
    pub fn admit(&mut self, ring: &mut Ring, stream: TcpStream) -> io::Result<()> {
        if !self.site.may_admit(self.connections.len()) {
            refuse(self.site, stream, self.tally);
            return Ok(());
        }
        settle(self.site, &stream, Mode::NonBlocking);
        let origin = self.site.origin_of(&stream);
        self.serial += 1;
        let index = self.connections.insert(RingConnection {
            stream: stream.into(),
            timed: TimedSession::new(Session::new(self.site, self.tally, origin, self.clock.now())),
            serial: self.serial,
            receiving: false,
            sending: false,
            held: Vec::new(),
            overfull: false,
            ended: false,
            is_cut: false,
            is_reassured: false,
            closing: false,
        });
        self.carry(ring, index)
    }

    /// Admits the connections that wait when the server stops.
    ///
    /// # Errors
    /// When the listener is broken, or as [`Self::admit`].
    pub fn admit_waiting(&mut self, ring: &mut Ring) -> io::Result<()> {
        accept_rest(self.site, &self.site.listener).try_for_each(|stream| self.admit(ring, stream?))
    }

    /// Takes in bytes that have arrived. They are copied, so that their buffer is free again.
    pub fn take(&mut self, index: usize, octets: &[u8]) {
        let connection = &mut self.connections[index];
        if connection.can_take(self.clock.now()) {
            connection.timed.session.borrow_memory(&mut self.buffers);
            connection.timed.session.receive(octets, self.clock.now());
        } else {
            connection.hold(octets);
        }
    }

    /// Notes that the peer will send no more.
    pub fn end(&mut self, index: usize) {
        self.connections[index].ended = true;
    }

    /// Notes that the connection is broken.
    pub fn give_up(&mut self, index: usize) {
        self.connections[index].closing = true;
    }

    /// Goes on after a receive has completed and its bytes were taken in. `goes_on` means that the same receive will
    /// complete again.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn received(&mut self, ring: &mut Ring, index: usize, goes_on: bool) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.receiving = goes_on;
        if connection.held.len() > HELD_BYTES && goes_on {
            ring.cancel_receive(index)?;
        }
        self.carry(ring, index)
    }

    /// Goes on after a send has completed.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn sent(&mut self, ring: &mut Ring, index: usize, result: Result<u32, Errno>) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.sending = false;
        match result {
            Ok(count) => {
                // While the session was being sent from, it could not be told that the server stops.
                if self.site.stop.is_requested() {
                    connection.timed.session.finish(self.clock.now());
                }
                connection.timed.session.advance(count as usize, self.clock.now());
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => connection.closing = true,
        }
        // What has come while the session was being sent from.
        connection.go_on(index, &self.clock, &self.room);
        self.carry(ring, index)
    }

    /// Handles all connections whose deadline has passed or whose held answer is due.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn handle_deadlines(&mut self, ring: &mut Ring) -> io::Result<()> {
        while let Some(index) = self.deadlines.due(self.clock.now()) {
            self.time_is_up(ring, index)?;
        }
        Ok(())
    }

    /// The server drains: the kernel accepts no more for it, idle connections are closed after a grace, busy ones
    /// after their next response.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn finish(&mut self, ring: &mut Ring) -> io::Result<()> {
        ring.cancel_accept()?;
        self.site.services.stop();
        let now = self.clock.now();
        let deadline = self.site.stop.deadline().unwrap_or(now);
        for index in self.places() {
            self.connections[index].timed.end_by(deadline.checked_sub(LAST_WORD).unwrap_or(now));
            // A connection that is being sent to is told when its send has completed.
            if !self.connections[index].sending {
                self.connections[index].timed.session.finish(self.clock.now());
                self.carry(ring, index)?;
            }
        }
        self.go_on(ring)
    }

    /// Closes all connections that are left.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn cut(&mut self, ring: &mut Ring) -> io::Result<()> {
        self.places().into_iter().try_for_each(|index| self.close(ring, index))
    }

    fn places(&self) -> Vec<usize> {
        self.connections.iter().map(|(index, _)| index).collect()
    }

    fn time_is_up(&mut self, ring: &mut Ring, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        connection.look_for_client();
        connection.look_behind(self.clock.now());
        let ticket = Ticket { index, serial: connection.serial };
        if connection.sending {
            let deadline = connection.timed.session.deadline();
            connection.closing |= deadline.is_some_and(|deadline| deadline <= self.clock.now());
        } else if connection.timed.due(&self.clock, &self.room, ticket) == Due::Deadline {
            connection.timed.session.handle_deadline(self.clock.now());
        }
        self.carry(ring, index)
    }

    /// Works on one connection until the kernel has to do something for it.
    fn carry(&mut self, ring: &mut Ring, index: usize) -> io::Result<()> {
        let now = self.clock.now();
        let mut share = TurnShare::new();
        loop {
            let connection = &mut self.connections[index];
            if connection.closing {
                return self.close(ring, index);
            }
            if connection.sending {
                break;
            }
            connection.take_held(now);
            // Once the share is used up, the responses are sent. The next turn begins when that send has completed,
            // behind the completions of other connections.
            if !share.is_used_up()
                && let Some(request) = connection.timed.session.next_request()
            {
                share.serve();
                let client = Some(connection.stream.as_fd());
                let reply = call(self.site, &request, self.tally, client, now);
                connection.look_behind(now);
                let ticket = Ticket { index, serial: connection.serial };
                connection.timed.take_reply(reply, &self.clock, &self.room, ticket);
                continue;
            }
            match connection.timed.session.next_step(now) {
                DriverStep::Close => return self.close(ring, index),
                DriverStep::Shut => ring.shut(connection.stream.as_fd(), Shutdown::Write),
                DriverStep::Store => connection.timed.session.store(now),
                DriverStep::Write => {
                    connection.sending = true;
                    // SAFETY: while `sending` is set nothing touches the session, and the connection is not removed.
                    unsafe {
                        let octets = share.part(connection.timed.session.pending());
                        ring.send(connection.stream.as_fd(), index, octets)?;
                    };
                    break;
                }
                DriverStep::Read if connection.ended => {
                    connection.timed.session.received(0, now);
                    connection.ended = false;
                }
                DriverStep::Read => {
                    if connection.timed.session.is_idle() {
                        connection.timed.session.return_memory(&mut self.buffers);
                    }
                    break;
                }
                DriverStep::Respond if connection.is_to_reassure() => {
                    // No receive is under way that would tell that the client has left.
                    let ticket = Ticket { index, serial: connection.serial };
                    self.room.watch_client(connection.stream.as_fd(), true, ticket);
                    connection.timed.session.reassure(now);
                }
                DriverStep::Respond => break,
            }
        }
        let connection = &mut self.connections[index];
        if !connection.receiving && !connection.ended && connection.held.len() <= HELD_BYTES {
            connection.receiving = true;
            ring.receive(connection.stream.as_fd(), index)?;
        }
        // A held reply cannot be given to the session while the kernel sends from it.
        match connection.timed.session.deadline() {
            Some(deadline) if connection.sending => self.deadlines.enter(index, deadline),
            None if connection.sending => {}
            _ => connection.timed.enter(index, &mut self.deadlines),
        }
        Ok(())
    }

    /// Ends a connection: at once when the kernel does nothing for it, else when the kernel's operations have
    /// completed.
    fn close(&mut self, ring: &mut Ring, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        if connection.receiving || connection.sending {
            // Ends the operations that wait on the socket, so that they complete now.
            if !connection.is_cut {
                connection.is_cut = true;
                ring.shut(connection.stream.as_fd(), Shutdown::Both);
            }
            connection.closing = true;
            return Ok(());
        }
        let RingConnection { mut timed, stream, .. } = self.connections.remove(index);
        self.deadlines.forget(index);
        timed.session.return_memory(&mut self.buffers);
        drop(timed);
        ring.close(stream)
    }
}

impl RingConnection {
    /// Whether its request waits and its client has ended its side. Once.
    fn is_to_reassure(&mut self) -> bool {
        let is_due = self.ended && !self.is_reassured && self.timed.is_holding();
        self.is_reassured |= is_due;
        is_due
    }

    /// Goes on with its held reply, unless the session must not be touched now.
    fn go_on(&mut self, index: usize, clock: &Clock, room: &Room) {
        if self.sending || !self.timed.is_holding() {
            return;
        }
        self.look_for_client();
        if !self.closing {
            self.look_behind(clock.now());
            self.timed.go_on(clock, room, Ticket { index, serial: self.serial });
        }
    }

    /// Looks whether the client has left: one that has ended its side is received from no more, and what is handed over
    /// to one that has left is lost to the others.
    fn look_for_client(&mut self) {
        if self.is_reassured || self.timed.is_waiting_for_others() {
            self.closing |= Client::of(self.stream.as_fd()) == Client::Left;
        }
    }

    /// Whether the session can take in bytes now: it is not being sent from, and it waits for bytes.
    fn can_take(&mut self, now: Instant) -> bool {
        !self.sending && self.held.is_empty() && self.timed.session.can_receive(now)
    }

    /// Holds bytes that the session cannot take in now, if there is memory for them.
    fn hold(&mut self, octets: &[u8]) {
        if self.overfull || self.timed.session.is_deaf() {
            return;
        }
        // While the memory grows the old one is there still.
        if self.timed.session.hold_besides(3 * (self.held.len() + octets.len())) {
            self.held.extend_from_slice(octets);
        } else if self.timed.session.is_secure() {
            self.closing = true;
        } else {
            self.overfull = true;
        }
    }

    /// Takes in what has arrived behind the request that is about to be answered, if the server stops.
    fn look_behind(&mut self, now: Instant) {
        if !self.sending && !self.held.is_empty() && self.timed.session.looks_behind() {
            self.timed.session.receive(&std::mem::take(&mut self.held), now);
            self.timed.session.hold_besides(0);
        }
    }

    fn take_held(&mut self, now: Instant) {
        if !self.held.is_empty() && self.timed.session.can_receive(now) {
            self.timed.session.receive(&std::mem::take(&mut self.held), now);
            self.timed.session.hold_besides(0);
        }
        if self.overfull && self.held.is_empty() && self.timed.session.can_receive(now) {
            self.overfull = false;
            self.timed.session.shed(now);
        }
    }
}
