//! An answer as the service gives it.

use crate::lines::FieldLines;
use crate::status::Status;
use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// An answer. The core adds Date, Content-Length and Connection; `fields` must not hold these, nor Transfer-Encoding.
#[derive(Debug)]
pub struct Response {
    /// A final status, 200 to 599.
    pub status: Status,
    /// The value of Content-Type; no such field if empty.
    pub content_type: &'static str,
    /// Further fields. A CR, LF or NUL in a value is sent as a space, so that no value can end the head.
    pub fields: Vec<(&'static str, Cow<'static, str>)>,
    /// Fields whose names are not known beforehand, as those of an answer that is passed on.
    pub lines: Option<Box<FieldLines>>,
    /// The body. For HEAD, 204 and 304 it is not sent; for HEAD its length is.
    pub body: Body,
    /// End the connection after this answer, for instance because a handler has panicked.
    pub close: bool,
}

impl Response {
    /// An answer without further fields that keeps the connection.
    pub fn new(status: Status, content_type: &'static str, body: Body) -> Response {
        Response { status, content_type, fields: Vec::new(), lines: None, body, close: false }
    }

    /// An answer of plain text.
    pub fn text(status: Status, text: &'static str) -> Response {
        Response::new(status, "text/plain; charset=utf-8", Body::Static(text.as_bytes()))
    }

    /// With one more field.
    pub fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Response {
        self.fields.push((name, value.into()));
        self
    }

    /// As the last answer on its connection.
    pub fn closing(mut self) -> Response {
        self.close = true;
        self
    }
}

/// The content of an answer. Its length is known, except for the answer to a HEAD that is passed on.
pub enum Body {
    /// Nothing.
    Empty,
    /// Octets that live as long as the program.
    Static(&'static [u8]),
    /// Octets made for this answer.
    Owned(Vec<u8>),
    /// A range of octets that others use too.
    Shared(Arc<[u8]>, Range<usize>),
    /// Octets that are read while they are sent.
    Source(Box<dyn Source>),
    /// What another server would send for a GET where it was asked by HEAD, and how long it says that is. An answer to
    /// anything but HEAD must not have it.
    Withheld(Option<u64>),
}

impl Body {
    /// The length in octets.
    pub fn len(&self) -> u64 {
        match self {
            Body::Empty => 0,
            Body::Static(octets) => octets.len() as u64,
            Body::Owned(octets) => octets.len() as u64,
            Body::Shared(_, range) => range.len() as u64,
            Body::Source(source) => source.remaining(),
            Body::Withheld(length) => length.unwrap_or(0),
        }
    }

    /// The length that the head of the answer says; `None`: it says none.
    pub fn told_length(&self) -> Option<u64> {
        if let Body::Withheld(length) = self { *length } else { Some(self.len()) }
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} octets)", self.len())
    }
}

/// A body that is read piece by piece, such as a file.
///
/// A source that fails, or ends before [`remaining`](Self::remaining) octets, closes the connection at once: the
/// client sees a truncated body, never a complete one that is wrong.
pub trait Source: Send {
    /// Octets still to come; exact.
    fn remaining(&self) -> u64;
    /// Reads some of them; 0 means the end. The driver of the connection calls it, so it should not wait for long.
    ///
    /// # Errors
    ///
    /// The reason why the source cannot go on.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize>;
}
