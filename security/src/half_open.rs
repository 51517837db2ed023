//! Handshakes under way at one acceptor: counted, and refused beyond a limit before any work is done for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The count of one acceptor. After a fork each process counts its own.
#[derive(Debug, Clone)]
pub(crate) struct HalfOpen {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// A place among the handshakes under way; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl HalfOpen {
    /// Room for `most` handshakes.
    pub(crate) fn new(most: usize) -> Self {
        HalfOpen { taken: Arc::default(), most }
    }

    /// A place, or `None` when all are taken.
    pub(crate) fn place(&self) -> Option<Place> {
        // Made before the comparison: its drop takes the count back when there is no room.
        let place = Place(Arc::clone(&self.taken));
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
