//! # Idea
//! User-level threads on one kernel thread (many to one). Each connection has a coroutine with a stack of its own,
//! which runs the same blocking [driver](crate#glossary) as a kernel thread would. Where a kernel thread would block,
//! the coroutine switches to the scheduler, a loop over epoll, which resumes another.
//!
//! # Picture
//! ```text
//!              resume                       suspend(what I wait for)
//!   scheduler ---------> coroutine 3: read ----------+
//!       ^                                            |
//!       +--------------------------------------------+
//!       epoll: which are ready? which deadlines have passed?
//! ```
//!
//! # Price
//! The event loop's, plus a switch of stacks for each wait (a dozen instructions, no system call), plus a stack for
//! each connection: a page or two touched, more reserved.
//!
//! # Shines
//! Code that reads from top to bottom at nearly the speed of a loop of callbacks.
//!
//! # Breaks
//! As every loop: a service that computes stops all, and one thread uses one core. The stack size must be guessed.
//! Under overload control a request's age runs from its arrival in the kernel.
//!
//! # Lineage
//! Conway (1963) coined the word; GNU Pth (1999), State Threads, Capriccio (von Behren et al., 2003); today Go's
//! goroutines and Java's virtual threads, both many to many.
//!
//! # Question
//! A coroutine reads from a socket that has no bytes. How many system calls and how many switches of the
//! kernel's are needed to go on with another one?
//!
//! <details><summary>Answer</summary>
//!
//! One read, which says that it would have to wait, and no switch of the kernel's. The stack is changed by a
//! dozen instructions in the same thread; the kernel never learns that there are two.
//!
//! </details>

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use corosensei::CoroutineResult;
use corosensei::stack::DefaultStack;
use slab::Slab;

use super::readiness::epoll::Epoll;
use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::blocking;
use crate::drivers::deadlines::Deadlines;
use crate::drivers::fiber::{Fiber, FiberPlace, Wait, Wake, WakeReason, YieldingWire};
use crate::drivers::room::Room;
use crate::drivers::selector::{Ready, Selector};
use crate::drivers::workers::Ticket;
use crate::kit::accept::{Accepted, Mode, accept_once, refuse};
use crate::kit::site::Site;
use crate::limits::{COROUTINE_STACK_BYTES, EVENTS_PER_WAIT, EXHAUSTED_PAUSE, MAX_COROUTINES, POOLED_STACKS};

/// User-level threads.
pub const COROUTINES: Architecture = Architecture {
    name: "coroutines",
    idea: "user-level threads on one kernel thread (many to one)",
    family: Family::Tasks,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Epoll,
        served_by: ServedBy::Coroutines,
        started: Started::Coroutine,
        hand_overs: HandOvers::Never,
        shares: Shares::Nothing,
    },
    wall: "one core, and a stack for each connection",
    knobs: &[Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_COROUTINES, queue_places: 0 },
    source: include_str!("coroutines.rs"),
    run,
};

const LISTENER: usize = usize::MAX;
const STOP: usize = usize::MAX - 1;
const ROOM: usize = usize::MAX - 4;

fn run(site: &'static Site) -> io::Result<()> {
    site.listener.set_nonblocking(true)?;
    let mut scheduler = Scheduler {
        site,
        epoll: Epoll::new()?,
        room: Room::new()?,
        started: 0,
        fibers: Slab::new(),
        deadlines: Deadlines::new(),
        stacks: Vec::new(),
    };
    // SAFETY: the first two belong to the site, which outlives the scheduler, and the room is dropped after epoll.
    unsafe {
        scheduler.epoll.add(site.listener.as_fd(), LISTENER)?;
        scheduler.epoll.add(site.stop.as_fd(), STOP)?;
        scheduler.epoll.add(scheduler.room.as_fd(), ROOM)?;
    }
    let (mut ready, mut pause) = (Vec::with_capacity(EVENTS_PER_WAIT), None);
    site.ready(1);
    while !site.stop.is_requested() {
        let idle_for = scheduler.deadlines.idle_for(Instant::now());
        scheduler.epoll.wait(pause.or(idle_for), &mut ready)?;
        if pause.take().is_some() | scheduler.dispatch(&ready)? {
            pause = scheduler.accept()?;
        }
    }
    scheduler.drain(&mut ready)
}

struct Scheduler {
    site: &'static Site,
    epoll: Epoll,
    /// Where requests wait for others.
    room: Room,
    /// Coroutines so far.
    started: u64,
    fibers: Slab<FiberPlace>,
    deadlines: Deadlines,
    /// Stacks of coroutines that have ended, kept because making one costs two system calls.
    stacks: Vec<DefaultStack>,
}

impl Scheduler {
    /// Accepts all connections that wait; returns how long to pause when descriptors have run out.
    fn accept(&mut self) -> io::Result<Option<Duration>> {
        loop {
            match accept_once(self.site, &self.site.listener, Mode::NonBlocking)? {
                Accepted::Connection(stream) => self.start(stream),
                Accepted::Exhausted => return Ok(Some(EXHAUSTED_PAUSE)),
                Accepted::Nobody | Accepted::Stopped => return Ok(None),
            }
        }
    }

    fn start(&mut self, stream: TcpStream) {
        let site = self.site;
        let tally = site.tallies.of(0);
        let stack = self.stacks.pop().map_or_else(|| DefaultStack::new(COROUTINE_STACK_BYTES), Ok);
        let (true, Ok(stack)) = (site.may_admit(self.fibers.len()), stack) else {
            return refuse(site, stream, tally);
        };
        let index = self.fibers.vacant_key();
        // SAFETY: epoll forgets a connection by itself when it is closed (epoll(7)).
        if unsafe { self.epoll.add(stream.as_fd(), index) }.is_err() {
            return refuse(site, stream, tally);
        }
        self.started += 1;
        let (caller, ticket) = (self.room.caller(), Ticket::new(index, self.started));
        let stream = Rc::new(stream);
        let connection = Rc::clone(&stream);
        let mut fiber = Fiber::with_stack(stack, move |yielder, _| {
            let mut wire = YieldingWire::new(connection, yielder, caller, ticket);
            blocking::serve(&mut wire, site, tally);
        });
        match fiber.resume(Wake::first()) {
            CoroutineResult::Return(()) => self.stacks.push(fiber.into_stack()),
            CoroutineResult::Yield(wait) => {
                self.fibers.insert(FiberPlace::new(fiber, stream, ticket, wait));
                self.wait(index, wait, Instant::now());
            }
        }
    }

    fn resume(&mut self, index: usize, reason: WakeReason) {
        let place = &mut self.fibers[index];
        let news = std::mem::take(&mut place.news);
        match place.fiber.resume(Wake { reason, news }) {
            CoroutineResult::Yield(wait) => self.wait(index, wait, Instant::now()),
            CoroutineResult::Return(()) => {
                let place = self.fibers.remove(index);
                self.deadlines.forget(index);
                if self.stacks.len() < POOLED_STACKS {
                    self.stacks.push(place.fiber.into_stack());
                }
            }
        }
    }

    fn wait(&mut self, index: usize, wait: Wait, now: Instant) {
        let place = &mut self.fibers[index];
        place.deadline = now + wait.timeout.min(Duration::from_secs(3600));
        place.watch_own(wait, &self.room);
        if place.wait.interest != wait.interest {
            // If the kernel refuses, the deadline still wakes the coroutine.
            // SAFETY: as where it was added.
            let _ = unsafe { self.epoll.change(place.stream.as_fd(), index, wait.interest) };
        }
        place.wait = wait;
        self.deadlines.enter(index, place.deadline);
    }

    /// Resumes coroutines that are ready or whose time is up; returns whether there are connections to accept.
    fn dispatch(&mut self, ready: &[Ready]) -> io::Result<bool> {
        let mut knocked = false;
        for event in ready {
            match event.token {
                LISTENER => knocked = true,
                STOP => {}
                ROOM => self.room.listen()?,
                index => {
                    let Some(place) = self.fibers.get_mut(index) else { continue };
                    place.news.note(event);
                    if place.wants(event) {
                        self.resume(index, WakeReason::Ready);
                    }
                }
            }
        }
        let now = Instant::now();
        while let Some(index) = self.deadlines.due(now) {
            match self.fibers[index].deadline {
                // The deadline has moved since it was entered.
                later if later > now => self.deadlines.enter(index, later),
                _ => self.resume(index, WakeReason::TimeIsUp),
            }
        }
        while let Some(ticket) = self.room.next_called() {
            if self.fibers.get(ticket.index()).is_some_and(FiberPlace::may_be_called) {
                self.resume(ticket.index(), WakeReason::Called);
            }
        }
        Ok(knocked)
    }

    /// Idle connections end after a grace, busy ones with their next response. Dropping the rest unwinds their stacks.
    fn drain(&mut self, ready: &mut Vec<Ready>) -> io::Result<()> {
        let deadline = self.site.stop.deadline().unwrap_or_else(Instant::now);
        self.accept()?;
        self.site.services.stop();
        let idle: Vec<_> = self.fibers.iter().filter(|(_, p)| p.wait.idle).map(|(at, _)| at).collect();
        idle.into_iter().for_each(|index| self.resume(index, WakeReason::Stop));
        self.dispatch(&[])?;
        while !self.fibers.is_empty() && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            let idle_for = self.deadlines.idle_for(Instant::now()).unwrap_or(left);
            self.epoll.wait(Some(left.min(idle_for)), ready)?;
            self.dispatch(ready)?;
        }
        Ok(())
    }
}
