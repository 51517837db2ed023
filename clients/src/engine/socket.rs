//! Opening sockets for the load: nonblocking, without delay, from many loopback addresses when ports would run out.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use mio::net::TcpStream;
use nix::sys::socket::sockopt::TcpCongestion;
use socket2::{Domain, Protocol, Socket, Type};

use crate::limits::{SOURCE_ADDRESSES, SPREAD_FROM_CONNECTIONS};
use crate::plan::Plan;

/// Opens connections to one address.
#[derive(Debug, Clone)]
pub struct Opener {
    address: SocketAddr,
    spread: bool,
    loopback: bool,
    next: u32,
}

impl Opener {
    /// For the plan; `thread` only makes threads begin at different source addresses.
    pub fn new(plan: &Plan, thread: u32) -> Self {
        let many = plan.requests_per_connection.is_some() || plan.connections >= SPREAD_FROM_CONNECTIONS;
        let ip = plan.address.ip();
        let spread = many && ip.is_loopback() && ip.is_ipv4();
        Opener { address: plan.address, spread, loopback: ip.is_loopback(), next: thread.wrapping_mul(61) }
    }

    /// Begins to connect. The connection is usable when it becomes writable.
    ///
    /// # Errors
    /// What the system says; a refused connection may show up here or later.
    pub fn open(&mut self) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if self.loopback {
            // There is no congestion on loopback, and a control that paces (BBR) would delay requests on its own account.
            // Where Reno is not to be had, the machine's choice stays.
            let _ = nix::sys::socket::setsockopt(&socket, TcpCongestion, &OsString::from("reno"));
        }
        if self.spread {
            // The port is chosen at connect, when the whole four-tuple is known: ip(7), IP_BIND_ADDRESS_NO_PORT.
            nix::sys::socket::setsockopt(&socket, nix::sys::socket::sockopt::IpBindAddressNoPort, &true)?;
            let source =
                Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 77, 0, 1)) + self.next % SOURCE_ADDRESSES);
            self.next = self.next.wrapping_add(1);
            socket.bind(&SocketAddr::from((source, 0)).into())?;
        }
        match socket.connect(&self.address.into()) {
            Ok(()) => {}
            Err(e) if e.raw_os_error() == Some(nix::libc::EINPROGRESS) => {}
            Err(e) => return Err(e),
        }
        Ok(TcpStream::from_std(socket.into()))
    }
}

/// Raises this process's limit of open descriptors as far as `wanted` needs.
///
/// # Errors
/// Names the limit that is in the way.
pub fn allow_descriptors(wanted: u64) -> Result<(), String> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) =
        getrlimit(Resource::RLIMIT_NOFILE).map_err(|e| format!("the descriptor limit: {e}"))?;
    if wanted <= soft {
        return Ok(());
    }
    if wanted > hard {
        return Err(format!(
            "{wanted} open descriptors are needed, the hard limit is {hard}; raise `ulimit -n`"
        ));
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).map_err(|e| format!("raising the descriptor limit: {e}"))
}
