//! The listening socket, and what accepted connections inherit from it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use super::site::Site;
use crate::limits::BACKLOG_CONNECTIONS;

/// Opens the listening socket.
///
/// On Linux an accepted connection inherits options of its listener (see tcp(7) and the kernel's `sk_clone`). Dyno
/// sets TCP_NODELAY here, once, instead of paying a system call for each connection.
///
/// # Errors
/// What bind(2) and listen(2) say: the port is in use, the address is not ours, a port below 1024 needs privilege.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that restarts must not wait for its old connections to leave TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}

/// Opens one more socket on the address of `listener`, so that the kernel spreads connections over both
/// (SO_REUSEPORT, socket(7)).
///
/// # Errors
/// What setsockopt(2), bind(2) and listen(2) say.
pub fn sibling(listener: &TcpListener) -> io::Result<TcpListener> {
    let address = listener.local_addr()?;
    socket2::SockRef::from(listener).set_reuse_port(true)?;
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}

/// Sets the time limits that blocking reads and writes of accepted connections start with; they inherit them, which
/// saves two system calls for each. accept(2) itself then returns empty-handed now and then, and is called again.
///
/// # Errors
/// What setsockopt(2) says.
pub fn limit_blocking(site: &Site) -> io::Result<()> {
    let socket = socket2::SockRef::from(&site.listener);
    socket.set_read_timeout(Some(site.limits.idle_time))?;
    socket.set_write_timeout(Some(site.limits.write_time))
}
