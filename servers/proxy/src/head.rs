//! The head of an answer, read strictly: its end is looked for octet by octet, so the pieces in which it comes change
//! nothing, and it is taken apart when it is whole.

use dyno_http::fields::{has_token, trim};
use dyno_http::octets::is_token;

use crate::fault::GatewayFault;
use crate::limits::{ANSWER_FIELDS, ANSWER_HEAD_OCTETS};

/// How the body of an answer ends (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerEnd {
    /// There is no body.
    None,
    /// After so many octets.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// With the connection.
    Connection,
}

/// A head that keeps every rule.
#[derive(Debug)]
pub(crate) struct AnswerHead<'a> {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(&'a str, &'a [u8])>,
    pub(crate) end: AnswerEnd,
    /// What Content-Length says, whether or not a body follows.
    pub(crate) length: Option<u64>,
    /// Whether another answer may follow on the connection.
    pub(crate) persists: bool,
}

/// Looks for the end of a head in `octets`, of which `seen` were looked at before.
///
/// # Returns
/// The length of the head; `None`: it has not come whole.
pub(crate) fn find_end(octets: &[u8], seen: usize) -> Result<Option<usize>, GatewayFault> {
    let visible = &octets[..octets.len().min(ANSWER_HEAD_OCTETS)];
    for at in seen..visible.len() {
        let before = at.checked_sub(1).map(|before| visible[before]);
        match (before, visible[at]) {
            (Some(b'\r'), b'\n') if visible[..at - 1].ends_with(b"\r\n") => return Ok(Some(at + 1)),
            (Some(b'\r'), b'\n') => {}
            (Some(b'\r'), _) => return Err(GatewayFault::BareCr),
            (_, b'\n') => return Err(GatewayFault::BareLf),
            _ => {}
        }
    }
    if visible.len() == ANSWER_HEAD_OCTETS { Err(GatewayFault::HeadTooLarge) } else { Ok(None) }
}

/// Takes a whole head apart. `is_head`: HEAD was asked.
pub(crate) fn parse(octets: &[u8], is_head: bool) -> Result<AnswerHead<'_>, GatewayFault> {
    // Each line ends with CR LF, and there is no other CR or LF: the search for the end has seen to it.
    let mut lines = octets[..octets.len() - 2].split(|octet| *octet == b'\n').map(|line| match line {
        [line @ .., b'\r'] => line,
        line => line,
    });
    let (minor, status) = status_line(lines.next().unwrap_or_default())?;
    let mut fields = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if fields.len() == ANSWER_FIELDS {
            return Err(GatewayFault::TooManyFields);
        }
        fields.push(field(line)?);
    }
    let (length, is_chunked) = framing(&fields, minor)?;
    let end = match (status, length) {
        (204, Some(1..)) => return Err(GatewayFault::BodyOf204),
        (204, _) if is_chunked => return Err(GatewayFault::BodyOf204),
        (100..200 | 204 | 304, _) => AnswerEnd::None,
        _ if is_head => AnswerEnd::None,
        _ if is_chunked => AnswerEnd::Chunked,
        (_, Some(length)) => AnswerEnd::Length(length),
        (_, None) => AnswerEnd::Connection,
    };
    let closes = named(&fields, "connection").any(|value| has_token(value, b"close"));
    Ok(AnswerHead {
        status,
        fields,
        end,
        length,
        persists: minor > 0 && !closes && end != AnswerEnd::Connection,
    })
}

/// The minor version and the status code. A reason phrase may be missing, and with it the space before it, as many
/// servers write it: nobody reads such a line in another way.
fn status_line(line: &[u8]) -> Result<(u8, u16), GatewayFault> {
    let Some(rest) = line.strip_prefix(b"HTTP/") else { return Err(GatewayFault::StatusLine) };
    let (minor, rest) = match rest {
        [b'1', b'.', minor @ b'0'..=b'9', b' ', rest @ ..] => (minor - b'0', rest),
        [b'0'..=b'9', b'.', b'0'..=b'9', b' ', ..] | [b'2'..=b'9', b' ', ..] => {
            return Err(GatewayFault::Version);
        }
        _ => return Err(GatewayFault::StatusLine),
    };
    let (code, reason) = match rest {
        [a, b, c] => ([a, b, c], &[][..]),
        [a, b, c, b' ', reason @ ..] => ([a, b, c], reason),
        _ => return Err(GatewayFault::StatusLine),
    };
    let is_code = matches!(code[0], b'1'..=b'5') && code.iter().all(|digit| digit.is_ascii_digit());
    if !is_code || !reason.iter().all(|octet| is_text(*octet)) {
        return Err(GatewayFault::StatusLine);
    }
    Ok((minor, code.iter().fold(0, |value, digit| value * 10 + u16::from(**digit - b'0'))))
}

fn field(line: &[u8]) -> Result<(&str, &[u8]), GatewayFault> {
    if matches!(line, [b' ' | b'\t', ..]) {
        return Err(GatewayFault::ObsFold);
    }
    let Some(colon) = line.iter().position(|octet| *octet == b':') else {
        return Err(GatewayFault::FieldName);
    };
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    if matches!(name, [.., b' ' | b'\t']) {
        return Err(GatewayFault::SpaceBeforeColon);
    }
    if name.is_empty() || !name.iter().all(|octet| is_token(*octet)) {
        return Err(GatewayFault::FieldName);
    }
    if !value.iter().all(|octet| is_text(*octet)) {
        return Err(GatewayFault::FieldValue);
    }
    // A token is ASCII.
    Ok((std::str::from_utf8(name).map_err(|_| GatewayFault::FieldName)?, value))
}

/// What may stand in a value or a reason phrase: HTAB, SP, visible ASCII and octets above it (RFC 9110, 5.5).
fn is_text(octet: u8) -> bool {
    matches!(octet, b'\t' | b' '..=0x7e | 0x80..)
}

/// The values of the fields of that name, in order.
pub(crate) fn named<'a>(fields: &'a [(&str, &'a [u8])], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// What Content-Length says, and whether the body is chunked. Where two recipients could find different ends of the
/// body there is none.
fn framing(fields: &[(&str, &[u8])], minor: u8) -> Result<(Option<u64>, bool), GatewayFault> {
    let mut lengths = named(fields, "content-length");
    let mut codings = named(fields, "transfer-encoding");
    match (lengths.next(), codings.next()) {
        (None, None) => Ok((None, false)),
        (Some(_), Some(_)) => Err(GatewayFault::LengthAndCoding),
        (Some(length), None) if lengths.next().is_none() => Ok((Some(number(length)?), false)),
        (Some(_), None) => Err(GatewayFault::LengthTwice),
        (None, Some(_)) if codings.next().is_some() => Err(GatewayFault::CodingTwice),
        (None, Some(_)) if minor == 0 => Err(GatewayFault::CodingIn10),
        (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok((None, true)),
        (None, Some(_)) => Err(GatewayFault::CodingUnknown),
    }
}

fn number(digits: &[u8]) -> Result<u64, GatewayFault> {
    if digits.contains(&b',') {
        return Err(GatewayFault::LengthTwice);
    }
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(GatewayFault::LengthMalformed);
    }
    let add = |value: u64, digit: &u8| value.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
    // It is a number, but larger than every bound.
    digits.iter().try_fold(0, add).ok_or(GatewayFault::BodyTooLarge)
}
