//! The receive buffer: one stretch of initialised memory with the unread octets somewhere inside it.

use crate::work;
use std::mem;

/// `memory[start..end]` is unread; everything behind `end` is free and initialised.
#[derive(Default)]
pub(crate) struct Buffer {
    memory: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    pub(crate) fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.memory[self.start..self.end]
    }

    /// Octets of memory that there are, whether filled or free.
    pub(crate) fn held(&self) -> usize {
        self.memory.len()
    }

    /// The most octets of memory that [`spare`](Self::spare) will hold: while a buffer grows, the old memory and the
    /// new exist side by side.
    pub(crate) fn held_by_spare(&self, initial: usize, least: usize) -> usize {
        let is_enough = self.memory.len() - self.end >= least || self.is_worth_moving(least);
        self.memory.len() + if is_enough { 0 } else { self.grown(initial, least) }
    }

    /// The most octets of memory that will be held while `count` octets are copied into space from
    /// [`spare`](Self::spare).
    pub(crate) fn held_by_receiving(&self, count: usize, initial: usize, least: usize) -> usize {
        let there = self.memory.len().max(initial);
        let free = if self.memory.is_empty() { initial } else { self.memory.len() - self.end };
        if free >= least.max(count) {
            return there;
        }
        // Memory doubles when it is full, or half full at its end; meanwhile the old one is there besides.
        let fullness = if self.start == 0 { 1 } else { 2 };
        there + 3 * fullness * (self.len() + count + least)
    }

    /// The size of the memory that is made when there is too little.
    fn grown(&self, initial: usize, least: usize) -> usize {
        (self.memory.len() * 2).max(initial).max(self.memory.len() + least)
    }

    /// Whether moving the unread octets to the front gives enough space, and enough of it to be worth the copy.
    fn is_worth_moving(&self, least: usize) -> bool {
        self.start >= self.memory.len() / 2 && self.memory.len() - self.len() >= least
    }

    /// Whether there is no memory at all, so that `lend` is of use.
    pub(crate) fn has_no_memory(&self) -> bool {
        self.memory.is_empty()
    }

    /// Takes memory; its length counts, what is behind the length is not touched.
    pub(crate) fn lend(&mut self, memory: Vec<u8>) {
        if self.memory.is_empty() {
            self.memory = memory;
        }
    }

    /// Gives all memory away if nothing is unread.
    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        (self.is_empty() && !self.memory.is_empty()).then(|| {
            (self.start, self.end) = (0, 0);
            mem::take(&mut self.memory)
        })
    }

    /// Free space of at least `least` octets behind the unread ones; a first buffer has `initial` octets.
    ///
    /// Unread octets move to the front only when that frees half of the memory, else the memory doubles. So each
    /// octet is moved a bounded number of times, and memory stays within twice of what has arrived.
    pub(crate) fn spare(&mut self, initial: usize, least: usize) -> &mut [u8] {
        if self.memory.len() - self.end < least {
            work::count(self.len());
            if !self.is_worth_moving(least) {
                let grown = self.grown(initial, least);
                let mut larger = Vec::with_capacity(grown);
                larger.extend_from_slice(self.octets());
                larger.resize(grown, 0);
                self.end = self.len();
                self.start = 0;
                self.memory = larger;
            } else {
                self.memory.copy_within(self.start..self.end, 0);
                self.end = self.len();
                self.start = 0;
            }
        }
        &mut self.memory[self.end..]
    }

    /// `count` octets of the free space were filled.
    pub(crate) fn fill(&mut self, count: usize) {
        assert!(count <= self.memory.len() - self.end, "more octets received than there was space for");
        self.end += count;
    }

    /// Drops `count` unread octets at the front; gives memory above `keep` octets back when none is left.
    pub(crate) fn consume(&mut self, count: usize, keep: usize) {
        self.start += count;
        debug_assert!(self.start <= self.end);
        if self.start == self.end {
            self.clear(keep);
        }
    }

    /// Drops the unread octets from the first of these places to the second; those behind move down.
    pub(crate) fn remove(&mut self, from: usize, to: usize) {
        let octets = self.octets_mut();
        let len = octets.len() - (to - from);
        work::count(len - from);
        octets.copy_within(to.., from);
        self.truncate(len);
    }

    /// Shortens the unread octets to `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end = self.end.min(self.start + len);
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self, keep: usize) {
        (self.start, self.end) = (0, 0);
        if self.memory.len() > keep {
            self.memory = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    #[test]
    fn octets_survive_moving_and_growing() {
        let mut buffer = Buffer::default();
        let (mut written, mut read) = (0_u8, 0_u8);
        for round in 0..1_000_usize {
            let count = {
                let spare = buffer.spare(16, 4);
                let count = (round % 7 + 1).min(spare.len());
                for place in &mut spare[..count] {
                    *place = written;
                    written = written.wrapping_add(1);
                }
                count
            };
            buffer.fill(count);
            let take = (round % 5 + 1).min(buffer.len());
            for octet in &buffer.octets()[..take] {
                assert_eq!(*octet, read);
                read = read.wrapping_add(1);
            }
            buffer.consume(take, 1 << 20);
        }
    }

    #[test]
    fn large_memory_is_given_back_when_it_runs_empty() {
        let mut buffer = Buffer::default();
        buffer.spare(16, 1_000);
        buffer.fill(1_000);
        buffer.consume(1_000, 100);
        assert!(buffer.has_no_memory());
    }

    #[test]
    fn memory_that_is_not_above_the_bound_is_kept() {
        let mut buffer = Buffer::default();
        buffer.spare(100, 1);
        buffer.fill(10);
        buffer.consume(10, 100);
        assert!(!buffer.has_no_memory(), "100 octets may be kept");
        assert_eq!(buffer.spare(100, 1).len(), 100, "all of it is free again");
    }

    #[test]
    fn unread_octets_move_only_when_half_of_the_memory_becomes_free() {
        for (consumed, size) in [(49, 200), (50, 100), (99, 100)] {
            let mut buffer = Buffer::default();
            buffer.spare(100, 1);
            buffer.fill(100);
            buffer.consume(consumed, 1_000);
            let unread = 100 - consumed;
            assert_eq!(buffer.spare(100, 1).len() + unread, size, "{consumed} of 100 octets were read");
        }
        // Half of the memory would become free, and still that is less than what is wanted.
        let mut buffer = Buffer::default();
        buffer.spare(100, 1);
        buffer.fill(100);
        buffer.consume(60, 1_000);
        assert_eq!(buffer.spare(100, 70).len() + 40, 200);
    }
}
