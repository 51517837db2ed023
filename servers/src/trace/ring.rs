//! A ring of events: one thread writes and waits for nobody, any number of threads and processes read.
//!
//! An event has a number, and lies in the place that its number has in the ring. The writer stores its two words and
//! then the count of all that it has written. A reader copies, and looks at the count afterwards: the place after the
//! last event may be under the writer's hand, so what lay there, and whatever lay before it, was overtaken. The two
//! fences order the words and the count, as in a sequence lock (Boehm, "Can Seqlocks Get Along with Programming
//! Language Memory Models?", 2012).

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU64, fence};

/// Words of an event.
pub const EVENT_WORDS: usize = 2;

/// The ring of one writer.
#[derive(Debug, Clone, Copy)]
pub struct EventRing<'a> {
    /// How many events were written since the start.
    pub written: &'a AtomicU64,
    /// The places: a power of two of events.
    pub places: &'a [AtomicU64],
}

/// What a look into a ring has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingLook {
    /// The number of the first event that is not read yet.
    pub next: u64,
    /// Events that were overwritten before they were read.
    pub overtaken: u64,
}

impl EventRing<'_> {
    fn capacity(&self) -> u64 {
        (self.places.len() / EVENT_WORDS) as u64
    }

    fn place(&self, number: u64) -> usize {
        (number & (self.capacity() - 1)) as usize * EVENT_WORDS
    }

    /// Writes an event. Only one thread at a time may.
    #[inline]
    pub fn write(&self, words: [u64; EVENT_WORDS]) {
        let number = self.written.load(Relaxed);
        let place = self.place(number);
        // Whoever sees one of the words sees that the events before this one were written.
        fence(Release);
        self.places[place].store(words[0], Relaxed);
        self.places[place + 1].store(words[1], Relaxed);
        self.written.store(number + 1, Release);
    }

    /// Appends the events from number `from` on to `into`, as far as they are there.
    pub fn read(&self, from: u64, into: &mut Vec<[u64; EVENT_WORDS]>) -> RingLook {
        let end = self.written.load(Acquire);
        let begin = from.max(end.saturating_sub(self.capacity())).min(end);
        let known = into.len();
        into.extend((begin..end).map(|number| {
            let place = self.place(number);
            [self.places[place].load(Relaxed), self.places[place + 1].load(Relaxed)]
        }));
        fence(Acquire);
        // The event of that number may be half written over the oldest one.
        let writing = self.written.load(Relaxed);
        let whole_from = (writing + 1).saturating_sub(self.capacity()).clamp(begin, end);
        into.drain(known..known + (whole_from - begin) as usize);
        RingLook { next: end, overtaken: whole_from.saturating_sub(from) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    struct Memory(AtomicU64, Vec<AtomicU64>);

    impl Memory {
        fn new(capacity: usize) -> Self {
            Memory(AtomicU64::new(0), (0..capacity * EVENT_WORDS).map(|_| AtomicU64::new(0)).collect())
        }

        fn ring(&self) -> EventRing<'_> {
            EventRing { written: &self.0, places: &self.1 }
        }
    }

    #[test]
    fn what_is_read_in_time_is_whole_and_the_rest_is_counted() {
        let memory = Memory::new(8);
        let (ring, mut events) = (memory.ring(), Vec::new());
        assert_eq!(ring.read(0, &mut events), RingLook { next: 0, overtaken: 0 });
        (0..5).for_each(|number| ring.write([number, number]));
        assert_eq!(ring.read(0, &mut events), RingLook { next: 5, overtaken: 0 });
        (5..20).for_each(|number| ring.write([number, number]));
        // The place of number 20 is that of number 12, and may be written at any moment.
        assert_eq!(ring.read(5, &mut events), RingLook { next: 20, overtaken: 8 });
        let numbers: Vec<u64> = events.iter().map(|words| words[0]).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 13, 14, 15, 16, 17, 18, 19]);
        assert_eq!(ring.read(20, &mut events), RingLook { next: 20, overtaken: 0 });
    }

    #[test]
    fn a_reader_beside_a_fast_writer_gets_whole_events_or_counts_them() {
        const EVENTS: u64 = 200_000;
        let memory = Memory::new(64);
        let is_over = AtomicBool::new(false);
        let (read, overtaken) = thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let (mut events, mut next, mut overtaken, mut read) = (Vec::new(), 0, 0, 0);
                loop {
                    let was_over = is_over.load(Acquire);
                    let look = memory.ring().read(next, &mut events);
                    let mut number = next + look.overtaken;
                    for [first, second] in events.drain(..) {
                        assert_eq!((first, second), (number, !number));
                        number += 1;
                        read += 1;
                    }
                    assert_eq!(number, look.next);
                    (next, overtaken) = (look.next, overtaken + look.overtaken);
                    if was_over && next == EVENTS {
                        return (read, overtaken);
                    }
                }
            });
            (0..EVENTS).for_each(|number| memory.ring().write([number, !number]));
            is_over.store(true, Release);
            reader.join().unwrap()
        });
        assert_eq!(read + overtaken, EVENTS);
    }
}
