//! What the sources under test use besides atomics, for the scheduler of `shuttle`.

use std::collections::VecDeque;
use std::ops::Deref;
use std::time::Duration;

use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::sync::{Condvar, Mutex};

/// A queue whose operations are one step each, as those of a correct lock-free queue are.
#[derive(Debug)]
pub(crate) struct SegQueue<T>(Mutex<VecDeque<T>>);

impl<T> SegQueue<T> {
    pub(crate) fn new() -> Self {
        SegQueue(Mutex::new(VecDeque::new()))
    }

    pub(crate) fn push(&self, value: T) {
        self.0.lock().expect("no panic").push_back(value);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.lock().expect("no panic").pop_front()
    }
}

/// Flags without meaning here.
pub(crate) struct EfdFlags;

impl EfdFlags {
    pub(crate) const EFD_CLOEXEC: EfdFlags = EfdFlags;
    pub(crate) const EFD_NONBLOCK: EfdFlags = EfdFlags;
}

impl std::ops::BitOr for EfdFlags {
    type Output = EfdFlags;

    fn bitor(self, _: EfdFlags) -> EfdFlags {
        EfdFlags
    }
}

/// An eventfd(2): a count that is read as a whole, and a wait until it is more than 0.
#[derive(Debug)]
pub(crate) struct EventFd {
    count: Mutex<u64>,
    readable: Condvar,
}

impl EventFd {
    pub(crate) fn from_value_and_flags(value: u64, _: EfdFlags) -> std::io::Result<Self> {
        Ok(EventFd { count: Mutex::new(value), readable: Condvar::new() })
    }

    pub(crate) fn write(&self, more: u64) -> Result<(), ()> {
        *self.count.lock().expect("no panic") += more;
        self.readable.notify_all();
        Ok(())
    }

    pub(crate) fn read(&self) -> Result<u64, ()> {
        match std::mem::take(&mut *self.count.lock().expect("no panic")) {
            0 => Err(()),
            count => Ok(count),
        }
    }

    /// Waits as epoll_wait(2) does, level-triggered.
    pub(crate) fn wait_until_readable(&self) {
        let count = self.count.lock().expect("no panic");
        drop(self.readable.wait_while(count, |count| *count == 0).expect("no panic"));
    }

    pub(crate) fn is_readable(&self) -> bool {
        *self.count.lock().expect("no panic") > 0
    }
}

/// A borrowed descriptor is the thing itself.
pub(crate) type BorrowedFd<'a> = &'a EventFd;

pub(crate) trait AsFd {
    fn as_fd(&self) -> BorrowedFd<'_>;
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self
    }
}

/// Memory that processes share: here the threads of a model do.
#[derive(Debug)]
pub(crate) struct SharedByThreads<T>(Box<[T]>);

/// # Safety
/// As of the real one.
pub(crate) unsafe trait Zeroed: Sync {}

impl<T: Default> SharedByThreads<T> {
    pub(crate) fn new(count: usize) -> std::io::Result<Self> {
        Ok(SharedByThreads((0..count.max(1)).map(|_| T::default()).collect()))
    }
}

impl<T> Deref for SharedByThreads<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

/// As in the servers: no model lets time pass.
pub(crate) const EXHAUSTED_TOLD_EVERY: Duration = Duration::from_secs(60);

shuttle::lazy_static! {
    static ref MEASUREMENTS: AtomicU64 = AtomicU64::new(0);
}

/// A measurement that comes out different each time.
pub(crate) fn measured() -> u64 {
    MEASUREMENTS.fetch_add(1, Ordering::SeqCst) + 1
}
