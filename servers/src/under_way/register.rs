//! The register of requests that are under way, in memory that forked workers share: each has an
//! [entry](super::entry) from when its head has come until its answer is ready, and an order that somebody has given.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::process;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::bell;
use super::entry::{Entry, RequestLine, RequestOrder, RequestStage, State, UnderWayRequest};
use super::urgent::{self, UrgentBy};
use crate::limits::{CONTROL_LOOKS, CONTROL_PLACES};
use crate::shared::{Shared, monotonic_ns};

/// Why an order cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no such request, or none any more.
    #[error("no such request is under way")]
    NotUnderWay,
    /// It is held by its client until it has come whole.
    #[error("the request has not come whole, so there is nothing to hold; it can be cancelled")]
    Receiving,
}

/// The register of one server.
pub struct Register {
    entries: Shared<Entry>,
    /// Numbers so far, and requests that found no place.
    counts: Shared<AtomicU64>,
    /// What makes a request of this process look for its orders. Forked workers, who are called by a signal, have a
    /// copy that nobody uses: the process that was forked from may have held a lock at that moment.
    wakers: Box<[Mutex<Option<Waker>>]>,
    /// The process that was started.
    home: u32,
}

/// That of this process, for code that no argument reaches.
static REGISTER: OnceLock<&'static Register> = OnceLock::new();

const NUMBERS: usize = 0;
const UNLISTED: usize = 1;

impl Register {
    /// An empty one, which lives as long as the process. Call it before the first worker is forked.
    ///
    /// # Errors
    /// When the kernel refuses the memory, or the handler of a signal.
    pub fn open() -> io::Result<&'static Self> {
        let (entries, counts) = (Shared::new(CONTROL_PLACES)?, Shared::new(2)?);
        let wakers = (0..CONTROL_PLACES).map(|_| Mutex::new(None)).collect();
        let register = Box::leak(Box::new(Register { entries, counts, wakers, home: process::id() }));
        let register: &'static Register = register;
        REGISTER.get_or_init(|| register);
        bell::install(|| REGISTER.get().into_iter().for_each(|register| register.shut_cancelled()))?;
        Ok(register)
    }

    /// From now on urgent data cancels, of which the architecture learns in this way. Call it before the first
    /// connection is accepted.
    pub fn obey_urgent_data(&self, by: UrgentBy) {
        urgent::want(by, |connection| {
            REGISTER.get().into_iter().for_each(|register| register.cancel_on(connection));
        });
    }

    /// A request of `client` is under way. Where there is no place for it, it is served all the same, and counted as
    /// [unlisted](Register::unlisted).
    pub fn enter(
        &'static self,
        stage: RequestStage,
        line: RequestLine<'_>,
        client: Option<BorrowedFd<'_>>,
    ) -> Option<Seat> {
        let number = self.counts[NUMBERS].fetch_add(1, Relaxed) + 1;
        let writing = State::new(number, None, RequestOrder::Go).0;
        let place =
            (number as usize..).take(CONTROL_LOOKS).map(|place| place % CONTROL_PLACES).find(|place| {
                self.entries[*place].state.compare_exchange(State::FREE.0, writing, Acquire, Relaxed).is_ok()
            });
        let Some(place) = place else {
            self.counts[UNLISTED].fetch_add(1, Relaxed);
            return None;
        };
        let entry = &self.entries[place];
        entry.write(line, client);
        let is_home = process::id() == self.home;
        // Who stands in a queue is served by another thread, which does not know whether the connection is still there.
        let watched = client.filter(|client| urgent::begin(*client) && stage != RequestStage::Queued);
        let watched = watched.map(|client| client.as_raw_fd());
        let seat = Seat { register: self, place, number, is_home, watched };
        entry.state.store(State::new(number, Some(stage), RequestOrder::Go).0, SeqCst);
        Some(seat)
    }

    /// Requests that are under way, the oldest first.
    pub fn list(&self) -> Vec<UnderWayRequest> {
        self.bury();
        let now_ns = monotonic_ns();
        let mut all: Vec<_> = self.entries.iter().filter_map(|entry| entry.read(now_ns)).collect();
        all.sort_by_key(|request| request.number);
        all
    }

    /// Requests so far for which there was no place.
    pub fn unlisted(&self) -> u64 {
        self.counts[UNLISTED].load(Relaxed)
    }

    /// Gives an order. A request that was cancelled stays so.
    ///
    /// # Returns
    /// The order that stands now.
    ///
    /// # Errors
    /// When there is no such request, or it cannot be held yet.
    pub fn order(&self, number: u64, order: RequestOrder) -> Result<RequestOrder, OrderError> {
        let is_it = |entry: &Entry| State(entry.state.load(SeqCst)).number() == number;
        let place = self.entries.iter().position(is_it).ok_or(OrderError::NotUnderWay)?;
        let entry = &self.entries[place];
        let process = entry.process.load(Relaxed);
        let state = State(entry.state.load(SeqCst));
        if state.stage() == Some(RequestStage::Receiving) && order == RequestOrder::Hold {
            return Err(OrderError::Receiving);
        }
        let changed = entry.state.fetch_update(SeqCst, SeqCst, |word| {
            let state = State(word);
            let stands = if state.order() == RequestOrder::Cancel { RequestOrder::Cancel } else { order };
            (state.number() == number && state.stage().is_some())
                .then(|| State::new(number, state.stage(), stands).0)
        });
        let before = changed.map(State).map_err(|_| OrderError::NotUnderWay)?;
        if process == self.home {
            // While the lock is held the entry is not freed, and the connection is not closed before that.
            let waker = self.waker(place);
            entry.shut_if_cancelled(number);
            waker.iter().for_each(Waker::wake_by_ref);
        } else {
            bell::ring(Pid::from_raw(process.cast_signed()));
        }
        Ok(if before.order() == RequestOrder::Cancel { RequestOrder::Cancel } else { order })
    }

    /// Shuts the connections of this process down whose requests have not come whole and are cancelled.
    /// Async-signal-safe: a forked worker is told by a signal, and has no other thread that could close one meanwhile.
    /// In the process that was started nothing is done, because whoever gives the order has done it.
    fn shut_cancelled(&self) {
        // SAFETY: getpid(2) only enters the kernel.
        let process = unsafe { libc::getpid() }.cast_unsigned();
        if process == self.home {
            return;
        }
        for entry in &*self.entries {
            if entry.process.load(Relaxed) == process {
                entry.shut_if_cancelled(State(entry.state.load(SeqCst)).number());
            }
        }
    }

    /// Cancels what is held: nobody is left who could resume it.
    pub fn cancel_held(&self) {
        let states = self.entries.iter().map(|entry| State(entry.state.load(SeqCst)));
        for state in states.filter(|state| state.stage().is_some() && state.order() == RequestOrder::Hold) {
            // It may have been resumed, or have ended, just now.
            let _ = self.order(state.number(), RequestOrder::Cancel);
        }
    }

    /// Cancels what is under way on a connection of this process, as far as it knows: the youngest, because a number of
    /// a connection is used again.
    fn cancel_on(&self, connection: BorrowedFd<'_>) {
        let (process, descriptor) = (process::id(), connection.as_raw_fd().cast_unsigned());
        let its = |entry: &&Entry| {
            entry.process.load(Relaxed) == process && entry.descriptor.load(Relaxed) == descriptor
        };
        let under_way = self.entries.iter().filter(its).map(|entry| State(entry.state.load(SeqCst)));
        if let Some(number) = under_way.filter(|state| state.stage().is_some()).map(State::number).max() {
            // It may have ended by itself just now.
            let _ = self.order(number, RequestOrder::Cancel);
        }
    }

    /// Frees the entries of workers that have died.
    fn bury(&self) {
        for entry in &*self.entries {
            let word = entry.state.load(SeqCst);
            let process = entry.process.load(Relaxed);
            if State(word).stage().is_some()
                && process != self.home
                && kill(Pid::from_raw(process.cast_signed()), None::<Signal>) == Err(Errno::ESRCH)
            {
                let _ = entry.state.compare_exchange(word, State::FREE.0, SeqCst, Relaxed);
            }
        }
    }

    fn waker(&self, place: usize) -> MutexGuard<'_, Option<Waker>> {
        self.wakers[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entry of one request, which frees it when it is dropped.
pub struct Seat {
    register: &'static Register,
    place: usize,
    number: u64,
    /// Whether it is a request of the process that was started, and not of a forked worker.
    is_home: bool,
    /// The connection, if it is to be looked at for urgent data; whoever has this entry has the connection as well.
    watched: Option<RawFd>,
}

impl Seat {
    /// The request has come so far.
    pub fn come_to(&self, stage: RequestStage) {
        let state = &self.register.entries[self.place].state;
        let _ = state.fetch_update(SeqCst, SeqCst, |word| {
            Some(State::new(self.number, Some(stage), State(word).order()).0)
        });
    }

    /// Until the request has come whole, an order to cancel it shuts its connection down, which stays open as long as
    /// this entry.
    pub fn shuts_connection(&self) {
        let entry = &self.register.entries[self.place];
        entry.shuts.store(1, SeqCst);
        // The order may have come before.
        entry.shut_if_cancelled(self.number);
    }

    /// What was ordered.
    pub fn order(&self) -> RequestOrder {
        if let Some(connection) = self.watched {
            // SAFETY: whoever has the entry serves the connection and has it open.
            urgent::look(unsafe { BorrowedFd::borrow_raw(connection) });
        }
        State(self.register.entries[self.place].state.load(SeqCst)).order()
    }

    /// From now on an order calls `waker`. Ask for the [order](Seat::order) afterwards.
    pub fn called_by(&self, waker: &Waker) {
        if self.is_home {
            let mut known = self.register.waker(self.place);
            if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
                *known = Some(waker.clone());
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut waker = self.is_home.then(|| self.register.waker(self.place));
        waker.iter_mut().for_each(|waker| drop(waker.take()));
        let state = &self.register.entries[self.place].state;
        // A worker that was taken for dead has no entry any more, and the place may be another's.
        let _ = state.fetch_update(SeqCst, SeqCst, |word| {
            (State(word).number() == self.number).then_some(State::FREE.0)
        });
    }
}
