//! Names of hosts, as trust files and certificates write them and as a client looks for them.
//!
//! A name is a host, which stands for all its ports, or `[host]:port`, as in the known hosts of ssh. Hosts are written
//! in lower case without a final dot, addresses in their shortest form (RFC 5952); what is read is brought into that
//! form, and compared octet for octet then.

use std::fmt;
use std::net::IpAddr;

/// The name under which a loopback address is known as well.
const LOOPBACK: &str = "localhost";

/// The one form of a name in which it is compared.
pub fn canonical(name: &str) -> String {
    match name.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => canonical_host(host),
        Some((host, port)) => format!("[{}]{port}", canonical_host(host)),
        None => canonical_host(name),
    }
}

fn canonical_host(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    }
}

/// The names under which a peer may be known, the most exact first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerName {
    host: String,
    names: Vec<String>,
}

impl PeerName {
    /// A server at `host`, a DNS name or an address, and at `port` where that is not the default one. A loopback
    /// address is also known as localhost, where it has no entry of its own.
    pub fn of_host(host: &str, port: Option<u16>) -> Self {
        let host = canonical(host);
        let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let mut names = Vec::new();
        for host in [Some(host.as_str()), is_loopback.then_some(LOOPBACK)].into_iter().flatten() {
            names.extend(port.map(|port| format!("[{host}]:{port}")));
            names.push(host.into());
        }
        PeerName { host, names }
    }

    /// The host alone, for transports that know no ports.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Every name, the most exact first.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// A peer under one name, whatever its port.
impl From<&str> for PeerName {
    fn from(name: &str) -> Self {
        PeerName::of_host(name, None)
    }
}

/// The most exact name.
impl fmt::Display for PeerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names.first().unwrap_or(&self.host))
    }
}
