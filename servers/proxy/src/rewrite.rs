//! Requests and answers as they are passed on: written anew from their parts, never as the octets that came.
//!
//! What is meant for one connection alone stays behind (RFC 9110, 7.6.1): the fields that are known to be, and those
//! that Connection names. Via and Forwarded (RFC 7239) say who has passed it on, and for whom.

use std::fmt::Write as _;
use std::net::IpAddr;

use dyno_http::fields::{has_token, trim};
use dyno_http::head::Version;
use dyno_http::lines::FieldLines;

use crate::head::named;
use crate::limits::LOOP_ENTRIES;

/// Fields that are meant for one connection, whether or not Connection names them.
const FOR_ONE_CONNECTION: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// The name of this server in Via: its own for each start, so that two tiers of one kind are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pseudonym(String);

impl Pseudonym {
    /// `number` makes it one that no other server has.
    pub fn new(number: u64) -> Pseudonym {
        Pseudonym(format!("dyno-{number:016x}"))
    }

    /// As it stands in Via.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How often it stands in the value of a Via field.
    fn count_in(&self, value: &[u8]) -> usize {
        let words = value.split(|octet| matches!(octet, b' ' | b'\t' | b','));
        words.filter(|word| word.eq_ignore_ascii_case(self.0.as_bytes())).count()
    }
}

/// What is known of a request besides its fields.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, percent-encoded as it came.
    pub path: &'a str,
    /// The query, as it came.
    pub query: Option<&'a str>,
    /// The host that was asked; empty: none was named.
    pub host: &'a str,
    /// The version in which it came.
    pub version: Version,
    /// The body, whole.
    pub body: &'a [u8],
    /// Who sent it.
    pub client: Option<IpAddr>,
    /// Whether it came over a transport that is encrypted.
    pub is_secure: bool,
}

/// Why a request is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPassed {
    /// It has come through here before (RFC 9110, 7.6.3).
    #[error("this request runs in circles: it has come through this server before")]
    Loop,
    /// Max-Forwards is 0 (RFC 9110, 7.6.2): who has it is the one that answers.
    #[error("Max-Forwards is used up")]
    NoForwardsLeft,
}

/// Calls its argument with each field of a request, in order.
pub type EachField<'a> = dyn Fn(&mut dyn FnMut(&str, &[u8])) + 'a;

/// Writes the request for a backend that is called `authority`.
///
/// # Errors
/// Why it is not passed on.
pub fn write_request(
    out: &mut Vec<u8>,
    request: &Passed<'_>,
    fields: &EachField<'_>,
    own: &Pseudonym,
    authority: &str,
) -> Result<(), NotPassed> {
    let mut options: Vec<Vec<u8>> = Vec::new();
    let (mut entries, mut forwards) = (0, None);
    let counts_forwards = matches!(request.method, "OPTIONS" | "TRACE");
    fields(&mut |name, value| {
        if name.eq_ignore_ascii_case("connection") {
            options.extend(value.split(|octet| *octet == b',').map(|option| trim(option).to_vec()));
        } else if name.eq_ignore_ascii_case("via") {
            entries += own.count_in(value);
        } else if counts_forwards && name.eq_ignore_ascii_case("max-forwards") {
            forwards = std::str::from_utf8(value).ok().and_then(|text| text.parse::<u32>().ok());
        }
    });
    if entries >= LOOP_ENTRIES {
        return Err(NotPassed::Loop);
    }
    if forwards == Some(0) {
        return Err(NotPassed::NoForwardsLeft);
    }
    for part in [request.method, " ", request.path] {
        out.extend_from_slice(part.as_bytes());
    }
    if let Some(query) = request.query {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let host = if request.host.is_empty() { authority } else { request.host };
    line(out, "Host", host.as_bytes());
    fields(&mut |name, value| {
        let is_own = ["host", "content-length", "expect"].iter().any(|own| name.eq_ignore_ascii_case(own));
        let counts = forwards.is_some() && name.eq_ignore_ascii_case("max-forwards");
        let is_named = options.iter().any(|option| option.eq_ignore_ascii_case(name.as_bytes()));
        if !is_own && !counts && !is_named && !is_for_one_connection(name) {
            line(out, name, value);
        }
    });
    if let Some(forwards) = forwards {
        line(out, "Max-Forwards", (forwards - 1).to_string().as_bytes());
    }
    let version = if request.version == Version::Http10 { "1.0" } else { "1.1" };
    line(out, "Via", format!("{version} {}", own.as_str()).as_bytes());
    line(out, "Forwarded", forwarded(request).as_bytes());
    if !request.body.is_empty() || matches!(request.method, "POST" | "PUT" | "PATCH") {
        line(out, "Content-Length", request.body.len().to_string().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(request.body);
    Ok(())
}

/// One entry of Forwarded (RFC 7239, 4).
fn forwarded(request: &Passed<'_>) -> String {
    let mut entry = match request.client.map(|client| client.to_canonical()) {
        None => "for=unknown".to_owned(),
        Some(IpAddr::V4(client)) => format!("for={client}"),
        Some(IpAddr::V6(client)) => format!("for=\"[{client}]\""),
    };
    if !request.host.is_empty() {
        // A host has no quotes and no backslashes.
        let _ = write!(entry, ";host=\"{}\"", request.host);
    }
    entry + if request.is_secure { ";proto=https" } else { ";proto=http" }
}

/// The fields of an answer that are passed on, and Via.
pub(crate) fn answer_lines(fields: &[(&str, &[u8])], own: &Pseudonym) -> FieldLines {
    let mut lines = FieldLines::default();
    for (name, value) in fields {
        let is_named = named(fields, "connection").any(|options| has_token(options, name.as_bytes()));
        if !is_named && !is_for_one_connection(name) {
            // Content-Length is written anew.
            lines.push(name, value);
        }
    }
    lines.push("Via", format!("1.1 {}", own.as_str()).as_bytes());
    lines
}

fn is_for_one_connection(name: &str) -> bool {
    FOR_ONE_CONNECTION.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn line(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}
