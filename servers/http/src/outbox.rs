//! What is to be sent: a buffer of small things, and at most one large body behind it that stays where it is.

use crate::limits::Limits;
use crate::response::{Body, Source};
use std::mem;

/// Octets on their way to the peer.
#[derive(Default)]
pub(crate) struct Outbox {
    buffer: Vec<u8>,
    /// How much of `buffer` has been sent.
    sent: usize,
    tail: Tail,
}

/// The body that follows the buffer.
#[derive(Default)]
enum Tail {
    #[default]
    None,
    /// A body in memory, sent up to an offset.
    Memory(Body, usize),
    /// A body that is read into the buffer piece by piece.
    Source(Box<dyn Source>),
}

/// A source has failed or ended early.
#[derive(Debug)]
pub(crate) struct SourceFailed;

impl Outbox {
    pub(crate) fn pending(&self) -> &[u8] {
        let buffered = &self.buffer[self.sent..];
        if buffered.is_empty() { self.tail_octets() } else { buffered }
    }

    /// Both parts of what can be sent at once, for a vectored write.
    pub(crate) fn pending_parts(&self) -> [&[u8]; 2] {
        [&self.buffer[self.sent..], self.tail_octets()]
    }

    fn tail_octets(&self) -> &[u8] {
        match &self.tail {
            Tail::Memory(Body::Static(octets), at) => &octets[*at..],
            Tail::Memory(Body::Owned(octets), at) => &octets[*at..],
            Tail::Memory(Body::Shared(octets, range), at) => &octets[range.start + *at..range.end],
            Tail::Memory(Body::Empty | Body::Source(_) | Body::Withheld(_), _)
            | Tail::Source(_)
            | Tail::None => &[],
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sent == self.buffer.len() && matches!(self.tail, Tail::None)
    }

    /// Whether a large body is on its way, behind which nothing can be written.
    pub(crate) fn has_tail(&self) -> bool {
        !matches!(self.tail, Tail::None)
    }

    /// Octets in the buffer that are not sent yet.
    pub(crate) fn buffered(&self) -> usize {
        self.buffer.len() - self.sent
    }

    /// Octets of memory that are held to send from. Bodies that others use too are not among them.
    pub(crate) fn held(&self) -> usize {
        let tail = if let Tail::Memory(Body::Owned(octets), _) = &self.tail { octets.capacity() } else { 0 };
        self.buffer.capacity() + tail
    }

    /// The most that is held while an answer with a head of `head_octets` is put behind what is there.
    pub(crate) fn held_by_answering(&self, head_octets: usize, body: &Body, limits: &Limits) -> usize {
        let (copied, tail) = match body {
            Body::Source(source) => (source.remaining().min(limits.source_octets as u64) as usize, 0),
            Body::Owned(octets) if octets.len() <= limits.copy_octets => (octets.len(), octets.capacity()),
            Body::Owned(octets) => (0, octets.capacity()),
            Body::Empty | Body::Withheld(_) => (0, 0),
            Body::Static(_) | Body::Shared(..) if body.len() > limits.copy_octets as u64 => (0, 0),
            Body::Static(_) | Body::Shared(..) => (body.len() as usize, 0),
        };
        let (there, wanted) = (self.buffer.capacity(), self.buffer.len() + head_octets + copied);
        let grown = if wanted <= there { 0 } else { wanted.max(2 * there).max(limits.send_initial_octets) };
        there + grown + tail
    }

    /// The end of the buffer, to write a head to.
    pub(crate) fn writer(&mut self, limits: &Limits) -> &mut Vec<u8> {
        debug_assert!(!self.has_tail(), "nothing can be written behind a large body");
        if self.buffer.capacity() == 0 {
            self.buffer.reserve(limits.send_initial_octets);
        }
        &mut self.buffer
    }

    /// Puts a body behind the head that was just written.
    pub(crate) fn body(&mut self, body: Body, limits: &Limits) -> Result<(), SourceFailed> {
        match &body {
            Body::Empty => {}
            // Only who asked by HEAD expects nothing.
            Body::Withheld(_) => return Err(SourceFailed),
            Body::Static(octets) if octets.len() <= limits.copy_octets => {
                self.buffer.extend_from_slice(octets);
            }
            Body::Owned(octets) if octets.len() <= limits.copy_octets => {
                self.buffer.extend_from_slice(octets);
            }
            Body::Shared(octets, range) if range.len() <= limits.copy_octets => {
                self.buffer.extend_from_slice(&octets[range.clone()]);
            }
            Body::Static(_) | Body::Owned(_) | Body::Shared(..) => self.tail = Tail::Memory(body, 0),
            Body::Source(_) => {
                let Body::Source(source) = body else { unreachable!("just matched") };
                self.tail = Tail::Source(source);
                return self.refill(limits);
            }
        }
        Ok(())
    }

    /// `count` octets of `pending` (or of both parts) were sent.
    pub(crate) fn advance(&mut self, count: usize, limits: &Limits) -> Result<(), SourceFailed> {
        let of_buffer = count.min(self.buffered());
        self.sent += of_buffer;
        let of_tail = count - of_buffer;
        assert!(of_tail <= self.tail_octets().len(), "more octets sent than were pending");
        if let Tail::Memory(_, at) = &mut self.tail {
            *at += of_tail;
        }
        if self.sent == self.buffer.len() {
            self.sent = 0;
            self.buffer.clear();
            if matches!(self.tail, Tail::Memory(..)) && self.tail_octets().is_empty() {
                self.tail = Tail::None;
            }
            self.refill(limits)?;
            if self.buffer.is_empty() && self.buffer.capacity() > limits.keep_octets {
                self.buffer = Vec::new();
            }
        }
        Ok(())
    }

    /// Reads the next piece of a source.
    fn refill(&mut self, limits: &Limits) -> Result<(), SourceFailed> {
        let Tail::Source(source) = &mut self.tail else { return Ok(()) };
        let wanted = source.remaining().min(limits.source_octets as u64) as usize;
        if wanted > 0 {
            let start = self.buffer.len();
            self.buffer.resize(start + wanted, 0);
            let count = source.read(&mut self.buffer[start..]).map_err(|_| SourceFailed)?;
            if count == 0 || count > wanted {
                return Err(SourceFailed);
            }
            self.buffer.truncate(start + count);
        }
        if source.remaining() == 0 {
            self.tail = Tail::None;
        }
        Ok(())
    }

    pub(crate) fn has_no_memory(&self) -> bool {
        self.buffer.capacity() == 0
    }

    pub(crate) fn lend(&mut self, mut memory: Vec<u8>) {
        if self.has_no_memory() {
            memory.clear();
            self.buffer = memory;
        }
    }

    pub(crate) fn reclaim(&mut self) -> Option<Vec<u8>> {
        (self.is_empty() && !self.has_no_memory()).then(|| mem::take(&mut self.buffer))
    }

    /// Drops everything.
    pub(crate) fn clear(&mut self) {
        *self = Outbox::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Outbox;
    use crate::limits::Limits;
    use crate::response::Body;
    use std::sync::Arc;

    #[test]
    fn a_small_body_is_copied_behind_its_head_and_a_large_one_is_not() {
        let limits = Limits { copy_octets: 8, ..Limits::default() };
        let octets: Arc<[u8]> = b"0123456789".as_slice().into();
        let bodies = |count: usize| {
            let owned = octets[..count].to_vec();
            let fixed: &'static [u8] = &b"0123456789"[..count];
            [Body::Static(fixed), Body::Owned(owned), Body::Shared(Arc::clone(&octets), 0..count)]
        };
        for (count, is_copied) in [(8, true), (9, false)] {
            for body in bodies(count) {
                let mut outbox = Outbox::default();
                outbox.writer(&limits).extend_from_slice(b"head");
                outbox.body(body, &limits).expect("no source");
                assert_eq!(outbox.has_tail(), !is_copied, "{count} octets");
                assert_eq!(outbox.pending_parts().concat(), [b"head", &octets[..count]].concat());
                assert_eq!(outbox.buffered(), if is_copied { 4 + count } else { 4 });
                outbox.advance(3, &limits).expect("no source");
                assert_eq!(outbox.buffered(), if is_copied { 1 + count } else { 1 });
                outbox.advance(1 + count, &limits).expect("no source");
                assert!(outbox.is_empty());
            }
        }
    }
}
