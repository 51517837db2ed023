//! The connections of a pool, which has fewer workers than connections.
//!
//! As long as there are workers enough, each serves its connection by calls that wait, and nothing happens here. Once
//! connections wait for a worker, no worker waits for a client any more: a conversation that would wait is handed back
//! to the crew. It waits here without a worker, watched by epoll, until its client has sent something, has room for
//! more of the answer, or is too late. So slow and silent clients, and handshakes that do not go on, hold a place in a
//! table and no worker.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use slab::Slab;

use super::blocking::{BlockingWire, Conversation, Pause, Wire};
use super::selector::Interest;
use crate::kit::accept::{Accepted, Mode, accept_once, refuse};
use crate::kit::shortage::get_over;
use crate::kit::site::Site;
use crate::kit::stop::has_waiting;
use crate::kit::tally::Tally;
use crate::limits::{CREW_CONNECTIONS, CROWD_LOOK, CROWD_TICK, EXHAUSTED_PAUSE};
use crate::trace::event::TracePoint;

/// The workers of a pool, and the connections that wait without one.
pub struct Crew {
    site: &'static Site,
    workers: AtomicUsize,
    epoll: Epoll,
    /// Wakes whoever waits in [`Crew::next`].
    knock: EventFd,
    table: Mutex<Table>,
    /// All connections of the crew: waiting for a worker, served, and waiting for their clients.
    open: AtomicUsize,
}

/// The connections without a worker.
struct Table {
    guests: Slab<Guest>,
    /// Those that can go on at once.
    ready: VecDeque<usize>,
    next_look: Instant,
    /// When to watch the listener again after descriptors have run out.
    accept_again: Option<Instant>,
    is_draining: bool,
}

/// A connection, which any worker of the crew can serve for a while.
pub struct Guest {
    /// `None` before the first worker has taken it up. It ends before its connection is closed.
    talk: Option<Conversation<'static>>,
    wire: BlockingWire<'static>,
    accepted: Instant,
    watch: Watch,
}

/// What epoll does for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// It does not know it.
    Nothing,
    /// It knows it, and reports nothing.
    Known,
    /// It reports what happens next.
    Armed,
}

const LISTENER: u64 = u64::MAX;
const KNOCK: u64 = u64::MAX - 1;
const STOP: u64 = u64::MAX - 2;

/// One of the crews that share the listener is woken for each connection, and not all of them. But where one server
/// follows the other it could be the one that goes and leaves the connection to the other, which would not be woken.
fn listening(site: &Site) -> EpollEvent {
    let alone = if site.sharing.is_in_turn() { EpollFlags::empty() } else { EpollFlags::EPOLLEXCLUSIVE };
    EpollEvent::new(EpollFlags::EPOLLIN | alone, LISTENER)
}

impl Crew {
    /// A crew of so many workers, which share this value; for processes that share only the listener each is a crew of
    /// one.
    ///
    /// # Errors
    /// When the kernel has no descriptors left.
    pub fn new(site: &'static Site, workers: usize) -> io::Result<Self> {
        let once = EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let knock = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        site.listener.set_nonblocking(true)?;
        epoll.add(&site.listener, listening(site))?;
        epoll.add(&knock, EpollEvent::new(EpollFlags::EPOLLIN, KNOCK))?;
        epoll.add(site.stop, EpollEvent::new(once, STOP))?;
        let (guests, ready) = (Slab::new(), VecDeque::new());
        let table =
            Table { guests, ready, next_look: Instant::now(), accept_again: None, is_draining: false };
        let table = Mutex::new(table);
        let workers = AtomicUsize::new(workers);
        Ok(Crew { site, workers, epoll, knock, table, open: AtomicUsize::new(0) })
    }

    /// Corrects the number of workers: the system may not have allowed all.
    pub fn muster(&self, workers: usize) {
        self.workers.store(workers, SeqCst);
    }

    /// The next connection that needs a worker: one that was accepted, or one that can go on. `None`: the server has
    /// stopped and nobody is left, or its time is over. Only one thread at a time may wait here.
    ///
    /// # Errors
    /// When the listener is broken.
    pub fn next(&self) -> io::Result<Option<Guest>> {
        let guest = self.wait_for_next()?;
        if let Some(guest) = &guest {
            guest.note(self.site, TracePoint::Queued);
        }
        Ok(guest)
    }

    fn wait_for_next(&self) -> io::Result<Option<Guest>> {
        loop {
            if let Some(guest) = self.take_ready() {
                return Ok(Some(guest));
            }
            if self.site.stop.is_requested() {
                if let Some(guest) = self.accept()? {
                    return Ok(Some(guest));
                }
                self.begin_to_drain();
            }
            if self.lock().is_draining {
                let time_is_over = self.site.stop.deadline().is_some_and(|end| end <= Instant::now());
                if time_is_over || self.open.load(SeqCst) == 0 {
                    return Ok(None);
                }
            }
            let mut events = [EpollEvent::empty()];
            match self.epoll.wait(&mut events, self.timeout()) {
                Ok(0) => {}
                Err(error) => get_over(error, None)?,
                Ok(_) => match events[0].data() {
                    LISTENER => {
                        if let Some(guest) = self.accept()? {
                            return Ok(Some(guest));
                        }
                    }
                    KNOCK => drop(self.knock.read()),
                    STOP => {}
                    place => {
                        if let Some(mut guest) = self.lock().guests.try_remove(place as usize) {
                            guest.watch = Watch::Known;
                            if let Some(talk) = &mut guest.talk
                                && self.site.admission.is_some()
                            {
                                talk.called(Instant::now());
                            }
                            return Ok(Some(guest));
                        }
                    }
                },
            }
        }
    }

    /// Serves a connection until it ends, or until it waits for its client while others wait for this worker.
    pub fn serve(&self, mut guest: Guest, tally: &'static Tally) {
        if guest.talk.is_some() {
            guest.note(self.site, TracePoint::Taken);
        }
        let Guest { wire, talk, accepted, .. } = &mut guest;
        let begin = || Conversation::new(self.site, self.site.origin_of(wire.stream()), tally, *accepted);
        let talk = talk.get_or_insert_with(begin);
        let next_look = Instant::now() + CROWD_LOOK;
        let mut wire = LentWire { wire, crew: self, next_look, is_crowded: false };
        match talk.go_on(&mut wire, self.site, tally) {
            Pause::Ended => {
                drop(guest);
                self.ended();
            }
            Pause::Ready => {
                let mut table = self.lock();
                let place = table.guests.insert(guest);
                table.ready.push_back(place);
                drop(table);
                self.wake();
            }
            Pause::Waits(interest) => {
                talk.free_memory();
                self.park(guest, interest);
            }
        }
    }

    /// Lets a connection wait for its client without a worker.
    fn park(&self, mut guest: Guest, interest: Interest) {
        let side = if interest == Interest::Write { EpollFlags::EPOLLOUT } else { EpollFlags::EPOLLIN };
        let before = std::mem::replace(&mut guest.watch, Watch::Armed);
        let mut table = self.lock();
        let is_first = table.guests.is_empty();
        let place = table.guests.insert(guest);
        let mut event = EpollEvent::new(side | EpollFlags::EPOLLONESHOT, place as u64);
        let stream = table.guests[place].wire.stream();
        let watched = match before {
            Watch::Nothing => self.epoll.add(stream, event),
            Watch::Known | Watch::Armed => self.epoll.modify(stream, &mut event),
        };
        if watched.is_err() {
            // The kernel has no memory to watch it.
            drop(table.guests.remove(place));
            self.ended();
        }
        drop(table);
        if is_first {
            // Whoever waits may not have a look at deadlines planned.
            self.wake();
        }
    }

    fn accept(&self) -> io::Result<Option<Guest>> {
        match accept_once(self.site, &self.site.listener, Mode::Blocking)? {
            Accepted::Connection(stream) if self.open.load(SeqCst) >= CREW_CONNECTIONS => {
                refuse(self.site, stream, self.site.tallies.of(0));
            }
            Accepted::Connection(stream) => {
                self.open.fetch_add(1, SeqCst);
                return Ok(Some(Guest::new(stream, self.site)));
            }
            Accepted::Exhausted => {
                // It would be reported again and again, and the connections that are open would wait.
                self.lock().accept_again = Some(Instant::now() + EXHAUSTED_PAUSE);
                let _ = self.epoll.delete(&self.site.listener);
            }
            // Another process that shares the listener may have shut it down, and this one is asked to stop later.
            Accepted::Stopped => self.begin_to_drain(),
            Accepted::Nobody => {}
        }
        Ok(None)
    }

    /// A connection that can go on at once, or whose time is up.
    fn take_ready(&self) -> Option<Guest> {
        let mut table = self.lock();
        if !table.guests.is_empty() {
            let now = Instant::now();
            if table.next_look <= now {
                table.next_look = now + CROWD_TICK;
                self.look_for_late(&mut table, now);
            }
        }
        let place = table.ready.pop_front()?;
        table.guests.try_remove(place)
    }

    fn look_for_late(&self, table: &mut Table, now: Instant) {
        let is_late = |guest: &Guest| {
            let deadline = guest.talk.as_ref().and_then(Conversation::deadline);
            guest.watch == Watch::Armed && deadline.is_some_and(|deadline| deadline <= now)
        };
        let late: Vec<_> =
            table.guests.iter().filter(|(_, guest)| is_late(guest)).map(|(place, _)| place).collect();
        for place in late {
            // A worker looks once more whether something has come. Its place is used again, so nothing more must be
            // reported of it.
            let guest = &mut table.guests[place];
            let _ = self.epoll.delete(guest.wire.stream());
            guest.watch = Watch::Nothing;
            table.ready.push_back(place);
        }
    }

    fn begin_to_drain(&self) {
        let mut table = self.lock();
        if std::mem::replace(&mut table.is_draining, true) {
            return;
        }
        // A listener that is shut reports that for ever.
        let _ = self.epoll.delete(&self.site.listener);
        let now = Instant::now();
        table.next_look = now;
        table
            .guests
            .iter_mut()
            .filter_map(|(_, guest)| guest.talk.as_mut())
            .for_each(|talk| talk.finish(now));
    }

    /// Until the next look at deadlines or at the listener, if there is anything to look at.
    fn timeout(&self) -> EpollTimeout {
        let mut table = self.lock();
        let now = Instant::now();
        if table.accept_again.is_some_and(|when| when <= now) && !table.is_draining {
            table.accept_again = None;
            // If the kernel refuses, the next look tries again.
            if self.epoll.add(&self.site.listener, listening(self.site)).is_err() {
                table.accept_again = Some(now + EXHAUSTED_PAUSE);
            }
        }
        let has_deadlines = !table.guests.is_empty() || table.is_draining;
        let next_look = has_deadlines.then_some(table.next_look);
        match [next_look, table.accept_again].into_iter().flatten().min() {
            None => EpollTimeout::NONE,
            Some(when) => {
                let left = when.saturating_duration_since(now).min(CROWD_TICK) + Duration::from_millis(1);
                EpollTimeout::try_from(left).unwrap_or(EpollTimeout::ZERO)
            }
        }
    }

    fn ended(&self) {
        if self.open.fetch_sub(1, SeqCst) == 1 && self.site.stop.is_requested() {
            self.wake();
        }
    }

    fn wake(&self) {
        // It fails only when it was rung 2^64 times.
        let _ = self.knock.write(1);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    fn new(stream: TcpStream, site: &'static Site) -> Self {
        let wire = BlockingWire::new(stream, site);
        Guest { wire, talk: None, accepted: Instant::now(), watch: Watch::Nothing }
    }

    /// It passes a point, if it is traced. A new one does so as its conversation begins.
    fn note(&self, site: &Site, point: TracePoint) {
        if site.trace.is_none() {
            return;
        }
        match &self.talk {
            Some(talk) => talk.trace().into_iter().for_each(|trace| trace.note(point)),
            None => {
                let trace = site.trace_of(site.origin_of(self.wire.stream()));
                trace.iter().for_each(|trace| trace.note(point));
            }
        }
    }
}

/// A connection while a worker serves it, who looks now and then whether others wait for him.
struct LentWire<'a> {
    wire: &'a mut BlockingWire<'static>,
    crew: &'a Crew,
    next_look: Instant,
    is_crowded: bool,
}

impl Wire for LentWire<'_> {
    fn connection(&self) -> Option<BorrowedFd<'_>> {
        self.wire.connection()
    }

    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize> {
        self.wire.read(into, timeout.min(CROWD_TICK), idle)
    }

    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize> {
        self.wire.write(octets, timeout.min(CROWD_TICK))
    }

    fn sleep(&mut self, wait: Duration) {
        self.wire.sleep(wait);
    }

    fn shut(&mut self) {
        self.wire.shut();
    }

    fn is_wanted(&mut self, now: Instant) -> bool {
        let (open, workers) = (self.crew.open.load(SeqCst), self.crew.workers.load(SeqCst));
        if open > workers {
            return true;
        }
        // All workers may be busy; then nobody accepts.
        if now >= self.next_look {
            self.next_look = now + CROWD_LOOK;
            self.is_crowded = open == workers && has_waiting(self.crew.site.listener.as_raw_fd());
        }
        self.is_crowded
    }
}
