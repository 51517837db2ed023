//! Sockets that whoever starts a server has opened for it.
//!
//! A superserver listens for a server that does not run yet, and starts it when the first client comes. The server then
//! finds a socket among its descriptors instead of opening one. Two customs say where:
//!
//! * inetd(8) makes the socket descriptor 0, 1 and 2. With `wait` it is the listening socket, with `nowait` a
//!   connection that has been accepted already; the kernel tells which (SO_ACCEPTCONN, socket(7)).
//! * systemd passes listening sockets from descriptor 3 on, says how many in `LISTEN_FDS`, and for which process in
//!   `LISTEN_PID`, because both variables are inherited by programs that they are not meant for (sd_listen_fds(3)).

use std::env;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::fs::MetadataExt as _;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};
use socket2::{Domain, SockRef, Type};

/// The first descriptor that systemd passes.
const SYSTEMD_FIRST: RawFd = 3;

/// A socket that was adopted.
#[derive(Debug)]
pub enum Adopted {
    /// It listens.
    Listener(TcpListener),
    /// It is a connection.
    Connection(TcpStream),
}

/// Why a descriptor cannot be adopted.
#[derive(Debug, thiserror::Error)]
pub enum NotAdopted {
    /// It is a file, a terminal or a pipe.
    #[error("it is no socket")]
    NoSocket,
    /// It carries datagrams.
    #[error("it is a socket for datagrams, not for streams")]
    NoStream,
    /// It belongs to neither family.
    #[error("it is neither a TCP nor a Unix socket")]
    OtherFamily,
    /// Nobody can connect, and nobody has connected.
    #[error("it is a socket that neither listens nor is connected")]
    NotListening,
}

/// Looks what kind of socket `descriptor` is.
///
/// # Errors
/// [`NotAdopted`], when a server cannot use it.
pub fn adopt(descriptor: OwnedFd) -> Result<Adopted, NotAdopted> {
    let socket = SockRef::from(&descriptor);
    match socket.r#type() {
        Ok(Type::STREAM) => {}
        Ok(_) => return Err(NotAdopted::NoStream),
        Err(_) => return Err(NotAdopted::NoSocket),
    }
    if !matches!(socket.domain(), Ok(Domain::IPV4 | Domain::IPV6 | Domain::UNIX)) {
        return Err(NotAdopted::OtherFamily);
    }
    if socket.is_listener().unwrap_or(false) {
        return Ok(Adopted::Listener(descriptor.into()));
    }
    // A client that has left already is one all the same.
    match socket.peer_addr() {
        Ok(_) => Ok(Adopted::Connection(descriptor.into())),
        Err(_) => Err(NotAdopted::NotListening),
    }
}

/// Takes descriptor 0, and puts /dev/null in its place. Standard output and standard error become /dev/null as well
/// where they are the same socket: what is written there would reach the client.
///
/// # Errors
/// When the system has no descriptors left, or no /dev/null; also when descriptor 0 is closed.
pub fn descriptor_0() -> io::Result<OwnedFd> {
    let input = io::stdin();
    let taken = fcntl(input.as_fd(), FcntlArg::F_DUPFD_CLOEXEC(SYSTEMD_FIRST))?;
    // SAFETY: the kernel has just made this descriptor for us.
    let taken = unsafe { OwnedFd::from_raw_fd(taken) };
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    if is_same(io::stdout().as_fd(), taken.as_fd()) {
        dup2_stdout(&null)?;
    }
    if is_same(io::stderr().as_fd(), taken.as_fd()) {
        dup2_stderr(&null)?;
    }
    dup2_stdin(&null)?;
    Ok(taken)
}

/// Whether both are the same file.
fn is_same(one: BorrowedFd<'_>, other: BorrowedFd<'_>) -> bool {
    let identity = |descriptor: BorrowedFd<'_>| {
        let file = File::from(descriptor.try_clone_to_owned().ok()?).metadata().ok()?;
        Some((file.dev(), file.ino()))
    };
    identity(one).is_some_and(|one| identity(other) == Some(one))
}

/// How many sockets systemd has passed to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromSystemd {
    /// There is no word of any.
    Nothing,
    /// So many.
    Sockets(usize),
    /// They were meant for another process, which has started this one.
    OfAnother,
    /// The variables make no sense.
    Unreadable,
}

impl FromSystemd {
    /// What the environment says.
    pub fn told() -> Self {
        let (Some(count), Some(process)) = (env::var_os("LISTEN_FDS"), env::var_os("LISTEN_PID")) else {
            return FromSystemd::Nothing;
        };
        let number = |text: &std::ffi::OsStr| text.to_str()?.parse::<u32>().ok();
        match (number(&count), number(&process)) {
            (Some(0), Some(_)) => FromSystemd::Nothing,
            (Some(_), Some(process)) if process != process::id() => FromSystemd::OfAnother,
            (Some(count), Some(_)) => FromSystemd::Sockets(count as usize),
            _ => FromSystemd::Unreadable,
        }
    }
}

/// Takes the first socket that systemd has passed, once; `None`: it is taken, or its descriptor is closed.
///
/// It is not handed on to programs that this one starts.
pub fn first_of_systemd() -> Option<OwnedFd> {
    static IS_TAKEN: AtomicBool = AtomicBool::new(false);
    if IS_TAKEN.swap(true, SeqCst) {
        return None;
    }
    // SAFETY: whoever has set the variables says that this descriptor is for us, and nobody takes it twice; fcntl(2)
    // tells whether it is open, before anything is done with it.
    let descriptor = unsafe { BorrowedFd::borrow_raw(SYSTEMD_FIRST) };
    fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).ok()?;
    // SAFETY: as above.
    Some(unsafe { OwnedFd::from_raw_fd(descriptor.as_raw_fd()) })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use socket2::Socket;

    use super::*;

    #[test]
    fn what_listens_and_what_is_connected_is_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
        let unix = UnixListener::bind(place.path().join("s")).unwrap();
        assert!(matches!(adopt(client.into()), Ok(Adopted::Connection(_))));
        assert!(matches!(adopt(tcp.into()), Ok(Adopted::Listener(_))));
        assert!(matches!(adopt(unix.into()), Ok(Adopted::Listener(_))));
        assert!(matches!(adopt(UnixStream::pair().unwrap().0.into()), Ok(Adopted::Connection(_))));
    }

    #[test]
    fn what_no_server_can_use_is_named() {
        let why = |descriptor: OwnedFd| adopt(descriptor).map(|_| ()).unwrap_err().to_string();
        assert_eq!(why(File::open("/dev/null").unwrap().into()), "it is no socket");
        let datagrams = "it is a socket for datagrams, not for streams";
        assert_eq!(why(UdpSocket::bind("127.0.0.1:0").unwrap().into()), datagrams);
        assert_eq!(why(UnixDatagram::unbound().unwrap().into()), datagrams);
        let idle = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        assert_eq!(why(idle.into()), "it is a socket that neither listens nor is connected");
    }
}
