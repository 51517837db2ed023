//! A connection, and the calls by which whoever serves it waits.

use std::io;
use std::os::fd::BorrowedFd;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::parking::{self, Happened, Known};
use crate::kit::stop::Stop;
use crate::services::job::For;

/// A connection and the calls that wait for it.
pub trait Wire {
    /// The connection itself; `None` where there is no socket.
    fn connection(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Waits for bytes, but hardly longer than `timeout`. Returns 0 at the end of what the peer sends. `idle` means
    /// that no request is under way; then a stopping server may end the wait, with 0 although bytes may still come.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the timeout may have passed, any other kind when the connection is broken.
    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize>;

    /// Waits until some of `octets` have been handed to the kernel.
    ///
    /// # Errors
    /// As [`Wire::read`].
    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize>;

    /// Waits for a while, whatever happens.
    fn sleep(&mut self, wait: Duration);

    /// Waits for what a reply waits for, at most `until` then, or until the client or the server says what is not
    /// `known`. It may also return for no reason.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn wait_for(
        &mut self,
        on: For,
        until: Option<Instant>,
        stop: &Stop,
        known: Known,
    ) -> io::Result<Happened> {
        parking::wait(on, until, self.connection(), stop, known)
    }

    /// Ends a [wait](Wire::wait_for) for a waker.
    ///
    /// # Errors
    /// When the kernel has no descriptors left.
    fn waker(&self) -> io::Result<Waker> {
        parking::waker()
    }

    /// Tells the peer that nothing more will come.
    fn shut(&mut self);

    /// Lets other connections of the same thread have their turn. A kernel thread has no others.
    fn let_others_run(&mut self) {}

    /// Whether other connections wait for the worker that serves this one, which therefore must not wait for its
    /// client: reads and writes are then called with a timeout of zero.
    fn is_wanted(&mut self, _now: Instant) -> bool {
        false
    }
}
