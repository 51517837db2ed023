//! Deadlines of many connections in one loop.
//!
//! A deadline moves with nearly every request, and hardly ever passes. So an entry in the heap is only a promise to
//! look at the connection: each connection has an entry at or before its true deadline. When the time of the entry
//! has come, the loop asks the connection for its true deadline and, if that lies ahead, enters it again. So moving a
//! deadline costs nothing.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// When to look at which connection. `K` identifies a connection.
#[derive(Debug)]
pub struct Deadlines<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord + Copy> Deadlines<K> {
    /// No deadlines.
    pub fn new() -> Self {
        Deadlines { heap: BinaryHeap::new() }
    }

    /// Promises to look at `key` at `when`.
    pub fn enter(&mut self, key: K, when: Instant) {
        self.heap.push(Reverse((when, key)));
    }

    /// The next connection to look at, if its time has come, and the time that was entered for it.
    pub fn due(&mut self, now: Instant) -> Option<(Instant, K)> {
        let Reverse((when, _)) = self.heap.peek()?;
        if *when > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// How long it is until the next entry; `None` when there is none.
    pub fn idle_for(&self, now: Instant) -> Option<Duration> {
        self.heap.peek().map(|Reverse((when, _))| when.saturating_duration_since(now))
    }
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}
