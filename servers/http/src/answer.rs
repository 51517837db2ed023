//! Heads of answers, written straight into the send buffer.

use crate::date::HttpDate;
use crate::fault::Fault;
use crate::limits::RETRY_AFTER;
use crate::status::Status;
use std::borrow::Cow;

/// The interim answer to an expectation (RFC 9110 15.2.1).
pub(crate) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What the Connection field of an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// Nothing: HTTP/1.1 persists by itself.
    Implied,
    /// This is the last answer.
    Close,
    /// HTTP/1.0 asked for it.
    KeepAlive,
}

/// Everything up to the first field that depends on the service.
pub(crate) fn write_start(out: &mut Vec<u8>, status: Status, date: Option<&HttpDate>) {
    if let (Status::OK, Some(date)) = (status, date) {
        return out.extend_from_slice(date.start_of_ok());
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    write_number(out, u64::from(status.0));
    out.push(b' ');
    out.extend_from_slice(status.reason().as_bytes());
    out.extend_from_slice(b"\r\n");
    if let Some(date) = date {
        out.extend_from_slice(date.line());
    }
}

/// The service's fields. What would end a field line early is written as a space (RFC 9110 5.5).
pub(crate) fn write_fields(
    out: &mut Vec<u8>,
    content_type: &str,
    fields: &[(&'static str, Cow<'static, str>)],
) {
    if !content_type.is_empty() {
        out.extend_from_slice(b"Content-Type: ");
        out.extend_from_slice(content_type.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    for (name, value) in fields {
        debug_assert!(
            !["date", "content-length", "connection", "transfer-encoding"]
                .contains(&name.to_ascii_lowercase().as_str()),
            "{name} is the core's to write"
        );
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend(value.bytes().map(|octet| if matches!(octet, b'\r' | b'\n' | 0) { b' ' } else { octet }));
        out.extend_from_slice(b"\r\n");
    }
}

/// The fields that frame the answer, and the end of the head. `length` is `None` for answers that have no framing.
pub(crate) fn write_end(out: &mut Vec<u8>, length: Option<u64>, persistence: Persistence) {
    if let Some(length) = length {
        out.extend_from_slice(b"Content-Length: ");
        write_number(out, length);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(match persistence {
        Persistence::Implied => b"\r\n",
        Persistence::Close => b"Connection: close\r\n\r\n",
        Persistence::KeepAlive => b"Connection: keep-alive\r\n\r\n",
    });
}

/// The answer to a fault: plain text that names the rule, and the end of the connection.
pub(crate) fn write_refusal(
    out: &mut Vec<u8>,
    status: Status,
    fault: Fault,
    date: Option<&HttpDate>,
    is_head: bool,
) {
    let rule = fault.rule();
    write_start(out, status, date);
    let retry = [("Retry-After", Cow::Borrowed(RETRY_AFTER))];
    let is_temporary = status == Status::SERVICE_UNAVAILABLE;
    write_fields(out, "text/plain; charset=utf-8", if is_temporary { &retry } else { &[] });
    write_end(out, Some(rule.len() as u64 + 1), Persistence::Close);
    if !is_head {
        out.extend_from_slice(rule.as_bytes());
        out.push(b'\n');
    }
}

fn write_number(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::{Persistence, write_end, write_fields, write_number};

    #[test]
    fn numbers() {
        for value in [0, 9, 10, 65_535, u64::MAX] {
            let mut out = Vec::new();
            write_number(&mut out, value);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }

    #[test]
    fn a_value_cannot_end_the_head() {
        let mut out = Vec::new();
        write_fields(&mut out, "", &[("Location", "/a\r\nSet-Cookie: b\0".into())]);
        write_end(&mut out, None, Persistence::Implied);
        assert_eq!(out, b"Location: /a  Set-Cookie: b \r\n\r\n");
    }
}
