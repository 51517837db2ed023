//! The queue of octets that wait to be written to the wire.

use crate::limits;

/// A queue of octets with a contiguous front: appended at the end, taken from the front without moving the rest.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    octets: Vec<u8>,
    taken: usize,
}

impl Outgoing {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.octets[self.taken..]
    }

    /// The buffer to append to. When more than half of it has been taken, the rest is moved to the front first, so that
    /// the buffer does not grow without bound.
    pub(crate) fn tail(&mut self) -> &mut Vec<u8> {
        if self.taken > self.octets.len() / 2 {
            self.octets.drain(..self.taken);
            self.taken = 0;
        }
        &mut self.octets
    }

    pub(crate) fn advance(&mut self, count: usize) {
        assert!(count <= self.pending().len(), "more was written than was pending");
        self.taken += count;
        if self.taken == self.octets.len() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.octets.shrink_to(limits::RETAINED_OCTETS);
        self.taken = 0;
    }
}
