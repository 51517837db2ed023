//! The memory of a trace: a file without a name (memfd_create(2)), which workers inherit and readers open by
//! `/proc/PID/fd/N`. All of it is words of eight bytes, and each is only ever reached as an atomic.
//!
//! | at | what |
//! |---|---|
//! | 0 | one page, the head: what it is, how large it is, which share of connections is traced, and counts |
//! | 4,096 | for each lane 128 bytes: events written, and who writes |
//! | after them, at the next page | the places of lane 0, then those of lane 1, and so on |

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::unistd::ftruncate;

use super::ring::{EVENT_WORDS, EventRing};
use crate::limits::{TRACE_LANE_EVENTS_MAX, TRACE_LANES_MAX};
use crate::shared::monotonic_ns;

/// The first word: that this is a trace, and of which format.
const MAGIC: u64 = u64::from_be_bytes(*b"DYNOTR01");

/// The words of the head.
#[derive(Debug, Clone, Copy)]
pub(super) enum HeadWord {
    Magic = 0,
    /// How many lanes there are.
    Lanes = 1,
    /// Events of a lane, a power of two.
    LaneEvents = 2,
    /// Of 2^32 connections so many are traced.
    Share = 3,
    /// Connections so far, traced or not.
    Connections = 4,
    /// Connections that were to be traced and are not, because no lane was free or nothing could be noted of them.
    Missed = 5,
    /// When the memory was made, on CLOCK_MONOTONIC.
    OpenedNs = 6,
    /// When lanes of workers that have died were last looked for, on CLOCK_MONOTONIC.
    SweptNs = 7,
}

const PAGE_BYTES: usize = 4096;
const WORD_BYTES: usize = size_of::<u64>();

/// Words before the places of a lane are described here: two cache lines, so that lanes do not disturb each other.
pub(super) const LANE_HEAD_WORDS: usize = 16;
const WRITTEN: usize = 0;
const OWNER: usize = 1;

/// Why a file is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TraceMemoryError {
    /// It cannot be opened or mapped.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is another kind of file, or of another version.
    #[error("this is no memory of a trace, or of another version of dyno")]
    NoTrace,
}

/// A mapping of the memory.
#[derive(Debug)]
pub(super) struct TraceMemory {
    file: File,
    words: NonNull<AtomicU64>,
    count: usize,
    lanes: usize,
    lane_events: usize,
}

// SAFETY: the memory is only ever reached through shared references to atomics.
unsafe impl Send for TraceMemory {}
// SAFETY: as above.
unsafe impl Sync for TraceMemory {}

/// Words from the start to the places of the first lane.
fn places_at(lanes: usize) -> usize {
    (PAGE_BYTES + (lanes * LANE_HEAD_WORDS * WORD_BYTES).next_multiple_of(PAGE_BYTES)) / WORD_BYTES
}

impl TraceMemory {
    /// New memory for so many lanes of so many events each, a power of two.
    ///
    /// # Errors
    /// When the kernel refuses it.
    pub(super) fn make(lanes: usize, lane_events: usize) -> io::Result<Self> {
        let (lanes, lane_events) = (
            lanes.clamp(1, TRACE_LANES_MAX),
            lane_events.clamp(1, TRACE_LANE_EVENTS_MAX).next_power_of_two(),
        );
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        let file = File::from(memfd_create(c"dyno-trace", flags)?);
        let count = places_at(lanes) + lanes * lane_events * EVENT_WORDS;
        ftruncate(&file, (count * WORD_BYTES).try_into().map_err(io::Error::other)?)?;
        // Whoever maps it may rely on its length.
        let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
        let memory = TraceMemory::map(file, count, lanes, lane_events)?;
        memory.head(HeadWord::Lanes).store(lanes as u64, Relaxed);
        memory.head(HeadWord::LaneEvents).store(lane_events as u64, Relaxed);
        memory.head(HeadWord::OpenedNs).store(monotonic_ns(), Relaxed);
        memory.head(HeadWord::Magic).store(MAGIC, Relaxed);
        Ok(memory)
    }

    /// Opens the memory of a server.
    ///
    /// # Errors
    /// When it cannot be opened, or is no memory of a trace.
    pub(super) fn open(path: &Path) -> Result<Self, TraceMemoryError> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        // What could become shorter would end this process at its next look.
        let seals = fcntl(&file, FcntlArg::F_GET_SEALS).map_err(|_| TraceMemoryError::NoTrace)?;
        if !SealFlag::from_bits_retain(seals).contains(SealFlag::F_SEAL_SHRINK) {
            return Err(TraceMemoryError::NoTrace);
        }
        let mut octets = [0; 3 * WORD_BYTES];
        file.read_exact_at(&mut octets, 0).map_err(|_| TraceMemoryError::NoTrace)?;
        let words = octets.as_chunks::<WORD_BYTES>().0;
        let [magic, lanes, lane_events] = [0, 1, 2].map(|at: usize| u64::from_ne_bytes(words[at]));
        let (lanes, lane_events) = (lanes as usize, lane_events as usize);
        let is_sound = magic == MAGIC
            && (1..=TRACE_LANES_MAX).contains(&lanes)
            && (1..=TRACE_LANE_EVENTS_MAX).contains(&lane_events)
            && lane_events.is_power_of_two();
        if !is_sound {
            return Err(TraceMemoryError::NoTrace);
        }
        let count = places_at(lanes) + lanes * lane_events * EVENT_WORDS;
        if file.metadata()?.len() < (count * WORD_BYTES) as u64 {
            return Err(TraceMemoryError::NoTrace);
        }
        Ok(TraceMemory::map(file, count, lanes, lane_events)?)
    }

    fn map(file: File, count: usize, lanes: usize, lane_events: usize) -> io::Result<Self> {
        let length = NonZeroUsize::new(count * WORD_BYTES).expect("a head has a size");
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a fresh mapping overlaps nothing that anybody else uses; the file has this length and keeps it.
        let words = unsafe { mmap(None, length, access, MapFlags::MAP_SHARED, file.as_fd(), 0)? };
        Ok(TraceMemory { file, words: words.cast(), count, lanes, lane_events })
    }

    fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping holds `count` words, page-aligned, and any octets are a number; other processes reach
        // them as atomics as well. It lives as long as `self`.
        unsafe { slice::from_raw_parts(self.words.as_ptr(), self.count) }
    }

    pub(super) fn head(&self, word: HeadWord) -> &AtomicU64 {
        &self.words()[word as usize]
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    pub(super) fn ring(&self, lane: usize) -> EventRing<'_> {
        let words = self.words();
        let places = places_at(self.lanes) + lane * self.lane_events * EVENT_WORDS;
        EventRing {
            written: &words[PAGE_BYTES / WORD_BYTES + lane * LANE_HEAD_WORDS + WRITTEN],
            places: &words[places..places + self.lane_events * EVENT_WORDS],
        }
    }

    /// Who writes into a lane: process and thread; 0: nobody.
    pub(super) fn owner(&self, lane: usize) -> &AtomicU64 {
        &self.words()[PAGE_BYTES / WORD_BYTES + lane * LANE_HEAD_WORDS + OWNER]
    }

    /// The path by which other processes of this user open it, as long as this process lives.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }
}

impl Drop for TraceMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length and nothing borrows it any more.
        let _ = unsafe { munmap(self.words.cast(), self.count * WORD_BYTES) };
    }
}
