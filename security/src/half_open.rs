//! Counts the handshakes under way at one acceptor, which refuses further ones before it does any work for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The count of one acceptor. After a fork, each process counts the handshakes of its own connections.
#[derive(Debug, Clone)]
pub(crate) struct HalfOpen {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// The permit of one handshake under way; it is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<AtomicUsize>);

impl HalfOpen {
    /// Room for `most` handshakes.
    pub(crate) fn new(most: usize) -> Self {
        HalfOpen { taken: Arc::default(), most }
    }

    /// A permit, or `None` when the limit of handshakes under way is reached.
    pub(crate) fn permit(&self) -> Option<Permit> {
        // The permit is made before the comparison: when there is no room, its drop takes the count back.
        let permit = Permit(Arc::clone(&self.taken));
        (self.taken.fetch_add(1, Ordering::Relaxed) < self.most).then_some(permit)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
