//! Heads: finding the end of one, parsing it with `httparse`, and the rules that httparse leaves to us.
//!
//! The outcome depends on the octets alone, never on how they were cut into pieces: every check is made either on a
//! complete head or, while it is still arriving, octet by octet in order.

use crate::fault::{BadHead, Fault};
use crate::fields::has_token;
use crate::limits::{FIELD_SLOTS, Limits};
use crate::octets::is_token;
use crate::target::{self, Form};
use crate::work;
use std::mem::MaybeUninit;

/// The versions that this core speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// How the end of a body is found (RFC 9112 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

/// What the client expects before it sends the body (RFC 9110 10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    None,
    Continue,
    Unknown,
}

/// Start and end within a head, in octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Span(u32, u32);

impl Span {
    fn of(whole: &[u8], part: &[u8]) -> Span {
        let start = part.as_ptr().addr() - whole.as_ptr().addr();
        Span(start as u32, (start + part.len()) as u32)
    }

    pub(crate) fn in_octets(self, whole: &[u8]) -> &[u8] {
        &whole[self.0 as usize..self.1 as usize]
    }
}

/// A checked head, as offsets into the octets that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) method: Span,
    /// Path and query; `*` for the asterisk form.
    pub(crate) path: Span,
    pub(crate) form: Form,
    /// The host that the request is for: from the target if it has one, else from the Host field, else empty.
    pub(crate) host: Span,
    /// All field lines, each with its CR LF.
    pub(crate) fields: Span,
    /// Octets of the whole head, the empty line included.
    pub(crate) len: u32,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    pub(crate) expectation: Expectation,
    /// Whether the client asked, or by its version implied, that the connection ends after the answer.
    pub(crate) close: bool,
}

/// Looks for a complete head at the start of `octets`; `Ok(None)` wants more octets.
///
/// `scanned` remembers how far the octets have been looked at, so that a head that comes an octet at a time costs
/// linear work in total; it must be 0 for the first octets of each head.
pub(crate) fn read(octets: &[u8], scanned: &mut u32, limits: &Limits) -> Result<Option<Head>, Fault> {
    if *scanned == 0 {
        // Nearly always the first piece is the whole head. If it is not, or if it breaks a rule, the scan below
        // decides.
        if let Ok(Some(head)) = parse(octets, limits)
            && head.len as usize <= limits.head_octets
        {
            return Ok(Some(head));
        }
    }
    match scan(octets, scanned, limits)? {
        None => Ok(None),
        Some(end) => match in_our_version(&octets[..end]) {
            Some(translated) => parse(&translated, limits),
            None => parse(&octets[..end], limits),
        },
    }
}

/// The head as HTTP/1.1, if it is in a later minor version. A server takes such a request as one of the highest minor
/// version that it speaks (RFC 9110 2.5); nobody sends any, so a copy does no harm.
fn in_our_version(head: &[u8]) -> Option<Vec<u8>> {
    let line_end = head.iter().position(|octet| *octet == b'\r')?;
    let [.., b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] = &head[..line_end] else {
        return None;
    };
    let mut translated = head.to_vec();
    translated[line_end - 1] = b'1';
    Some(translated)
}

/// Searches for the end of the head, and refuses at once what can never become a head.
fn scan(octets: &[u8], scanned: &mut u32, limits: &Limits) -> Result<Option<usize>, Fault> {
    let visible = &octets[..octets.len().min(limits.head_octets)];
    let start = *scanned as usize;
    work::count(visible.len() - start);
    let mut previous = if start == 0 { b'\n' } else { visible[start - 1] };
    for (at, octet) in visible.iter().copied().enumerate().skip(start) {
        match (previous, octet) {
            (b'\r', b'\n') if visible[..at - 1].ends_with(b"\r\n") => return Ok(Some(at + 1)),
            (b'\r', b'\n') => {}
            (b'\r', _) => return Err(Fault::BadHead(BadHead::BareCr)),
            (_, b'\n') => return Err(Fault::BadHead(BadHead::BareLf)),
            (_, 0) => return Err(Fault::BadHead(BadHead::Nul)),
            _ => {}
        }
        previous = octet;
    }
    *scanned = visible.len() as u32;
    if visible.len() < limits.head_octets {
        Ok(None)
    } else if visible.contains(&b'\n') {
        Err(Fault::HeadTooLarge)
    } else {
        Err(Fault::TargetTooLong)
    }
}

/// Parses and checks a head. `Ok(None)`: incomplete.
fn parse(octets: &[u8], limits: &Limits) -> Result<Option<Head>, Fault> {
    let mut slots = [const { MaybeUninit::uninit() }; FIELD_SLOTS];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(octets, &mut slots);
    work::count(if let Ok(httparse::Status::Complete(len)) = parsed { len } else { octets.len() });
    let len = match parsed {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(explain(error, octets)),
    };
    let (Some(method), Some(raw_target), Some(minor)) = (request.method, request.path, request.version)
    else {
        return Err(Fault::BadHead(BadHead::RequestLine));
    };
    if !octets.starts_with(method.as_bytes()) {
        // httparse skips empty lines, whether they end with CR LF or with LF; those that are allowed here are gone
        // already.
        return Err(Fault::BadHead(BadHead::BareLf));
    }
    check_line_ends(&octets[..len], request.headers)?;
    if raw_target.len() > limits.target_octets {
        return Err(Fault::TargetTooLong);
    }
    if request.headers.len() > limits.fields {
        return Err(Fault::TooManyFields);
    }
    if method == "CONNECT" {
        return Err(Fault::Connect);
    }
    let parts = target::parts(method, raw_target).ok_or(Fault::BadHead(BadHead::Target))?;
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    let seen = Seen::in_fields(request.headers)?;
    let framing = seen.framing(version)?;
    let host = match seen.host {
        Some(host) if target::is_host(host) => Span::of(octets, host),
        Some(_) => return Err(Fault::BadHead(BadHead::HostMalformed)),
        None if version == Version::Http10 => Span::default(),
        None => return Err(Fault::BadHead(BadHead::HostMissing)),
    };
    let host_in_target = &raw_target.as_bytes()[parts.host.0..parts.host.1];
    let first_field =
        request.headers.first().map_or(len - 2, |field| Span::of(octets, field.name.as_bytes()).0 as usize);
    Ok(Some(Head {
        method: Span::of(octets, method.as_bytes()),
        path: Span::of(octets, &raw_target.as_bytes()[parts.path..]),
        form: parts.form,
        host: if parts.form == Form::Absolute { Span::of(octets, host_in_target) } else { host },
        fields: Span(first_field as u32, (len - 2) as u32),
        len: len as u32,
        version,
        framing,
        // HTTP/1.0 has no expectations: RFC 9110 10.1.1.
        expectation: if version == Version::Http11 { seen.expectation } else { Expectation::None },
        close: seen.close || (version == Version::Http10 && !seen.keep_alive),
    }))
}

/// httparse takes a lone LF for a line end; we do not. Each field is preceded, and the head is ended, by a whole CR LF.
fn check_line_ends(head: &[u8], fields: &[httparse::Header<'_>]) -> Result<(), Fault> {
    let whole = fields.iter().all(|field| {
        let start = field.name.as_ptr().addr() - head.as_ptr().addr();
        head[..start].ends_with(b"\r\n")
    });
    if whole && head.ends_with(b"\r\n\r\n") { Ok(()) } else { Err(Fault::BadHead(BadHead::BareLf)) }
}

/// The fields that govern framing and the connection.
struct Seen<'a> {
    host: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    encoding: Option<&'a [u8]>,
    expectation: Expectation,
    close: bool,
    keep_alive: bool,
}

impl<'a> Seen<'a> {
    fn in_fields(fields: &[httparse::Header<'a>]) -> Result<Seen<'a>, Fault> {
        let mut seen = Seen {
            host: None,
            length: None,
            encoding: None,
            expectation: Expectation::None,
            close: false,
            keep_alive: false,
        };
        for field in fields {
            // The length of the name alone rules out nearly every field.
            match field.name.len() {
                4 if field.name.eq_ignore_ascii_case("host") => {
                    once(&mut seen.host, field.value, BadHead::HostTwice)?;
                }
                6 if field.name.eq_ignore_ascii_case("expect") => {
                    let known = field.value.eq_ignore_ascii_case(b"100-continue");
                    seen.expectation = match seen.expectation {
                        Expectation::Unknown => Expectation::Unknown,
                        _ if known => Expectation::Continue,
                        _ => Expectation::Unknown,
                    };
                }
                10 if field.name.eq_ignore_ascii_case("connection") => {
                    seen.close |= has_token(field.value, b"close");
                    seen.keep_alive |= has_token(field.value, b"keep-alive");
                }
                14 if field.name.eq_ignore_ascii_case("content-length") => {
                    once(&mut seen.length, field.value, BadHead::ContentLengthTwice)?;
                }
                17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                    once(&mut seen.encoding, field.value, BadHead::TransferEncodingTwice)?;
                }
                _ => {}
            }
        }
        Ok(seen)
    }

    /// The one way in which the end of the body is found. A head that two recipients could read differently is
    /// refused.
    fn framing(&self, version: Version) -> Result<Framing, Fault> {
        match (self.length, self.encoding) {
            (None, None) => Ok(Framing::None),
            (Some(_), Some(_)) => Err(Fault::BadHead(BadHead::LengthAndEncoding)),
            (Some(length), None) => content_length(length),
            (None, Some(_)) if version == Version::Http10 => {
                Err(Fault::BadHead(BadHead::TransferEncodingIn10))
            }
            (None, Some(coding)) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
            (None, Some(_)) => Err(Fault::BadHead(BadHead::TransferEncodingUnknown)),
        }
    }
}

fn once<'a>(place: &mut Option<&'a [u8]>, value: &'a [u8], twice: BadHead) -> Result<(), Fault> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Fault::BadHead(twice)),
    }
}

fn content_length(digits: &[u8]) -> Result<Framing, Fault> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::BadHead(BadHead::ContentLengthMalformed));
    }
    let value = digits
        .iter()
        .try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    match value {
        Some(0) => Ok(Framing::None),
        Some(length) => Ok(Framing::Length(length)),
        // It is a number, but larger than every limit.
        None => Err(Fault::BodyTooLarge),
    }
}

/// The rule behind an error of httparse. Only refused heads come here, so it may be slow.
fn explain(error: httparse::Error, head: &[u8]) -> Fault {
    let line = head.split(|octet| *octet == b'\r').next().unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|octet| *octet == b' ').collect();
    match error {
        httparse::Error::TooManyHeaders => Fault::TooManyFields,
        httparse::Error::HeaderName => Fault::BadHead(explain_name(head)),
        httparse::Error::HeaderValue => Fault::BadHead(BadHead::FieldValue),
        httparse::Error::NewLine => Fault::BadHead(BadHead::BareCr),
        httparse::Error::Token | httparse::Error::Version | httparse::Error::Status => {
            explain_request_line(&words)
        }
    }
}

fn explain_request_line(words: &[&[u8]]) -> Fault {
    match words {
        [method, target, version] if !method.is_empty() && !target.is_empty() => match version {
            _ if !method.iter().copied().all(is_token) => Fault::BadHead(BadHead::Method),
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                match (major, minor) {
                    (b'0', _) => Fault::BadHead(BadHead::Version),
                    (b'1', _) => Fault::BadHead(BadHead::Target),
                    _ => Fault::UnsupportedVersion,
                }
            }
            _ => Fault::BadHead(BadHead::Version),
        },
        _ => Fault::BadHead(BadHead::RequestLine),
    }
}

fn explain_name(head: &[u8]) -> BadHead {
    for line in head.split(|octet| *octet == b'\n').skip(1) {
        if matches!(line, [b' ' | b'\t', ..]) {
            return BadHead::ObsFold;
        }
        let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
        if matches!(name, [.., b' ' | b'\t']) && name.len() < line.len() {
            return BadHead::SpaceBeforeColon;
        }
    }
    BadHead::FieldName
}
