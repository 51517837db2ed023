//! The head of an answer: what its octets say about the body and about the connection.

use crate::limits::HEADERS_MAX;
use crate::response::fault::AnswerFault;

/// What the head of an answer says about the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Whether the connection may carry another request afterwards.
    pub keep_alive: bool,
    pub(super) body_end: BodyEnd,
}

/// Where the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyEnd {
    /// After so many octets.
    Length(u64),
    /// After the chunk of size zero and its trailer.
    Chunked,
    /// Where the server closes the connection.
    UntilClose,
}

impl Head {
    /// What stands in the place of a head before one has come.
    pub(super) const NONE: Head = Head { status: 0, keep_alive: false, body_end: BodyEnd::Length(0) };

    /// The head as the answer to a request: the body of one to HEAD is never sent, whatever the fields say (RFC 9112,
    /// 6.3, rule 1), and only a body that needs the close for its end costs the connection.
    #[inline]
    pub(super) fn for_method(self, to_head: bool) -> Head {
        let body_end = if to_head { BodyEnd::Length(0) } else { self.body_end };
        Head { body_end, keep_alive: self.keep_alive && body_end != BodyEnd::UntilClose, ..self }
    }
}

/// The head that `octets` begin with and its length; `None` when it has not come completely.
pub(super) fn parse_head(octets: &[u8]) -> Result<Option<(Head, usize)>, AnswerFault> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let mut parser = httparse::ParserConfig::default();
    // RFC 9112, 5.2: a user agent takes a folded line as one. Space before a colon confuses proxies, and is no
    // reason for a client to lose the answer (5.1).
    parser.allow_obsolete_multiline_headers_in_responses(true);
    parser.allow_spaces_after_header_name_in_responses(true);
    let taken = match parser.parse_response(&mut response, octets) {
        Ok(httparse::Status::Complete(taken)) => taken,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(AnswerFault::TooManyFields),
        // A record of TLS: its kind (20 to 23), then its version, which begins with 3 in all of them.
        Err(_) if matches!(octets, [0x14..=0x17, 3, ..]) => return Err(AnswerFault::SpeaksTls),
        // Its kind alone: the next octet tells.
        Err(_) if matches!(octets, [0x14..=0x17]) => return Ok(None),
        Err(_) => return Err(AnswerFault::NotHttp),
    };
    let status = response.code.unwrap_or(0);
    if !(100..=999).contains(&status) {
        return Err(AnswerFault::StatusOutOfRange);
    }
    if status == 101 {
        return Err(AnswerFault::OtherProtocol);
    }
    let fields = Fields::read(response.headers, response.version)?;
    let body_end = match (status, fields.coding, fields.length) {
        (100..=199 | 204 | 304, _, _) => BodyEnd::Length(0),
        (_, Some(Coding::Chunked), _) => BodyEnd::Chunked,
        (_, None, Some(length)) => BodyEnd::Length(length),
        _ => BodyEnd::UntilClose,
    };
    Ok(Some((Head { status, keep_alive: fields.keep_alive, body_end }, taken)))
}

/// What the fields of a head say that decides about its body and its connection.
struct Fields {
    keep_alive: bool,
    length: Option<u64>,
    coding: Option<Coding>,
}

/// The last transfer coding of a body. One before it is not undone: the body is counted as it comes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Chunked,
    /// One whose end only the close of the connection tells.
    Other,
}

impl Fields {
    /// `version` is that of HTTP/1: 0 or 1.
    fn read(headers: &[httparse::Header<'_>], version: Option<u8>) -> Result<Fields, AnswerFault> {
        let mut fields = Fields { keep_alive: version == Some(1), length: None, coding: None };
        for header in headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                // The same length may be said several times (RFC 9110, 8.6).
                for value in header.value.split(|&b| b == b',') {
                    let value = parse_length(value)?;
                    if fields.length.is_some_and(|other| other != value) {
                        return Err(AnswerFault::TwoLengths);
                    }
                    fields.length = Some(value);
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                let codings = header.value.split(|&b| b == b',').map(<[u8]>::trim_ascii);
                // The last coding decides where the body ends (RFC 9112, 6.3, rule 4), in whichever line it stands.
                for coding in codings.filter(|coding| !coding.is_empty()) {
                    let is_chunked = coding.eq_ignore_ascii_case(b"chunked");
                    if is_chunked && fields.coding == Some(Coding::Chunked) {
                        return Err(AnswerFault::ChunkedTwice);
                    }
                    fields.coding = Some(if is_chunked { Coding::Chunked } else { Coding::Other });
                }
            } else if header.name.eq_ignore_ascii_case("connection") {
                for option in header.value.split(|&b| b == b',') {
                    let option = option.trim_ascii();
                    if option.eq_ignore_ascii_case(b"close") {
                        fields.keep_alive = false;
                    } else if option.eq_ignore_ascii_case(b"keep-alive") && version == Some(0) {
                        fields.keep_alive = true;
                    }
                }
            }
        }
        if fields.coding.is_some() && fields.length.is_some() {
            return Err(AnswerFault::LengthAndEncoding);
        }
        Ok(fields)
    }
}

fn parse_length(value: &[u8]) -> Result<u64, AnswerFault> {
    let digits = value.trim_ascii();
    let worth = without_zeros(digits);
    if digits.is_empty() || worth.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return Err(AnswerFault::LengthIsNoNumber);
    }
    Ok(worth.iter().fold(0, |sum, &b| sum * 10 + u64::from(b - b'0')))
}

/// Digits without the zeros that stand before them.
pub(super) fn without_zeros(digits: &[u8]) -> &[u8] {
    &digits[digits.iter().take_while(|&&b| b == b'0').count()..]
}
