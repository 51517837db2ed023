//! Field lines that are made at run time: those of an answer that is passed on.

use crate::octets::is_token;

/// What the core writes itself, whatever an answer says: its framing.
const OWN: [&str; 3] = ["content-length", "connection", "transfer-encoding"];

/// Whole field lines, ready to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldLines {
    octets: Vec<u8>,
    has_date: bool,
}

impl FieldLines {
    /// Adds a line. A CR, LF or NUL in the value becomes a space, so that no value can end the head.
    ///
    /// # Returns
    /// Whether it was added: not if the name is no token, or one of those that the core writes.
    pub fn push(&mut self, name: &str, value: &[u8]) -> bool {
        let is_own = OWN.iter().any(|own| name.eq_ignore_ascii_case(own));
        if name.is_empty() || is_own || !name.bytes().all(is_token) {
            return false;
        }
        self.has_date |= name.eq_ignore_ascii_case("date");
        self.octets.extend_from_slice(name.as_bytes());
        self.octets.extend_from_slice(b": ");
        let clean = |octet: &u8| if matches!(octet, b'\r' | b'\n' | 0) { b' ' } else { *octet };
        self.octets.extend(value.iter().map(clean));
        self.octets.extend_from_slice(b"\r\n");
        true
    }

    /// The lines, each with its CR LF.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Name and value of each, in order.
    pub fn iter(&self) -> crate::fields::Fields<'_> {
        crate::fields::Fields::new(&self.octets)
    }

    /// Whether one of them is Date. Then the core adds none: it is the origin's to say (RFC 9110, 6.6.1).
    pub fn has_date(&self) -> bool {
        self.has_date
    }
}

impl<'a> IntoIterator for &'a FieldLines {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = crate::fields::Fields<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::FieldLines;

    #[test]
    fn lines_cannot_end_the_head_nor_frame_it() {
        let mut lines = FieldLines::default();
        assert!(lines.push("X-A", b"1\r\nContent-Length: 5\0"));
        assert!(!lines.has_date());
        assert!(lines.push("dAte", b"now"));
        for name in ["", "X A", "X:", "Content-Length", "CONNECTION", "transfer-encoding", "X\r\n"] {
            assert!(!lines.push(name, b"5"), "{name:?}");
        }
        assert_eq!(lines.octets(), b"X-A: 1  Content-Length: 5 \r\ndAte: now\r\n");
        assert!(lines.has_date());
        assert_eq!(lines.iter().count(), 2);
    }
}
