//! Classes of octets, by table: heads are checked octet by octet, so a look-up must do.

/// `tchar` of RFC 9110 5.6.2.
const TOKEN: u8 = 1;
/// What a registered name is made of, except `%`: unreserved and sub-delims of RFC 3986 2.
const HOST: u8 = 2;
/// What may stand in a request target by itself: visible ASCII but `#`, which starts a fragment, and `%`, which needs
/// digits. Browsers send `|`, `[` and the like bare, so those pass.
const TARGET: u8 = 4;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let o = octet as u8;
        let mut class = 0;
        if o.is_ascii_alphanumeric()
            || matches!(
                o,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
        {
            class |= TOKEN;
        }
        if o.is_ascii_alphanumeric()
            || matches!(o, b'-' | b'.' | b'_' | b'~')
            || matches!(o, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
        {
            class |= HOST;
        }
        if o.is_ascii_graphic() && !matches!(o, b'#' | b'%') {
            class |= TARGET;
        }
        classes[octet] = class;
        octet += 1;
    }
    classes
};

/// Whether it may stand in a token, as the name of a field or a method is one.
pub fn is_token(octet: u8) -> bool {
    CLASSES[octet as usize] & TOKEN != 0
}

pub(crate) fn is_host_octet(octet: u8) -> bool {
    CLASSES[octet as usize] & HOST != 0
}

/// Whether `octets` are of one class, apart from `%` with two hexadecimal digits behind it.
fn is_all(octets: &[u8], class: u8) -> bool {
    let mut rest = octets;
    loop {
        let Some(at) = rest.iter().position(|octet| CLASSES[*octet as usize] & class == 0) else {
            return true;
        };
        match &rest[at..] {
            [b'%', high, low, behind @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest = behind;
            }
            _ => return false,
        }
    }
}

/// How many octets at the front belong to a name by themselves, without `%`.
pub(crate) fn leading_host_octets(octets: &[u8]) -> usize {
    octets.iter().position(|octet| !is_host_octet(*octet)).unwrap_or(octets.len())
}

/// A `reg-name` (RFC 3986 3.2.2); may be empty.
pub(crate) fn is_registered_name(octets: &[u8]) -> bool {
    is_all(octets, HOST)
}

/// The octets of a request target: visible ASCII without a fragment, and each `%` with its two digits.
pub(crate) fn is_target(octets: &[u8]) -> bool {
    !octets.is_empty() && is_all(octets, TARGET)
}

#[cfg(test)]
mod tests {
    use super::{is_registered_name, is_target, is_token};

    #[test]
    fn classes_are_those_of_the_rfcs() {
        let tokens: String = (0..=255_u8).filter(|octet| is_token(*octet)).map(char::from).collect();
        assert_eq!(tokens, "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
        let names: String =
            (0..=255_u8).filter(|octet| is_registered_name(&[*octet])).map(char::from).collect();
        assert_eq!(names, "!$&'()*+,-.0123456789;=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");
        assert_eq!((0..=255_u8).filter(|octet| is_target(&[*octet])).count(), 92);
    }

    #[test]
    fn percent_needs_two_digits() {
        for good in ["%20", "a%2Fb%aa", "%00"] {
            assert!(is_target(good.as_bytes()), "{good}");
        }
        for bad in ["%", "%2", "a%2", "%zz", "%2g", "%%20"] {
            assert!(!is_target(bad.as_bytes()), "{bad}");
        }
    }
}
