//! A connection on which a coroutine waits: where a kernel thread would block, the coroutine switches to the
//! scheduler and says what it waits for. The scheduler decides which coroutine runs when; it stands in the
//! [chapter](crate::architectures::coroutines).

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, Instant};

use corosensei::{Coroutine, Yielder};

use super::blocking::Wire;
use super::parking::{Happened, Known};
use super::room::{Caller, Room};
use super::selector::{Interest, Ready};
use super::workers::Ticket;
use crate::kit::client::Client;
use crate::kit::stop::Stop;
use crate::services::job::{For, JobSide};
use crate::under_way::urgent::{self, UrgentBy};

/// What a coroutine waits for, and for how long at the most.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// What it waits for: bytes, room to write, or only time.
    pub interest: Interest,
    /// The longest time to wait.
    pub timeout: Duration,
    /// No request is under way, so a stopping server may end this wait.
    pub idle: bool,
    /// A descriptor of its own that a reply waits for.
    pub descriptor: Option<(RawFd, JobSide)>,
}

/// Why a coroutine was resumed, and what epoll has reported since it was suspended.
#[derive(Debug, Clone, Copy)]
pub struct Wake {
    /// Why it was resumed.
    pub reason: WakeReason,
    /// What was reported, also while the coroutine waited for something else: epoll is edge-triggered and reports
    /// nothing twice.
    pub news: News,
}

impl Wake {
    /// The wake that starts a coroutine.
    pub fn first() -> Self {
        Wake { reason: WakeReason::Ready, news: News::default() }
    }
}

/// Why a coroutine was resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeReason {
    /// What the coroutine waits for has come.
    Ready,
    /// The timeout has passed.
    TimeIsUp,
    /// It was called: another request has woken it, or its descriptor is ready.
    Called,
    /// The server stops, and no request is under way.
    Stop,
}

/// What epoll has reported of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct News {
    /// There may be bytes to read.
    pub readable: bool,
    /// The peer has sent its last byte.
    pub ended: bool,
    /// No answer can reach the peer any more.
    pub gone: bool,
}

impl News {
    /// Notes an event.
    pub fn note(&mut self, event: &Ready) {
        self.readable = true;
        self.ended |= event.ended;
        self.gone |= event.gone;
    }
}

/// A coroutine that serves a connection. It is resumed with a reason, and suspends with what it waits for next.
pub type Fiber = Coroutine<Wake, Wait, ()>;

/// A coroutine that waits, in the table of its scheduler.
pub struct FiberPlace {
    /// The coroutine.
    pub fiber: Fiber,
    /// Its connection.
    pub stream: Rc<TcpStream>,
    /// By what it is called.
    pub ticket: Ticket,
    /// What it waits for.
    pub wait: Wait,
    /// What it does not know yet.
    pub news: News,
    /// Until when it waits.
    pub deadline: Instant,
}

impl FiberPlace {
    /// That of a coroutine which has just begun to wait.
    pub fn new(fiber: Fiber, stream: Rc<TcpStream>, ticket: Ticket, wait: Wait) -> Self {
        FiberPlace { fiber, stream, ticket, wait, news: News::default(), deadline: Instant::now() }
    }

    /// Whether it wants to know of `event` now. Bytes do not wake a coroutine whose request is worked on; it finds the
    /// news when it wakes.
    pub fn wants(&self, event: &Ready) -> bool {
        match self.wait.interest {
            Interest::Nothing => false,
            Interest::End => event.ended || event.gone,
            Interest::Reset => event.gone,
            Interest::Read | Interest::Write => true,
        }
    }

    /// Whether its request waits for others. A call for another one may be late.
    pub fn may_be_called(&self) -> bool {
        matches!(self.wait.interest, Interest::End | Interest::Reset)
    }

    /// Has the room watch the descriptor that `wait` is for, if there is one, and the client for urgent data.
    pub fn watch_own(&mut self, wait: Wait, room: &Room) {
        if matches!(wait.interest, Interest::End | Interest::Reset) && urgent::is_wanted_by(UrgentBy::Epoll) {
            room.watch_client(self.stream.as_fd(), true, self.ticket);
        }
        if let Some((descriptor, side)) = wait.descriptor
            && room.watch(descriptor, side, self.ticket).is_err()
        {
            // The coroutine finds out what is wrong with it.
            self.deadline = Instant::now();
        }
    }
}

/// A connection on which a coroutine waits.
pub struct YieldingWire<'a> {
    stream: Rc<TcpStream>,
    yielder: &'a Yielder<Wake, Wait>,
    /// Where others call it, and its name there.
    caller: Caller,
    ticket: Ticket,
    /// Whether there may be bytes to read.
    readable: bool,
    /// Whether the peer has sent its last byte. Then a short read does not mean that the socket is empty.
    ended: bool,
    /// Whether no answer can reach the peer any more.
    gone: bool,
}

impl<'a> YieldingWire<'a> {
    /// The wire of a connection that was just accepted; the connection is non-blocking. The scheduler holds the
    /// stream too, in order to tell epoll what the coroutine waits for.
    pub fn new(
        stream: Rc<TcpStream>,
        yielder: &'a Yielder<Wake, Wait>,
        caller: Caller,
        ticket: Ticket,
    ) -> Self {
        YieldingWire { stream, yielder, caller, ticket, readable: false, ended: false, gone: false }
    }

    fn wait(&mut self, interest: Interest, timeout: Duration, idle: bool) -> WakeReason {
        self.suspend(Wait { interest, timeout, idle, descriptor: None })
    }

    fn suspend(&mut self, wait: Wait) -> WakeReason {
        let Wake { reason, news } = self.yielder.suspend(wait);
        self.readable |= news.readable;
        self.ended |= news.ended;
        self.gone |= news.gone;
        reason
    }
}

impl Wire for YieldingWire<'_> {
    fn connection(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize> {
        if !self.readable {
            match self.wait(Interest::Read, timeout, idle) {
                WakeReason::Ready | WakeReason::Called => {}
                WakeReason::TimeIsUp => return Err(io::ErrorKind::WouldBlock.into()),
                WakeReason::Stop => return Ok(0),
            }
        }
        let room = into.len();
        let read = (&*self.stream).read(into);
        self.readable = match &read {
            // A short read has emptied the socket, and the next byte will be reported (epoll(7)).
            Ok(count) => *count == room || (self.ended && *count > 0),
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        };
        read
    }

    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize> {
        match (&*self.stream).write(octets) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.wait(Interest::Write, timeout, false);
                Err(error)
            }
            written => written,
        }
    }

    fn wait_for(
        &mut self,
        on: For,
        until: Option<Instant>,
        stop: &Stop,
        known: Known,
    ) -> io::Result<Happened> {
        // What was reported before this wait is not reported again.
        if self.gone {
            return Ok(Happened::Client(Client::Left));
        }
        if self.ended && !known.ended {
            return Ok(Happened::Client(Client::Ended));
        }
        if stop.is_requested() && !known.stopping {
            return Ok(Happened::Stopping);
        }
        let interest = if known.ended { Interest::Reset } else { Interest::End };
        let timeout = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
        let descriptor = match on {
            For::Descriptor(descriptor, side) => Some((descriptor, side)),
            For::Time | For::Waker => None,
        };
        self.suspend(Wait { interest, timeout, idle: false, descriptor });
        Ok(Happened::GoOn)
    }

    fn waker(&self) -> io::Result<Waker> {
        Ok(self.caller.waker(self.ticket))
    }

    fn sleep(&mut self, wait: Duration) {
        self.wait(Interest::Nothing, wait, false);
    }

    fn shut(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn let_others_run(&mut self) {
        self.wait(Interest::Nothing, Duration::ZERO, false);
    }
}
