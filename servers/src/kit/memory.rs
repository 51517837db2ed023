//! The budget of memory that connections may hold, all of a server's processes and threads together.
//!
//! What a connection holds is counted in octets: what its design takes for it, whether idle or not, and its buffers,
//! request bodies and queued answers. Whoever needs more takes it from the budget first, through a [`Lease`]. Where
//! the budget is spent a connection is refused, or a request is, with a 503.
//!
//! The last quarter of the budget is kept for new connections and small requests: clients that fill the budget with
//! bodies do not lock out those that want a page.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::shared::Shared;

/// What memory is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A connection with its small buffers; it may take the whole budget.
    Connection,
    /// A body or a large answer; it leaves the last quarter alone.
    Body,
}

/// The budget. Forked processes share it.
#[derive(Debug)]
pub struct MemoryBudget {
    budget: u64,
    /// What is held, the most that ever was, what was refused, how many connections are open; then what each place of a
    /// child holds, and how many connections it has open.
    counts: Shared<AtomicU64>,
}

const HELD: usize = 0;
const PEAK: usize = 1;
const REFUSED: usize = 2;
const OPEN: usize = 3;
const PLACES: usize = 4;
const COUNTS_PER_PLACE: usize = 2;

/// The place of this process among the children of its parent, plus 1; 0 in the process that was started.
static PLACE: AtomicUsize = AtomicUsize::new(0);

impl MemoryBudget {
    /// A budget of so many octets, for at most so many children at a time.
    ///
    /// # Errors
    /// When the kernel refuses the memory for the counts.
    pub fn new(budget: usize, children: usize) -> io::Result<MemoryBudget> {
        Ok(MemoryBudget { budget: budget as u64, counts: Shared::new(PLACES + COUNTS_PER_PLACE * children)? })
    }

    /// The budget in octets.
    pub fn budget(&self) -> u64 {
        self.budget
    }

    /// Octets that are held now.
    pub fn held(&self) -> u64 {
        self.counts[HELD].load(Relaxed)
    }

    /// The most octets that were held at a time.
    pub fn peak(&self) -> u64 {
        self.counts[PEAK].load(Relaxed)
    }

    /// How often memory was refused.
    pub fn refused(&self) -> u64 {
        self.counts[REFUSED].load(Relaxed)
    }

    /// Connections that are open now.
    pub fn connections(&self) -> u64 {
        self.counts[OPEN].load(Relaxed)
    }

    /// Counts a connection as open, until what is returned is dropped.
    pub fn connect(&self) -> OpenConnection<'_> {
        self.counts[OPEN].fetch_add(1, Relaxed);
        if let Some(own) = self.own(1) {
            own.fetch_add(1, Relaxed);
        }
        OpenConnection(self)
    }

    /// Whether so many octets could be taken for one more connection.
    pub fn has_room(&self, octets: usize) -> bool {
        self.held() + octets as u64 <= self.budget
    }

    /// A lease on nothing yet.
    pub fn nothing(&self) -> Lease<'_> {
        Lease { memory: self, octets: 0 }
    }

    /// A lease on `octets`; `None` when there are not so many left.
    pub fn lease(&self, octets: usize, purpose: Purpose) -> Option<Lease<'_>> {
        let mut lease = self.nothing();
        lease.cover(octets, purpose).then_some(lease)
    }

    fn take(&self, octets: u64, purpose: Purpose) -> bool {
        let most = match purpose {
            Purpose::Connection => self.budget,
            Purpose::Body => self.budget - self.budget / 4,
        };
        let fits = |held: u64| held.checked_add(octets).filter(|held| *held <= most);
        let Ok(before) = self.counts[HELD].fetch_update(Relaxed, Relaxed, fits) else {
            self.counts[REFUSED].fetch_add(1, Relaxed);
            return false;
        };
        self.counts[PEAK].fetch_max(before + octets, Relaxed);
        if let Some(own) = self.own(0) {
            own.fetch_add(octets, Relaxed);
        }
        true
    }

    fn give(&self, octets: u64) {
        if let Some(own) = self.own(0) {
            own.fetch_sub(octets, Relaxed);
        }
        self.counts[HELD].fetch_sub(octets, Relaxed);
    }

    /// A count of this process, if it is a child: what it holds, or how many connections it has open.
    fn own(&self, count: usize) -> Option<&AtomicU64> {
        let place = PLACE.load(Relaxed).checked_sub(1)?;
        self.counts.get(PLACES + COUNTS_PER_PLACE * place + count)
    }

    /// Gives back what the child in `place` held, which has ended, well or not. Async-signal-safe.
    pub fn bury(&self, place: usize) {
        for (own, of_all) in [HELD, OPEN].into_iter().enumerate() {
            if let Some(child) = self.counts.get(PLACES + COUNTS_PER_PLACE * place + own) {
                self.counts[of_all].fetch_sub(child.swap(0, Relaxed), Relaxed);
            }
        }
    }
}

/// Says in a child which place it has, before it takes anything.
pub fn become_child(place: usize) {
    PLACE.store(1 + place, Relaxed);
}

/// A connection that is open; dropping this says that it has ended.
#[derive(Debug)]
pub struct OpenConnection<'a>(&'a MemoryBudget);

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        if let Some(own) = self.0.own(1) {
            own.fetch_sub(1, Relaxed);
        }
        self.0.counts[OPEN].fetch_sub(1, Relaxed);
    }
}

/// A part of the budget; dropping it gives the part back.
#[derive(Debug)]
pub struct Lease<'a> {
    memory: &'a MemoryBudget,
    octets: usize,
}

impl Lease<'_> {
    /// Makes the lease one on `octets`, more or fewer than it was.
    ///
    /// # Returns
    /// Whether there was so much left; otherwise the lease stays as it was.
    pub fn cover(&mut self, octets: usize, purpose: Purpose) -> bool {
        let more = octets.saturating_sub(self.octets) as u64;
        if more > 0 && !self.memory.take(more, purpose) {
            return false;
        }
        if octets < self.octets {
            self.memory.give((self.octets - octets) as u64);
        }
        self.octets = octets;
        true
    }

    /// The octets that it is on.
    pub fn octets(&self) -> usize {
        self.octets
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.octets > 0 {
            self.memory.give(self.octets as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_is_held_never_passes_the_budget_however_many_take_at_once() {
        let memory = MemoryBudget::new(1_000_000, 0).unwrap();
        thread::scope(|scope| {
            for thread in 0..8_usize {
                let memory = &memory;
                scope.spawn(move || {
                    let mut leases = Vec::new();
                    for round in 0..20_000_usize {
                        let octets = 1 + (thread * 7_919 + round * 104_729) % 50_000;
                        leases.extend(memory.lease(octets, Purpose::Connection));
                        assert!(memory.held() <= memory.budget());
                        if round % 3 == 0 || leases.len() > 40 {
                            leases.pop();
                        }
                    }
                });
            }
        });
        assert_eq!(memory.held(), 0, "all leases were dropped");
        assert!(memory.peak() > 900_000 && memory.peak() <= memory.budget() && memory.refused() > 0);
    }

    #[test]
    fn bodies_leave_the_last_quarter_alone() {
        let memory = MemoryBudget::new(1_000, 0).unwrap();
        let mut bodies = memory.lease(750, Purpose::Body).unwrap();
        assert!(memory.lease(1, Purpose::Body).is_none());
        assert!(!bodies.cover(751, Purpose::Body) && bodies.octets() == 750);
        let connection = memory.lease(250, Purpose::Connection).unwrap();
        assert!(!memory.has_room(1) && memory.lease(1, Purpose::Connection).is_none());
        assert!(bodies.cover(700, Purpose::Body) && memory.has_room(50) && !memory.has_room(51));
        drop((bodies, connection));
        assert_eq!((memory.held(), memory.peak()), (0, 1_000));
    }
}
