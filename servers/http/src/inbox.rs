//! What has been received: the buffer, and how far the request at its front is understood.

mod in_parts;

use self::in_parts::InParts;
use crate::buffer::Buffer;
use crate::chunked::Decoder;
use crate::fault::{BadHead, Fault};
use crate::head::{self, Expectation, Framing, Head};
use crate::limits::Limits;
use crate::request::Request;

/// How much of the request at the front has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Less than its whole head.
    Head,
    /// Its head, and less than its whole body, which has this many octets.
    Length(usize),
    /// Its head, and less than its whole body, which is chunked.
    Chunked(Decoder),
    /// Its head, and nobody has said yet how its body is taken.
    Offered,
    /// Its head, and less than its whole body, which is taken in parts.
    InParts(InParts),
    /// All of it.
    Complete,
}

/// What the octets that came have led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feed {
    /// More octets are needed.
    More,
    /// The client waits for permission to send its body (RFC 9110 10.1.1).
    Permission,
    /// A body begins, and somebody has to say how it is taken.
    Offer,
    /// A part of the body is there to be taken.
    Part,
    /// The request is complete.
    Complete,
}

/// Received octets, with one request at their front that is complete or under way.
pub(crate) struct Inbox {
    buffer: Buffer,
    stage: Stage,
    head: Option<Head>,
    /// Octets of the body, decoded.
    body_len: u32,
    /// Octets that the request takes up in the buffer, its framing included.
    request_len: u32,
    /// How far the head under way has been searched for its end.
    scanned: u32,
    empty_lines: u8,
    /// Whether bodies are [offered](Feed::Offer) before they are taken.
    offers: bool,
}

impl Inbox {
    pub(crate) fn new() -> Inbox {
        let buffer = Buffer::default();
        Inbox {
            buffer,
            stage: Stage::Head,
            head: None,
            body_len: 0,
            request_len: 0,
            scanned: 0,
            empty_lines: 0,
            offers: false,
        }
    }

    /// The buffer, to receive into.
    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// Octets of the body of the complete request at the front.
    pub(crate) fn body_octets(&self) -> usize {
        if matches!(self.stage, Stage::Complete) { self.body_len as usize } else { 0 }
    }

    /// Octets of memory that the buffer holds.
    pub(crate) fn held(&self) -> usize {
        self.buffer.held()
    }

    /// The most that the buffer holds while there is made space to read into.
    pub(crate) fn held_by_spare(&self, limits: &Limits) -> usize {
        self.buffer.held_by_spare(limits.receive_initial_octets, self.least_octets(limits))
    }

    /// The most that the buffer holds while `count` octets are copied into it.
    pub(crate) fn held_by_receiving(&self, count: usize, limits: &Limits) -> usize {
        self.buffer.held_by_receiving(count, limits.receive_initial_octets, self.least_octets(limits))
    }

    pub(crate) fn has_no_memory(&self) -> bool {
        self.buffer.has_no_memory()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Whether the request under way lacks a part of its head (or has not begun).
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.stage, Stage::Head)
    }

    /// Octets behind the request at the front, or all of them while its head is under way.
    pub(crate) fn ahead(&self) -> usize {
        match self.stage {
            Stage::Head => self.buffer.len(),
            Stage::Complete => self.buffer.len() - self.request_len as usize,
            Stage::Offered | Stage::InParts(_) => self.buffer.len() - self.head_octets(),
            Stage::Length(_) | Stage::Chunked(_) => 0,
        }
    }

    /// Whether the request at the front has come whole.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::Complete)
    }

    /// Whether what has come starts as a HEAD request does.
    pub(crate) fn starts_with_head_method(&self) -> bool {
        self.buffer.octets().starts_with(b"HEAD ")
    }

    /// The head and the octets of the complete request at the front.
    pub(crate) fn request(&self) -> Option<Request<'_>> {
        let (Stage::Complete, Some(head)) = (self.stage, &self.head) else { return None };
        let end = head.len as usize + self.body_len as usize;
        Some(Request::new(&self.buffer.octets()[..end], head))
    }

    /// The request at the front of whose body a part is missing, without any of it.
    pub(crate) fn arriving(&self) -> Option<Request<'_>> {
        let (Stage::Length(_) | Stage::Chunked(_), Some(head)) = (self.stage, &self.head) else {
            return None;
        };
        Some(Request::new(&self.buffer.octets()[..head.len as usize], head))
    }

    /// The head of the complete request.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Drops the request at the front and awaits the next.
    pub(crate) fn next(&mut self, limits: &Limits) {
        self.buffer.consume(self.request_len as usize, limits.keep_octets);
        self.stage = Stage::Head;
        self.head = None;
        self.request_len = 0;
        self.scanned = 0;
        self.empty_lines = 0;
    }

    /// Drops everything; memory up to `keep` octets stays.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.stage = Stage::Head;
        self.buffer.clear(keep);
    }

    /// Parses as far as the received octets reach.
    pub(crate) fn go_on(&mut self, limits: &Limits) -> Result<Feed, Fault> {
        match self.stage {
            Stage::Head => self.read_head(limits),
            Stage::Length(_) | Stage::Chunked(_) => self.read_body(limits),
            Stage::Offered => Ok(Feed::Offer),
            Stage::InParts(_) => self.find_part(limits),
            Stage::Complete => Ok(Feed::Complete),
        }
    }

    fn read_head(&mut self, limits: &Limits) -> Result<Feed, Fault> {
        while self.buffer.octets().starts_with(b"\r\n") {
            self.buffer.consume(2, limits.keep_octets);
            self.scanned = 0;
            self.empty_lines += 1;
            if self.empty_lines > limits.empty_lines {
                return Err(Fault::BadHead(BadHead::EmptyLines));
            }
        }
        if self.buffer.is_empty() {
            return Ok(Feed::More);
        }
        let Some(head) = head::read(self.buffer.octets(), &mut self.scanned, limits)? else {
            return Ok(Feed::More);
        };
        self.head = Some(head);
        if head.expectation == Expectation::Unknown {
            return Err(Fault::UnknownExpectation);
        }
        if head.framing == Framing::None {
            return Ok(self.complete(0, head.len as usize));
        }
        if self.offers {
            self.stage = Stage::Offered;
            return Ok(Feed::Offer);
        }
        self.take_whole(limits)
    }

    /// Holds the body of the request whose head has come until all of it is there.
    pub(crate) fn take_whole(&mut self, limits: &Limits) -> Result<Feed, Fault> {
        self.stage = match self.framing() {
            Framing::None => return Ok(self.complete(0, self.head_octets())),
            Framing::Length(length) if length > limits.body_octets as u64 => return Err(Fault::BodyTooLarge),
            Framing::Length(length) => Stage::Length(length as usize),
            Framing::Chunked => Stage::Chunked(Decoder::new()),
        };
        if self.is_awaited() { Ok(Feed::Permission) } else { self.read_body(limits) }
    }

    /// Whether the client waits for permission to send the body. One that sends it already needs none (RFC 9110
    /// 10.1.1).
    fn is_awaited(&self) -> bool {
        let expects = self.head.is_some_and(|head| head.expectation == Expectation::Continue);
        expects && self.buffer.len() == self.head_octets()
    }

    fn framing(&self) -> Framing {
        self.head.map_or(Framing::None, |head| head.framing)
    }

    fn head_octets(&self) -> usize {
        self.head.map_or(0, |head| head.len as usize)
    }

    fn read_body(&mut self, limits: &Limits) -> Result<Feed, Fault> {
        let head_len = self.head_octets();
        match &mut self.stage {
            Stage::Chunked(decoder) => {
                let most = limits.body_octets as u64;
                let end = decoder.decode(&mut self.buffer.octets_mut()[head_len..], most, limits)?;
                let decoded = decoder.decoded();
                if let Some(end) = end {
                    return Ok(self.complete(decoded, head_len + end));
                }
                self.buffer.truncate(head_len + decoded);
            }
            Stage::Length(length) => {
                let length = *length;
                if self.buffer.len() - head_len >= length {
                    return Ok(self.complete(length, head_len + length));
                }
            }
            Stage::Head | Stage::Offered | Stage::InParts(_) | Stage::Complete => {}
        }
        Ok(Feed::More)
    }

    fn complete(&mut self, body_len: usize, request_len: usize) -> Feed {
        (self.body_len, self.request_len) = (body_len as u32, request_len as u32);
        self.stage = Stage::Complete;
        Feed::Complete
    }
}
