//! The requests of a mix: prepared octets, and the answer that each must get.

use std::sync::Arc;

use crate::plan::as_run::MixEntry;
use crate::plan::error::PlanError;
use crate::plan::impatience::{DUE_FIELD, due_blank, due_place};

/// A request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Target, as sent.
    pub target: String,
    /// Share among the mix, relative to the others.
    pub weight: f64,
    /// Head and body, as they go to the wire.
    pub wire: Vec<u8>,
    /// What the answer must be.
    pub expect: Expect,
    /// Whether it asks the server to close the connection after the answer, so that no other may follow it there.
    pub closes: bool,
    /// Where in its octets the server is told when it was due, if it is.
    pub due_at: Option<usize>,
}

/// What the answer must be.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Exactly this status; `None`: any from 200 to 299.
    pub status: Option<u16>,
    /// The body.
    pub body: ExpectedBody,
}

/// What the body must be.
#[derive(Debug, Clone, Default)]
pub enum ExpectedBody {
    /// Whatever it is, as long as it is complete.
    #[default]
    Any,
    /// The same as in the first answer; to be replaced by [`ExpectedBody::Exactly`] before the run.
    Same,
    /// Exactly these octets.
    Exactly(Arc<[u8]>),
}

/// What goes into a request, before it is prepared.
#[derive(Debug, Clone, Default)]
pub struct RequestParts {
    /// Method; empty: GET, or POST when there is a body.
    pub method: String,
    /// Target: path and query, or `*`.
    pub target: String,
    /// Host and port, as in the URL.
    pub authority: String,
    /// Further header fields, in order.
    pub headers: Vec<(String, String)>,
    /// Body. An empty one is sent as such, with its length of 0.
    pub body: Option<Vec<u8>>,
    /// Weight in the mix.
    pub weight: f64,
    /// The answer.
    pub expect: Expect,
    /// Ask the server to close the connection after the answer.
    pub close: bool,
}

impl RequestParts {
    /// Prepares the octets.
    ///
    /// # Errors
    /// Names the part that cannot stand in a request (a space in the target, a line break in a field, and so on), since
    /// it would change what the server sees.
    pub fn prepare(self) -> Result<Request, PlanError> {
        let method = match (self.method.as_str(), &self.body) {
            ("", None) => "GET".to_string(),
            ("", Some(_)) => "POST".to_string(),
            (method, _) => method.to_string(),
        };
        if !method.bytes().all(is_token) {
            return Err(PlanError::Method(method));
        }
        if self.target.is_empty() || !self.target.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            return Err(PlanError::RequestTarget(self.target));
        }
        let mut wire = format!("{method} {} HTTP/1.1\r\n", self.target).into_bytes();
        let has = |name: &str| self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if !has("host") {
            wire.extend_from_slice(format!("Host: {}\r\n", self.authority).as_bytes());
        }
        let wants_length = self.body.is_some() || matches!(method.as_str(), "POST" | "PUT" | "PATCH");
        let body = self.body.unwrap_or_default();
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("transfer-encoding") {
                return Err(PlanError::OwnEncoding);
            }
            if name.eq_ignore_ascii_case("content-length") && value.parse() != Ok(body.len()) {
                return Err(PlanError::OwnLength { given: value.clone(), octets: body.len() });
            }
            if name.is_empty() || !name.bytes().all(is_token) {
                return Err(PlanError::FieldName(name.clone()));
            }
            if value.bytes().any(|b| b < 0x20 && b != b'\t' || b == 0x7f) {
                return Err(PlanError::FieldValue(name.clone()));
            }
            wire.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        let closes = self.close || has_option(&self.headers, "close");
        if self.close && !has_option(&self.headers, "close") {
            wire.extend_from_slice(b"Connection: close\r\n");
        }
        if wants_length && !has("content-length") {
            wire.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        wire.extend_from_slice(b"\r\n");
        wire.extend_from_slice(&body);
        let due_at = due_place(&wire);
        let RequestParts { target, weight, expect, .. } = self;
        Ok(Request { method, target, weight, wire, expect, closes, due_at })
    }
}

impl Request {
    /// The same, and the server is told when it was due.
    #[must_use]
    pub fn telling_due(mut self) -> Self {
        let end_of_line = self.wire.windows(2).position(|octets| octets == b"\r\n");
        if let (Some(at), None) = (end_of_line, self.due_at) {
            let field = format!("\r\n{DUE_FIELD}: {}", due_blank());
            self.wire.splice(at..at, field.into_bytes());
            self.due_at = due_place(&self.wire);
        }
        self
    }

    /// Whether the answer has no body because of the method.
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// As told in the result.
    pub fn entry(&self) -> MixEntry {
        let verified = match self.expect.body {
            // An answer to HEAD has no body that could be compared.
            _ if self.is_head() => "status",
            ExpectedBody::Any => "status",
            ExpectedBody::Same => "same",
            ExpectedBody::Exactly(_) => "body",
        };
        MixEntry {
            method: self.method.clone(),
            target: self.target.clone(),
            weight: self.weight,
            verified: verified.into(),
        }
    }
}

impl Expect {
    /// Whether a complete answer is the expected one; a HEAD has no body to be compared.
    pub fn accepts(&self, status: u16, body: &[u8], to_head: bool) -> bool {
        let body_fits = match &self.body {
            ExpectedBody::Exactly(expected) => to_head || **expected == *body,
            ExpectedBody::Any | ExpectedBody::Same => true,
        };
        body_fits && self.accepts_status(status)
    }

    /// Whether `status` is the expected one.
    #[inline]
    pub fn accepts_status(&self, status: u16) -> bool {
        self.status.map_or((200..300).contains(&status), |expected| expected == status)
    }
}

/// Whether a field `Connection` lists this option (RFC 9110, 7.6.1), in any case.
fn has_option(headers: &[(String, String)], option: &str) -> bool {
    let values = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
    values.flat_map(|(_, value)| value.split(',')).any(|o| o.trim().eq_ignore_ascii_case(option))
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}

/// The documented answers of Dyno's own services, written down here a second time and on purpose: the generator must
/// not learn from the server what is right.
///
/// `None` for a target whose answer is not known.
pub fn known_answer(target: &str, sent_body: &[u8]) -> Option<Vec<u8>> {
    let path = target.split('?').next().unwrap_or(target);
    match path {
        "/" => return Some(b"Hello, World!".to_vec()),
        "/json" => return Some(br#"{"message":"Hello, World!"}"#.to_vec()),
        "/echo" => return Some(sent_body.to_vec()),
        "/mix" => return Some(b"mixed\n".to_vec()),
        _ => {}
    }
    for (prefix, done) in [("/wait/", "waited"), ("/compute/", "computed")] {
        if let Some(micros) = path.strip_prefix(prefix) {
            return micros.parse().ok().map(|micros: u64| format!("{done} {micros} us\n").into_bytes());
        }
    }
    if let Some(place) = path.strip_prefix("/mix/") {
        return place.parse().ok().map(|_: u64| b"mixed\n".to_vec());
    }
    let count: usize = path.strip_prefix("/bytes/")?.parse().ok()?;
    (count as u64 <= crate::limits::BODY_FILE_MAX_OCTETS)
        .then(|| (0..count).map(|i| b'a' + (i % 26) as u8).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(target: &str) -> RequestParts {
        RequestParts {
            target: target.into(),
            authority: "localhost:80".into(),
            weight: 1.0,
            ..RequestParts::default()
        }
    }

    #[test]
    fn requests_are_prepared() {
        let get = parts("/a?b").prepare().unwrap();
        assert_eq!(get.wire, b"GET /a?b HTTP/1.1\r\nHost: localhost:80\r\n\r\n");
        let mut with = parts("/echo");
        with.body = Some(b"hi".to_vec());
        with.headers = vec![("X-A".into(), "1".into())];
        with.close = true;
        let wire = with.prepare().unwrap().wire;
        let expected = "POST /echo HTTP/1.1\r\nHost: localhost:80\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
        assert_eq!(String::from_utf8(wire).unwrap(), expected);
    }

    #[test]
    fn what_would_change_the_request_is_refused() {
        assert!(parts("/a b").prepare().is_err());
        assert!(parts("").prepare().is_err());
        let mut split = parts("/");
        split.headers = vec![("X".into(), "1\r\nY: 2".into())];
        assert!(split.prepare().is_err());
        let mut method = parts("/");
        method.method = "GET /".into();
        assert!(method.prepare().is_err());
    }

    #[test]
    fn the_framing_of_a_request_is_that_of_its_body() {
        let framed = |method: &str, body: Option<&[u8]>, field: Option<(&str, &str)>| {
            let mut parts = parts("/");
            parts.method = method.into();
            parts.body = body.map(<[u8]>::to_vec);
            parts.headers = field.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            parts.prepare().map(|request| String::from_utf8(request.wire).unwrap())
        };
        for (method, body, field) in [
            ("", Some(&b"hello"[..]), ("Content-Length", "3")),
            ("", Some(b"hello"), ("content-length", "9")),
            ("", Some(b""), ("Content-Length", "5")),
            ("", None, ("Content-Length", "5")),
            ("PUT", Some(b"hello"), ("Content-Length", "five")),
            ("", Some(b"hello"), ("Content-Length", "-5")),
            ("", Some(b"hello"), ("Transfer-Encoding", "chunked")),
            ("", None, ("TRANSFER-ENCODING", "gzip, chunked")),
        ] {
            assert!(framed(method, body, Some(field)).is_err(), "{method} {body:?} {field:?}");
        }
        let own = framed("", Some(b"hello"), Some(("Content-Length", "5"))).unwrap();
        assert_eq!(own.matches("Content-Length").count(), 1, "{own}");
        let empty = framed("", Some(b""), None).unwrap();
        assert!(empty.starts_with("POST / ") && empty.contains("Content-Length: 0\r\n"), "{empty}");
        assert!(framed("PUT", None, None).unwrap().contains("Content-Length: 0\r\n"));
        assert!(!framed("", None, None).unwrap().contains("Content-Length"));
    }

    #[test]
    fn only_what_is_compared_counts_as_verified() {
        for (method, body, verified) in [
            ("", ExpectedBody::Any, "status"),
            ("", ExpectedBody::Same, "same"),
            ("", ExpectedBody::Exactly(b"a".as_slice().into()), "body"),
            ("POST", ExpectedBody::Exactly(b"a".as_slice().into()), "body"),
            ("HEAD", ExpectedBody::Exactly(b"a".as_slice().into()), "status"),
            ("HEAD", ExpectedBody::Same, "status"),
            ("HEAD", ExpectedBody::Any, "status"),
        ] {
            let mut parts = parts("/");
            parts.method = method.into();
            parts.expect.body = body;
            let entry = parts.prepare().unwrap().entry();
            assert_eq!(entry.verified, verified, "{method}: {entry:?}");
        }
    }

    #[test]
    fn known_answers() {
        assert_eq!(known_answer("/", b"").unwrap().len(), 13);
        assert_eq!(known_answer("/bytes/28", b"").unwrap(), b"abcdefghijklmnopqrstuvwxyzab");
        assert_eq!(known_answer("/echo", b"x").unwrap(), b"x");
        assert_eq!(known_answer("/wait/250", b"").unwrap(), b"waited 250 us\n");
        assert_eq!(known_answer("/compute/5", b"").unwrap(), b"computed 5 us\n");
        for mix in ["/mix", "/mix/3"] {
            assert_eq!(known_answer(mix, b"").unwrap(), b"mixed\n");
        }
        for unknown in ["/compute/soon", "/wait/", "/mix/x", "/pages/4/10", "/nonesuch"] {
            assert_eq!(known_answer(unknown, b""), None, "{unknown}");
        }
    }
}
