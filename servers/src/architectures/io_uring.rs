//! # Idea
//! Completions instead of readiness. The server does not ask who is ready and then read; it says what it wants done, and
//! is told when it has been done. Many operations travel in one system call.
//!
//! # Picture
//! ```text
//!   submission queue: [ accept, receive c1, send c2, ... ] ---> kernel
//!                                                                 |  one system call for all
//!   completion queue: [ c7 accepted, c1 got 40 octets, ... ] <----+
//! ```
//!
//! # Price
//! Memory that belongs to the kernel while an operation is under way: nothing may move or change until it has reported
//! back. The plain arm starts each accept and each receive anew; the tuned arm starts them once (multishot) and tells the
//! kernel that one thread alone uses the queues.
//!
//! # Shines
//! Under load: two connections ready or two hundred, one call. And it does files as well as sockets.
//!
//! # Breaks
//! Where the kernel is old or the operator has forbidden it, as many have after its run of vulnerabilities. At low load it
//! batches nothing. One thread uses one core.
//!
//! # Lineage
//! Windows NT's completion ports (1994); POSIX aio, which sockets never got; Axboe, Linux 5.1 (2019); multishot since 5.19
//! and 6.0 (2022).

use std::io;
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, RawFd};
use std::time::{Duration, Instant};

use dyno_http::connection::Want;
use dyno_http::response::Response;
use nix::errno::Errno;
use slab::Slab;

use crate::architecture::{Architecture, Concurrency, Defaults, Family, Knob};
use crate::kit::accept::{Trouble, classify, refuse};
use crate::kit::buffers::Buffers;
use crate::kit::call::call;
use crate::kit::clock::Clock;
use crate::kit::deadlines::Deadlines;
use crate::kit::ring::{Completion, Operation, Ring};
use crate::kit::session::Session;
use crate::kit::site::Site;
use crate::kit::stop::own;
use crate::kit::tally::Tally;
use crate::limits::{EXHAUSTED_PAUSE, HELD_BYTES, MAX_CONNECTIONS, RING_ENTRIES};

/// Completions instead of readiness.
pub const IO_URING: Architecture = Architecture {
    name: "io-uring",
    idea: "completions instead of readiness, many in one system call",
    family: Family::Completion,
    concurrency: Concurrency::Many,
    wall: "one core; kernels that are old or forbid it",
    knobs: &[Knob::Arm, Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let mut server = Server {
        site,
        tally: site.tallies.of(0),
        ring: Ring::new(site.settings.arm)?,
        guests: Slab::new(),
        clock: Clock::new(),
        buffers: Buffers::new(),
        deadlines: Deadlines::new(),
        serial: 0,
        accept_again: None,
    };
    server.ring.watch_stop(site.stop.as_fd().as_raw_fd())?;
    server.ring.accept(site.listener.as_raw_fd())?;
    let mut done = Vec::with_capacity(RING_ENTRIES as usize);
    while !site.stop.is_requested() {
        server.turn(None, &mut done)?;
    }
    server.drain(&mut done)
}

struct Server {
    site: &'static Site,
    tally: &'static Tally,
    ring: Ring,
    guests: Slab<Guest>,
    clock: Clock,
    buffers: Buffers,
    deadlines: Deadlines<(usize, u64)>,
    serial: u64,
    /// Descriptors have run out; not before then.
    accept_again: Option<Instant>,
}

/// A connection, and what the kernel is doing for it. While it sends, its session must not be touched: the octets are the
/// session's own.
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
    /// On its way out; it stays until the kernel has let go of it.
    closing: bool,
    answer: Option<Box<(Instant, Response)>>,
    /// The earliest entry in the heap of deadlines.
    entered: Option<Instant>,
}

impl Server {
    fn turn(&mut self, most: Option<Duration>, done: &mut Vec<Completion>) -> io::Result<()> {
        let now = self.clock.now();
        let accept_again = self.accept_again.map(|when| when.saturating_duration_since(now));
        let patience = [most, self.deadlines.idle_for(now), accept_again].into_iter().flatten().min();
        self.ring.wait(patience, done)?;
        let now = self.clock.tick();
        for completion in done.iter() {
            match completion.operation {
                Operation::Accept => self.accepted(completion)?,
                Operation::Receive => self.received(completion)?,
                Operation::Send => self.sent(completion)?,
                Operation::Stop | Operation::Forget => {}
            }
        }
        while let Some((when, (index, serial))) = self.deadlines.due(now) {
            let Some(guest) = self.guests.get_mut(index).filter(|guest| guest.serial == serial) else {
                continue;
            };
            if guest.entered == Some(when) {
                guest.entered = None;
                self.time_is_up(index)?;
            }
        }
        if self.accept_again.is_some_and(|when| when <= now) && !self.site.stop.is_requested() {
            self.accept_again = None;
            self.ring.accept(self.site.listener.as_raw_fd())?;
        }
        Ok(())
    }

    /// Who is idle ends now, the others with their next answer, and at the deadline all do.
    fn drain(&mut self, done: &mut Vec<Completion>) -> io::Result<()> {
        let deadline = self.site.stop.deadline().unwrap_or_else(Instant::now);
        for index in self.guests.iter().map(|(index, _)| index).collect::<Vec<_>>() {
            let guest = &mut self.guests[index];
            if !guest.sending {
                guest.session.finish(self.clock.now());
                self.carry(index)?;
            }
        }
        while !self.guests.is_empty() && self.clock.now() < deadline {
            self.turn(Some(deadline - self.clock.now()), done)?;
        }
        for (_, guest) in &self.guests {
            self.ring.shut(guest.descriptor, libc::SHUT_RDWR)?;
        }
        while !self.guests.is_empty() {
            for index in self.guests.iter().map(|(index, _)| index).collect::<Vec<_>>() {
                self.close(index)?;
            }
            self.turn(Some(Duration::from_millis(10)), done)?;
        }
        Ok(())
    }

    fn accepted(&mut self, completion: &Completion) -> io::Result<()> {
        match completion.result {
            // SAFETY: the kernel has just made this descriptor for us.
            Ok(descriptor) => self.welcome(unsafe { own(descriptor as RawFd) }.into())?,
            Err(error) => match classify(error) {
                Trouble::Exhausted => {
                    self.accept_again = Some(self.clock.now() + EXHAUSTED_PAUSE);
                    return Ok(());
                }
                Trouble::Shut => return Ok(()),
                Trouble::Broken if error != Errno::ECANCELED => return Err(error.into()),
                _ => {}
            },
        }
        if completion.goes_on || self.site.stop.is_requested() {
            return Ok(());
        }
        self.ring.accept(self.site.listener.as_raw_fd())
    }

    fn welcome(&mut self, stream: std::net::TcpStream) -> io::Result<()> {
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
            closing: false,
            answer: None,
            entered: None,
        });
        self.carry(index)
    }

    fn received(&mut self, completion: &Completion) -> io::Result<()> {
        let index = completion.index;
        let guest = &mut self.guests[index];
        guest.receiving = completion.goes_on;
        match (completion.result, completion.buffer) {
            (Ok(count), Some(buffer)) => {
                let octets = self.ring.buffer(buffer, count);
                if guest.can_take(self.clock.now()) {
                    guest.session.borrow_memory(&mut self.buffers);
                    guest.session.receive(octets, self.clock.now());
                } else {
                    guest.held.extend_from_slice(octets);
                }
                self.ring.give_back(buffer);
                if guest.held.len() > HELD_BYTES && guest.receiving {
                    self.ring.cancel_receive(index)?;
                }
            }
            (Ok(_), None) => guest.ended = true,
            // The pool is empty for the moment, or we have asked it to stop.
            (Err(Errno::ENOBUFS | Errno::ECANCELED | Errno::EINTR | Errno::EAGAIN), _) => {}
            (Err(_), _) => guest.closing = true,
        }
        self.carry(index)
    }

    fn sent(&mut self, completion: &Completion) -> io::Result<()> {
        let guest = &mut self.guests[completion.index];
        guest.sending = false;
        match completion.result {
            Ok(count) => guest.session.advance(count as usize, self.clock.now()),
            Err(Errno::EINTR | Errno::EAGAIN) => {}
            Err(_) => guest.closing = true,
        }
        self.carry(completion.index)
    }

    fn time_is_up(&mut self, index: usize) -> io::Result<()> {
        let now = self.clock.now();
        let guest = &mut self.guests[index];
        if let Some((_, response)) = guest.answer.take_if(|answer| answer.0 <= now).map(|answer| *answer) {
            self.respond(index, response);
        } else if guest.sending {
            // Nothing but the end of the operation may touch the session now.
            guest.closing = guest.session.deadline().is_some_and(|deadline| deadline <= now);
        } else if guest.session.deadline().is_some_and(|deadline| deadline <= now) {
            guest.session.handle_deadline(now);
        }
        self.carry(index)
    }

    fn respond(&mut self, index: usize, response: Response) {
        let guest = &mut self.guests[index];
        if self.site.stop.is_requested() {
            guest.session.finish(self.clock.now());
        }
        guest.session.respond(response, &self.clock);
    }

    /// Carries one guest as far as it gets until the kernel has to do something.
    fn carry(&mut self, index: usize) -> io::Result<()> {
        let now = self.clock.now();
        loop {
            let guest = &mut self.guests[index];
            if guest.closing {
                return self.close(index);
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
                Want::Close => return self.close(index),
                Want::Write => {
                    guest.sending = true;
                    // SAFETY: while `sending` is set nothing touches the session, and the guest is not removed.
                    unsafe { self.ring.send(guest.descriptor, index, guest.session.pending(now))? };
                    break;
                }
                want @ (Want::Read | Want::Linger) => {
                    if want == Want::Linger && !guest.is_shut {
                        guest.is_shut = true;
                        self.ring.shut(guest.descriptor, libc::SHUT_WR)?;
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
            self.ring.receive(guest.descriptor, index)?;
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
    fn close(&mut self, index: usize) -> io::Result<()> {
        let guest = &mut self.guests[index];
        if guest.receiving || guest.sending {
            if !guest.closing || !guest.is_shut {
                guest.is_shut = true;
                self.ring.shut(guest.descriptor, libc::SHUT_RDWR)?;
            }
            guest.closing = true;
            return Ok(());
        }
        let mut guest = self.guests.remove(index);
        guest.session.return_memory(&mut self.buffers);
        self.ring.close(guest.descriptor)
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
