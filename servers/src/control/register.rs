//! The register of requests that are under way, in memory that forked workers share: each has an entry from when it is
//! taken up until its answer is ready, and an order that somebody has given for it.
//!
//! An entry's [state](State) is one word: the number of the request, how far it has come, and the order. An order is
//! given by exchanging the word whose number was seen, so it never reaches the next request in the same place.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::process;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::SockRef;

use super::{bell, urgent};
use crate::kit::stop::monotonic_ns;
use crate::limits::{CONTROL_LOOKS, CONTROL_PLACES, CONTROL_TEXT_BYTES};
use crate::services::service::Call;
use crate::shared::{Shared, Zeroed};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It stands in a queue before its handler.
    Queued = 1,
    /// Its handler runs.
    Running = 2,
    /// Its reply waits for something.
    Waiting = 3,
}

impl Stage {
    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Queued => "queued",
            Stage::Running => "running",
            Stage::Waiting => "waiting",
        }
    }
}

/// What was ordered for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Nothing, or to go on.
    Go = 0,
    /// To wait for the next order.
    Hold = 1,
    /// To end. There is no order after that.
    Cancel = 2,
}

impl Order {
    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            Order::Go => "go",
            Order::Hold => "hold",
            Order::Cancel => "cancel",
        }
    }
}

/// Number, stage and order of an entry. A free one is all zero; one that is being written has a number and no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State(u64);

impl State {
    const FREE: State = State(0);

    fn new(number: u64, stage: Option<Stage>, order: Order) -> Self {
        State(number << 8 | stage.map_or(0, |stage| stage as u64) << 4 | order as u64)
    }

    fn number(self) -> u64 {
        self.0 >> 8
    }

    fn stage(self) -> Option<Stage> {
        match self.0 >> 4 & 0xf {
            1 => Some(Stage::Queued),
            2 => Some(Stage::Running),
            3 => Some(Stage::Waiting),
            _ => None,
        }
    }

    fn order(self) -> Order {
        match self.0 & 0xf {
            0 => Order::Go,
            1 => Order::Hold,
            _ => Order::Cancel,
        }
    }
}

/// A request in the register.
#[repr(align(64))]
struct Entry {
    state: AtomicU64,
    began_ns: AtomicU64,
    /// The IPv6 address of the client, or its IPv4 address as one; zero for a Unix socket.
    address: [AtomicU64; 2],
    port: AtomicU32,
    process: AtomicU32,
    /// The connection, in that process; all ones: there is none.
    descriptor: AtomicU32,
    /// Octets of the text that follows.
    length: AtomicU32,
    /// Method and target.
    text: [AtomicU64; CONTROL_TEXT_BYTES / 8],
}

// SAFETY: it is made of atomics alone.
unsafe impl Zeroed for Entry {}

/// A request that is under way, as the register tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnderWayRequest {
    /// Its number, which no other has had.
    pub number: u64,
    /// How far it has come.
    pub stage: Stage,
    /// What was ordered.
    pub order: Order,
    /// The process that serves it.
    pub process: u32,
    /// Its client; `None`: it came over a Unix socket.
    pub client: Option<SocketAddr>,
    /// Method and target, cut where they are long.
    pub text: String,
    /// Since when it has been under way.
    pub age: Duration,
}

/// There is no such request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such request is under way")]
pub struct NotUnderWay;

/// The register of one server.
pub struct Register {
    entries: Shared<Entry>,
    /// Numbers so far, and requests that found no place.
    counts: Shared<AtomicU64>,
    /// What makes a request of this process look for its orders. Forked workers, who are called by a signal, have a copy
    /// that nobody uses: the process that was forked from may have held a lock at that moment.
    wakers: Box<[Mutex<Option<Waker>>]>,
    /// The process that was started.
    home: u32,
}

const NUMBERS: usize = 0;
const UNLISTED: usize = 1;

impl Register {
    /// An empty one. Call it before the first worker is forked.
    ///
    /// # Errors
    /// When the kernel refuses the memory, or the handler of a signal.
    pub fn new() -> io::Result<Self> {
        bell::install()?;
        let (entries, counts) = (Shared::new(CONTROL_PLACES)?, Shared::new(2)?);
        let wakers = (0..CONTROL_PLACES).map(|_| Mutex::new(None)).collect();
        Ok(Register { entries, counts, wakers, home: process::id() })
    }

    /// A request of `client` is under way. Where there is no place for it, it is served all the same, and counted as
    /// [unlisted](Register::unlisted).
    pub fn enter(
        &'static self,
        stage: Stage,
        call: &Call<'_>,
        client: Option<BorrowedFd<'_>>,
    ) -> Option<Seat> {
        let number = self.counts[NUMBERS].fetch_add(1, Relaxed) + 1;
        let writing = State::new(number, None, Order::Go).0;
        let place =
            (number as usize..).take(CONTROL_LOOKS).map(|place| place % CONTROL_PLACES).find(|place| {
                self.entries[*place].state.compare_exchange(State::FREE.0, writing, Acquire, Relaxed).is_ok()
            });
        let Some(place) = place else {
            self.counts[UNLISTED].fetch_add(1, Relaxed);
            return None;
        };
        let entry = &self.entries[place];
        entry.write(call, client);
        let is_home = process::id() == self.home;
        // Who stands in a queue is served by another thread, which does not know whether the connection is still there.
        let watched = client.filter(|client| urgent::begin(*client) && stage != Stage::Queued);
        let watched = watched.map(|client| client.as_raw_fd());
        let seat = Seat { register: self, place, number, is_home, watched };
        entry.state.store(State::new(number, Some(stage), Order::Go).0, SeqCst);
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
    /// When there is no such request, or none any more.
    pub fn order(&self, number: u64, order: Order) -> Result<Order, NotUnderWay> {
        let is_it = |entry: &Entry| State(entry.state.load(SeqCst)).number() == number;
        let place = self.entries.iter().position(is_it).ok_or(NotUnderWay)?;
        let entry = &self.entries[place];
        let process = entry.process.load(Relaxed);
        let changed = entry.state.fetch_update(SeqCst, SeqCst, |word| {
            let state = State(word);
            let stands = if state.order() == Order::Cancel { Order::Cancel } else { order };
            (state.number() == number && state.stage().is_some())
                .then(|| State::new(number, state.stage(), stands).0)
        });
        let before = changed.map(State).map_err(|_| NotUnderWay)?;
        if process == self.home {
            if let Some(waker) = &*self.waker(place) {
                waker.wake_by_ref();
            }
        } else {
            bell::ring(Pid::from_raw(process.cast_signed()));
        }
        Ok(if before.order() == Order::Cancel { Order::Cancel } else { order })
    }

    /// Cancels what is held: nobody is left who could resume it.
    pub(super) fn cancel_held(&self) {
        let states = self.entries.iter().map(|entry| State(entry.state.load(SeqCst)));
        for state in states.filter(|state| state.stage().is_some() && state.order() == Order::Hold) {
            // It may have been resumed, or have ended, just now.
            let _ = self.order(state.number(), Order::Cancel);
        }
    }

    /// Cancels what is under way on a connection of this process, as far as it knows: the youngest, because a number of
    /// a connection is used again.
    pub(super) fn cancel_on(&self, connection: BorrowedFd<'_>) {
        let (process, descriptor) = (process::id(), connection.as_raw_fd().cast_unsigned());
        let its = |entry: &&Entry| {
            entry.process.load(Relaxed) == process && entry.descriptor.load(Relaxed) == descriptor
        };
        let under_way = self.entries.iter().filter(its).map(|entry| State(entry.state.load(SeqCst)));
        if let Some(number) = under_way.filter(|state| state.stage().is_some()).map(State::number).max() {
            // It may have ended by itself just now.
            let _ = self.order(number, Order::Cancel);
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

impl Entry {
    fn write(&self, call: &Call<'_>, client: Option<BorrowedFd<'_>>) {
        let descriptor = client.map_or(u32::MAX, |client| client.as_raw_fd().cast_unsigned());
        self.descriptor.store(descriptor, Relaxed);
        let client = client.and_then(|client| SockRef::from(&client).peer_addr().ok()?.as_socket());
        let octets = client.map_or(0, |client| match client.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
            IpAddr::V6(ip) => ip.to_bits(),
        });
        self.began_ns.store(monotonic_ns(), Relaxed);
        self.address[0].store((octets >> 64) as u64, Relaxed);
        self.address[1].store(octets as u64, Relaxed);
        self.port.store(client.map_or(0, |client| u32::from(client.port())), Relaxed);
        self.process.store(process::id(), Relaxed);
        let mark = if call.query.is_some() { "?" } else { "" };
        let parts = [call.method, " ", call.path, mark, call.query.unwrap_or_default()];
        let text = parts.concat();
        let mut octets = [0; CONTROL_TEXT_BYTES];
        let length = text.len().min(CONTROL_TEXT_BYTES);
        octets[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.length.store(length as u32, Relaxed);
        for (word, octets) in self.text.iter().zip(octets.as_chunks::<8>().0) {
            word.store(u64::from_ne_bytes(*octets), Relaxed);
        }
    }

    fn read(&self, now_ns: u64) -> Option<UnderWayRequest> {
        let state = State(self.state.load(SeqCst));
        let stage = state.stage()?;
        let ip = Ipv6Addr::from_bits(
            u128::from(self.address[0].load(Relaxed)) << 64 | u128::from(self.address[1].load(Relaxed)),
        );
        let port = u16::try_from(self.port.load(Relaxed)).unwrap_or_default();
        let text: Vec<u8> = self
            .text
            .iter()
            .flat_map(|word| word.load(Relaxed).to_ne_bytes())
            .take(self.length.load(Relaxed) as usize)
            .collect();
        let request = UnderWayRequest {
            number: state.number(),
            stage,
            order: state.order(),
            process: self.process.load(Relaxed),
            client: (!ip.is_unspecified()).then(|| SocketAddr::new(ip.to_canonical(), port)),
            text: String::from_utf8_lossy(&text).into_owned(),
            age: Duration::from_nanos(now_ns.saturating_sub(self.began_ns.load(Relaxed))),
        };
        // Another request may have taken the place meanwhile.
        (State(self.state.load(SeqCst)).number() == state.number()).then_some(request)
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
    pub fn come_to(&self, stage: Stage) {
        let state = &self.register.entries[self.place].state;
        let _ = state.fetch_update(SeqCst, SeqCst, |word| {
            Some(State::new(self.number, Some(stage), State(word).order()).0)
        });
    }

    /// What was ordered.
    pub fn order(&self) -> Order {
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
        if self.is_home {
            drop(self.register.waker(self.place).take());
        }
        let state = &self.register.entries[self.place].state;
        // A worker that was taken for dead has no entry any more, and the place may be another's.
        let _ = state.fetch_update(SeqCst, SeqCst, |word| {
            (State(word).number() == self.number).then_some(State::FREE.0)
        });
    }
}
