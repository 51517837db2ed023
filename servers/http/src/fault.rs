//! What a peer can do wrong, and what it is told. Misuse by our own side is never here: it panics.

use crate::status::Status;

/// A fault of the peer. Each ends the connection; most are answered first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The head breaks a rule: 400.
    BadHead(BadHead),
    /// The framing of a chunked body breaks a rule: 400.
    BadChunk(BadChunk),
    /// More than [`Limits::head_octets`](crate::limits::Limits::head_octets): 431.
    HeadTooLarge,
    /// More than [`Limits::target_octets`](crate::limits::Limits::target_octets): 414.
    TargetTooLong,
    /// More than [`Limits::fields`](crate::limits::Limits::fields): 431.
    TooManyFields,
    /// More than [`Limits::body_octets`](crate::limits::Limits::body_octets), announced or received: 413.
    BodyTooLarge,
    /// More than [`Limits::trailer_octets`](crate::limits::Limits::trailer_octets): 431.
    TrailersTooLarge,
    /// A well-formed version of another major number than 1: 505. Later minor versions are served as 1.1.
    UnsupportedVersion,
    /// An expectation other than 100-continue: 417.
    UnknownExpectation,
    /// CONNECT: 501. What follows it would be a tunnel, so the connection ends.
    Connect,
    /// The head took longer than [`Limits::head_time`](crate::limits::Limits::head_time): 408.
    HeadTimeout,
    /// The body came slower than the least rate: 408.
    BodyTooSlow,
    /// No fault of the peer's: the server has no memory for the request ([`Connection::shed`]): 503.
    ///
    /// [`Connection::shed`]: crate::connection::Connection::shed
    NoMemory,
    /// No request came: closed in silence.
    IdleTimeout,
    /// The peer does not read its answers: closed in silence.
    WriteTimeout,
    /// The peer ended its side inside a request: closed in silence.
    Truncated,
}

/// The rule that a head breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`rule` says each in words")]
pub enum BadHead {
    EmptyLines,
    BareLf,
    BareCr,
    Nul,
    RequestLine,
    Method,
    Target,
    Version,
    FieldName,
    SpaceBeforeColon,
    FieldValue,
    ObsFold,
    HostMissing,
    HostTwice,
    HostMalformed,
    ContentLengthTwice,
    ContentLengthMalformed,
    LengthAndEncoding,
    TransferEncodingTwice,
    TransferEncodingUnknown,
    TransferEncodingIn10,
}

/// The rule that a chunked body breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "`rule` says each in words")]
pub enum BadChunk {
    Size,
    SizeTooLong,
    Extension,
    ExtensionsTooLarge,
    LineEnd,
    DataEnd,
    Trailer,
}

impl Fault {
    /// What the peer is answered; `None` when the connection ends in silence.
    pub fn status(self) -> Option<Status> {
        match self {
            Fault::BadHead(_) | Fault::BadChunk(_) => Some(Status::BAD_REQUEST),
            Fault::HeadTooLarge | Fault::TooManyFields | Fault::TrailersTooLarge => {
                Some(Status::HEADER_FIELDS_TOO_LARGE)
            }
            Fault::TargetTooLong => Some(Status::URI_TOO_LONG),
            Fault::BodyTooLarge => Some(Status::CONTENT_TOO_LARGE),
            Fault::UnsupportedVersion => Some(Status::VERSION_NOT_SUPPORTED),
            Fault::UnknownExpectation => Some(Status::EXPECTATION_FAILED),
            Fault::Connect => Some(Status::NOT_IMPLEMENTED),
            Fault::HeadTimeout | Fault::BodyTooSlow => Some(Status::REQUEST_TIMEOUT),
            Fault::NoMemory => Some(Status::SERVICE_UNAVAILABLE),
            Fault::IdleTimeout | Fault::WriteTimeout | Fault::Truncated => None,
        }
    }

    /// The rule that was broken, in words and with its source.
    pub fn rule(self) -> &'static str {
        match self {
            Fault::BadHead(rule) => rule.rule(),
            Fault::BadChunk(rule) => rule.rule(),
            Fault::HeadTooLarge => "the head is larger than this server allows",
            Fault::TargetTooLong => "the request target is longer than this server allows",
            Fault::TooManyFields => "the head has more fields than this server allows",
            Fault::BodyTooLarge => "the body is larger than this server allows",
            Fault::TrailersTooLarge => "the trailer section is larger than this server allows",
            Fault::UnsupportedVersion => "this server speaks HTTP/1 (RFC 9110 15.6.6)",
            Fault::UnknownExpectation => "the only expectation is 100-continue (RFC 9110 10.1.1)",
            Fault::Connect => "this server opens no tunnels (RFC 9110 9.3.6)",
            Fault::HeadTimeout => "the head took too long to arrive",
            Fault::BodyTooSlow => "the body arrives too slowly",
            Fault::NoMemory => "this server holds as much as it may; try again later (RFC 9110 15.6.4)",
            Fault::IdleTimeout => "no request arrived",
            Fault::WriteTimeout => "the answer was not read",
            Fault::Truncated => "the request ends before it is complete",
        }
    }
}

impl BadHead {
    /// The rule in words, with its source.
    pub fn rule(self) -> &'static str {
        match self {
            BadHead::EmptyLines => "too many empty lines before a request line (RFC 9112 2.2)",
            BadHead::BareLf => "a line ends with LF alone; CR LF is required (RFC 9112 2.2)",
            BadHead::BareCr => "a CR is not followed by LF (RFC 9112 2.2)",
            BadHead::Nul => "a head must not contain NUL (RFC 9110 5.5)",
            BadHead::RequestLine => "the request line is not METHOD SP TARGET SP VERSION (RFC 9112 3)",
            BadHead::Method => "the method is not a token (RFC 9112 3.1)",
            BadHead::Target => "the request target is malformed (RFC 9112 3.2)",
            BadHead::Version => "the version is malformed (RFC 9112 2.3)",
            BadHead::FieldName => "a field line does not start with a name and a colon (RFC 9112 5)",
            BadHead::SpaceBeforeColon => "white space stands before the colon of a field (RFC 9112 5.1)",
            BadHead::FieldValue => "a field value contains a control character (RFC 9110 5.5)",
            BadHead::ObsFold => "a field line is folded, or starts with white space (RFC 9112 5.2)",
            BadHead::HostMissing => "HTTP/1.1 requires a Host field (RFC 9112 3.2)",
            BadHead::HostTwice => "there is more than one Host field (RFC 9112 3.2)",
            BadHead::HostMalformed => "the Host field is malformed (RFC 9112 3.2)",
            BadHead::ContentLengthTwice => "there is more than one Content-Length field (RFC 9112 6.3)",
            BadHead::ContentLengthMalformed => "Content-Length is not a decimal number (RFC 9110 8.6)",
            BadHead::LengthAndEncoding => {
                "Content-Length and Transfer-Encoding exclude each other (RFC 9112 6.1)"
            }
            BadHead::TransferEncodingTwice => "there is more than one Transfer-Encoding field (RFC 9112 6.1)",
            BadHead::TransferEncodingUnknown => "the only transfer coding is a single chunked (RFC 9112 6.1)",
            BadHead::TransferEncodingIn10 => "HTTP/1.0 has no Transfer-Encoding (RFC 9112 6.1)",
        }
    }
}

impl BadChunk {
    /// The rule in words, with its source.
    pub fn rule(self) -> &'static str {
        match self {
            BadChunk::Size => "a chunk size is not a hexadecimal number (RFC 9112 7.1)",
            BadChunk::SizeTooLong => "a chunk size has more than 16 digits (RFC 9112 7.1)",
            BadChunk::Extension => "a chunk extension is malformed (RFC 9112 7.1.1)",
            BadChunk::ExtensionsTooLarge => "the chunk extensions are larger than this server allows",
            BadChunk::LineEnd => "a chunk-size or trailer line does not end with CR LF (RFC 9112 7.1)",
            BadChunk::DataEnd => "chunk data is not followed by CR LF (RFC 9112 7.1)",
            BadChunk::Trailer => "a trailer line is malformed (RFC 9112 7.1.2)",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule())
    }
}
