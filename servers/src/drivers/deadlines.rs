//! Deadlines of many connections in one loop.
//!
//! A deadline moves with nearly every request, and hardly ever passes. So an entry in the heap is only a promise to
//! look at the connection: each connection has an entry at or before its true deadline. When the time of the entry
//! has come, the loop asks the connection for its true deadline and, if that lies ahead, enters it again. So moving a
//! deadline costs nothing.
//!
//! An entry whose connection has closed, or has got an earlier one, stays in the heap as a stale one. When most of
//! the entries are stale they are all removed, so the heap has at most about twice as many entries as there are
//! connections, however many have come and gone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// Below this number of entries the heap is left alone: removing the stale ones would save less than a page or two.
const FEW_ENTRIES: usize = 256;

/// When to look at which connection; a connection is known by its place in the table of its loop.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The entry that counts of each place; all others of that place are stale.
    entered: Vec<Option<Instant>>,
    /// How many places have one.
    current: usize,
}

impl Deadlines {
    /// No deadlines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Promises to look at the connection in `place` at `when`, if no earlier look is promised.
    pub fn enter(&mut self, place: usize, when: Instant) {
        if self.entered.len() <= place {
            self.entered.resize(place + 1, None);
        }
        match &mut self.entered[place] {
            Some(entered) if *entered <= when => return,
            Some(entered) => *entered = when,
            none => {
                *none = Some(when);
                self.current += 1;
            }
        }
        self.heap.push(Reverse((when, place)));
        if self.heap.len() > FEW_ENTRIES.max(2 * self.current) {
            self.heap.retain(|Reverse((when, place))| self.entered[*place] == Some(*when));
        }
    }

    /// The connection in `place` is closed.
    pub fn forget(&mut self, place: usize) {
        if self.entered.get_mut(place).and_then(Option::take).is_some() {
            self.current -= 1;
        }
    }

    /// The place of the next connection to look at, if its time has come.
    pub fn due(&mut self, now: Instant) -> Option<usize> {
        while let Some(&Reverse((when, place))) = self.heap.peek()
            && when <= now
        {
            self.heap.pop();
            if self.entered[place] == Some(when) {
                self.forget(place);
                return Some(place);
            }
        }
        None
    }

    /// How long it is until the next entry; `None` when there is none.
    pub fn idle_for(&self, now: Instant) -> Option<Duration> {
        self.heap.peek().map(|Reverse((when, _))| when.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_place_is_due_at_its_earliest_entry_and_once() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new();
        for (place, after) in [(7, 60), (3, 20), (7, 10), (7, 30), (3, 40)] {
            deadlines.enter(place, start + after * SECOND);
        }
        assert_eq!(deadlines.idle_for(start), Some(10 * SECOND));
        assert_eq!(deadlines.due(start + 9 * SECOND), None);
        assert_eq!(deadlines.due(start + 15 * SECOND), Some(7));
        // What is entered again counts from then on, and the stale entry before it does not.
        deadlines.enter(7, start + 70 * SECOND);
        assert_eq!(deadlines.due(start + 65 * SECOND), Some(3));
        assert_eq!(deadlines.due(start + 65 * SECOND), None);
        assert_eq!(deadlines.due(start + 70 * SECOND), Some(7));
        assert_eq!((deadlines.due(start + 99 * SECOND), deadlines.idle_for(start)), (None, None));
    }

    #[test]
    fn a_place_that_is_used_again_has_its_own_deadline() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new();
        deadlines.enter(0, start + SECOND);
        deadlines.forget(0);
        deadlines.enter(0, start + 5 * SECOND);
        assert_eq!(deadlines.due(start + 4 * SECOND), None);
        assert_eq!(deadlines.due(start + 5 * SECOND), Some(0));
    }

    /// Connections that come and go, each with a minute to idle and a request in between.
    #[test]
    fn the_heap_does_not_grow_with_connections_that_are_gone() {
        let start = Instant::now();
        for open in [1, 1_000_usize] {
            let mut deadlines = Deadlines::new();
            let mut largest = 0;
            for number in 0..1_000_000_usize {
                let (place, now) = (number % open, start + Duration::from_micros(50 * number as u64));
                deadlines.forget(place);
                deadlines.enter(place, now + 60 * SECOND);
                deadlines.enter(place, now + 10 * SECOND);
                largest = largest.max(deadlines.heap.len());
            }
            assert!(largest <= FEW_ENTRIES.max(2 * open) + 1, "{largest} entries for {open} connections");
            assert_eq!(deadlines.current, open);
        }
    }

    /// One connection after another request that waits for a back end: the wait is always the earlier deadline.
    #[test]
    fn the_heap_does_not_grow_with_requests_that_wait() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new();
        for number in 0..100_000_u64 {
            let now = start + Duration::from_micros(100 * number);
            deadlines.enter(0, now + 60 * SECOND);
            deadlines.enter(0, now + Duration::from_micros(50));
            assert_eq!(deadlines.due(now + Duration::from_micros(60)), Some(0));
            assert!(deadlines.heap.len() <= FEW_ENTRIES + 1, "{} entries", deadlines.heap.len());
        }
    }
}
