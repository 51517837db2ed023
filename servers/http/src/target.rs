//! Request targets (RFC 9112 3.2) and the Host rules (RFC 9112 3.2, RFC 3986 3.2.2).

use crate::octets::{is_host_octet, is_registered_name, is_target, leading_host_octets};

/// The four forms of a request target; CONNECT alone has the fourth, and the core refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/path?query`
    Origin,
    /// `http://host/path?query`, as sent to proxies; its host wins over the Host field.
    Absolute,
    /// `*`, for OPTIONS: the server as a whole. The path is `*`.
    Asterisk,
}

/// A request target, taken apart but not decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// How it was written.
    pub form: Form,
    /// The path, percent-encoded as it came; well-formed, and never empty (`/` stands for an empty path).
    pub path: &'a str,
    /// What follows the first `?`, percent-encoded as it came.
    pub query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// From a checked path-and-query.
    pub(crate) fn new(form: Form, path_and_query: &'a str) -> Target<'a> {
        // Octet by octet: targets are short, and a search made for long texts costs more to set up than it saves.
        let (path, query) = match path_and_query.bytes().position(|octet| octet == b'?') {
            Some(at) => (&path_and_query[..at], Some(&path_and_query[at + 1..])),
            None => (path_and_query, None),
        };
        Target { form, path: if path.is_empty() { "/" } else { path }, query }
    }
}

/// Where the parts of a target lie, in octets from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) form: Form,
    /// Start and end of the host (and port) in absolute form; equal when there is none.
    pub(crate) host: (usize, usize),
    /// Where path and query start.
    pub(crate) path: usize,
}

/// Checks a target and finds its parts; `None` when it is malformed or its form does not go with the method.
pub(crate) fn parts(method: &str, target: &str) -> Option<Parts> {
    let octets = target.as_bytes();
    if !is_target(octets) {
        return None;
    }
    if octets[0] == b'/' {
        return Some(Parts { form: Form::Origin, host: (0, 0), path: 0 });
    }
    if target == "*" {
        return (method == "OPTIONS").then_some(Parts { form: Form::Asterisk, host: (0, 0), path: 0 });
    }
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        octets.len() >= scheme.len() && octets[..scheme.len()].eq_ignore_ascii_case(scheme.as_bytes())
    })?;
    let start = scheme.len();
    let end =
        octets[start..].iter().position(|o| matches!(o, b'/' | b'?')).map_or(octets.len(), |at| start + at);
    // An http URI has a host (RFC 9110 4.2.1), and user information in one is an attempt to mislead (RFC 9110 4.2.4).
    (end > start && is_host(&octets[start..end])).then_some(Parts {
        form: Form::Absolute,
        host: (start, end),
        path: end,
    })
}

/// `uri-host [ ":" port ]` of RFC 9110 7.2; may be empty, because a Host field may.
pub(crate) fn is_host(octets: &[u8]) -> bool {
    let port = if let [b'[', rest @ ..] = octets {
        let Some(end) = rest.iter().position(|octet| *octet == b']') else { return false };
        let (literal, behind) = (&rest[..end], &rest[end + 1..]);
        // The colons, digits and dots of an address, or the rarely seen IPvFuture; which host it is does not matter
        // here.
        if literal.is_empty() || !literal.iter().all(|o| *o == b':' || is_host_octet(*o)) {
            return false;
        }
        behind
    } else {
        let behind = &octets[leading_host_octets(octets)..];
        // Nearly every name ends here; the rest of a name with percent-encoded octets has to be checked.
        let rest = behind.iter().position(|octet| *octet == b':').unwrap_or(behind.len());
        if !is_registered_name(&behind[..rest]) {
            return false;
        }
        &behind[rest..]
    };
    match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Form, Target, is_host, parts};

    #[test]
    fn hosts() {
        let good = [
            "",
            "a",
            "localhost:8080",
            "a:",
            "0.0.0.0=5000",
            "[::1]",
            "[::1]:80",
            "[v1.a:b]",
            "%41b",
            "a_b.c",
        ];
        let bad = [
            "a b", "a/b", "a@b", "a:b", "a:1:2", "[::1", "[]", "[::1]x", "[ ]", "%4", "%zz", "\"", "a\\b",
            "é",
        ];
        for host in good {
            assert!(is_host(host.as_bytes()), "{host:?} is a host");
        }
        for host in bad {
            assert!(!is_host(host.as_bytes()), "{host:?} is no host");
        }
    }

    #[test]
    fn forms() {
        let form = |method, target| parts(method, target).map(|parts| parts.form);
        assert_eq!(form("GET", "/a?b|c[1]=%20"), Some(Form::Origin));
        assert_eq!(form("GET", "HTTP://h:1?x"), Some(Form::Absolute));
        assert_eq!(form("OPTIONS", "*"), Some(Form::Asterisk));
        for target in
            ["*", "h:80", "http://", "http:///x", "http://u@h/", "ftp://h/", "/#", "/%4", "/%zz", "a"]
        {
            assert_eq!(form("GET", target), None, "{target:?}");
        }
    }

    #[test]
    fn an_absolute_target_without_a_path_asks_for_the_root() {
        let text = "http://h?x=1";
        let found = parts("GET", text).unwrap();
        assert_eq!(&text[found.host.0..found.host.1], "h");
        let target = Target::new(found.form, &text[found.path..]);
        assert_eq!((target.path, target.query), ("/", Some("x=1")));
    }
}
