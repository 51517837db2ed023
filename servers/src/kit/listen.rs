//! The listening socket, and what accepted connections inherit from it.

use std::io;
use std::net::{SocketAddr, TcpListener};

use dyno_http::limits::Limits;
use socket2::{Domain, Protocol, Socket, Type};

use crate::limits::BACKLOG_CONNECTIONS;

/// Opens the listening socket.
///
/// On Linux an accepted connection inherits options of its listener (see tcp(7) and the kernel's `sk_clone`). So
/// TCP_NODELAY and the initial time limit of blocking reads are set here, once, instead of by system
/// calls for each connection. They are set before listen(2), because the kernel completes connections from then on.
/// The time limit also makes a blocking accept(2) return without a connection now and then; it is called again.
/// Non-blocking sockets are not affected by it.
///
/// # Errors
/// Those of bind(2) and listen(2): the port is in use, the address does not belong to this machine, a port below
/// 1024 needs privilege.
pub fn listen(address: SocketAddr, limits: &Limits) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that restarts must not wait until its old connections have left TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_read_timeout(Some(limits.idle_time))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG_CONNECTIONS)?;
    Ok(socket.into())
}

/// Opens one more socket on the address of `listener`, so that the kernel spreads connections over both
/// (SO_REUSEPORT, socket(7)).
///
/// # Errors
/// Those of setsockopt(2), bind(2) and listen(2).
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
