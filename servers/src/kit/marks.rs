//! What the signal handler knows of the connections: a table indexed by descriptor, and whether the stop was requested.
//!
//! A connection that becomes idle and a stop that is requested at the same moment must not miss each other, or a
//! blocked read(2) waits for ever. Each side therefore writes first and looks afterwards: the connection stores its
//! mark and then asks whether the stop was requested; the handler requests the stop and then looks at the marks. At
//! least one of the two sees the other. Every access is sequentially consistent, because with a weaker order both could
//! look before either write is seen.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

/// What the table knows of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Not a connection of this server.
    Free = 0,
    /// Waits for a request; may be woken to end.
    Idle = 1,
    /// Serves a request that must finish.
    Busy = 2,
}

/// Whether the connection that was marked must be woken by the one who marked it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wake {
    /// No: the handler will do it if the stop is requested.
    Later,
    /// Yes: the stop was requested, and the handler may have passed already.
    Now,
}

/// The marks of all connections of this process, and whether they shall end.
#[derive(Debug)]
pub(super) struct Marks {
    requested: AtomicBool,
    marks: Box<[AtomicU8]>,
}

/// Marks in a block of the table: 64 cache lines of 64.
const MARKS_SPREAD: usize = 64 * 64;

impl Marks {
    /// Room for descriptors below `max_descriptors`; connections above are never marked.
    pub(super) fn new(max_descriptors: usize) -> Self {
        let places = max_descriptors.next_multiple_of(MARKS_SPREAD);
        let free = || AtomicU8::new(Mark::Free as u8);
        Marks { requested: AtomicBool::new(false), marks: (0..places).map(|_| free()).collect() }
    }

    /// Whether the stop was requested.
    pub(super) fn is_requested(&self) -> bool {
        self.requested.load(SeqCst)
    }

    /// Requests the stop, and says whether this was the first request. Async-signal-safe, as all that follows.
    pub(super) fn request(&self) -> bool {
        !self.requested.swap(true, SeqCst)
    }

    /// Marks the connection of a descriptor.
    pub(super) fn mark(&self, descriptor: usize, mark: Mark) -> Wake {
        let Some(slot) = self.marks.get(place(descriptor)) else { return Wake::Later };
        slot.store(mark as u8, SeqCst);
        if mark == Mark::Idle && self.is_requested() { Wake::Now } else { Wake::Later }
    }

    /// Gives each idle descriptor to `visit`; with [`Mark::Busy`] each busy one as well.
    pub(super) fn for_each(&self, up_to: Mark, visit: impl Fn(usize)) {
        for descriptor in 0..self.marks.len() {
            let mark = self.marks[place(descriptor)].load(SeqCst);
            if mark == Mark::Idle as u8 || (mark == Mark::Busy as u8 && up_to == Mark::Busy) {
                visit(descriptor);
            }
        }
    }
}

/// Where in the table a descriptor has its mark. Neighbouring descriptors are often served on different cores, and
/// marks side by side would make these cores compete for a cache line. So within a block, 64 neighbours lie in 64
/// different lines: the upper and the lower half of the number are exchanged.
fn place(descriptor: usize) -> usize {
    let (block, within) = (descriptor / MARKS_SPREAD, descriptor % MARKS_SPREAD);
    block * MARKS_SPREAD + within % 64 * 64 + within / 64
}
