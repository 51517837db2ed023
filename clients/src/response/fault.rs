//! What is wrong with the octets of a server.

/// Why what came is no answer in HTTP/1.1 (RFC 9112), or why it is not a whole one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerFault {
    /// It is a record of TLS (RFC 8446, 5.1).
    #[error("the server answers in TLS, not in HTTP")]
    SpeaksTls,
    /// It is another protocol, or a malformed head.
    #[error("this is not HTTP/1.1")]
    NotHttp,
    /// The head is longer than [`HEAD_MAX_OCTETS`](crate::limits::HEAD_MAX_OCTETS).
    #[error("the head is too long")]
    HeadTooLong,
    /// The head has more than [`HEADERS_MAX`](crate::limits::HEADERS_MAX) fields.
    #[error("too many header fields")]
    TooManyFields,
    /// The status is below 100 or above 999.
    #[error("the status is out of range")]
    StatusOutOfRange,
    /// The status is 101.
    #[error("the server changed to a protocol that nobody asked for")]
    OtherProtocol,
    /// More than [`INTERIM_ANSWERS_MAX`](crate::limits::INTERIM_ANSWERS_MAX) answers came before the final one.
    #[error("too many interim answers")]
    TooManyInterim,
    /// Two fields contradict each other.
    #[error("two different content lengths")]
    TwoLengths,
    /// A length is no decimal number.
    #[error("the content length is no number")]
    LengthIsNoNumber,
    /// A body is chunked once at most (RFC 9112, 6.1).
    #[error("the chunked coding is said twice")]
    ChunkedTwice,
    /// The length is said in two ways.
    #[error("both a content length and a transfer encoding")]
    LengthAndEncoding,
    /// A line between chunks is longer than [`CHUNK_LINE_MAX_OCTETS`](crate::limits::CHUNK_LINE_MAX_OCTETS).
    #[error("a line of the chunked body is too long")]
    ChunkLineTooLong,
    /// A line between chunks ends in LF alone.
    #[error("a line of the chunked body does not end in CRLF")]
    ChunkLineEnd,
    /// A chunk begins with something else.
    #[error("a chunk size is no hexadecimal number")]
    ChunkSizeIsNoNumber,
    /// A chunk does not end where its size says.
    #[error("a chunk is longer than its size")]
    ChunkTooLong,
    /// The connection ended before the head did.
    #[error("closed inside the head")]
    ClosedInHead,
    /// The connection ended before the body did.
    #[error("closed inside the body")]
    ClosedInBody,
}
