//! The fields of a head that has been checked, read lazily: nothing is parsed before it is asked for.

/// The field lines of a checked head, in order. Each item is a name and its value without surrounding white space.
#[derive(Clone)]
pub struct Fields<'a> {
    /// Whole lines, each with its CR LF; no CR or LF anywhere else. [`crate::head`] has made sure.
    lines: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(lines: &'a [u8]) -> Fields<'a> {
        Fields { lines }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<(&'a str, &'a [u8])> {
        let colon = self.lines.iter().position(|octet| *octet == b':')?;
        let name = std::str::from_utf8(&self.lines[..colon]).expect("a field name is a token, so ASCII");
        let behind = &self.lines[colon + 1..];
        let end = behind.iter().position(|octet| *octet == b'\r')?;
        self.lines = &behind[end + 2..];
        Some((name, trim(&behind[..end])))
    }
}

/// Without optional white space (RFC 9110 5.6.3) at both ends.
pub fn trim(mut octets: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = octets {
        octets = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = octets {
        octets = rest;
    }
    octets
}

/// Whether a list-valued field holds `token`, in any case (RFC 9110 5.6.1).
pub fn has_token(value: &[u8], token: &[u8]) -> bool {
    value.split(|octet| *octet == b',').any(|member| trim(member).eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::{Fields, has_token};

    #[test]
    fn names_and_trimmed_values_come_in_order() {
        let fields = Fields::new(b"Host:a\r\nX-Empty:\r\nX-Tab:\t b:c \t\r\n");
        let expected: Vec<(&str, &[u8])> = vec![("Host", b"a"), ("X-Empty", b""), ("X-Tab", b"b:c")];
        assert_eq!(fields.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tokens_are_found_in_lists_only_as_a_whole() {
        assert!(has_token(b"keep-alive, Close", b"close"));
        assert!(has_token(b"close", b"close"));
        assert!(!has_token(b"closed, not close", b"close"));
    }
}
