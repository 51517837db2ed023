//! A body that is taken in parts as it comes. The head stays at the front of the buffer, and of the body there
//! is never more behind it than has come since the part before was taken.

use super::{Feed, Inbox, Stage};
use crate::chunked::Decoder;
use crate::fault::Fault;
use crate::head::Framing;
use crate::limits::Limits;
use crate::request::Request;

/// How far such a body has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct InParts {
    left: Left,
    /// Octets of the part that is to be taken; it stands right behind the head.
    part: u32,
    /// Octets that the part has taken up with its framing.
    spent: u32,
    is_last: bool,
}

/// What is still to come.
#[derive(Clone, Copy, Debug)]
enum Left {
    /// So many octets.
    Length(u64),
    /// Chunks; the whole body has so many octets at the most.
    Chunked(Decoder, u64),
}

impl InParts {
    /// A body of which nothing has come.
    fn new(framing: Framing, most: u64) -> Result<InParts, Fault> {
        let left = match framing {
            Framing::Length(length) if length > most => return Err(Fault::BodyTooLarge),
            Framing::Length(length) => Left::Length(length),
            Framing::Chunked => Left::Chunked(Decoder::new(), most),
            Framing::None => Left::Length(0),
        };
        Ok(InParts { left, part: 0, spent: 0, is_last: false })
    }

    /// Finds the next part in `octets`, which stand behind the head. What is decoded stands at their front then.
    fn find(&mut self, octets: &mut [u8], limits: &Limits) -> Result<(), Fault> {
        let (part, spent) = match &mut self.left {
            Left::Length(left) => {
                let count = usize::try_from(*left).unwrap_or(usize::MAX).min(octets.len());
                *left -= count as u64;
                self.is_last = *left == 0;
                (count, count)
            }
            Left::Chunked(decoder, most) => {
                let end = decoder.decode(octets, *most, limits)?;
                let part = decoder.decoded();
                decoder.release();
                self.is_last = end.is_some();
                (part, end.unwrap_or(octets.len()))
            }
        };
        (self.part, self.spent) = (part as u32, spent as u32);
        Ok(())
    }
}

impl Inbox {
    /// From now on a body is [offered](Feed::Offer) when its head has come.
    pub(crate) fn offer_bodies(&mut self) {
        self.offers = true;
    }

    /// The request whose body is offered, without it.
    pub(crate) fn offered(&self) -> Option<Request<'_>> {
        let (Stage::Offered, Some(head)) = (self.stage, &self.head) else { return None };
        Some(Request::new(&self.buffer.octets()[..head.len as usize], head))
    }

    /// How many octets the body under way has, where its head says so.
    pub(crate) fn announced_octets(&self) -> Option<u64> {
        match self.framing() {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked => None,
        }
    }

    /// Takes the body that is offered in parts, `most` octets together.
    pub(crate) fn take_in_parts(&mut self, most: u64, limits: &Limits) -> Result<Feed, Fault> {
        self.stage = Stage::InParts(InParts::new(self.framing(), most)?);
        if self.is_awaited() && self.announced_octets() != Some(0) {
            return Ok(Feed::Permission);
        }
        self.find_part(limits)
    }

    /// The part that is to be taken.
    pub(crate) fn part(&self) -> &[u8] {
        let Stage::InParts(body) = &self.stage else { return &[] };
        let start = self.head_octets();
        &self.buffer.octets()[start..start + body.part as usize]
    }

    /// The part was taken.
    pub(crate) fn part_taken(&mut self, limits: &Limits) -> Result<Feed, Fault> {
        let Stage::InParts(body) = &mut self.stage else { return Ok(Feed::More) };
        let (spent, is_last) = (body.spent as usize, body.is_last);
        (body.part, body.spent) = (0, 0);
        let start = self.head_octets();
        if is_last {
            return Ok(self.complete(0, start + spent));
        }
        self.buffer.remove(start, start + spent);
        self.find_part(limits)
    }

    /// Looks for the next part in what has come.
    pub(super) fn find_part(&mut self, limits: &Limits) -> Result<Feed, Fault> {
        let start = self.head_octets();
        let Stage::InParts(body) = &mut self.stage else { return Ok(Feed::More) };
        body.find(&mut self.buffer.octets_mut()[start..], limits)?;
        match *body {
            InParts { part: 0, is_last: true, spent, .. } => Ok(self.complete(0, start + spent as usize)),
            InParts { part: 0, spent, .. } => {
                self.buffer.remove(start, start + spent as usize);
                Ok(Feed::More)
            }
            InParts { .. } => Ok(Feed::Part),
        }
    }

    /// The least free space to read into.
    pub(crate) fn least_octets(&self, limits: &Limits) -> usize {
        if matches!(self.stage, Stage::InParts(_)) { limits.part_octets } else { limits.read_octets }
    }
}
