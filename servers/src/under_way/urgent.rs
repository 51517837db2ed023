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
//! [`UrgentBy`]. One that computes looks when its handler returns. Reading passes the octet: while a body is on its
//! way, it is seen by threads and processes, whose reads the signal ends, and by loops, which look before they read;
//! coroutines and tasks read as soon as there is something, and then it is gone. A completion loop has a receive under
//! way at all times, and sees it never.

use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use nix::poll::PollFlags;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use nix::sys::socket::{MsgFlags, recv};

/// By what an architecture learns of urgent data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrgentBy {
    /// SIGURG, which the kernel sends to the thread that serves the connection (F_SETOWN_EX), and POLLPRI where that
    /// thread waits for a reply.
    Signal,
    /// The third set of select(2).
    ThirdSet,
    /// POLLPRI of poll(2).
    Poll,
    /// EPOLLPRI of an epoll instance, which is one more descriptor to whatever the architecture waits in.
    Epoll,
    /// It does not: a receive is under way at all times, and passes the octet before anybody could look.
    Nothing,
}

impl UrgentBy {
    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            UrgentBy::Signal => "SIGURG",
            UrgentBy::ThirdSet => "the third set of select(2)",
            UrgentBy::Poll => "POLLPRI",
            UrgentBy::Epoll => "EPOLLPRI",
            UrgentBy::Nothing => "nothing",
        }
    }
}

struct Wanted {
    by: UrgentBy,
    /// Cancels what is under way on a connection.
    cancel: fn(BorrowedFd<'_>),
}

/// Static, because the calls that wait know of no site.
static WANTED: OnceLock<Wanted> = OnceLock::new();

/// From now on urgent data cancels.
pub(super) fn want(by: UrgentBy, cancel: fn(BorrowedFd<'_>)) {
    WANTED.get_or_init(|| Wanted { by, cancel });
}

/// Whether urgent data is wanted, and learned of in this way.
pub fn is_wanted_by(by: UrgentBy) -> bool {
    WANTED.get().is_some_and(|wanted| wanted.by == by)
}

/// What poll(2) is to watch besides.
pub fn poll_flags() -> PollFlags {
    let is_polled = is_wanted_by(UrgentBy::Poll) || is_wanted_by(UrgentBy::Signal);
    if is_polled { PollFlags::POLLPRI } else { PollFlags::empty() }
}

/// What epoll is to watch besides.
pub fn epoll_flags() -> EpollFlags {
    if is_wanted_by(UrgentBy::Epoll) { EpollFlags::EPOLLPRI } else { EpollFlags::empty() }
}

/// As fcntl(2) wants the owner of a connection; the C library's bindings do not know it.
#[repr(C)]
struct Owner {
    kind: libc::c_int,
    id: libc::pid_t,
}

const F_SETOWN_EX: libc::c_int = 15;
const F_OWNER_TID: libc::c_int = 0;

/// A request of `connection` begins on this thread. Where a signal tells of urgent data, it is for this thread alone.
///
/// # Returns
/// Whether its entry is to look for urgent data.
pub(super) fn begin(connection: BorrowedFd<'_>) -> bool {
    let Some(wanted) = WANTED.get() else { return false };
    if wanted.by == UrgentBy::Signal {
        // SAFETY: fcntl(2) reads a live local of the type that this command takes; gettid(2) only enters the kernel.
        unsafe {
            let owner = Owner { kind: F_OWNER_TID, id: libc::gettid() };
            libc::fcntl(connection.as_raw_fd(), F_SETOWN_EX, &raw const owner);
        }
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
        (wanted.cancel)(connection);
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
