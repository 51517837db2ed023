//! Who may ask: whoever has the token, and no page of another site in the same browser.
//!
//! A page that somebody has open can send requests to this machine as well. Its browser says where they come from
//! (Origin, Sec-Fetch-Site), and by which name it was sent here (Host): a name that a stranger has let point to this
//! machine is none of ours.

use std::net::IpAddr;

use hyper::HeaderMap;
use hyper::header::{HOST, HeaderName, ORIGIN};
use rand::Rng;
use subtle::ConstantTimeEq;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const TOKEN: HeaderName = HeaderName::from_static("dyno-token");

/// What a watcher shows to be let in: 128 random bits in hexadecimal digits.
#[derive(Debug, Clone)]
pub(crate) struct Token(String);

impl Token {
    /// A new one.
    pub(crate) fn new() -> Self {
        Token(format!("{:032x}", rand::rng().next_u64() as u128 | (rand::rng().next_u64() as u128) << 64))
    }

    /// Its text, for the address.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether `shown` is it; how long that takes says nothing of how much of it is right.
    fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

/// Why a request is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchRefusal {
    /// It was sent to a name that is not this machine's.
    Host,
    /// A page of another site has sent it.
    Foreign,
    /// It does not show the token.
    Token,
}

impl WatchRefusal {
    /// The status of the answer.
    pub(crate) fn status(self) -> u16 {
        match self {
            WatchRefusal::Host => 421,
            WatchRefusal::Foreign | WatchRefusal::Token => 403,
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            WatchRefusal::Host => "ask for localhost, or by a number\n",
            WatchRefusal::Foreign => "not for pages of other sites\n",
            WatchRefusal::Token => "open the address that `dyno watch` prints: its token lets you in\n",
        }
    }
}

/// Whether a request may have the page itself, which holds no secret.
///
/// # Errors
/// Why not.
pub(crate) fn may_read(fields: &HeaderMap) -> Result<(), WatchRefusal> {
    let host = text(fields, &HOST).ok_or(WatchRefusal::Host)?;
    if is_this_machine(host) { Ok(()) } else { Err(WatchRefusal::Host) }
}

/// Whether a request may have events, or give orders: `shown` is the token of its target, for who cannot set fields.
///
/// # Errors
/// Why not.
pub(crate) fn may_watch(fields: &HeaderMap, token: &Token, shown: Option<&str>) -> Result<(), WatchRefusal> {
    may_read(fields)?;
    let host = text(fields, &HOST).unwrap_or_default();
    let is_ours =
        |origin: &str| origin.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host));
    if fields.contains_key(ORIGIN) && !text(fields, &ORIGIN).is_some_and(is_ours) {
        return Err(WatchRefusal::Foreign);
    }
    if fields.contains_key(&SITE) && !matches!(text(fields, &SITE), Some("same-origin" | "none")) {
        return Err(WatchRefusal::Foreign);
    }
    match text(fields, &TOKEN).or(shown) {
        Some(shown) if token.is(shown) => Ok(()),
        Some(_) | None => Err(WatchRefusal::Token),
    }
}

/// A field that is there once, and readable.
fn text<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = fields.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    if all.next().is_none() { Some(first) } else { None }
}

/// Whether `host` names a machine by a number or as localhost: no name server decides where such a name leads.
fn is_this_machine(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, ""),
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    let is_name = name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok();
    is_name && port.bytes().all(|octet| octet.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        fields
    }

    const HERE: (&str, &str) = ("host", "127.0.0.1:5665");

    #[test]
    fn tokens_differ_and_are_long() {
        let (one, other) = (Token::new(), Token::new());
        assert_ne!(one.text(), other.text());
        assert!(one.text().len() == 32 && one.is(one.text()) && !one.is(other.text()));
        assert!(!one.is("") && !one.is(&one.text()[..31]));
    }

    #[test]
    fn the_token_opens_in_a_field_or_in_the_target() {
        let token = Token::new();
        assert_eq!(may_watch(&fields(&[HERE]), &token, Some(token.text())), Ok(()));
        assert_eq!(may_watch(&fields(&[HERE, ("dyno-token", token.text())]), &token, None), Ok(()));
        assert_eq!(may_watch(&fields(&[HERE]), &token, None), Err(WatchRefusal::Token));
        assert_eq!(may_watch(&fields(&[HERE]), &token, Some("")), Err(WatchRefusal::Token));
        let wrong = fields(&[HERE, ("dyno-token", "guess")]);
        assert_eq!(may_watch(&wrong, &token, Some(token.text())), Err(WatchRefusal::Token));
    }

    #[test]
    fn a_page_of_another_site_is_refused_even_with_the_token() {
        let token = Token::new();
        for (name, value, allowed) in [
            ("origin", "http://127.0.0.1:5665", true),
            ("origin", "http://127.0.0.1:8080", false),
            ("origin", "https://127.0.0.1:5665", false),
            ("origin", "http://evil.example", false),
            ("origin", "null", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "none", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
        ] {
            let asked = may_watch(&fields(&[HERE, (name, value)]), &token, Some(token.text()));
            assert_eq!(asked.is_ok(), allowed, "{name}: {value}");
            let twice = fields(&[HERE, (name, value), (name, value)]);
            assert!(may_watch(&twice, &token, Some(token.text())).is_err(), "{name}: {value}, twice");
        }
    }

    #[test]
    fn a_name_that_somebody_else_can_point_here_is_refused() {
        for host in ["localhost", "localhost:5665", "127.0.0.1:5665", "[::1]:5665", "192.168.1.7:5665"] {
            assert_eq!(may_read(&fields(&[("host", host)])), Ok(()), "{host}");
        }
        for host in
            ["rebind.example", "rebind.example:5665", "127.0.0.1.example", "localhost.example:1", "", "a:b"]
        {
            assert_eq!(may_read(&fields(&[("host", host)])), Err(WatchRefusal::Host), "{host}");
        }
        assert_eq!(may_read(&fields(&[])), Err(WatchRefusal::Host));
        assert_eq!(may_read(&fields(&[HERE, HERE])), Err(WatchRefusal::Host));
    }
}
