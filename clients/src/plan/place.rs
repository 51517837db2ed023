//! Where a URL leads: the address to connect to, and what to put into the request.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use url::{Position, Url};

use crate::plan::error::PlanError;

/// A resolved URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The URL, parsed.
    pub url: Url,
    /// The addresses of its host, IPv4 before IPv6; at least one.
    pub addresses: Vec<SocketAddr>,
    /// For the field `Host`: host, and port if it is not 80.
    pub authority: String,
    /// Path and query.
    pub target: String,
    /// For the field `Authorization`, if the URL holds credentials.
    pub authorization: Option<String>,
}

impl Place {
    /// The first address at which a TCP connection can be made. The only one is not tried.
    ///
    /// # Errors
    /// Names every address with what the system says of it.
    pub fn reachable(&self, timeout_ns: u64) -> Result<SocketAddr, PlanError> {
        if let [only] = self.addresses.as_slice() {
            return Ok(*only);
        }
        let mut failures = Vec::new();
        for address in &self.addresses {
            match TcpStream::connect_timeout(address, Duration::from_nanos(timeout_ns)) {
                Ok(_) => return Ok(*address),
                Err(error) => failures.push(format!("{address}: {error}")),
            }
        }
        Err(PlanError::Unreachable(failures.join("; ")))
    }

    /// The URL without the credentials, to be shown and recorded.
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        // Both succeed for a URL with a host, and this has one.
        let _ = (url.set_username(""), url.set_password(None));
        url.to_string()
    }

    /// The field `Authorization` of the URL's credentials, unless `headers` hold one.
    pub fn authorize(&self, headers: &mut Vec<(String, String)>) {
        let has = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let (Some(value), false) = (&self.authorization, has) {
            headers.push(("Authorization".into(), value.clone()));
        }
    }
}

/// `Basic` and user and password (RFC 7617), of a URL that holds them.
fn authorization(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut credentials = percent_decoded(url.username());
    credentials.push(b':');
    credentials.extend(percent_decoded(url.password().unwrap_or_default()));
    Some(format!("Basic {}", BASE64_STANDARD.encode(credentials)))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let (octets, mut decoded, mut at) = (text.as_bytes(), Vec::new(), 0);
    let digit = |at: usize| octets.get(at).and_then(|&b| (b as char).to_digit(16));
    while at < octets.len() {
        match (octets[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (other, ..) => {
                decoded.push(other);
                at += 1;
            }
        }
    }
    decoded
}

/// Parses and resolves a URL; `http://` may be left out.
///
/// # Errors
/// Names what is wrong with it and what would be right.
pub fn resolve(text: &str) -> Result<Place, PlanError> {
    let full = if text.contains("://") { text.to_string() } else { format!("http://{text}") };
    let url = Url::parse(&full).map_err(|error| PlanError::Url { text: text.into(), error })?;
    resolve_url(url)
}

/// Resolves a URL that is parsed already.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_url(url: Url) -> Result<Place, PlanError> {
    match url.scheme() {
        "http" => {}
        "https" => return Err(PlanError::Https),
        other => return Err(PlanError::Scheme(other.into())),
    }
    let host = url.host_str().filter(|h| !h.is_empty()).ok_or_else(|| PlanError::NoHost(url.to_string()))?;
    let port = url.port().unwrap_or(80);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        (bare, port).to_socket_addrs().map_err(|error| PlanError::Resolve { host: host.into(), error })?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    // Servers on a test bench mostly listen on 127.0.0.1, and `localhost` means both.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    if addresses.is_empty() {
        return Err(PlanError::NoAddress(host.into()));
    }
    let authority = url.port().map_or(host.to_string(), |port| format!("{host}:{port}"));
    let target = url[Position::BeforePath..Position::AfterQuery].to_string();
    let authorization = authorization(&url);
    Ok(Place { addresses, authority, target, authorization, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_resolved() {
        let place = resolve("127.0.0.1:8080/a%20b?c=d#fragment").unwrap();
        assert_eq!(place.addresses, ["127.0.0.1:8080".parse().unwrap()]);
        assert_eq!((place.authority.as_str(), place.target.as_str()), ("127.0.0.1:8080", "/a%20b?c=d"));
        let six = resolve("http://[::1]").unwrap();
        assert_eq!((six.addresses[0], six.target.as_str()), ("[::1]:80".parse().unwrap(), "/"));
    }

    #[test]
    fn credentials_become_a_field_and_are_shown_nowhere() {
        for (text, value) in [
            ("http://u:p@127.0.0.1/", Some("Basic dTpw")),
            ("u:p@127.0.0.1", Some("Basic dTpw")),
            ("http://%75:%70@127.0.0.1/", Some("Basic dTpw")),
            ("http://u@127.0.0.1/", Some("Basic dTo=")),
            ("http://:p@127.0.0.1/", Some("Basic OnA=")),
            ("http://u:a%3ab%40@127.0.0.1/", Some("Basic dTphOmJA")),
            ("http://127.0.0.1/", None),
        ] {
            let place = resolve(text).unwrap();
            assert_eq!(place.authorization.as_deref(), value, "{text}");
            assert_eq!(place.shown(), "http://127.0.0.1/", "{text}");
            let mut headers = Vec::new();
            place.authorize(&mut headers);
            assert_eq!(headers.len(), usize::from(value.is_some()), "{text}");
            let mut own = vec![("authorization".to_string(), "Bearer x".to_string())];
            place.authorize(&mut own);
            assert_eq!(own.len(), 1, "{text}");
        }
    }

    #[test]
    fn every_address_is_tried_in_order_and_every_failure_named() {
        // This listener is gone at the end of the line, so nobody is there.
        let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let up = listener.local_addr().unwrap();
        let mut place = resolve("http://127.0.0.1/").unwrap();
        for addresses in [vec![down, up], vec![up, down], vec![up]] {
            place.addresses = addresses;
            assert_eq!(place.reachable(5_000_000_000).unwrap(), up);
        }
        place.addresses = vec![down, down];
        let fault = place.reachable(5_000_000_000).unwrap_err().to_string();
        assert_eq!(fault.matches(&down.to_string()).count(), 2, "{fault}");
    }

    #[test]
    fn what_cannot_be_loaded_is_refused() {
        for (text, word) in [
            ("https://localhost/", "TLS"),
            ("ftp://localhost/", "not spoken"),
            ("http://", "no URL"),
            ("http://no.such.name.invalid/", "does not resolve"),
            ("http://127.0.0.1:99999/", "no URL"),
        ] {
            let error = resolve(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
