//! Many connections carried by completions: the counterpart of [`super::reactor`] for a kernel that does the work itself.
//!
//! The rule that everything here serves: while the kernel sends, the session is not touched, for the octets are the
//! session's own; and a guest stays until the kernel has let go of it.

use std::io;
use std::net::TcpStream;
use std::os::fd::{IntoRawFd, RawFd};
use std::time::{Duration, Instant};

use dyno_http::connection::Want;
use dyno_http::response::Response;
use nix::errno::Errno;
use slab::Slab;

use super::accept::refuse;
use super::buffers::Buffers;
use super::call::call;
use super::clock::Clock;
use super::deadlines::Deadlines;
use super::ring::Ring;
use super::session::Session;
use super::site::Site;
use super::tally::Tally;
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
    session: Session<'static>,
    serial: u64,
    receiving: bool,
    sending: bool,
    /// Octets that came while the session could not take them.
    held: Vec<u8>,
    ended: bool,
    is_shut: bool,
    is_cut: bool,
    /// On its way out; it stays until the kernel has let go of it.
    closing: bool,
    answer: Option<Box<(Instant, Response)>>,
    /// The earliest entry in the heap of deadlines.
    entered: Option<Instant>,
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
            session: Session::new(self.site, self.tally, self.clock.now()),
            serial: self.serial,
            receiving: false,
            sending: false,
            held: Vec::new(),
            ended: false,
            is_shut: false,
            is_cut: false,
            closing: false,
            answer: None,
            entered: None,
        });
        self.carry(ring, index)
    }

    /// Octets have come; they are copied, so that their buffer is free again.
    pub fn take(&mut self, index: usize, octets: &[u8]) {
        let guest = &mut self.guests[index];
        if guest.can_take(self.clock.now()) {
            guest.session.borrow_memory(&mut self.buffers);
            guest.session.receive(octets, self.clock.now());
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
                    guest.session.finish(self.clock.now());
                }
                guest.session.advance(count as usize, self.clock.now());
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
            if guest.entered == Some(when) {
                guest.entered = None;
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
                self.guests[index].session.finish(self.clock.now());
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
        let now = self.clock.now();
        let guest = &mut self.guests[index];
        if let Some((_, response)) = guest.answer.take_if(|answer| answer.0 <= now).map(|answer| *answer) {
            self.respond(index, response);
        } else if guest.session.deadline().is_some_and(|deadline| deadline <= now) {
            if guest.sending {
                guest.closing = true;
            } else {
                guest.session.handle_deadline(now);
            }
        }
        self.carry(ring, index)
    }

    fn respond(&mut self, index: usize, response: Response) {
        let guest = &mut self.guests[index];
        if self.site.stop.is_requested() {
            guest.session.finish(self.clock.now());
        }
        guest.session.respond(response, &self.clock);
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
            if let Some(request) = guest.session.next_request() {
                let reply = call(self.site, &request, self.tally);
                match reply.wait {
                    Some(wait) => guest.answer = Some(Box::new((now + wait, reply.response))),
                    None => self.respond(index, reply.response),
                }
                continue;
            }
            match guest.session.want(now) {
                Want::Close => return self.close(ring, index),
                Want::Write => {
                    guest.sending = true;
                    // SAFETY: while `sending` is set nothing touches the session, and the guest is not removed.
                    unsafe { ring.send(guest.descriptor, index, guest.session.pending(now))? };
                    break;
                }
                want @ (Want::Read | Want::Linger) => {
                    if want == Want::Linger && !guest.is_shut {
                        guest.is_shut = true;
                        ring.shut(guest.descriptor, libc::SHUT_WR);
                    }
                    if guest.ended {
                        guest.session.received(0, now);
                        guest.ended = false;
                        continue;
                    }
                    if guest.session.is_idle() {
                        guest.session.return_memory(&mut self.buffers);
                    }
                    break;
                }
                Want::Respond => break,
            }
        }
        let guest = &mut self.guests[index];
        if !guest.receiving && !guest.ended && guest.held.len() <= HELD_BYTES {
            guest.receiving = true;
            ring.receive(guest.descriptor, index)?;
        }
        let serial = guest.serial;
        if let Some(deadline) = guest.deadline()
            && guest.entered.is_none_or(|entered| deadline < entered)
        {
            guest.entered = Some(deadline);
            self.deadlines.enter((index, serial), deadline);
        }
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
        guest.session.return_memory(&mut self.buffers);
        ring.close(guest.descriptor)
    }
}

impl Guest {
    /// Whether the session may be fed: nothing of it is being sent, and it waits for octets.
    fn can_take(&mut self, now: Instant) -> bool {
        !self.sending && self.held.is_empty() && matches!(self.session.want(now), Want::Read | Want::Linger)
    }

    fn take_held(&mut self, now: Instant) {
        if !self.held.is_empty() && matches!(self.session.want(now), Want::Read | Want::Linger) {
            self.session.receive(&std::mem::take(&mut self.held), now);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        match (self.answer.as_ref().map(|answer| answer.0), self.session.deadline()) {
            (Some(answer), Some(deadline)) => Some(answer.min(deadline)),
            (answer, deadline) => answer.or(deadline),
        }
    }
}
