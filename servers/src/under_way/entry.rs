//! One request in the register of those that are under way.
//!
//! Its state is one word: the number of the request, how far it has come, and the order that was given. An
//! order is given by exchanging the word whose number was seen, so it never reaches the next request in the same place.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::process;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use socket2::SockRef;

use crate::limits::CONTROL_TEXT_BYTES;
use crate::shared::{Zeroed, monotonic_ns};

/// How far a request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestStage {
    /// Its head has come, and not the whole of its body.
    Receiving = 1,
    /// It stands in a queue before its handler.
    Queued = 2,
    /// Its handler runs.
    Running = 3,
    /// Its reply waits for something.
    Waiting = 4,
}

impl RequestStage {
    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            RequestStage::Receiving => "receiving",
            RequestStage::Queued => "queued",
            RequestStage::Running => "running",
            RequestStage::Waiting => "waiting",
        }
    }
}

/// What was ordered for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOrder {
    /// Nothing, or to go on.
    Go = 0,
    /// To wait for the next order.
    Hold = 1,
    /// To end. There is no order after that.
    Cancel = 2,
}

impl RequestOrder {
    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            RequestOrder::Go => "go",
            RequestOrder::Hold => "hold",
            RequestOrder::Cancel => "cancel",
        }
    }
}

/// Number, stage and order of an entry. A free one is all zero; one that is being written has a number and no stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State(pub(super) u64);

impl State {
    pub(super) const FREE: State = State(0);

    pub(super) fn new(number: u64, stage: Option<RequestStage>, order: RequestOrder) -> Self {
        State(number << 8 | stage.map_or(0, |stage| stage as u64) << 4 | order as u64)
    }

    pub(super) fn number(self) -> u64 {
        self.0 >> 8
    }

    pub(super) fn stage(self) -> Option<RequestStage> {
        match self.0 >> 4 & 0xf {
            1 => Some(RequestStage::Receiving),
            2 => Some(RequestStage::Queued),
            3 => Some(RequestStage::Running),
            4 => Some(RequestStage::Waiting),
            _ => None,
        }
    }

    pub(super) fn order(self) -> RequestOrder {
        match self.0 & 0xf {
            0 => RequestOrder::Go,
            1 => RequestOrder::Hold,
            _ => RequestOrder::Cancel,
        }
    }
}

/// A request in the register.
#[repr(align(64))]
pub(super) struct Entry {
    pub(super) state: AtomicU64,
    began_ns: AtomicU64,
    /// The IPv6 address of the client, or its IPv4 address as one; zero for a Unix socket.
    address: [AtomicU64; 2],
    port: AtomicU32,
    pub(super) process: AtomicU32,
    /// The connection, in that process; all ones: there is none.
    pub(super) descriptor: AtomicU32,
    /// Whether an order to cancel it before it has come whole shuts its connection down; 0: somebody else looks for it.
    pub(super) shuts: AtomicU32,
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
    pub stage: RequestStage,
    /// What was ordered.
    pub order: RequestOrder,
    /// The process that serves it.
    pub process: u32,
    /// Its client; `None`: it came over a Unix socket.
    pub client: Option<SocketAddr>,
    /// Method and target, cut where they are long.
    pub text: String,
    /// Since when it has been under way.
    pub age: Duration,
}

/// What identifies a request to people.
#[derive(Debug, Clone, Copy)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, still percent-encoded.
    pub path: &'a str,
    /// What follows the first `?` of the target.
    pub query: Option<&'a str>,
}

impl Entry {
    /// Shuts the connection down, if request `number` has not come whole and is cancelled. Async-signal-safe.
    pub(super) fn shut_if_cancelled(&self, number: u64) {
        let cancelled = State::new(number, Some(RequestStage::Receiving), RequestOrder::Cancel);
        if State(self.state.load(SeqCst)) == cancelled && self.shuts.load(SeqCst) != 0 {
            // SAFETY: shutdown(2) only enters the kernel.
            unsafe { libc::shutdown(self.descriptor.load(Relaxed).cast_signed(), libc::SHUT_RDWR) };
        }
    }

    pub(super) fn write(&self, line: RequestLine<'_>, client: Option<BorrowedFd<'_>>) {
        let descriptor = client.map_or(u32::MAX, |client| client.as_raw_fd().cast_unsigned());
        self.descriptor.store(descriptor, Relaxed);
        self.shuts.store(0, Relaxed);
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
        let mark = if line.query.is_some() { "?" } else { "" };
        let parts = [line.method, " ", line.path, mark, line.query.unwrap_or_default()];
        let text = parts.concat();
        let mut octets = [0; CONTROL_TEXT_BYTES];
        let length = text.len().min(CONTROL_TEXT_BYTES);
        octets[..length].copy_from_slice(&text.as_bytes()[..length]);
        self.length.store(length as u32, Relaxed);
        for (word, octets) in self.text.iter().zip(octets.as_chunks::<8>().0) {
            word.store(u64::from_ne_bytes(*octets), Relaxed);
        }
    }

    pub(super) fn read(&self, now_ns: u64) -> Option<UnderWayRequest> {
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
