//! The readers' side: another process looks into the memory of a server, and never makes it wait.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;

use super::event::TraceEvent;
pub use super::memory::TraceMemoryError;
use super::memory::{HeadWord, TraceMemory};
use super::tracer::share_of;

/// An event, and the lane into which it was written: the ring of one thread or process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneEvent {
    /// The lane, from 0. Who writes there tells its last [`WorkerBorn`](super::event::TracePoint::WorkerBorn).
    pub lane: u16,
    /// The event.
    pub event: TraceEvent,
}

/// What a look has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceLook {
    /// Events that were read.
    pub read: u64,
    /// Events that were overwritten before they were read.
    pub overtaken: u64,
}

/// Reads the trace of a server, each event once.
#[derive(Debug)]
pub struct TraceReader {
    memory: TraceMemory,
    /// The next event of each lane.
    next: Vec<u64>,
    words: Vec<[u64; 2]>,
}

impl TraceReader {
    /// Opens the memory that a server has named in its ready line (`trace`, a path such as `/proc/123/fd/7`), and
    /// begins with the oldest events that are there. The memory stays when the server ends.
    ///
    /// # Errors
    /// When it cannot be opened, or is no memory of a trace.
    pub fn open(path: &Path) -> Result<Self, TraceMemoryError> {
        let memory = TraceMemory::open(path)?;
        let next = vec![0; memory.lanes()];
        Ok(TraceReader { memory, next, words: Vec::new() })
    }

    /// Appends what has been written since the last look to `into`, lane by lane, each lane in the order of its
    /// writing. Lanes meet in time only: sort by `event.time_ns` where that order is needed. What a lane writes now may
    /// be older than what another has written, by the time that a thread can be held up between its look at the clock
    /// and its writing.
    pub fn read(&mut self, into: &mut Vec<LaneEvent>) -> TraceLook {
        let mut sum = TraceLook::default();
        for (lane, next) in self.next.iter_mut().enumerate() {
            let ring = self.memory.ring(lane);
            if ring.written.load(Relaxed) == *next {
                continue;
            }
            self.words.clear();
            let look = ring.read(*next, &mut self.words);
            (*next, sum.overtaken) = (look.next, sum.overtaken + look.overtaken);
            let events = self.words.iter().filter_map(|words| TraceEvent::of(*words));
            let known = into.len();
            into.extend(events.map(|event| LaneEvent { lane: lane as u16, event }));
            sum.read += (into.len() - known) as u64;
        }
        sum
    }

    /// Passes over what has been written so far.
    pub fn skip(&mut self) {
        for (lane, next) in self.next.iter_mut().enumerate() {
            *next = self.memory.ring(lane).written.load(Relaxed);
        }
    }

    /// From now on such a share of the connections that are accepted is traced, from 0 to 1. Connections that are open
    /// stay what they are.
    pub fn set_share(&self, share: f64) {
        self.memory.head(HeadWord::Share).store(share_of(share), Relaxed);
    }

    /// Connections that were accepted so far, traced or not.
    pub fn connections(&self) -> u64 {
        self.memory.head(HeadWord::Connections).load(Relaxed)
    }

    /// Connections that were to be traced and are not: all lanes were taken by other workers.
    pub fn missed(&self) -> u64 {
        self.memory.head(HeadWord::Missed).load(Relaxed)
    }

    /// When the server made the memory, on CLOCK_MONOTONIC, ns. A reader whose own clock is behind it sees another
    /// clock (a time namespace, time_namespaces(7)).
    pub fn opened_ns(&self) -> u64 {
        self.memory.head(HeadWord::OpenedNs).load(Relaxed)
    }

    /// How many rings there are.
    pub fn lanes(&self) -> usize {
        self.memory.lanes()
    }

    /// Who writes into a lane now: process and thread; `None`: nobody.
    pub fn owner(&self, lane: usize) -> Option<(u32, u32)> {
        let owner = self.memory.owner(lane).load(Relaxed);
        (owner != 0).then_some(((owner >> 32) as u32, owner as u32))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::trace::event::TracePoint;

    fn event(number: u32) -> TraceEvent {
        TraceEvent {
            time_ns: number.into(),
            connection: number,
            request: 1,
            detail: 0,
            point: TracePoint::Whole,
        }
    }

    #[test]
    fn what_is_overtaken_is_counted_and_what_is_not_is_read_once() {
        let memory = TraceMemory::make(2, 8).unwrap();
        let mut reader = TraceReader::open(Path::new(&memory.path())).unwrap();
        let (mut events, write) =
            (Vec::new(), |lane: usize, number: u32| memory.ring(lane).write(event(number).words()));
        write(0, 1);
        (1..=20).for_each(|number| write(1, number));
        // The place of number 13 may be under the writer's hand.
        assert_eq!(reader.read(&mut events), TraceLook { read: 8, overtaken: 13 });
        assert_eq!(events[0], LaneEvent { lane: 0, event: event(1) });
        let numbers: Vec<u32> = events[1..].iter().map(|one| one.event.connection).collect();
        assert_eq!(numbers, [14, 15, 16, 17, 18, 19, 20]);
        assert_eq!(reader.read(&mut events), TraceLook::default());
        write(0, 2);
        reader.skip();
        write(0, 3);
        events.clear();
        assert_eq!((reader.read(&mut events).read, events[0].event.connection), (1, 3));
        drop(memory);
        assert_eq!((reader.lanes(), reader.owner(0)), (2, None), "the memory stays when its server has gone");
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (short, foreign) = (directory.path().join("short"), directory.path().join("foreign"));
        fs::write(&short, "DYNO").unwrap();
        fs::write(&foreign, vec![7; 1 << 20]).unwrap();
        for path in [&short, &foreign] {
            assert!(matches!(TraceReader::open(path), Err(TraceMemoryError::NoTrace)), "{}", path.display());
        }
        for path in ["/nowhere", "/dev/null", "/"] {
            assert!(TraceReader::open(Path::new(path)).is_err(), "{path}");
        }
        let memory = TraceMemory::make(1, 8).unwrap();
        memory.head(HeadWord::LaneEvents).store(1 << 40, Relaxed);
        assert!(matches!(TraceReader::open(Path::new(&memory.path())), Err(TraceMemoryError::NoTrace)));
    }
}
