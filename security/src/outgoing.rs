//! The write buffer of a session: records are sealed in it, where they wait to be written to the wire.

use crate::limits;
use std::io;

/// A queue of octets with a contiguous front: appended at the end, taken from the front without moving the rest.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// All of it is initialised, so that a warm buffer is not filled with zeros again.
    octets: Vec<u8>,
    taken: usize,
    end: usize,
}

impl Outgoing {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.octets[self.taken..self.end]
    }

    /// Room for `octets` octets behind what waits. When more than half of the buffer has been taken, the rest is moved
    /// to the front first, so that the buffer does not grow without bound.
    fn room(&mut self, octets: usize) -> &mut [u8] {
        if self.taken > self.end / 2 {
            self.octets.copy_within(self.taken..self.end, 0);
            (self.taken, self.end) = (0, self.end - self.taken);
        }
        let end = self.end + octets;
        if self.octets.len() < end {
            self.octets.resize(end, 0);
        }
        &mut self.octets[self.end..end]
    }

    /// Appends `octets` octets, which `write` puts into their place; what lies there before means nothing.
    pub(crate) fn append_with(&mut self, octets: usize, write: impl FnOnce(&mut [u8])) {
        write(self.room(octets));
        self.end += octets;
    }

    pub(crate) fn append(&mut self, octets: &[u8]) {
        self.append_with(octets.len(), |room| room.copy_from_slice(octets));
    }

    pub(crate) fn advance(&mut self, count: usize) {
        assert!(count <= self.pending().len(), "more was written than was pending");
        self.taken += count;
        if self.taken == self.end {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.octets.truncate(limits::RETAINED_OCTETS);
        self.octets.shrink_to(limits::RETAINED_OCTETS);
        (self.taken, self.end) = (0, 0);
    }

    /// Gives back the memory of an empty buffer.
    pub(crate) fn relax(&mut self) {
        if self.pending().is_empty() {
            *self = Outgoing::default();
        }
    }
}

impl io::Write for Outgoing {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.append(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
