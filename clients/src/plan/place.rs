//! Where a URL leads: the address to connect to, and what to put into the request.

use std::net::{SocketAddr, ToSocketAddrs};

use url::{Position, Url};

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
pub fn resolve(text: &str) -> Result<Place, String> {
    let full = if text.contains("://") { text.to_string() } else { format!("http://{text}") };
    let url = Url::parse(&full).map_err(|e| format!("'{text}' is no URL: {e}"))?;
    resolve_url(url)
}

/// Resolves a URL that is parsed already.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_url(url: Url) -> Result<Place, String> {
    match url.scheme() {
        "http" => {}
        "https" => {
            return Err(
                "https is spoken over TLS: write http:// and --transport tls with whom to trust".into()
            );
        }
        other => return Err(format!("'{other}' is not spoken here; use http://")),
    }
    let host = url.host_str().filter(|h| !h.is_empty()).ok_or(format!("'{url}' names no host"))?;
    let port = url.port().unwrap_or(80);
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        (bare, port).to_socket_addrs().map_err(|e| format!("the name '{host}' does not resolve: {e}"))?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    // Servers on a test bench mostly listen on 127.0.0.1, and `localhost` means both.
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let address = *addresses.first().ok_or(format!("the name '{host}' has no address"))?;
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
            ("https://localhost/", "--transport tls"),
            ("ftp://localhost/", "not spoken"),
            ("http://", "no URL"),
            ("http://no.such.name.invalid/", "does not resolve"),
            ("http://127.0.0.1:99999/", "no URL"),
        ] {
            assert!(resolve(text).unwrap_err().contains(word), "{text}: {:?}", resolve(text));
        }
    }
}
