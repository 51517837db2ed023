//! # Idea
//! Completions instead of readiness. The server does not ask which connections are ready and then read; it submits
//! operations, and the kernel reports when they are done. One system call carries many operations.
//!
//! # Picture
//! ```text
//!   submission queue: [ accept, receive c1, send c2, ... ] ---> kernel
//!                                                                 |  one call
//!   completion queue: [ c7 accepted, c1 got 40 bytes, ... ] <----+
//! ```
//!
//! # Price
//! Memory belongs to the kernel while an operation is under way: nothing may move or change until the completion has
//! come. The plain [arm](crate#glossary) starts each accept and each receive anew; the tuned arm starts them once
//! (multishot) and tells the kernel that only one thread uses the queues.
//!
//! # Shines
//! Under load: one system call serves two ready connections or two hundred. And it works for files as well as for
//! sockets.
//!
//! # Breaks
//! Where the kernel is old or the operator has forbidden io_uring, as many have after its vulnerabilities. At low
//! load there is nothing to batch. One thread uses one core, and a service that computes stops all. For some ten
//! milliseconds after a crash the port still takes connections that nobody will serve: the kernel takes a ring apart
//! in the background. Under overload control a request's age runs from its arrival in the kernel.
//!
//! # Lineage
//! Windows NT's completion ports (1994); POSIX aio, which never came to sockets; Axboe, Linux 5.1 (2019); multishot
//! since 5.19 and 6.0 (2022).
//!
//! # Question
//! A loop over epoll serves a batch of 32 ready connections. Which system calls does it make, and which are
//! left here?
//!
//! <details><summary>Answer</summary>
//!
//! With epoll there are 65: one wait, 32 reads, 32 writes. Here it is one: it submits the new operations and
//! fetches what is done. With one connection it is one call against three, so the difference shows under load.
//!
//! </details>

use std::io;
use std::mem;
use std::os::fd::{AsFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::completion::RingConnections;
use crate::drivers::ring::{Completion, Operation, Ring};
use crate::kit::accept::{Trouble, accepted, classify};
use crate::kit::complaint::exhausted;
use crate::kit::site::Site;
use crate::kit::stop::own;
use crate::limits::{EXHAUSTED_PAUSE, MAX_CONNECTIONS, RING_ENTRIES};

/// Completions instead of readiness.
pub const IO_URING: Architecture = Architecture {
    name: "io-uring",
    idea: "completions instead of readiness, many in one system call",
    family: Family::Completion,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::IoUring,
        served_by: ServedBy::Loops,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Nothing,
    },
    wall: "one core; kernels that are old or forbid it",
    knobs: &[Knob::Arm, Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("io_uring.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let mut ring = Ring::new(site.settings.arm)?;
    ring.watch_stop(site.stop.as_fd())?;
    ring.accept(site.listener.as_fd())?;
    let connections = RingConnections::new(site)?;
    connections.open(&mut ring)?;
    let mut server = Server { site, ring, connections, accept_again: None };
    site.ready(1);
    let ended = server.serve();
    if ended.is_err() && server.ring.settle().is_err() {
        // The kernel may still read from the sessions and write into the pool of buffers, so both are leaked on
        // purpose.
        mem::forget(server);
    }
    ended
}

struct Server {
    site: &'static Site,
    ring: Ring,
    connections: RingConnections,
    /// When to accept again after descriptors have run out.
    accept_again: Option<Instant>,
}

impl Server {
    /// Takes turns until the site is stopped, then drains.
    fn serve(&mut self) -> io::Result<()> {
        let mut done = Vec::with_capacity(RING_ENTRIES as usize);
        while !self.site.stop.is_requested() {
            self.turn(None, &mut done)?;
        }
        self.drain(&mut done)
    }

    /// Submits the queued operations, waits, and handles the completions.
    fn turn(&mut self, most: Option<Duration>, done: &mut Vec<Completion>) -> io::Result<()> {
        let now = self.connections.now();
        let accept_again = self.accept_again.map(|when| when.saturating_duration_since(now));
        let timeout = [most, self.connections.idle_for(), accept_again].into_iter().flatten().min();
        self.ring.wait(timeout, done)?;
        let now = self.connections.tick();
        for completion in done.iter() {
            match completion.operation {
                Operation::Accept => self.accepted(completion)?,
                Operation::Receive => self.received(completion)?,
                Operation::Send => {
                    self.connections.sent(&mut self.ring, completion.index, completion.result)?;
                }
                Operation::Room => self.connections.listen(&mut self.ring)?,
                Operation::Stop | Operation::Forget => {}
            }
        }
        self.connections.handle_deadlines(&mut self.ring)?;
        self.connections.go_on(&mut self.ring)?;
        if self.accept_again.is_some_and(|when| when <= now) && !self.site.stop.is_requested() {
            self.accept_again = None;
            self.ring.accept(self.site.listener.as_fd())?;
        }
        Ok(())
    }

    fn accepted(&mut self, completion: &Completion) -> io::Result<()> {
        match completion.result {
            Ok(descriptor) => {
                // SAFETY: the kernel has just made this descriptor for us.
                let stream = accepted(self.site, unsafe { own(descriptor as RawFd) });
                self.connections.admit(&mut self.ring, stream)?;
            }
            Err(error) => match classify(error) {
                Trouble::Exhausted if !self.site.stop.is_requested() => {
                    exhausted(&self.site.tallies, error);
                    self.accept_again = Some(self.connections.now() + EXHAUSTED_PAUSE);
                    return Ok(());
                }
                Trouble::Shut => return Ok(()),
                Trouble::Broken if error != Errno::ECANCELED => return Err(error.into()),
                _ => {}
            },
        }
        match (completion.goes_on, self.site.stop.is_requested()) {
            (true, _) => Ok(()),
            // Nobody else may have been woken for whoever came before the end of the accept.
            (false, true) => self.connections.admit_waiting(&mut self.ring),
            (false, false) => self.ring.accept(self.site.listener.as_fd()),
        }
    }

    fn received(&mut self, completion: &Completion) -> io::Result<()> {
        let index = completion.index;
        match (completion.result, completion.buffer) {
            (Ok(count), Some(buffer)) => {
                self.connections.take(index, self.ring.buffer(buffer, count));
                self.ring.give_back(buffer);
            }
            (Ok(_), None) => self.connections.end(index),
            // The pool is empty for the moment, or the receive was cancelled by us.
            (Err(Errno::ENOBUFS | Errno::ECANCELED | Errno::EINTR | Errno::EAGAIN), _) => {}
            (Err(_), _) => self.connections.give_up(index),
        }
        self.connections.received(&mut self.ring, index, completion.goes_on)
    }

    /// Idle connections are closed after a grace, busy ones after their next response, and all of them at the deadline.
    fn drain(&mut self, done: &mut Vec<Completion>) -> io::Result<()> {
        let deadline = self.site.stop.deadline().unwrap_or_else(Instant::now);
        // A time for accepting that has passed would end each wait at once.
        self.accept_again = None;
        self.connections.admit_waiting(&mut self.ring)?;
        self.connections.finish(&mut self.ring)?;
        while !(self.connections.is_empty() && self.ring.accepts_none()) && self.connections.now() < deadline
        {
            self.turn(Some(deadline - self.connections.now()), done)?;
        }
        self.connections.cut(&mut self.ring)?;
        while !self.connections.is_empty() {
            self.turn(None, done)?;
        }
        Ok(())
    }
}
