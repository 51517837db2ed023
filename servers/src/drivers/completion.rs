//! Many connections carried by completions: the counterpart of [`super::readiness`] for a kernel that does the work itself.
//!
//! The rule that everything here serves: while the kernel sends, the session is not touched, for the octets are the
//! session's own; and a guest stays until the kernel has let go of it.

use std::io;
use std::net::TcpStream;
use std::os::fd::{IntoRawFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use slab::Slab;

use super::buffers::Buffers;
use super::deadlines::Deadlines;
use super::ring::Ring;
use super::session::{Session, Step};
use super::timed::{Due, Timed};
use crate::kit::accept::refuse;
use crate::kit::call::call;
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::HELD_BYTES;

/// The connections of one ring.
pub struct Guests {
    site: &'static Site,
    tally: &'static Tally,
    guests: Slab<Guest>,
    clock: Clock,
    buffers: Buffers,
    deadlines: Deadlines<(usize, u64)>,
    serial: u64,
}

/// A connection, and what the kernel is doing for it.
struct Guest {
    descriptor: RawFd,
    timed: Timed<'static>,
    serial: u64,
    receiving: bool,
    sending: bool,
    /// Octets that came while the session could not take them.
    held: Vec<u8>,
    ended: bool,
    is_cut: bool,
    /// On its way out; it stays until the kernel has let go of it.
    closing: bool,
}

impl Guests {
    /// Nobody yet.
    pub fn new(site: &'static Site) -> Self {
        Guests {
            site,
            tally: site.tallies.of(0),
            guests: Slab::new(),
            clock: Clock::new(),
            buffers: Buffers::new(),
            deadlines: Deadlines::new(),
            serial: 0,
        }
    }

    /// Reads the time anew.
    pub fn tick(&mut self) -> Instant {
        self.clock.tick()
    }

    /// The time of the last tick.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.guests.is_empty()
    }

    /// How long no deadline will fall due; `None`: there is none.
    pub fn idle_for(&self) -> Option<Duration> {
        self.deadlines.idle_for(self.clock.now())
    }

    /// Takes in a connection, or turns it away where there is no place.
    ///
    /// # Errors
    /// As all that starts an operation: when the kernel refuses to take the queue.
    pub fn welcome(&mut self, ring: &mut Ring, stream: TcpStream) -> io::Result<()> {
        if self.guests.len() >= self.site.settings.max_connections {
            refuse(stream, self.tally);
            return Ok(());
        }
        self.serial += 1;
        let index = self.guests.insert(Guest {
            descriptor: stream.into_raw_fd(),
            timed: Timed::new(Session::new(self.site, self.tally, self.clock.now())),
            serial: self.serial,
            receiving: false,
            sending: false,
            held: Vec::new(),
            ended: false,
            is_cut: false,
            closing: false,
        });
        self.carry(ring, index)
    }

    /// Octets have come; they are copied, so that their buffer is free again.
    pub fn take(&mut self, index: usize, octets: &[u8]) {
        let guest = &mut self.guests[index];
        if guest.can_take(self.clock.now()) {
            guest.timed.session.borrow_memory(&mut self.buffers);
            guest.timed.session.receive(octets, self.clock.now());
        } else {
            guest.held.extend_from_slice(octets);
        }
    }

    /// The peer will send no more.
    pub fn end(&mut self, index: usize) {
        self.guests[index].ended = true;
    }

    /// The connection is broken.
    pub fn give_up(&mut self, index: usize) {
        self.guests[index].closing = true;
    }

    /// A receive has completed and been dealt with; `goes_on`: it will complete again.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn received(&mut self, ring: &mut Ring, index: usize, goes_on: bool) -> io::Result<()> {
        let guest = &mut self.guests[index];
        guest.receiving = goes_on;
        if guest.held.len() > HELD_BYTES && goes_on {
            ring.cancel_receive(index)?;
        }
        self.carry(ring, index)
    }

    /// A send has completed.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn sent(&mut self, ring: &mut Ring, index: usize, result: Result<u32, Errno>) -> io::Result<()> {
        let guest = &mut self.guests[index];
        guest.sending = false;
        match result {
            Ok(count) => {
                // While it was sending nobody could tell it that the server stops.
                if self.site.stop.is_requested() {
                    guest.timed.session.finish(self.clock.now());
                }
                guest.timed.session.advance(count as usize, self.clock.now());
            }
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => guest.closing = true,
        }
        self.carry(ring, index)
    }

    /// Looks after all whose time has come.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn handle_deadlines(&mut self, ring: &mut Ring) -> io::Result<()> {
        while let Some((when, (index, serial))) = self.deadlines.due(self.clock.now()) {
            let Some(guest) = self.guests.get_mut(index).filter(|guest| guest.serial == serial) else {
                continue;
            };
            if guest.timed.claim(when) {
                self.time_is_up(ring, index)?;
            }
        }
        Ok(())
    }

    /// The server drains: who is idle ends now, the others with their next answer.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn finish(&mut self, ring: &mut Ring) -> io::Result<()> {
        for index in self.everybody() {
            // Who is being sent to learns it with the next answer.
            if !self.guests[index].sending {
                self.guests[index].timed.session.finish(self.clock.now());
                self.carry(ring, index)?;
            }
        }
        Ok(())
    }

    /// Ends everybody who is still here.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn cut(&mut self, ring: &mut Ring) -> io::Result<()> {
        self.everybody().into_iter().try_for_each(|index| self.close(ring, index))
    }

    fn everybody(&self) -> Vec<usize> {
        self.guests.iter().map(|(index, _)| index).collect()
    }

    fn time_is_up(&mut self, ring: &mut Ring, index: usize) -> io::Result<()> {
        let guest = &mut self.guests[index];
        match guest.timed.due(&self.clock) {
            Due::Deadline if guest.sending => guest.closing = true,
            Due::Deadline => guest.timed.session.handle_deadline(self.clock.now()),
            Due::Answer | Due::Nothing => {}
        }
        self.carry(ring, index)
    }

    /// Carries one guest as far as it gets until the kernel has to do something.
    fn carry(&mut self, ring: &mut Ring, index: usize) -> io::Result<()> {
        let now = self.clock.now();
        loop {
            let guest = &mut self.guests[index];
            if guest.closing {
                return self.close(ring, index);
            }
            if guest.sending {
                break;
            }
            guest.take_held(now);
            if let Some(request) = guest.timed.session.next_request() {
                let reply = call(self.site, &request, self.tally);
                guest.timed.take_reply(reply, &self.clock);
                continue;
            }
            match guest.timed.session.next_step(now) {
                Step::Close => return self.close(ring, index),
                Step::Shut => ring.shut(guest.descriptor, libc::SHUT_WR),
                Step::Write => {
                    guest.sending = true;
                    // SAFETY: while `sending` is set nothing touches the session, and the guest is not removed.
                    unsafe { ring.send(guest.descriptor, index, guest.timed.session.pending(now))? };
                    break;
                }
                Step::Read if guest.ended => {
                    guest.timed.session.received(0, now);
                    guest.ended = false;
                }
                Step::Read => {
                    if guest.timed.session.is_idle() {
                        guest.timed.session.return_memory(&mut self.buffers);
                    }
                    break;
                }
                Step::Respond => break,
            }
        }
        let guest = &mut self.guests[index];
        if !guest.receiving && !guest.ended && guest.held.len() <= HELD_BYTES {
            guest.receiving = true;
            ring.receive(guest.descriptor, index)?;
        }
        guest.timed.enter((index, guest.serial), &mut self.deadlines);
        Ok(())
    }

    /// Ends a guest: at once when the kernel does nothing for it, else when that has reported back.
    fn close(&mut self, ring: &mut Ring, index: usize) -> io::Result<()> {
        let guest = &mut self.guests[index];
        if guest.receiving || guest.sending {
            // Whatever waits on it comes back now.
            if !guest.is_cut {
                guest.is_cut = true;
                ring.shut(guest.descriptor, libc::SHUT_RDWR);
            }
            guest.closing = true;
            return Ok(());
        }
        let mut guest = self.guests.remove(index);
        guest.timed.session.return_memory(&mut self.buffers);
        ring.close(guest.descriptor)
    }
}

impl Guest {
    /// Whether the session may be fed: nothing of it is being sent, and it waits for octets.
    fn can_take(&mut self, now: Instant) -> bool {
        !self.sending && self.held.is_empty() && self.timed.session.can_receive(now)
    }

    fn take_held(&mut self, now: Instant) {
        if !self.held.is_empty() && self.timed.session.can_receive(now) {
            self.timed.session.receive(&std::mem::take(&mut self.held), now);
        }
    }
}
