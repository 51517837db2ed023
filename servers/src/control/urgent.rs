//! Urgent data: an octet that a client sends beside the stream (send(2) with MSG_OOB) cancels the request of its
//! connection that is under way.
//!
//! Do not build on it. RFC 6093 advises new programs against the urgent mechanism, for these reasons:
//!
//! * Systems do not agree on which octet is the urgent one (RFC 793 and RFC 1122 say different things), so two ends may
//!   see different streams.
//! * Some machines on the way clear the flag. Then the octet is an ordinary one and stands in the middle of what is
//!   sent: here it would be the begin of the client's next request.
//! * There is one urgent octet at a time. A second one before the first was read turns that into an ordinary octet.
//! * It is outside of what a secure transport protects: anybody on the way could send it.
//!
//! It is here because textbooks show it, and because each way of waiting has its own way to tell of it, see
//! [`UrgentBy`]. Every architecture can see it, as soon as it looks; one that computes looks when its handler returns.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use nix::poll::PollFlags;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, recv};

use super::register::Register;
use crate::architecture::{Anatomy, ServedBy, WaitsBy};

/// By what an architecture learns of urgent data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrgentBy {
    /// SIGURG, which the kernel sends to the process that owns the connection (F_SETOWN).
    Signal,
    /// The third set of select(2).
    ThirdSet,
    /// POLLPRI of poll(2).
    Poll,
    /// EPOLLPRI of an epoll instance, which is one more descriptor to whatever the architecture waits in.
    Epoll,
}

impl UrgentBy {
    /// What an architecture of this anatomy does.
    pub fn of(anatomy: &Anatomy) -> Self {
        match (anatomy.waits_by, anatomy.served_by) {
            // One connection for each process: the signal says enough.
            (WaitsBy::Blocking, ServedBy::OnlyThread | ServedBy::Processes) => UrgentBy::Signal,
            // A signal is the process's, and could not say which of its threads is meant.
            (
                WaitsBy::Blocking,
                ServedBy::Threads
                | ServedBy::Loops
                | ServedBy::LoopAndPool
                | ServedBy::Coroutines
                | ServedBy::Tasks,
            )
            | (WaitsBy::Poll, _) => UrgentBy::Poll,
            (WaitsBy::Select, _) => UrgentBy::ThirdSet,
            (WaitsBy::Epoll | WaitsBy::IoUring, _) => UrgentBy::Epoll,
        }
    }

    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            UrgentBy::Signal => "SIGURG",
            UrgentBy::ThirdSet => "the third set of select(2)",
            UrgentBy::Poll => "POLLPRI of poll(2)",
            UrgentBy::Epoll => "EPOLLPRI of epoll(7)",
        }
    }
}

struct Wanted {
    register: &'static Register,
    by: UrgentBy,
}

/// Static, because the calls that wait know of no site.
static WANTED: OnceLock<Wanted> = OnceLock::new();

/// From now on urgent data cancels. Call it before the first connection is accepted.
pub fn want(register: &'static Register, by: UrgentBy) {
    WANTED.get_or_init(|| Wanted { register, by });
}

/// Whether urgent data is wanted, and learned of in this way.
pub fn is_wanted_by(by: UrgentBy) -> bool {
    WANTED.get().is_some_and(|wanted| wanted.by == by)
}

/// What poll(2) is to watch besides.
pub fn poll_flags() -> PollFlags {
    if is_wanted_by(UrgentBy::Poll) { PollFlags::POLLPRI } else { PollFlags::empty() }
}

/// What epoll is to watch besides.
pub fn epoll_flags() -> EpollFlags {
    if is_wanted_by(UrgentBy::Epoll) { EpollFlags::EPOLLPRI } else { EpollFlags::empty() }
}

/// A request of `connection` begins. Where a signal tells of urgent data, it is for this process.
///
/// # Returns
/// Whether its entry is to look for urgent data.
pub(super) fn begin(connection: BorrowedFd<'_>) -> bool {
    let Some(wanted) = WANTED.get() else { return false };
    if wanted.by == UrgentBy::Signal {
        // SAFETY: fcntl(2) with a number only enters the kernel.
        unsafe { libc::fcntl(connection.as_raw_fd(), libc::F_SETOWN, libc::getpid()) };
    }
    true
}

/// Looks whether urgent data has come on `connection`; then the request that is under way there is cancelled. The octet
/// is taken, so that it is not reported again.
pub fn look(connection: BorrowedFd<'_>) {
    let Some(wanted) = WANTED.get() else { return };
    let mut octet = [0];
    // An octet from before the request is not there any more: it was passed when the request was read (tcp(7)).
    if recv(connection.as_raw_fd(), &mut octet, MsgFlags::MSG_OOB | MsgFlags::MSG_DONTWAIT) == Ok(1) {
        wanted.register.cancel_on(connection);
    }
}

/// A descriptor that is readable when urgent data has come on `connection`; `None`: it is not wanted, or the system has
/// no descriptor left.
pub fn watch(connection: BorrowedFd<'_>) -> Option<OwnedFd> {
    if !is_wanted_by(UrgentBy::Epoll) {
        return None;
    }
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).ok()?;
    epoll.add(connection, EpollEvent::new(EpollFlags::EPOLLPRI, 0)).ok()?;
    Some(epoll.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architectures::ALL;

    #[test]
    fn each_way_to_wait_has_its_own_way_to_tell() {
        for architecture in ALL {
            let by = UrgentBy::of(&architecture.anatomy);
            let is_its_own = match architecture.anatomy.waits_by {
                WaitsBy::Blocking => matches!(by, UrgentBy::Signal | UrgentBy::Poll),
                WaitsBy::Select => by == UrgentBy::ThirdSet,
                WaitsBy::Poll => by == UrgentBy::Poll,
                WaitsBy::Epoll | WaitsBy::IoUring => by == UrgentBy::Epoll,
            };
            assert!(is_its_own, "{}: {}", architecture.name, by.name());
        }
    }
}
