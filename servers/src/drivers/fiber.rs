//! A connection on which a coroutine waits: where a kernel thread would block, the coroutine switches to the
//! scheduler and says what it waits for. The scheduler decides which coroutine runs when; it stands in the
//! [chapter](crate::architectures::coroutines).

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use corosensei::{Coroutine, Yielder};

use super::blocking::Wire;
use super::selector::Interest;

/// What a coroutine waits for, and for how long at the most.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// What it waits for: bytes, room to write, or only time.
    pub interest: Interest,
    /// The longest time to wait.
    pub timeout: Duration,
    /// No request is under way, so a stopping server may end this wait.
    pub idle: bool,
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
}

impl News {
    /// Notes an event.
    pub fn note(&mut self, ended: bool) {
        self.readable = true;
        self.ended |= ended;
    }
}

/// A coroutine that serves a connection. It is resumed with a reason, and suspends with what it waits for next.
pub type Fiber = Coroutine<Wake, Wait, ()>;
/// A connection on which a coroutine waits.
pub struct YieldingWire<'a> {
    stream: Rc<TcpStream>,
    yielder: &'a Yielder<Wake, Wait>,
    /// Whether there may be bytes to read.
    readable: bool,
    /// Whether the peer has sent its last byte. Then a short read does not mean that the socket is empty.
    ended: bool,
}

impl<'a> YieldingWire<'a> {
    /// The wire of a connection that was just accepted; the connection is non-blocking. The scheduler holds the
    /// stream too, in order to tell epoll what the coroutine waits for.
    pub fn new(stream: Rc<TcpStream>, yielder: &'a Yielder<Wake, Wait>) -> Self {
        YieldingWire { stream, yielder, readable: false, ended: false }
    }

    fn wait(&mut self, interest: Interest, timeout: Duration, idle: bool) -> WakeReason {
        let Wake { reason, news } = self.yielder.suspend(Wait { interest, timeout, idle });
        self.readable |= news.readable;
        self.ended |= news.ended;
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
                WakeReason::Ready => {}
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
