//! The name of an object, in the one form that rules are held against.
//!
//! A rule about `/files/payroll` must not be walked around by `/files/%70ayroll`, `/files/./payroll` or
//! `/files/x/../payroll`. So a name is decoded once and refused unless it is canonical afterwards. It is never
//! repaired, because two programs that repair a name may differ in the result.

use std::fmt;

/// The decoded, canonical path of an object: absolute, without empty, `.` and `..` segments. It may end with a slash,
/// which is how the index of a directory is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object(String);

/// A path has more than one reading, so nobody may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// A percent sign is not followed by two hexadecimal digits (RFC 3986, 2.1).
    #[error("a percent sign without two hexadecimal digits")]
    BrokenEscape,
    /// A segment is empty, `.` or `..`, written out or encoded.
    #[error("an empty segment, or `.` or `..`")]
    EmptyOrDots,
    /// A slash or a NUL is encoded, so that decoding would change how the path is divided, or where it ends.
    #[error("an encoded slash or NUL")]
    EncodedDivider,
    /// The decoded path is no UTF-8.
    #[error("not text in UTF-8")]
    NotText,
}

impl Object {
    /// Decodes the path of a request target; its query is no part of it.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn parse(path: &str) -> Result<Object, NotCanonical> {
        let Some(relative) = path.strip_prefix('/') else { return Err(NotCanonical::NotAbsolute) };
        let mut name = String::with_capacity(path.len());
        let mut segments = relative.split('/').peekable();
        while let Some(segment) = segments.next() {
            name.push('/');
            let segment = decode(segment)?;
            let is_last = segments.peek().is_none();
            if matches!(segment.as_str(), "." | "..") || (segment.is_empty() && !is_last) {
                return Err(NotCanonical::EmptyOrDots);
            }
            name.push_str(&segment);
        }
        Ok(Object(name))
    }

    /// The decoded path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The decoded path without a slash at its end; empty for the root.
    pub(super) fn without_slash(&self) -> &str {
        self.0.strip_suffix('/').unwrap_or(&self.0)
    }

    /// The object and all that lie above it, from the object to the root: `/a/b` gives `/a/b`, `/a` and the empty
    /// name of the root. A slash at the end makes no difference.
    pub(super) fn ancestors(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.without_slash()), |name| name.rfind('/').map(|slash| &name[..slash]))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The octets that a percent-encoded text means (RFC 3986, 2.1); `None` for a percent sign without two hexadecimal
/// digits. Whoever opens what was judged here decodes by this function, so that both mean the same.
pub fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let &[high, low, ref tail @ ..] = rest else { return None };
        let digit = |octet: u8| char::from(octet).to_digit(16);
        octets.push((digit(high)? * 16 + digit(low)?) as u8);
        rest = tail;
    }
    Some(octets)
}

fn decode(segment: &str) -> Result<String, NotCanonical> {
    let octets = percent_decoded(segment).ok_or(NotCanonical::BrokenEscape)?;
    if octets.contains(&b'/') || octets.contains(&0) {
        return Err(NotCanonical::EncodedDivider);
    }
    String::from_utf8(octets).map_err(|_| NotCanonical::NotText)
}
