//! What the stop switch knows of a connection whose wire belongs to another HTTP implementation.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use tokio::net::TcpStream;

use crate::kit::marks::Mark;
use crate::kit::stop::Stop;

/// The connection's mark in the table of the stop switch, see [`Stop::mark`]. A copy must not be used after the wire
/// is dropped: all copies belong to the task that owns the wire.
#[derive(Debug, Clone, Copy)]
pub struct Attendance {
    stop: &'static Stop,
    descriptor: RawFd,
}

impl Attendance {
    /// The mark of `connection`, which the wire owns.
    pub(super) fn new(stop: &'static Stop, connection: BorrowedFd<'_>) -> Self {
        Attendance { stop, descriptor: connection.as_raw_fd() }
    }

    /// Marks the connection.
    pub fn mark(self, mark: Mark) {
        // SAFETY: the wire, which owns the descriptor, lives as long as the task that holds this.
        self.stop.mark(unsafe { BorrowedFd::borrow_raw(self.descriptor) }, mark);
    }

    /// The connection itself.
    pub fn connection<'a>(self) -> BorrowedFd<'a> {
        // SAFETY: as in `mark`.
        unsafe { BorrowedFd::borrow_raw(self.descriptor) }
    }

    /// A second descriptor of the connection, which stays open when the wire is dropped.
    ///
    /// # Errors
    /// When there is no descriptor left for it.
    pub fn duplicate(self) -> io::Result<TcpStream> {
        // SAFETY: as in `mark`.
        let twin = unsafe { BorrowedFd::borrow_raw(self.descriptor) }.try_clone_to_owned()?;
        TcpStream::from_std(twin.into())
    }

    /// Whether the server was asked to stop.
    pub fn is_stopping(self) -> bool {
        self.stop.is_requested()
    }
}
