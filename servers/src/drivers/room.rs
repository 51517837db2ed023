//! The waiting room of a loop: where requests wait for something that the loop does not watch by itself. It is one
//! descriptor to the loop, an epoll instance, whichever call the loop waits in.
//!
//! Requests wait here for their [waker](std::task::Waker), which another request wakes on this thread or on another,
//! and for descriptors of their own. Connections are watched here whose clients may leave meanwhile, where the loop's
//! own call cannot tell that.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Wake, Waker};
use std::thread::{self, ThreadId};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::mailbox::Mailbox;
use super::workers::Ticket;
use crate::limits::EVENTS_PER_WAIT;
use crate::services::job::JobSide;
use crate::under_way::urgent;

/// The waiting room of one loop.
pub struct Room {
    epoll: Epoll,
    bell: Arc<Bell>,
    /// What epoll has reported and nobody has taken.
    reported: Vec<Ticket>,
    /// Another thread has called.
    is_rung: bool,
}

/// How others call a request that waits here.
struct Bell {
    woken: Mailbox<Ticket>,
    /// The thread of the loop, which does not have to be woken by itself.
    home: ThreadId,
    /// Whether that thread has called. It alone writes and reads this, so that a turn without a call costs a look.
    is_called_at_home: AtomicBool,
}

/// Makes wakers for those who cannot reach the room itself.
#[derive(Clone)]
pub struct Caller(Arc<Bell>);

impl Caller {
    /// As [`Room::waker`].
    pub fn waker(&self, ticket: Ticket) -> Waker {
        Waker::from(Arc::new(Seat { bell: Arc::clone(&self.0), ticket }))
    }
}

/// Calls one request.
struct Seat {
    bell: Arc<Bell>,
    ticket: Ticket,
}

impl Wake for Seat {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if thread::current().id() == self.bell.home {
            self.bell.is_called_at_home.store(true, Relaxed);
            self.bell.woken.post_to_self(self.ticket);
        } else {
            self.bell.woken.post(self.ticket);
        }
    }
}

/// The token of the bell; that of a ticket is never as large.
const BELL: u64 = u64::MAX;

impl Room {
    /// The room of the loop on this thread.
    ///
    /// # Errors
    /// When the kernel has no descriptors left.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let (woken, home) = (Mailbox::new()?, thread::current().id());
        let bell = Arc::new(Bell { woken, home, is_called_at_home: AtomicBool::new(false) });
        epoll.add(bell.woken.wakeup(), EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        Ok(Room { epoll, bell, reported: Vec::new(), is_rung: false })
    }

    /// Wakes the request of `ticket`.
    pub fn waker(&self, ticket: Ticket) -> Waker {
        self.caller().waker(ticket)
    }

    /// Makes wakers.
    pub fn caller(&self) -> Caller {
        Caller(Arc::clone(&self.bell))
    }

    /// Reports `ticket` once when `descriptor` is ready, or broken.
    ///
    /// # Errors
    /// When the kernel has no memory to watch it, or it is no descriptor that can be watched.
    pub fn watch(&self, descriptor: RawFd, side: JobSide, ticket: Ticket) -> io::Result<()> {
        let side = match side {
            JobSide::Read => EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP,
            JobSide::Write => EpollFlags::EPOLLOUT,
        };
        // SAFETY: the number is only handed to the kernel, which refuses one that is not open.
        self.once(unsafe { BorrowedFd::borrow_raw(descriptor) }, side, ticket)
    }

    /// Reports `ticket` once when the client of `connection` has left, or `ended` its side if that is not known yet,
    /// or has sent urgent data where that is wanted. If the kernel refuses, nobody learns of it before the answer is
    /// there.
    pub fn watch_client(&self, connection: BorrowedFd<'_>, ended: bool, ticket: Ticket) {
        let end = if ended { EpollFlags::empty() } else { EpollFlags::EPOLLRDHUP };
        let _ = self.once(connection, end | urgent::epoll_flags(), ticket);
    }

    /// Stops watching a client that waits no more.
    pub fn forget_client(&self, connection: BorrowedFd<'_>) {
        let _ = self.epoll.delete(connection);
    }

    fn once(&self, descriptor: BorrowedFd<'_>, events: EpollFlags, ticket: Ticket) -> io::Result<()> {
        let mut event = EpollEvent::new(events | EpollFlags::EPOLLONESHOT, name(ticket));
        match self.epoll.add(descriptor, event) {
            Err(Errno::EEXIST) => Ok(self.epoll.modify(descriptor, &mut event)?),
            added => Ok(added?),
        }
    }

    /// Takes in what has happened: the loop calls this when the room is readable.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn listen(&mut self) -> io::Result<()> {
        let mut events = [EpollEvent::empty(); EVENTS_PER_WAIT];
        let count = match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
            Err(Errno::EINTR) => 0,
            count => count?,
        };
        for name in events[..count].iter().map(EpollEvent::data) {
            match name {
                BELL => self.is_rung = true,
                name => self.reported.push(ticket(name)),
            }
        }
        Ok(())
    }

    /// Somebody who waits here and for whom something has happened, or may have: a ticket may be outdated.
    pub fn next_called(&mut self) -> Option<Ticket> {
        if let Some(ticket) = self.reported.pop() {
            return Some(ticket);
        }
        if !self.is_rung && !self.bell.is_called_at_home.load(Relaxed) {
            return None;
        }
        let called = self.bell.woken.take();
        if called.is_none() {
            self.is_rung = false;
            self.bell.is_called_at_home.store(false, Relaxed);
        }
        called
    }
}

/// Readable when there is something to [listen](Room::listen) to.
impl AsFd for Room {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }
}

/// Bits of a name for the place in the table. The others are for the serial, whose upper bits are lost: a ticket that
/// is so outdated asks at most for nothing.
const PLACE_BITS: u32 = 28;

fn name(ticket: Ticket) -> u64 {
    (ticket.serial << PLACE_BITS | ticket.index as u64) & (u64::MAX >> 1)
}

fn ticket(name: u64) -> Ticket {
    Ticket { index: (name & ((1 << PLACE_BITS) - 1)) as usize, serial: name >> PLACE_BITS }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn all(room: &mut Room) -> Vec<u64> {
        room.listen().unwrap();
        std::iter::from_fn(|| room.next_called()).map(|ticket| ticket.serial).collect()
    }

    fn is_readable(room: &Room) -> bool {
        let mut watched = [nix::poll::PollFd::new(room.as_fd(), nix::poll::PollFlags::POLLIN)];
        nix::poll::poll(&mut watched, nix::poll::PollTimeout::ZERO).unwrap() == 1
    }

    #[test]
    fn whoever_is_called_comes_and_the_loop_is_woken_by_others_only() {
        let mut room = Room::new().unwrap();
        let seats: Vec<_> = (1..=3).map(|serial| room.waker(Ticket { index: 7, serial })).collect();
        seats[0].wake_by_ref();
        assert!(!is_readable(&room), "the loop itself looks");
        let other = seats[1].clone();
        thread::spawn(move || other.wake()).join().unwrap();
        assert!(is_readable(&room));
        assert_eq!(all(&mut room), [1, 2]);
        assert!(!is_readable(&room));
        assert!(all(&mut room).is_empty());
    }

    #[test]
    fn a_descriptor_is_reported_once_each_time_it_is_watched() {
        let mut room = Room::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        for serial in [5, 6] {
            room.watch(near.as_raw_fd(), JobSide::Read, Ticket { index: 3, serial }).unwrap();
            far.write_all(b"x").unwrap();
            assert!(is_readable(&room));
            assert_eq!(all(&mut room), [serial]);
            assert!(!is_readable(&room));
        }
        room.watch(near.as_raw_fd(), JobSide::Write, Ticket { index: 3, serial: 7 }).unwrap();
        assert_eq!(all(&mut room), [7]);
        assert!(room.watch(RawFd::MAX, JobSide::Read, Ticket { index: 3, serial: 8 }).is_err());
    }

    #[test]
    fn a_client_is_reported_when_it_ends_its_side_and_again_when_it_leaves() {
        let mut room = Room::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        let client = Ticket { index: 9, serial: 1 };
        room.watch_client(near.as_fd(), false, client);
        far.write_all(b"pipelined").unwrap();
        assert!(all(&mut room).is_empty(), "bytes that wait are no news");
        far.shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(all(&mut room), [1]);
        room.watch_client(near.as_fd(), true, client);
        assert!(all(&mut room).is_empty());
        drop(far);
        assert_eq!(all(&mut room), [1]);
        room.forget_client(near.as_fd());
        assert!(!is_readable(&room));
    }

    #[test]
    fn the_name_of_a_ticket_tells_its_place_and_serial() {
        for (index, serial) in [(0, 1), (16_383, 99), ((1 << PLACE_BITS) - 1, (1 << 35) - 1)] {
            let one = Ticket { index, serial };
            assert_eq!(ticket(name(one)), one);
            assert_ne!(name(one), BELL);
        }
    }
}
