//! Where a URL leads: the address to connect to, and what to put into the request.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use url::{Position, Url};

use crate::plan::address::ServerAddress;
use crate::plan::error::PlanError;

/// A resolved URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The URL, parsed.
    pub url: Url,
    /// The addresses of its host, IPv4 before IPv6, or the Unix socket in their place; at least one.
    pub addresses: Vec<ServerAddress>,
    /// Whether it begins with `https`, and so wants TLS.
    pub secure: bool,
    /// For the field `Host`: host, and port if it is not the scheme's own.
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
    pub fn reachable(&self, timeout_ns: u64) -> Result<ServerAddress, PlanError> {
        if let [only] = self.addresses.as_slice() {
            return Ok(only.clone());
        }
        let mut failures = Vec::new();
        for address in &self.addresses {
            match address.connect(Duration::from_nanos(timeout_ns)) {
                Ok(_) => return Ok(address.clone()),
                Err(error) => failures.push(format!("{address}: {error}")),
            }
        }
        Err(PlanError::Unreachable(failures.join("; ")))
    }

    /// The host as a certificate names it: an IPv6 address without the brackets of a URL.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// The URL without the credentials, to be shown and recorded.
    pub fn shown(&self) -> String {
        if let (Some(address @ ServerAddress::Unix(_)), "localhost") =
            (self.addresses.first(), self.authority.as_str())
        {
            return format!("{address}:{}", self.target);
        }
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

/// How a URL is taken, where its text alone does not say it.
#[derive(Debug, Clone, Default)]
pub struct Resolver {
    /// Connect to this Unix socket, whatever host the URL names.
    pub socket: Option<PathBuf>,
    /// Send path and query as they are written, with `..` and `\` left in.
    pub path_as_is: bool,
}

impl Resolver {
    /// Parses and resolves a URL; `http://` may be left out. `unix:PATH` and `unix:PATH:/TARGET` name a Unix socket.
    ///
    /// # Errors
    /// Names what is wrong with it and what would be right.
    pub fn resolve(&self, text: &str) -> Result<Place, PlanError> {
        if let Some(rest) = text.strip_prefix("unix:") {
            let rest = rest.strip_prefix("//").filter(|path| path.starts_with('/')).unwrap_or(rest);
            let (path, target) = rest.split_once(":/").unwrap_or((rest, ""));
            if self.socket.is_some() {
                return Err(PlanError::TwoSockets(text.into()));
            }
            if path.is_empty() {
                return Err(PlanError::NoSocketPath);
            }
            let resolver = Resolver { socket: Some(path.into()), ..self.clone() };
            return resolver.resolve(&format!("http://localhost/{target}"));
        }
        let full = if has_scheme(text) { text.to_string() } else { format!("http://{text}") };
        let url = Url::parse(&full).map_err(|error| PlanError::Url { text: text.into(), error })?;
        if self.path_as_is {
            let mut place = self.resolve_url(url)?;
            place.target = written_target(&full);
            return Ok(place);
        }
        // A URL parser makes '/' of it, as browsers do, and the server would be asked for something else.
        let path = full.split(['?', '#']).next().unwrap_or_default();
        if path.contains('\\') {
            return Err(PlanError::Backslash(text.into()));
        }
        self.resolve_url(url)
    }

    /// Resolves a URL that is parsed already.
    ///
    /// # Errors
    /// As [`Resolver::resolve`].
    pub fn resolve_url(&self, url: Url) -> Result<Place, PlanError> {
        let secure = match url.scheme() {
            "http" => false,
            "https" => true,
            other => return Err(PlanError::Scheme(other.into())),
        };
        let host =
            url.host_str().filter(|h| !h.is_empty()).ok_or_else(|| PlanError::NoHost(url.to_string()))?;
        let addresses = match &self.socket {
            Some(path) => vec![unix_address(path)?],
            None => addresses_of(host, url.port().unwrap_or(if secure { 443 } else { 80 }))?,
        };
        let authority = url.port().map_or(host.to_string(), |port| format!("{host}:{port}"));
        let target = url[Position::BeforePath..Position::AfterQuery].to_string();
        let authorization = authorization(&url);
        Ok(Place { addresses, secure, authority, target, authorization, url })
    }
}

/// All addresses of a server that is written as `host`, `host:port` or `unix:PATH`; `port` is that of one without.
///
/// # Errors
/// What is wrong with it.
pub fn addresses(text: &str, port: u16) -> Result<Vec<ServerAddress>, PlanError> {
    let text = text.trim();
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.is_empty() {
            Err(PlanError::NoSocketPath)
        } else {
            Ok(vec![unix_address(Path::new(path))?])
        };
    }
    // Of a scheme that no standard knows a port of, each port is told.
    let url = Url::parse(&format!("dyno://{text}/"))
        .map_err(|error| PlanError::Url { text: text.into(), error })?;
    let host =
        url.host_str().filter(|host| !host.is_empty() && url.path() == "/" && url.username().is_empty());
    let host = host.ok_or_else(|| PlanError::NoHost(text.into()))?;
    addresses_of(host, url.port().unwrap_or(port))
}

/// Those of several addresses of a server at which a connection can be made. The only one is not tried.
///
/// # Errors
/// Where none takes one, each with what the system says of it.
pub fn reachable_of(addresses: Vec<ServerAddress>, timeout_ns: u64) -> Result<Vec<ServerAddress>, PlanError> {
    if addresses.len() < 2 {
        return Ok(addresses);
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for address in addresses {
        match address.connect(Duration::from_nanos(timeout_ns)) {
            Ok(_) => found.push(address),
            Err(error) => failures.push(format!("{address}: {error}")),
        }
    }
    if found.is_empty() { Err(PlanError::Unreachable(failures.join("; "))) } else { Ok(found) }
}

/// As [`Resolver::resolve`], where nothing but the text says how.
///
/// # Errors
/// As [`Resolver::resolve`].
pub fn resolve(text: &str) -> Result<Place, PlanError> {
    Resolver::default().resolve(text)
}

fn addresses_of(host: &str, port: u16) -> Result<Vec<ServerAddress>, PlanError> {
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
    Ok(addresses.into_iter().map(ServerAddress::Tcp).collect())
}

fn unix_address(path: &Path) -> Result<ServerAddress, PlanError> {
    let address = ServerAddress::Unix(path.into());
    address.for_system().map_err(|error| PlanError::SocketPath { path: path.into(), error })?;
    Ok(address)
}

/// Whether a URL begins with a scheme (RFC 3986, 3.1); a query may hold another URL.
fn has_scheme(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    text.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(is_part))
}

/// Path and query of a URL as they are written; `/` where there is no path.
fn written_target(full: &str) -> String {
    let after = full.split_once("://").map_or(full, |(_, after)| after);
    let after = after.split('#').next().unwrap_or_default();
    let target = &after[after.find(['/', '?', '\\']).unwrap_or(after.len())..];
    if target.starts_with('/') { target.into() } else { format!("/{target}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_resolved() {
        let place = resolve("127.0.0.1:8080/a%20b?c=d#fragment").unwrap();
        assert_eq!(place.addresses, [tcp("127.0.0.1:8080")]);
        assert_eq!((place.authority.as_str(), place.target.as_str()), ("127.0.0.1:8080", "/a%20b?c=d"));
        for (text, address, secure, authority) in [
            ("http://[::1]", "[::1]:80", false, "[::1]"),
            ("https://[::1]", "[::1]:443", true, "[::1]"),
            ("https://[::1]:8443/", "[::1]:8443", true, "[::1]:8443"),
            ("https://127.0.0.1", "127.0.0.1:443", true, "127.0.0.1"),
            ("HTTPS://127.0.0.1:443", "127.0.0.1:443", true, "127.0.0.1"),
            ("https://127.0.0.1:80", "127.0.0.1:80", true, "127.0.0.1:80"),
            ("http://127.0.0.1:443", "127.0.0.1:443", false, "127.0.0.1:443"),
        ] {
            let place = resolve(text).unwrap();
            assert_eq!((&place.addresses[0], place.secure), (&tcp(address), secure), "{text}");
            assert_eq!((place.authority.as_str(), place.target.as_str()), (authority, "/"), "{text}");
        }
    }

    fn tcp(address: &str) -> ServerAddress {
        ServerAddress::Tcp(address.parse().unwrap())
    }

    #[test]
    fn a_unix_socket_is_named_in_the_url_or_beside_it() {
        for (text, path, target) in [
            ("unix:/run/s.sock", "/run/s.sock", "/"),
            ("unix:/run/s.sock:/a?b=c", "/run/s.sock", "/a?b=c"),
            ("unix:///run/s.sock:/a/b:/c", "/run/s.sock", "/a/b:/c"),
            ("unix:s.sock:/a", "s.sock", "/a"),
            ("unix:a:b.sock", "a:b.sock", "/"),
        ] {
            let place = resolve(text).unwrap();
            assert_eq!(place.addresses, [ServerAddress::Unix(path.into())], "{text}");
            assert_eq!((place.target.as_str(), place.authority.as_str()), (target, "localhost"), "{text}");
            assert_eq!(place.shown(), format!("unix:{path}:{target}"), "{text}");
        }
        let beside = Resolver { socket: Some("/run/s.sock".into()), path_as_is: false };
        let place = beside.resolve("https://no.such.name.invalid/a").unwrap();
        assert_eq!(place.addresses, [ServerAddress::Unix("/run/s.sock".into())]);
        assert_eq!((place.authority.as_str(), place.secure), ("no.such.name.invalid", true));
        assert!(matches!(beside.resolve("unix:/x"), Err(PlanError::TwoSockets(_))));
        let long = format!("unix:/{}", "s".repeat(200));
        assert!(matches!(resolve(&long), Err(PlanError::SocketPath { .. })));
        assert!(matches!(resolve("unix:"), Err(PlanError::NoSocketPath)));
    }

    #[test]
    fn a_path_is_sent_as_it_is_where_that_is_asked_for() {
        for (text, as_is, tidied) in [
            ("http://127.0.0.1/a/../b", "/a/../b", Some("/b")),
            ("http://127.0.0.1/%2e%2e/x?y=/../z#f", "/%2e%2e/x?y=/../z", Some("/x?y=/../z")),
            ("127.0.0.1:1/./a", "/./a", Some("/a")),
            ("127.0.0.1:1/?u=http://x/", "/?u=http://x/", Some("/?u=http://x/")),
            ("unix:/s:/?u=http://x/", "/?u=http://x/", Some("/?u=http://x/")),
            ("http://127.0.0.1?a", "/?a", Some("/?a")),
            ("http://127.0.0.1", "/", Some("/")),
            ("http://127.0.0.1/a\\b", "/a\\b", None),
            ("unix:/s:/a/../b", "/a/../b", Some("/b")),
        ] {
            let reading = Resolver { path_as_is: true, socket: None };
            assert_eq!(reading.resolve(text).unwrap().target, as_is, "{text}");
            match tidied {
                Some(tidied) => assert_eq!(resolve(text).unwrap().target, tidied, "{text}"),
                None => assert!(matches!(resolve(text), Err(PlanError::Backslash(_))), "{text}"),
            }
        }
        assert_eq!(resolve("http://127.0.0.1/?a\\b").unwrap().target, "/?a\\b", "a query may hold one");
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
        let down = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().into();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let up: ServerAddress = listener.local_addr().unwrap().into();
        let down: ServerAddress = down;
        let mut place = resolve("http://127.0.0.1/").unwrap();
        let list = |addresses: &[&ServerAddress]| addresses.iter().map(|&address| address.clone()).collect();
        for addresses in [list(&[&down, &up]), list(&[&up, &down]), list(&[&up])] {
            place.addresses = addresses;
            assert_eq!(place.reachable(5_000_000_000).unwrap(), up);
        }
        place.addresses = vec![down.clone(), down.clone()];
        let fault = place.reachable(5_000_000_000).unwrap_err().to_string();
        assert_eq!(fault.matches(&down.to_string()).count(), 2, "{fault}");
    }

    #[test]
    fn what_cannot_be_loaded_is_refused() {
        for (text, word) in [
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
