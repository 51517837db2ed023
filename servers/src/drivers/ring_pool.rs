//! The buffers that io_uring receives into, and the ring of those that the kernel may pick, in memory that is shared
//! with it (io_uring_register_buf_ring(3)).

use std::io;
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering::Release};

use io_uring::types::BufRingEntry;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::limits::{RING_BUFFER_BYTES, RING_BUFFERS};

/// The buffers, and the ring of those that the kernel may pick.
pub(super) struct Pool {
    ring: NonNull<BufRingEntry>,
    memory: NonNull<u8>,
    tail: u16,
}

const RING_BYTES: usize = RING_BUFFERS as usize * size_of::<BufRingEntry>();
const MEMORY_BYTES: usize = RING_BUFFERS as usize * RING_BUFFER_BYTES;

impl Pool {
    /// All buffers, free at first.
    ///
    /// # Errors
    /// When the kernel has no memory.
    pub(super) fn new() -> io::Result<Pool> {
        let mut pool = Pool { ring: map(RING_BYTES)?.cast(), memory: map(MEMORY_BYTES)?.cast(), tail: 0 };
        (0..RING_BUFFERS).for_each(|buffer| pool.give(buffer));
        Ok(pool)
    }

    /// Where the kernel finds the ring: page-aligned, with [`RING_BUFFERS`] entries.
    pub(super) fn address_of_ring(&self) -> u64 {
        self.ring.as_ptr() as u64
    }

    fn address(&self, buffer: u16) -> *mut u8 {
        // SAFETY: `buffer` is below RING_BUFFERS: the kernel returns only numbers that we gave it.
        unsafe { self.memory.as_ptr().add(usize::from(buffer) * RING_BUFFER_BYTES) }
    }

    /// The first `length` bytes of a buffer.
    pub(super) fn buffer(&self, buffer: u16, length: usize) -> &[u8] {
        assert!(buffer < RING_BUFFERS && length <= RING_BUFFER_BYTES, "the kernel keeps to the pool");
        // SAFETY: within the mapping; the kernel does not touch a buffer between its completion and `give`, which needs
        // `&mut self`.
        unsafe { std::slice::from_raw_parts(self.address(buffer), length) }
    }

    /// Puts a buffer at the tail of the ring and publishes the new tail to the kernel
    /// (io_uring_register_buf_ring(3)).
    pub(super) fn give(&mut self, buffer: u16) {
        assert!(buffer < RING_BUFFERS, "the kernel keeps to the pool");
        let place = usize::from(self.tail % RING_BUFFERS);
        // SAFETY: `place` is inside the ring, and the kernel reads an entry only after the tail has passed it. The
        // tail is stored in a field of the first entry that the kernel reserves for it and that the setters do not
        // touch.
        unsafe {
            let entry = &mut *self.ring.as_ptr().add(place);
            entry.set_addr(self.address(buffer) as u64);
            entry.set_len(RING_BUFFER_BYTES as u32);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(self.ring.as_ptr()).cast::<AtomicU16>();
            (*tail).store(self.tail, Release);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: `new` mapped both with these lengths; the queues that used them are gone.
        unsafe {
            let _ = munmap(self.ring.cast(), RING_BYTES);
            let _ = munmap(self.memory.cast(), MEMORY_BYTES);
        }
    }
}

fn map(length: usize) -> io::Result<NonNull<std::ffi::c_void>> {
    let length = NonZeroUsize::new(length).expect("not empty");
    // SAFETY: a fresh anonymous mapping overlaps no other memory.
    Ok(unsafe {
        mmap_anonymous(None, length, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE)?
    })
}
