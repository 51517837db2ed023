//! Where a URL leads: the address to connect to, and what to put into the request.

use std::net::{SocketAddr, ToSocketAddrs};

use url::{Position, Url};

use crate::plan::error::PlanError;

/// A resolved URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The URL, parsed.
    pub url: Url,
    /// The first address of its host, IPv4 before IPv6.
    pub address: SocketAddr,
    /// For the field `Host`: host, and port if it is not 80.
    pub authority: String,
    /// Path and query.
    pub target: String,
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
    let address = *addresses.first().ok_or_else(|| PlanError::NoAddress(host.into()))?;
    let authority = url.port().map_or(host.to_string(), |port| format!("{host}:{port}"));
    let target = url[Position::BeforePath..Position::AfterQuery].to_string();
    Ok(Place { address, authority, target, url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_resolved() {
        let place = resolve("127.0.0.1:8080/a%20b?c=d#fragment").unwrap();
        assert_eq!(place.address, "127.0.0.1:8080".parse().unwrap());
        assert_eq!((place.authority.as_str(), place.target.as_str()), ("127.0.0.1:8080", "/a%20b?c=d"));
        let six = resolve("http://[::1]").unwrap();
        assert_eq!((six.address, six.target.as_str()), ("[::1]:80".parse().unwrap(), "/"));
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
