//! What a readiness loop asks of the kernel: five operations, whichever system call implements them.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// A set of descriptors that the kernel watches. select, poll and epoll implement it; the [readiness
/// loop](crate::architectures::readiness) works with any of them.
pub trait Selector: Sized {
    /// Whether it can report that a client has [ended](Interest::End) its side or [left](Interest::Reset), whatever
    /// waits unread.
    const REPORTS_ENDS: bool = true;

    /// An empty set.
    ///
    /// # Errors
    /// When the kernel refuses a resource that the set needs.
    fn new() -> io::Result<Self>;

    /// Watches `descriptor` for bytes to read. `token` identifies it in [`Ready`].
    ///
    /// # Safety
    /// The descriptor must stay open until [`Selector::remove`] was called for it or the selector is dropped.
    ///
    /// # Errors
    /// When the set is full, which some selectors can be, or when the kernel refuses.
    unsafe fn add(&mut self, descriptor: BorrowedFd<'_>, token: usize) -> io::Result<()>;

    /// Changes what a descriptor that was added is watched for.
    ///
    /// # Safety
    /// As [`Selector::add`].
    ///
    /// # Errors
    /// When the kernel refuses.
    unsafe fn change(
        &mut self,
        descriptor: BorrowedFd<'_>,
        token: usize,
        interest: Interest,
    ) -> io::Result<()>;

    /// Stops watching `descriptor`. Call it before the descriptor is closed.
    fn remove(&mut self, descriptor: BorrowedFd<'_>);

    /// Stops watching `descriptor`, which stays open.
    fn forget(&mut self, descriptor: BorrowedFd<'_>) {
        self.remove(descriptor);
    }

    /// Waits until something is ready, at most for `timeout` (`None`: for ever), and puts it into `ready`, which is
    /// cleared first.
    ///
    /// # Errors
    /// When the kernel refuses. A signal ends the wait early and is no error.
    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()>;
}

/// What a descriptor is watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Nothing: the server itself has to act next.
    Nothing,
    /// The end of the peer's side and all that [`Interest::Reset`] is for, but no bytes: a request is worked on.
    End,
    /// That no answer can reach the peer any more: the end of its side is known.
    Reset,
    /// Bytes to read, a connection to accept, or the end.
    Read,
    /// Room to write.
    Write,
}

/// A descriptor that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The token under which it was added.
    pub token: usize,
    /// The peer has sent its last byte, or is gone: the loop goes on reading until a read says so. An edge-triggered
    /// selector must set this, because after the last byte a short read does not mean that everything has been read.
    pub ended: bool,
    /// The connection is closed both ways, or broken: no answer can reach the peer.
    pub gone: bool,
}
