//! The listening socket, and what accepted connections inherit from it.
//!
//! A Unix socket is held in the types of TCP as well: of those only reading, writing, shutting and closing are used,
//! which are the same for every stream. Where the two differ, this file and [`accept`](super::accept) know it, and no
//! chapter does.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use dyno_http::limits::Limits;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use crate::limits::BACKLOG_CONNECTIONS;

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// At an address of the network.
    Tcp(SocketAddr),
    /// At a Unix socket with this path.
    Unix(PathBuf),
}

/// The text names no place to listen at.
#[derive(Debug, thiserror::Error)]
#[error("write an address and a port up to 65535, such as 127.0.0.1:8080, or unix:PATH")]
pub struct NoAddress;

impl FromStr for ListenAddress {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        match text.strip_prefix("unix:") {
            Some("") => Err(NoAddress),
            Some(path) => Ok(ListenAddress::Unix(path.into())),
            None => text.parse().map(ListenAddress::Tcp).map_err(|_| NoAddress),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl ListenAddress {
    /// Whether it is an address of the network.
    pub fn is_tcp(&self) -> bool {
        matches!(self, ListenAddress::Tcp(_))
    }
}

/// Where this socket listens; `None` where the system does not say.
pub fn address_of(listener: &impl AsFd) -> Option<ListenAddress> {
    let address = SockRef::from(listener).local_addr().ok()?;
    let unix = || address.as_pathname().map(|path| ListenAddress::Unix(path.into()));
    address.as_socket().map(ListenAddress::Tcp).or_else(unix)
}

/// Opens the listening socket.
///
/// On Linux an accepted TCP connection inherits options of its listener (see tcp(7) and the kernel's `sk_clone`). So
/// TCP_NODELAY and the initial time limit of blocking reads are set here, once, instead of by system
/// calls for each connection. They are set before listen(2), because the kernel completes connections from then on.
/// The time limit also makes a blocking accept(2) return without a connection now and then; it is called again.
/// Non-blocking sockets are not affected by it.
///
/// # Errors
/// Those of bind(2) and listen(2): the port or the path is in use, the address does not belong to this machine, a port
/// below 1024 needs privilege.
pub fn listen(address: &ListenAddress, limits: &Limits) -> io::Result<TcpListener> {
    open(address, limits, false)
}

/// As [`listen`], but other processes of this user may listen at the same address: the kernel spreads connections over
/// their sockets, and each has a queue of its own (SO_REUSEPORT, socket(7)). A Unix socket has no such option.
///
/// # Errors
/// As [`listen`].
pub fn listen_beside_others(address: &ListenAddress, limits: &Limits) -> io::Result<TcpListener> {
    open(address, limits, true)
}

fn open(address: &ListenAddress, limits: &Limits, beside_others: bool) -> io::Result<TcpListener> {
    let socket = match address {
        ListenAddress::Tcp(address) => {
            let socket = Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
            // A server that restarts must not wait until its old connections have left TIME_WAIT.
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(beside_others)?;
            socket.set_tcp_nodelay(true)?;
            socket.set_read_timeout(Some(limits.idle_time))?;
            socket.bind(&(*address).into())?;
            socket
        }
        ListenAddress::Unix(path) => {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.set_read_timeout(Some(limits.idle_time))?;
            bind_path(&socket, path)?;
            socket
        }
    };
    socket.listen(BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}

/// Binds to a path. A socket that nobody listens at any more, as a server that was killed leaves it, is replaced.
///
/// # Errors
/// Those of bind(2).
pub fn bind_path(socket: &Socket, path: &Path) -> io::Result<()> {
    let address = SockAddr::unix(path)?;
    match socket.bind(&address) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left(path, socket.r#type()?) => {
            fs::remove_file(path)?;
            socket.bind(&address)
        }
        bound => bound,
    }
}

fn is_left(path: &Path, r#type: Type) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let connect = || Socket::new(Domain::UNIX, r#type, None)?.connect(&SockAddr::unix(path)?);
    is_socket && connect().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// The file of a Unix socket, which is removed when its server has ended.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: FileIdentity,
}

/// Which file it is. Numbers of inodes are used again, so the time at which it was made belongs to it.
type FileIdentity = (u64, u64, bool, Option<SystemTime>);

fn identity(path: &Path) -> io::Result<FileIdentity> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino(), file.file_type().is_socket(), file.created().ok()))
}

impl SocketFile {
    /// The file at which `address` listens; `None` for TCP.
    pub fn of(address: &ListenAddress) -> Option<Self> {
        let ListenAddress::Unix(path) = address else { return None };
        // The working directory may change.
        let path = std::path::absolute(path).ok()?;
        Some(SocketFile { identity: identity(&path).ok()?, path })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Another server may listen there by now.
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Opens one more socket on the address of `listener`, so that the kernel spreads connections over both
/// (SO_REUSEPORT, socket(7)). Of a Unix socket there is but one, which both share.
///
/// # Errors
/// Those of setsockopt(2), bind(2) and listen(2).
pub fn sibling(listener: &TcpListener) -> io::Result<TcpListener> {
    let Some(ListenAddress::Tcp(address)) = address_of(listener) else { return listener.try_clone() };
    SockRef::from(listener).set_reuse_port(true)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn a_place_is_an_address_with_a_port_or_a_path() {
        for (text, place) in [
            ("127.0.0.1:80", Some("127.0.0.1:80")),
            ("[::1]:0", Some("[::1]:0")),
            ("unix:/run/a.sock", Some("unix:/run/a.sock")),
            ("unix:a.sock", Some("unix:a.sock")),
            ("unix:", None),
            ("127.0.0.1", None),
            ("/run/a.sock", None),
            ("", None),
        ] {
            let read = text.parse::<ListenAddress>().ok().map(|place| place.to_string());
            assert_eq!(read.as_deref(), place, "{text}");
        }
    }

    #[test]
    fn a_socket_that_was_left_is_replaced_and_one_in_use_or_a_file_is_not() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("s");
        let address = ListenAddress::Unix(path.clone());
        drop(UnixListener::bind(&path).unwrap());
        let listener = listen(&address, &Limits::default()).unwrap();
        assert_eq!(address_of(&listener), Some(address.clone()));
        let error = listen(&address, &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let file = SocketFile::of(&address).unwrap();
        drop(listener);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "precious").unwrap();
        assert!(listen(&address, &Limits::default()).is_err());
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious", "it is not the file of the server");
    }

    #[test]
    fn the_file_of_a_socket_goes_with_its_server() {
        let place = tempfile::tempdir().unwrap();
        let address = ListenAddress::Unix(place.path().join("s"));
        let _listener = listen(&address, &Limits::default()).unwrap();
        drop(SocketFile::of(&address));
        assert!(!place.path().join("s").exists());
        assert!(SocketFile::of(&"127.0.0.1:1".parse().unwrap()).is_none());
    }
}
