//! A connection that a coroutine waits on: where a kernel thread would block, it switches to the scheduler and says
//! what it waits for. Which coroutine runs when is the scheduler's, in the chapter.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::rc::Rc;
use std::time::Duration;

use corosensei::{Coroutine, Yielder};

use super::blocking::Wire;
use super::selector::Interest;

/// What a coroutine waits for, and for how long at the most.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// Octets, room, or nothing but time.
    pub interest: Interest,
    /// No longer than this.
    pub timeout: Duration,
    /// The peer owes nothing: a stopping server may end this wait.
    pub idle: bool,
}

/// Why a coroutine was resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// What it waits for has come.
    Ready {
        /// The peer has sent its last octet.
        ended: bool,
    },
    /// Patience is at its end.
    TimeIsUp,
    /// The server stops, and nothing is owed.
    Stop,
}

/// A coroutine that serves a connection: resumed with a reason, it suspends with what it waits for next.
pub type Fiber = Coroutine<Wake, Wait, ()>;
/// A connection that a coroutine waits on.
pub struct YieldingWire<'a> {
    stream: Rc<TcpStream>,
    yielder: &'a Yielder<Wake, Wait>,
    /// There may be octets to read.
    readable: bool,
    /// The peer has ended; a short read proves nothing any more.
    ended: bool,
}

impl<'a> YieldingWire<'a> {
    /// The wire of a connection that was just accepted; it is non-blocking. The scheduler holds it too, to say what
    /// it waits for.
    pub fn new(stream: Rc<TcpStream>, yielder: &'a Yielder<Wake, Wait>) -> Self {
        YieldingWire { stream, yielder, readable: false, ended: false }
    }

    fn wait(&mut self, interest: Interest, timeout: Duration, idle: bool) -> Wake {
        let wake = self.yielder.suspend(Wait { interest, timeout, idle });
        if let Wake::Ready { ended } = wake {
            self.readable = true;
            self.ended |= ended;
        }
        wake
    }
}

impl Wire for YieldingWire<'_> {
    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize> {
        if !self.readable {
            match self.wait(Interest::Read, timeout, idle) {
                Wake::Ready { .. } => {}
                Wake::TimeIsUp => return Err(io::ErrorKind::WouldBlock.into()),
                Wake::Stop => return Ok(0),
            }
        }
        let room = into.len();
        let read = (&*self.stream).read(into);
        self.readable = matches!(read, Ok(count) if count == room || (self.ended && count > 0));
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
}
