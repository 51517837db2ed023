//! The read buffer of a session: sealed octets arrive at its end, and records are opened where they lie.
//!
//! ```text
//!   | taken | plain | headers and tags that are done | sealed | room |
//! ```

use std::ops::Range;

/// A buffer that a socket is read into, and from whose front the plaintext is taken.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    /// All of it is initialised, so that a warm buffer is not filled with zeros again.
    octets: Vec<u8>,
    /// Opened and not taken.
    plain: Range<usize>,
    /// Arrived and not opened; never before `plain`.
    sealed: Range<usize>,
}

impl Incoming {
    /// Room for `octets` octets behind what has arrived.
    pub(crate) fn room(&mut self, octets: usize) -> &mut [u8] {
        if self.octets.len() - self.sealed.end < octets {
            self.compact();
            let end = self.sealed.end + octets;
            if self.octets.len() < end {
                self.octets.resize(end, 0);
            }
        }
        &mut self.octets[self.sealed.end..][..octets]
    }

    /// The first `count` octets of the room have arrived.
    pub(crate) fn fill(&mut self, count: usize) {
        assert!(count <= self.octets.len() - self.sealed.end, "more has arrived than there was room for");
        self.sealed.end += count;
    }

    /// What has arrived and is not opened.
    pub(crate) fn sealed(&self) -> &[u8] {
        &self.octets[self.sealed.clone()]
    }

    /// Takes out the first `whole` octets that have arrived: a message whose body is not opened in its place.
    pub(crate) fn cut(&mut self, whole: usize) -> Vec<u8> {
        let message = self.sealed()[..whole].to_vec();
        self.pass(whole);
        message
    }

    /// Opens the first `whole` octets that have arrived, whose body begins at `header`: `open` gets the memory in which
    /// they lie, from the place on where the plaintext is to go, and the place of the body in it.
    pub(crate) fn open<E>(
        &mut self,
        whole: usize,
        header: usize,
        open: impl FnOnce(&mut [u8], usize) -> Result<usize, E>,
    ) -> Result<(), E> {
        let body = self.sealed.start + header;
        if self.plain.is_empty() {
            // It stays where it is; otherwise it goes down behind the plaintext before it, as it is opened.
            self.plain = body..body;
        }
        let memory = &mut self.octets[self.plain.end..self.sealed.start + whole];
        let count = open(memory, body - self.plain.end)?;
        self.plain.end += count;
        self.pass(whole);
        Ok(())
    }

    fn pass(&mut self, whole: usize) {
        self.sealed.start += whole;
        self.reset_if_empty();
    }

    fn reset_if_empty(&mut self) {
        if self.plain.is_empty() && self.sealed.is_empty() {
            (self.plain, self.sealed) = (0..0, 0..0);
        }
    }

    /// What has been opened and not taken.
    pub(crate) fn plain(&self) -> &[u8] {
        &self.octets[self.plain.clone()]
    }

    /// The first `count` octets of the plaintext were taken.
    pub(crate) fn take_plain(&mut self, count: usize) {
        assert!(count <= self.plain.len(), "more plaintext was taken than there was");
        self.plain.start += count;
        self.reset_if_empty();
    }

    /// Forgets what has arrived and is not opened.
    pub(crate) fn forget_sealed(&mut self) {
        self.sealed.start = self.sealed.end;
        self.reset_if_empty();
    }

    /// Gives back the memory that holds nothing.
    pub(crate) fn relax(&mut self) {
        self.compact();
        self.octets.truncate(self.sealed.end);
        self.octets.shrink_to_fit();
    }

    /// Moves what is there to the front.
    fn compact(&mut self) {
        let plain = 0..self.plain.len();
        let sealed = plain.end..plain.end + self.sealed.len();
        if !plain.is_empty() {
            self.octets.copy_within(self.plain.clone(), plain.start);
        }
        self.octets.copy_within(self.sealed.clone(), sealed.start);
        (self.plain, self.sealed) = (plain, sealed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stand-in for a cipher: moves the body down and leaves its last octet out.
    fn shift(memory: &mut [u8], at: usize) -> Result<usize, ()> {
        let count = memory.len() - at - 1;
        memory.copy_within(at..at + count, 0);
        Ok(count)
    }

    #[test]
    fn messages_become_one_plaintext_wherever_reads_cut_them() {
        // Three messages: a header of 2, a body, a tag of 1.
        let wire = b"hhonethhtwothhthreet";
        let lengths = [6, 6, 8];
        for cut in 1..=wire.len() {
            for takes_at_once in [true, false] {
                let (mut incoming, mut taken, mut next) = (Incoming::default(), Vec::new(), 0);
                for piece in wire.chunks(cut) {
                    incoming.room(piece.len()).copy_from_slice(piece);
                    incoming.fill(piece.len());
                    while let Some(&whole) = lengths.get(next).filter(|&&n| n <= incoming.sealed().len()) {
                        incoming.open(whole, 2, shift).unwrap();
                        next += 1;
                    }
                    if takes_at_once {
                        taken.extend_from_slice(incoming.plain());
                        incoming.take_plain(incoming.plain().len());
                    }
                    incoming.relax();
                }
                taken.extend_from_slice(incoming.plain());
                assert_eq!(taken, b"onetwothree", "cut into pieces of {cut}");
                assert_eq!(incoming.octets.capacity() > 0, !takes_at_once, "an empty buffer holds nothing");
            }
        }
    }
}
