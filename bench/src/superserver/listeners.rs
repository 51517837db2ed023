//! The sockets at which a superserver listens for others.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};

use dyno_servers::kit::listen::{ListenAddress, SocketFile, address_of, bind_path};
use dyno_servers::kit::stop::{has_waiting, own};
use nix::errno::Errno;
use nix::sys::socket::{SockFlag, accept4};
use socket2::{Domain, Protocol, Socket, Type};

use super::table::TableEntry;
use crate::limits::SUPERSERVER_BACKLOG_CONNECTIONS;

/// A listening socket for a service.
#[derive(Debug)]
pub(super) struct Listening {
    socket: OwnedFd,
    /// Where it listens, port included.
    pub(super) address: ListenAddress,
    _file: Option<SocketFile>,
}

impl Listening {
    /// Opens it, with no more options than inetd sets: the programs know nothing of this one.
    ///
    /// # Errors
    /// Those of socket(2), bind(2) and listen(2).
    pub(super) fn open(entry: &TableEntry) -> io::Result<Self> {
        let socket = match &entry.address {
            ListenAddress::Tcp(address) => {
                let socket = Socket::new(Domain::for_address(*address), Type::STREAM, Some(Protocol::TCP))?;
                socket.set_reuse_address(true)?;
                if address.is_ipv6() {
                    // The same port may stand for another program, or for the same one, in IPv4.
                    socket.set_only_v6(true)?;
                }
                buffers(&socket, entry)?;
                socket.bind(&(*address).into())?;
                socket
            }
            ListenAddress::Unix(path) => {
                let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
                buffers(&socket, entry)?;
                bind_path(&socket, path)?;
                socket
            }
        };
        let file = SocketFile::of(&entry.address);
        socket.listen(SUPERSERVER_BACKLOG_CONNECTIONS)?;
        // A program that gets the socket finds it as it expects it: calls on it wait.
        socket.set_nonblocking(!entry.waits)?;
        let address = address_of(&socket).unwrap_or_else(|| entry.address.clone());
        Ok(Listening { socket: socket.into(), address, _file: file })
    }

    /// Takes a connection that waits; `None`: none does, or the system is short of descriptors or memory.
    ///
    /// # Errors
    /// Those of a listener that is broken.
    pub(super) fn accept(&self) -> io::Result<Option<OwnedFd>> {
        match accept4(self.socket.as_raw_fd(), SockFlag::SOCK_CLOEXEC) {
            // SAFETY: the kernel has just made this descriptor for us.
            Ok(connection) => Ok(Some(unsafe { own(connection) })),
            Err(Errno::EBADF | Errno::EINVAL | Errno::ENOTSOCK) => Err(io::Error::last_os_error()),
            // Nobody waits any more, or the client has left meanwhile.
            Err(_) => Ok(None),
        }
    }

    /// Whether somebody waits.
    pub(super) fn is_wanted(&self) -> bool {
        has_waiting(self.socket.as_raw_fd())
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sizes count from listen(2) on, because connections inherit them.
fn buffers(socket: &Socket, entry: &TableEntry) -> io::Result<()> {
    if let Some(bytes) = entry.buffers.send {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = entry.buffers.receive {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(())
}
