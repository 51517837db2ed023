//! A connection to a backend, without waits.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use socket2::{Domain, SockAddr, Socket, Type};

use super::address::BackendAddress;

/// A connection to a backend.
#[derive(Debug)]
pub(super) struct Link {
    socket: Socket,
    /// Whether it has served a request before.
    pub(super) is_reused: bool,
}

impl Link {
    /// Begins to connect.
    pub(super) fn open(address: &BackendAddress) -> io::Result<Link> {
        let (domain, address) = match address {
            BackendAddress::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address)),
            BackendAddress::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?),
        };
        let socket = Socket::new(domain, Type::STREAM.nonblocking(), None)?;
        if domain != Domain::UNIX {
            // Without it a small request that is written in two pieces waits for an acknowledgement.
            socket.set_tcp_nodelay(true)?;
        }
        match socket.connect(&address) {
            Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
            Ok(()) | Err(_) => Ok(Link { socket, is_reused: false }),
        }
    }

    /// Whether it is connected by now.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether an idle one can be used: the backend has neither ended it nor sent what nobody has asked for.
    pub(super) fn is_usable(&self) -> bool {
        let mut octet = [std::mem::MaybeUninit::uninit()];
        let seen = self.socket.recv_with_flags(&mut octet, libc::MSG_PEEK | libc::MSG_DONTWAIT);
        matches!(seen, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    pub(super) fn send(&self, octets: &[u8]) -> io::Result<usize> {
        loop {
            match self.socket.send_with_flags(octets, libc::MSG_NOSIGNAL) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    pub(super) fn receive(&self, into: &mut [u8]) -> io::Result<usize> {
        use std::io::Read as _;
        loop {
            match (&self.socket).read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
