//! What is known of the backends, in cells of memory that somebody else owns.
//!
//! Each backend has a line of eight cells, so that two of them share no cache line, and the farm has one of its own.
//! A cell is changed by one atomic step at a time; a view of several is no snapshot, and nothing here needs one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::dice::mix;

/// Cells of a line.
pub(crate) const LINE: usize = 8;

/// The cells of the farm's own line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FarmCommon {
    /// Tickets that were drawn.
    Ticket,
    /// Retries that may be made, in thousandths.
    Budget,
    /// When the budget was last settled, ns.
    Settled,
    /// How often dice were rolled.
    Rolls,
}

/// The cells of a backend's line.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FarmCell {
    /// Requests under way.
    Outstanding,
    /// Failures in a row.
    Failures,
    /// Until when it is left alone, ns; 0: it is up.
    DownUntil,
    /// Its latency, ns: a peak that decays.
    Latency,
    /// When that was last changed, ns.
    LatencySince,
    /// Requests that it was given.
    Given,
}

/// The backends of one path.
#[derive(Debug, Clone, Copy)]
pub struct Farm<'a> {
    weights: &'a [u32],
    cells: &'a [AtomicU64],
}

/// Some of the backends, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backends(pub u64);

impl Backends {
    /// Whether this one is among them.
    pub fn has(self, backend: usize) -> bool {
        self.0 & (1 << backend) != 0
    }

    /// With this one.
    pub fn with(self, backend: usize) -> Backends {
        Backends(self.0 | 1 << backend)
    }

    /// Those that are not among the others.
    pub fn without(self, others: Backends) -> Backends {
        Backends(self.0 & !others.0)
    }

    /// How many there are.
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Each of them, in order.
    pub fn each(self) -> impl Iterator<Item = usize> {
        (0..64).filter(move |backend| self.has(*backend))
    }

    /// The one in this place among them, counted from 0 and around.
    pub fn nth(self, place: u64) -> Option<usize> {
        let count = u64::from(self.count());
        if count == 0 { None } else { self.each().nth((place % count) as usize) }
    }
}

impl<'a> Farm<'a> {
    /// Cells that so many backends need.
    pub fn cells(backends: usize) -> usize {
        (backends + 1) * LINE
    }

    /// Backends of these weights, with what is known of them in `cells`, zero at first.
    ///
    /// # Panics
    /// When there are fewer cells than that takes, or more backends than there may be.
    pub fn new(weights: &'a [u32], cells: &'a [AtomicU64]) -> Farm<'a> {
        assert!(weights.len() <= crate::limits::BACKENDS && cells.len() >= Farm::cells(weights.len()));
        Farm { weights, cells }
    }

    pub(crate) fn common(&self, which: FarmCommon) -> &'a AtomicU64 {
        &self.cells[which as usize]
    }

    pub(crate) fn cell(&self, backend: usize, which: FarmCell) -> &'a AtomicU64 {
        &self.cells[(backend + 1) * LINE + which as usize]
    }

    /// The weights.
    pub fn weights(&self) -> &'a [u32] {
        self.weights
    }

    /// All backends.
    pub fn all(&self) -> Backends {
        Backends(u64::MAX.checked_shr(64 - self.weights.len() as u32).unwrap_or(0))
    }

    /// A number that nobody else gets.
    pub fn ticket(&self) -> u64 {
        self.common(FarmCommon::Ticket).fetch_add(1, Relaxed)
    }

    /// A number that nobody foresees who does not know the seed.
    pub fn roll(&self, seed: u64) -> u64 {
        mix(seed ^ self.common(FarmCommon::Rolls).fetch_add(1, Relaxed))
    }

    /// Requests under way at a backend.
    pub fn outstanding(&self, backend: usize) -> u64 {
        self.cell(backend, FarmCell::Outstanding).load(Relaxed)
    }

    /// Requests that a backend was given so far.
    pub fn given(&self, backend: usize) -> u64 {
        self.cell(backend, FarmCell::Given).load(Relaxed)
    }

    /// A request is given to a backend.
    pub fn begin(&self, backend: usize) {
        self.cell(backend, FarmCell::Outstanding).fetch_add(1, Relaxed);
        self.cell(backend, FarmCell::Given).fetch_add(1, Relaxed);
    }

    /// It is under way no more.
    pub fn end(&self, backend: usize) {
        // A process that was killed has not taken its own back, so no count may pass zero.
        let less = |count: u64| Some(count.saturating_sub(1));
        let _ = self.cell(backend, FarmCell::Outstanding).fetch_update(Relaxed, Relaxed, less);
    }

    /// The load that one request more would make of a backend, in thousandths of a request for each unit of weight.
    pub fn load_with_one_more(&self, backend: usize) -> u64 {
        (self.outstanding(backend) + 1) * 1_000 / u64::from(self.weights[backend].max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_backends() {
        let some = Backends::default().with(1).with(5).with(63);
        assert_eq!(some.each().collect::<Vec<_>>(), [1, 5, 63]);
        assert_eq!((some.nth(0), some.nth(2), some.nth(4)), (Some(1), Some(63), Some(5)));
        assert_eq!(Backends::default().nth(7), None);
        let (weights, cells) = ([1; 64], std::array::from_fn::<_, 520, _>(|_| AtomicU64::new(0)));
        for count in 0..=64 {
            assert_eq!(Farm::new(&weights[..count], &cells).all().count() as usize, count);
        }
    }

    #[test]
    fn counts_do_not_pass_zero() {
        let cells = std::array::from_fn::<_, 16, _>(|_| AtomicU64::new(0));
        let farm = Farm::new(&[1], &cells);
        farm.begin(0);
        farm.end(0);
        farm.end(0);
        assert_eq!((farm.outstanding(0), farm.given(0)), (0, 1));
    }
}
