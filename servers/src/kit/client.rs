//! Whether a client is still there, as far as the kernel knows.
//!
//! A connection that was reset, or is closed both ways, is gone. A FIN alone does not say so: whoever calls close(2)
//! sends one, and so does whoever only ends its own side (shutdown(2)) and waits for the answer. The two are told apart
//! by sending something, which the first answers with a reset: see
//! [`Session::reassure`](crate::drivers::session::Session::reassure).

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::poll::{PollFd, PollFlags};

/// What is known of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// It may be there.
    Stays,
    /// It has ended its side. It may have left, or may wait for its answer.
    Ended,
    /// It can read no answer any more.
    Left,
}

/// The end of the peer's side, which the library's flags do not know.
const ENDED: libc::c_short = libc::POLLRDHUP;

/// That nothing can be sent any more.
const LEFT: libc::c_short = libc::POLLHUP | libc::POLLERR | libc::POLLNVAL;

impl Client {
    /// Looks at its connection. What it has sent and nobody has read changes nothing.
    pub fn of(connection: BorrowedFd<'_>) -> Client {
        let mut watched = libc::pollfd { fd: connection.as_raw_fd(), events: ENDED, revents: 0 };
        // SAFETY: poll(2) with a live local and without a wait.
        unsafe { libc::poll(&raw mut watched, 1, 0) };
        Client::reported(watched.revents)
    }

    /// What poll(2) has said of `connection`, which was watched for [`Client::flags`].
    pub fn seen(watched: &PollFd<'_>, connection: BorrowedFd<'_>) -> Client {
        // The library gives no flags at all where it does not know one of them.
        watched.revents().map_or_else(|| Client::of(connection), |known| Client::reported(known.bits()))
    }

    /// What to watch a connection for: errors and the end of both sides are reported unasked.
    pub fn flags(ended: bool) -> PollFlags {
        if ended { PollFlags::empty() } else { PollFlags::from_bits_retain(ENDED) }
    }

    fn reported(flags: libc::c_short) -> Client {
        match flags {
            flags if flags & LEFT != 0 => Client::Left,
            flags if flags & ENDED != 0 => Client::Ended,
            _ => Client::Stays,
        }
    }
}
