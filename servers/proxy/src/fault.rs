//! Why an answer is not passed on.

use dyno_http::fault::Fault;

use crate::limits::{ANSWER_BODY_OCTETS, ANSWER_FIELDS, ANSWER_HEAD_OCTETS, INTERIM_ANSWERS};

/// The rule that an answer breaks. The client gets a 502 that names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GatewayFault {
    /// The first line is none of HTTP/1 (RFC 9112, 4).
    #[error("the status line is malformed")]
    StatusLine,
    /// Another major version than 1.
    #[error("the version is not HTTP/1")]
    Version,
    /// A CR without LF behind it.
    #[error("a bare CR stands in the head")]
    BareCr,
    /// A LF without CR before it.
    #[error("a bare LF ends a line of the head")]
    BareLf,
    /// A name that is no token, an empty one, or a line without a colon.
    #[error("the name of a field is malformed")]
    FieldName,
    /// White space between a name and its colon (RFC 9112, 5.1).
    #[error("white space stands between the name of a field and its colon")]
    SpaceBeforeColon,
    /// A control octet in a value.
    #[error("a control octet stands in the value of a field")]
    FieldValue,
    /// A line that continues the one before (RFC 9112, 5.2).
    #[error("a field is folded over several lines")]
    ObsFold,
    /// The head is longer than it may be.
    #[error("the head has more than {ANSWER_HEAD_OCTETS} octets")]
    HeadTooLarge,
    /// More fields than there may be.
    #[error("the head has more than {ANSWER_FIELDS} fields")]
    TooManyFields,
    /// Content-Length more than once, in lines or in a list.
    #[error("Content-Length is given twice")]
    LengthTwice,
    /// Content-Length that is no number.
    #[error("Content-Length is malformed")]
    LengthMalformed,
    /// Both ways to tell where the body ends (RFC 9112, 6.3).
    #[error("Content-Length and Transfer-Encoding are both given")]
    LengthAndCoding,
    /// Transfer-Encoding more than once.
    #[error("Transfer-Encoding is given twice")]
    CodingTwice,
    /// Any transfer coding but chunked, alone.
    #[error("the transfer coding is another than chunked")]
    CodingUnknown,
    /// Transfer-Encoding in HTTP/1.0 (RFC 9112, 6.1).
    #[error("Transfer-Encoding is given in HTTP/1.0")]
    CodingIn10,
    /// A 204 that announces a body (RFC 9110, 8.6; RFC 9112, 6.1).
    #[error("a 204 announces a body")]
    BodyOf204,
    /// A 101, which nobody has asked for.
    #[error("another protocol was switched to, which nobody had asked for")]
    Switched,
    /// An endless row of interim answers.
    #[error("more than {INTERIM_ANSWERS} interim answers came first")]
    TooManyInterim,
    /// The body is longer than is held.
    #[error("the body has more than {ANSWER_BODY_OCTETS} octets, and answers are held whole")]
    BodyTooLarge,
    /// The chunked coding is broken; which rule, the core says.
    #[error("the chunked coding is broken: {}", .0.rule())]
    Chunked(Fault),
    /// The connection ended before the first octet.
    #[error("the connection ended without an answer")]
    EndedBefore,
    /// The connection ended within the head.
    #[error("the connection ended within the head of the answer")]
    EndedInHead,
    /// The connection ended within the body.
    #[error("the connection ended within the body of the answer")]
    EndedInBody,
}

impl GatewayFault {
    /// Whether the answer is merely cut off: the connection has ended, and another one may bring it whole.
    pub fn is_end(self) -> bool {
        matches!(self, GatewayFault::EndedBefore | GatewayFault::EndedInHead | GatewayFault::EndedInBody)
    }
}
