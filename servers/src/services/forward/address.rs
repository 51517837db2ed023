//! Where backends are, as the command line says it.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use dyno_proxy::limits::{BACKENDS, WEIGHT_UNITS_MAX};

/// The address of a backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendAddress {
    /// An address and a port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for BackendAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BackendAddress::Tcp(address) => address.fmt(f),
            BackendAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Where it is.
    pub address: BackendAddress,
    /// Its share of the requests, among the weights of all.
    pub weight: u32,
}

/// Paths, and who answers them: `PREFIX=BACKEND[@WEIGHT],...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardRoute {
    /// What the paths begin with: `/` is all of them, `/a` is `/a` and everything below `/a/`.
    pub prefix: String,
    /// Who answers.
    pub backends: Vec<Backend>,
}

/// The text is no route.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// Nothing, or no `=`.
    #[error("a route is PREFIX=ADDRESS,ADDRESS, as in /=127.0.0.1:8081,127.0.0.1:8082")]
    Shape,
    /// A prefix that no path begins with.
    #[error("{0:?} is no path: it begins with / and has no ?, # or white space")]
    Prefix(String),
    /// Not an address.
    #[error("{0:?} is no address: a backend is HOST:PORT or unix:PATH")]
    Address(String),
    /// A name that nobody knows.
    #[error("{0:?} is not known: {1}")]
    Unknown(String, String),
    /// A weight out of bounds.
    #[error("a weight is 1 to {WEIGHT_UNITS_MAX}, not {0:?}")]
    Weight(String),
    /// Too many.
    #[error("a route has at most {BACKENDS} backends")]
    TooMany,
}

impl FromStr for ForwardRoute {
    type Err = NoRoute;

    fn from_str(text: &str) -> Result<ForwardRoute, NoRoute> {
        let (prefix, list) = text.split_once('=').ok_or(NoRoute::Shape)?;
        let is_path = prefix.starts_with('/')
            && prefix.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'?' | b'#'));
        if !is_path {
            return Err(NoRoute::Prefix(prefix.to_owned()));
        }
        let backends = list.split(',').map(backend).collect::<Result<Vec<_>, _>>()?;
        if backends.len() > BACKENDS {
            return Err(NoRoute::TooMany);
        }
        // `/a/` and `/a` are the same paths.
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix).to_owned();
        Ok(ForwardRoute { prefix, backends })
    }
}

fn backend(text: &str) -> Result<Backend, NoRoute> {
    let (place, weight) = match text.rsplit_once('@') {
        None => (text, 1),
        Some((place, digits)) => match digits.parse() {
            Ok(weight @ 1..=WEIGHT_UNITS_MAX) => (place, weight),
            _ => return Err(NoRoute::Weight(digits.to_owned())),
        },
    };
    if let Some(path) = place.strip_prefix("unix:") {
        let is_path = !path.is_empty();
        return if is_path {
            Ok(Backend { address: BackendAddress::Unix(path.into()), weight })
        } else {
            Err(NoRoute::Address(place.to_owned()))
        };
    }
    let has_port = place
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    if !has_port {
        return Err(NoRoute::Address(place.to_owned()));
    }
    // A name is looked up once, when the server starts. Most servers on this machine listen on 127.0.0.1 alone.
    let found =
        place.to_socket_addrs().map_err(|error| NoRoute::Unknown(place.to_owned(), error.to_string()))?;
    let found: Vec<_> = found.collect();
    let address = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    let address = address.ok_or_else(|| NoRoute::Unknown(place.to_owned(), "it has no address".into()))?;
    Ok(Backend { address: BackendAddress::Tcp(address), weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_and_faults_are_named() {
        let route: ForwardRoute = "/api/=127.0.0.1:81,[::1]:82@3,unix:/run/a.sock@100".parse().unwrap();
        assert_eq!(route.prefix, "/api");
        let shown: Vec<_> =
            route.backends.iter().map(|backend| format!("{}@{}", backend.address, backend.weight)).collect();
        assert_eq!(shown, ["127.0.0.1:81@1", "[::1]:82@3", "unix:/run/a.sock@100"]);
        assert_eq!("/=localhost:81".parse::<ForwardRoute>().unwrap().prefix, "");
        let many = format!("/={}", vec!["127.0.0.1:1"; BACKENDS + 1].join(","));
        for (text, fault) in [
            ("", NoRoute::Shape),
            ("/", NoRoute::Shape),
            ("a=127.0.0.1:1", NoRoute::Prefix("a".into())),
            ("/a b=127.0.0.1:1", NoRoute::Prefix("/a b".into())),
            ("/=", NoRoute::Address(String::new())),
            ("/=127.0.0.1", NoRoute::Address("127.0.0.1".into())),
            ("/=127.0.0.1:0", NoRoute::Address("127.0.0.1:0".into())),
            ("/=:80", NoRoute::Address(":80".into())),
            ("/=unix:", NoRoute::Address("unix:".into())),
            ("/=127.0.0.1:1,", NoRoute::Address(String::new())),
            ("/=127.0.0.1:1@0", NoRoute::Weight("0".into())),
            ("/=127.0.0.1:1@101", NoRoute::Weight("101".into())),
            ("/=127.0.0.1:1@x", NoRoute::Weight("x".into())),
            (&many, NoRoute::TooMany),
        ] {
            assert_eq!(text.parse::<ForwardRoute>(), Err(fault), "{text}");
        }
    }
}
