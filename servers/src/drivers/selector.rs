//! What a readiness loop asks of the kernel: five verbs, whichever system call answers them.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// The kernel's view of many descriptors. select, poll and epoll are three of them; the
/// [readiness loop](crate::architectures::readiness) drives any.
pub trait Selector: Sized {
    /// An empty set.
    ///
    /// # Errors
    /// When the kernel refuses what it needs.
    fn new() -> io::Result<Self>;

    /// Watches `descriptor` for octets to read. `token` names it in [`Ready`].
    ///
    /// # Safety
    /// The descriptor must stay open until [`Selector::remove`] was called for it or the selector is dropped.
    ///
    /// # Errors
    /// When the set is full, which is a wall of some selectors, or the kernel refuses.
    unsafe fn add(&mut self, descriptor: BorrowedFd<'_>, token: usize) -> io::Result<()>;

    /// Watches a descriptor that was added for something else from now on.
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

    /// Watches `descriptor` no more. Call it before the descriptor is closed.
    fn remove(&mut self, descriptor: BorrowedFd<'_>);

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
    /// Nothing: the next move is ours.
    Nothing,
    /// Octets to read, a connection to accept, or the end.
    Read,
    /// Room to write.
    Write,
}

/// A descriptor that is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The name that it was added under.
    pub token: usize,
    /// The peer has sent its last octet (or is gone): reading goes on until it says so. A selector that tells each
    /// thing only once must tell this, because a short read then does not mean that all has been read.
    pub ended: bool,
}
