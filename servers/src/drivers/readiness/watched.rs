//! A connection of a readiness loop.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::time::Instant;

use super::TurnEnd;
use crate::drivers::selector::Interest;
use crate::drivers::share::TurnShare;
use crate::drivers::timed::TimedSession;
use crate::kit::client::Client;

/// A connection that the selector watches.
pub struct Watched<'a> {
    /// The session, with its deadlines. It ends before its connection is closed.
    pub timed: TimedSession<'a>,
    /// The connection itself.
    pub stream: TcpStream,
    pub(super) serial: u64,
    pub(super) interest: Interest,
    /// Whether there may be bytes to read.
    pub(super) readable: bool,
    /// Whether the peer has sent its last byte. Then a short read does not mean that the socket is empty.
    pub(super) ended: bool,
    /// Whether no answer can reach the peer any more.
    pub(super) gone: bool,
    /// Whether a client that had ended its side was told that its request is worked on.
    pub(super) is_reassured: bool,
    /// Its turn ended for fairness' sake, and its next one is planned.
    pub(super) is_unfinished: bool,
}

impl Watched<'_> {
    /// Whether no answer can reach the peer any more.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Looks whether the client of a request that waits for others has left: what is handed over to it would be lost.
    pub(super) fn look_for_client(&mut self, now: Instant) {
        if self.timed.is_waiting_for_others() {
            self.look_at_client(now);
        }
    }

    /// Looks what has become of the client of a request that waits, and asks one that may have left.
    pub(super) fn look_at_client(&mut self, now: Instant) {
        let client = Client::of(self.stream.as_fd());
        self.ended |= client != Client::Stays;
        if client == Client::Ended && self.reassure(now, false) {
            // What the kernel does not take now goes out with the connection's turn.
            let _ = self.write(now, &mut TurnShare::new());
        }
        self.gone |= Client::of(self.stream.as_fd()) == Client::Left;
    }

    /// Takes in what has arrived behind the request that is about to be answered, if the server stops.
    pub fn look_behind(&mut self, now: Instant) {
        self.timed.session.look_behind(self.stream.as_fd(), now);
    }

    /// Whether the peer has sent its last byte.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What to watch for while a request is worked on.
    pub fn until_answered(&self) -> TurnEnd {
        TurnEnd::Wait(if self.ended { Interest::Reset } else { Interest::End })
    }

    /// A request waits, here or with a worker, whose client has ended its side: tells it once that the request is
    /// worked on, because one that has left answers that with a reset.
    ///
    /// # Returns
    /// Whether there is something to write.
    pub fn reassure(&mut self, now: Instant, waits_with_worker: bool) -> bool {
        let is_due = !self.is_reassured && (waits_with_worker || self.timed.is_holding());
        self.is_reassured |= is_due;
        is_due && self.timed.session.reassure(now)
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

    /// Has a part of an upload stored; the loop waits for the disk. The connection can go on.
    pub fn store(&mut self, now: Instant) -> Option<TurnEnd> {
        self.timed.session.store(now);
        None
    }

    /// Tells the peer that nothing more will come.
    pub fn shut(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}
