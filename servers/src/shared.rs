//! What forked workers share with their parent and with each other: memory, and a clock.

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::AtomicU64;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// What may lie in shared memory: a value that is valid when all its octets are zero, and that several processes may
/// reach at once through shared references.
///
/// # Safety
/// The type must be made of atomics alone.
pub unsafe trait Zeroed: Sync {}

// SAFETY: an atomic, and zero is a number.
unsafe impl Zeroed for AtomicU64 {}

/// A slice of atomics, zeroed at first, in memory that children share that are forked later.
pub struct Shared<T: Zeroed> {
    memory: NonNull<T>,
    count: usize,
}

// SAFETY: the memory is only ever reached through shared references to atomics.
unsafe impl<T: Zeroed> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Zeroed> Sync for Shared<T> {}

impl<T: Zeroed> Shared<T> {
    /// `count` values, at least one.
    ///
    /// # Errors
    /// When the kernel refuses the memory (mmap(2)).
    pub fn new(count: usize) -> io::Result<Self> {
        let count = count.max(1);
        let length = NonZeroUsize::new(count * size_of::<T>()).expect("at least one value with a size");
        // SAFETY: a fresh anonymous mapping overlaps nothing that anybody else uses.
        let memory = unsafe {
            mmap_anonymous(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED)?
        };
        Ok(Shared { memory: memory.cast(), count })
    }
}

impl<T: Zeroed> Deref for Shared<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the mapping holds `count` values, page-aligned and zeroed by the kernel, which is valid for them; it
        // lives as long as `self`.
        unsafe { slice::from_raw_parts(self.memory.as_ptr(), self.count) }
    }
}

impl<T: Zeroed + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: Zeroed> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length and nothing borrows it any more.
        let _ = unsafe { munmap(self.memory.cast(), self.count * size_of::<T>()) };
    }
}

/// The time of a clock that all processes of this machine share, ns. Async-signal-safe.
pub(crate) fn monotonic_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime(2) writes to a live local; it is async-signal-safe.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
