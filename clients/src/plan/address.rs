//! Where a server listens.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// The address of a server: one of the internet, or the path of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ServerAddress {
    /// TCP over IPv4 or IPv6.
    Tcp(SocketAddr),
    /// A stream socket in the file system, unix(7).
    Unix(PathBuf),
}

impl ServerAddress {
    /// Whether nothing that is sent there leaves the machine by its address alone.
    pub fn is_local(&self) -> bool {
        match self {
            ServerAddress::Tcp(address) => address.ip().is_loopback(),
            ServerAddress::Unix(_) => true,
        }
    }

    /// As the system wants it.
    ///
    /// # Errors
    /// A path that is longer than a socket's may be.
    pub(crate) fn for_system(&self) -> io::Result<SockAddr> {
        match self {
            ServerAddress::Tcp(address) => Ok((*address).into()),
            ServerAddress::Unix(path) => SockAddr::unix(path),
        }
    }

    /// A socket of the family of this address, without delay where there could be one.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn socket(&self) -> io::Result<Socket> {
        match self {
            ServerAddress::Tcp(address) => {
                let socket = Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
                socket.set_tcp_nodelay(true)?;
                Ok(socket)
            }
            ServerAddress::Unix(_) => Socket::new(Domain::UNIX, Type::STREAM, None),
        }
    }
}

impl ServerAddress {
    /// A blocking connection.
    ///
    /// # Errors
    /// What the system says; a connection that is not made in time is one.
    pub(crate) fn connect(&self, timeout: Duration) -> io::Result<Socket> {
        let socket = self.socket()?;
        socket.connect_timeout(&self.for_system()?, timeout)?;
        Ok(socket)
    }
}

impl From<SocketAddr> for ServerAddress {
    fn from(address: SocketAddr) -> Self {
        ServerAddress::Tcp(address)
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServerAddress::Tcp(address) => address.fmt(f),
            ServerAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
