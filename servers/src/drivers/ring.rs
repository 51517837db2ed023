//! io_uring(7) in a few verbs: operations are put into one queue, their completions are taken out of another, and one
//! system call serves both.
//!
//! Bytes are received into a pool (`ring_pool.rs`) of buffers from which the kernel picks ("provided buffers"), so a
//! connection that waits holds no buffer.

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr;
use std::time::{Duration, Instant};

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{CancelBuilder, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode};
use nix::errno::Errno;
use nix::sys::socket::{Shutdown, shutdown};

use super::ring_pool::Pool;
use crate::kit::shortage::get_over_io;
use crate::kit::site::Arm;
use crate::limits::{RING_BUFFER_BYTES, RING_BUFFERS, RING_ENTRIES, RING_SETTLE_LIMIT};

/// What an operation does. The number of the variant is a part of the name under which the kernel reports the
/// completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Accept a connection.
    Accept,
    /// Receive into a buffer of the pool.
    Receive,
    /// Send from the connection's own memory.
    Send,
    /// Watch the stop switch.
    Stop,
    /// Watch the waiting room.
    Room,
    /// An operation whose completion is ignored.
    Forget,
}

const OPERATIONS: [Operation; 6] = [
    Operation::Accept,
    Operation::Receive,
    Operation::Send,
    Operation::Stop,
    Operation::Room,
    Operation::Forget,
];

/// The outcome of an operation.
#[derive(Debug, Clone, Copy)]
pub struct Completion {
    /// The kind of operation.
    pub operation: Operation,
    /// The index for which it was started.
    pub index: usize,
    /// The count or the descriptor that it returned.
    pub result: Result<u32, Errno>,
    /// The buffer of the pool that it has filled; it must be given back.
    pub buffer: Option<u16>,
    /// Whether the operation goes on and will complete again.
    pub goes_on: bool,
}

/// The two queues and the pool of buffers.
pub struct Ring {
    ring: IoUring,
    /// Freed with the ring, but only after the kernel has finished with it.
    pool: ManuallyDrop<Pool>,
    arm: Arm,
    /// Operations that the kernel has taken and whose completions were not taken out.
    under_way: usize,
    /// Whether an accept is one of them.
    is_accepting: bool,
    /// Completions that were taken out before their turn, to make room.
    early: Vec<Completion>,
    #[cfg(test)]
    refuse_next_wait: bool,
}

impl Ring {
    /// Sets up the queues and the pool. The tuned arm tells the kernel that only one thread uses them, which saves
    /// locks and interrupts.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] when the kernel has no io_uring, is older than 6.0, or forbids it
    /// (`kernel.io_uring_disabled`).
    pub fn new(arm: Arm) -> io::Result<Ring> {
        let mut builder = IoUring::builder();
        builder.setup_clamp().setup_cqsize(RING_ENTRIES * 4);
        if arm == Arm::Tuned {
            builder.setup_single_issuer().setup_defer_taskrun().setup_coop_taskrun();
        }
        let ring = builder.build(RING_ENTRIES).map_err(refused)?;
        let pool = Pool::new()?;
        // SAFETY: the memory is page-aligned, holds RING_BUFFERS entries, and is freed only after everything that
        // uses it has ended: see the ring's `drop`.
        unsafe {
            ring.submitter()
                .register_buf_ring_with_flags(pool.address_of_ring(), RING_BUFFERS, POOL, 0)
                .map_err(refused)?;
        }
        Ok(Ring {
            ring,
            pool: ManuallyDrop::new(pool),
            arm,
            under_way: 0,
            is_accepting: false,
            early: Vec::new(),
            #[cfg(test)]
            refuse_next_wait: false,
        })
    }

    /// Starts to accept from `listener`.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn accept(&mut self, listener: BorrowedFd<'_>) -> io::Result<()> {
        let entry = match self.arm {
            Arm::Plain => opcode::Accept::new(Fd(listener.as_raw_fd()), ptr::null_mut(), ptr::null_mut())
                .flags(libc::SOCK_CLOEXEC)
                .build(),
            Arm::Tuned => {
                opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC).build()
            }
        };
        self.is_accepting = true;
        // SAFETY: accept is given no memory.
        unsafe { self.push(entry, Operation::Accept, 0) }
    }

    /// Starts to receive from `connection`: once, or with the tuned arm until the kernel or `cancel_receive` ends it.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn receive(&mut self, connection: BorrowedFd<'_>, index: usize) -> io::Result<()> {
        let entry = match self.arm {
            Arm::Plain => {
                opcode::Recv::new(Fd(connection.as_raw_fd()), ptr::null_mut(), RING_BUFFER_BYTES as u32)
                    .buf_group(POOL)
                    .build()
                    .flags(Flags::BUFFER_SELECT)
            }
            Arm::Tuned => opcode::RecvMulti::new(Fd(connection.as_raw_fd()), POOL).build(),
        };
        // SAFETY: the memory is the pool's, which lives as long as the ring.
        unsafe { self.push(entry, Operation::Receive, index) }
    }

    /// Starts to send `octets`.
    ///
    /// # Safety
    /// `octets` must stay where they are, unchanged, until the completion has come.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub unsafe fn send(&mut self, connection: BorrowedFd<'_>, index: usize, octets: &[u8]) -> io::Result<()> {
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        let entry = opcode::Send::new(Fd(connection.as_raw_fd()), octets.as_ptr(), length)
            .flags(libc::MSG_NOSIGNAL)
            .build();
        // SAFETY: the caller's promise.
        unsafe { self.push(entry, Operation::Send, index) }
    }

    /// Cancels the receive of connection `index`. The caller learns that it has ended from its last completion.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn cancel_receive(&mut self, index: usize) -> io::Result<()> {
        let entry = opcode::AsyncCancel::new(name(Operation::Receive, index)).build();
        // SAFETY: cancelling is given no memory.
        unsafe { self.push(entry, Operation::Forget, index) }
    }

    /// Cancels the accept. What it has accepted by then comes before its [end](Self::accepts_none).
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn cancel_accept(&mut self) -> io::Result<()> {
        let entry = opcode::AsyncCancel::new(name(Operation::Accept, 0)).build();
        // SAFETY: cancelling is given no memory.
        unsafe { self.push(entry, Operation::Forget, 0) }
    }

    /// Whether the kernel accepts for us no more, and every connection that it accepted was reported.
    pub fn accepts_none(&self) -> bool {
        !self.is_accepting && self.early.is_empty()
    }

    /// Shuts `connection` down at once, so that operations that wait on it complete.
    ///
    /// This does not go through the queue: the kernel leaves a queued shutdown to a thread of its own, which looks up
    /// the descriptor only when it runs. By then the connection may be closed, and its number may belong to another
    /// client.
    pub fn shut(&self, connection: BorrowedFd<'_>, how: Shutdown) {
        // Fails when the peer has closed first, which does no harm.
        let _ = shutdown(connection.as_raw_fd(), how);
    }

    /// Closes `connection`.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn close(&mut self, connection: OwnedFd) -> io::Result<()> {
        let entry = opcode::Close::new(Fd(connection.as_raw_fd())).build();
        // SAFETY: closing is given no memory.
        unsafe { self.push(entry, Operation::Forget, 0)? };
        // From here on the kernel owns the descriptor.
        let _ = connection.into_raw_fd();
        Ok(())
    }

    /// Watches the stop switch.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn watch_stop(&mut self, switch: BorrowedFd<'_>) -> io::Result<()> {
        self.watch(switch, Operation::Stop)
    }

    /// Watches the waiting room, once.
    ///
    /// # Errors
    /// When the kernel refuses to take the queue.
    pub fn watch_room(&mut self, room: BorrowedFd<'_>) -> io::Result<()> {
        self.watch(room, Operation::Room)
    }

    fn watch(&mut self, descriptor: BorrowedFd<'_>, operation: Operation) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fd(descriptor.as_raw_fd()), libc::POLLIN as u32).build();
        // SAFETY: watching is given no memory.
        unsafe { self.push(entry, operation, 0) }
    }

    /// Submits the queued operations, waits for one completion (at most for `timeout`; `None`: for ever), and puts
    /// all completions into `done`, which is cleared first.
    ///
    /// # Errors
    /// When the kernel refuses. A signal ends the wait early and is no error, and a shortage of memory in the kernel
    /// only makes a pause.
    pub fn wait(&mut self, timeout: Option<Duration>, done: &mut Vec<Completion>) -> io::Result<()> {
        done.clear();
        #[cfg(test)]
        if std::mem::take(&mut self.refuse_next_wait) {
            return Err(Errno::EBADF.into());
        }
        // What was taken out early is there already, and more may be.
        let timeout = if self.early.is_empty() { timeout } else { Some(Duration::ZERO) };
        let limit = timeout.map(Timespec::from);
        let queued = self.ring.submission().len();
        let result = match &limit {
            None => self.ring.submitter().submit_and_wait(1),
            Some(limit) => self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(limit)),
        };
        // A wait that timed out returns no count, but the operations that it submitted are gone from the queue.
        self.under_way += queued - self.ring.submission().len();
        // EBUSY: completions have overflowed; taking them out of the queue makes room.
        self.take_completions();
        done.append(&mut self.early);
        match result {
            Err(error) if error.raw_os_error() == Some(libc::ETIME) => Ok(()),
            Err(error) if !done.is_empty() => get_over_io(error, Some(Duration::ZERO)),
            Err(error) => get_over_io(error, timeout),
            Ok(_) => Ok(()),
        }
    }

    /// Takes the completions out of the queue that are there.
    fn take_completions(&mut self) {
        let known = self.early.len();
        self.early.extend(self.ring.completion().map(|entry| Completion {
            operation: OPERATIONS[(entry.user_data() >> 56) as usize],
            index: (entry.user_data() & INDEX) as usize,
            result: u32::try_from(entry.result()).map_err(|_| Errno::from_raw(-entry.result())),
            buffer: cqueue::buffer_select(entry.flags()),
            goes_on: cqueue::more(entry.flags()),
        }));
        let ends = |one: &Completion| one.operation == Operation::Accept && !one.goes_on;
        self.is_accepting &= !self.early[known..].iter().any(ends);
        self.under_way -= self.early[known..].iter().filter(|completion| !completion.goes_on).count();
    }

    /// Ends everything that is under way, and returns when the kernel uses no memory of ours any more. The pool and
    /// the bytes being sent must still exist: operations that were queued are submitted now, and ended with the
    /// others.
    ///
    /// # Errors
    /// When the kernel has not finished within [`RING_SETTLE_LIMIT`]. Then neither the pool nor the bytes being sent
    /// may be freed.
    pub fn settle(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + RING_SETTLE_LIMIT;
        let mut ended = Vec::new();
        while self.under_way > 0 {
            match self.ring.submitter().register_sync_cancel(None, CancelBuilder::any()) {
                Err(error) if !matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EALREADY)) => {
                    get_over_io(error, Some(RING_SETTLE_LIMIT / 100))?;
                }
                _ => {}
            }
            self.wait(Some(RING_SETTLE_LIMIT / 100), &mut ended)?;
            if self.under_way > 0 && Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    /// The first `length` bytes of a buffer of the pool.
    pub fn buffer(&self, buffer: u16, length: u32) -> &[u8] {
        self.pool.buffer(buffer, length as usize)
    }

    /// Gives a buffer back to the pool.
    pub fn give_back(&mut self, buffer: u16) {
        self.pool.give(buffer);
    }

    /// # Safety
    /// All memory that `entry` points to must stay valid until its completion has come.
    unsafe fn push(&mut self, entry: Entry, operation: Operation, index: usize) -> io::Result<()> {
        let entry = entry.user_data(name(operation, index));
        // SAFETY: the caller's promise.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            match self.ring.submit() {
                Ok(count) => self.under_way += count,
                Err(error) => {
                    let known = self.early.len();
                    self.take_completions();
                    let has_room = self.early.len() > known;
                    get_over_io(error, has_room.then_some(Duration::ZERO))?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Closing a ring cancels what is under way, but later. Until then the kernel may write into the pool; so if
        // the kernel does not finish now, the pool is leaked on purpose.
        if self.settle().is_ok() {
            // SAFETY: the pool is dropped here and nowhere else, and is not used any more.
            unsafe { ManuallyDrop::drop(&mut self.pool) };
        }
    }
}

const INDEX: u64 = (1 << 56) - 1;

/// The number of the only pool.
const POOL: u16 = 0;

fn name(operation: Operation, index: usize) -> u64 {
    (operation as u64) << 56 | index as u64
}

fn refused(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EPERM | libc::EINVAL | libc::EACCES) => io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "this kernel offers no io_uring as this chapter needs it (Linux 6.0, kernel.io_uring_disabled = 0): {error}"
            ),
        ),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// A ring with a receive under way, and the peer that may send to it; `None` where there is no io_uring.
    fn receiving(arm: Arm) -> Option<(Ring, UnixStream, UnixStream)> {
        let mut ring = match Ring::new(arm) {
            Ok(ring) => ring,
            Err(error) => {
                eprintln!("skipped: {error}");
                return None;
            }
        };
        let (near, far) = UnixStream::pair().unwrap();
        ring.receive(near.as_fd(), 7).unwrap();
        ring.wait(Some(Duration::ZERO), &mut Vec::new()).unwrap();
        assert_eq!(ring.under_way, 1);
        Some((ring, near, far))
    }

    fn first_octets(ring: &Ring) -> Vec<u8> {
        (0..RING_BUFFERS)
            .flat_map(|buffer| ring.buffer(buffer, 5).to_vec())
            .filter(|octet| *octet != 0)
            .collect()
    }

    #[test]
    fn while_a_receive_is_under_way_the_kernel_writes_into_the_pool() {
        for arm in [Arm::Plain, Arm::Tuned] {
            let Some((mut ring, _near, mut far)) = receiving(arm) else { return };
            far.write_all(b"early").unwrap();
            let mut done = Vec::new();
            ring.wait(Some(Duration::from_secs(5)), &mut done).unwrap();
            assert_eq!((done[0].index, done[0].result), (7, Ok(5)));
            assert_eq!(first_octets(&ring), b"early");
        }
    }

    #[test]
    fn after_a_refused_submit_nothing_is_freed_that_the_kernel_may_write() {
        for arm in [Arm::Plain, Arm::Tuned] {
            let Some((mut ring, near, mut far)) = receiving(arm) else { return };
            ring.refuse_next_wait = true;
            // A second receive is started, but does not reach the kernel.
            ring.receive(near.as_fd(), 8).unwrap();
            assert!(ring.wait(None, &mut Vec::new()).is_err());
            assert_eq!(ring.under_way, 1, "the first one is under way all the same");
            ring.settle().unwrap();
            assert_eq!(ring.under_way, 0);
            far.write_all(b"later").unwrap();
            assert_eq!(first_octets(&ring), b"", "the kernel has let go of the pool");
            drop(ring);
        }
    }
}
