//! Accepting connections, and knowing what a failure means. This is the one place that reads the error numbers of
//! accept(2).

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::sys::socket::{SockFlag, accept4};

use super::site::Site;
use super::stop::own;
use super::tally::Tally;
use crate::limits::{EXHAUSTED_PAUSE, RETRY_AFTER};

/// What one accept(2) came to.
#[derive(Debug)]
pub enum Accepted {
    /// A connection.
    Connection(TcpStream),
    /// Nobody is waiting; only a non-blocking listener says so.
    Nobody,
    /// Descriptors or memory have run out: pause for [`EXHAUSTED_PAUSE`] before the next try.
    Exhausted,
    /// The server stops.
    Stopped,
}

/// Whether the accepted connection blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reads and writes wait.
    Blocking,
    /// Reads and writes return at once.
    NonBlocking,
}

/// Waits for a connection. Exhaustion is waited out; `None` means that the server stops.
///
/// # Errors
/// Only what no waiting mends: the listener itself is broken.
pub fn accept(site: &Site) -> io::Result<Option<TcpStream>> {
    loop {
        match accept_once(site, &site.listener, Mode::Blocking)? {
            Accepted::Connection(stream) => return Ok(Some(stream)),
            Accepted::Stopped => return Ok(None),
            Accepted::Nobody => {}
            Accepted::Exhausted => site.stop.wait(EXHAUSTED_PAUSE),
        }
    }
}

/// Accepts from `listener` once.
///
/// # Errors
/// Only what no waiting mends: the listener itself is broken.
pub fn accept_once(site: &Site, listener: &impl AsFd, mode: Mode) -> io::Result<Accepted> {
    let flags = match mode {
        Mode::Blocking => SockFlag::SOCK_CLOEXEC,
        Mode::NonBlocking => SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    };
    loop {
        if site.stop.is_requested() {
            return Ok(Accepted::Stopped);
        }
        let error = match accept4(listener.as_fd().as_raw_fd(), flags) {
            // SAFETY: the kernel has just made this descriptor for us.
            Ok(descriptor) => return Ok(Accepted::Connection(unsafe { own(descriptor) }.into())),
            Err(error) => error,
        };
        match classify(error) {
            Trouble::Again => {}
            Trouble::Nobody => return Ok(Accepted::Nobody),
            Trouble::Exhausted => return Ok(Accepted::Exhausted),
            Trouble::Shut => return Ok(Accepted::Stopped),
            Trouble::Broken => return Err(error.into()),
        }
    }
}

/// What a failed accept(2) asks of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection died in the queue, or a signal came: try the next one.
    Again,
    /// The queue is empty.
    Nobody,
    /// The process or the system has run out of descriptors or memory.
    Exhausted,
    /// The stop handler has shut the listener down, here or in the process that shares it with us.
    Shut,
    /// The listener cannot be used.
    Broken,
}

/// Sorts the error numbers of accept(2), its Linux section included: errors that are already pending on the new
/// connection are reported by accept there and are the connection's own.
pub fn classify(error: Errno) -> Trouble {
    match error {
        Errno::EINTR
        | Errno::ECONNABORTED
        | Errno::EPROTO
        | Errno::EPERM
        | Errno::ENETDOWN
        | Errno::ENOPROTOOPT
        | Errno::EHOSTDOWN
        | Errno::ENONET
        | Errno::EHOSTUNREACH
        | Errno::EOPNOTSUPP
        | Errno::ENETUNREACH
        | Errno::ETIMEDOUT => Trouble::Again,
        Errno::EAGAIN => Trouble::Nobody,
        Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => Trouble::Exhausted,
        Errno::EINVAL => Trouble::Shut,
        _ => Trouble::Broken,
    }
}

/// Turns a connection away with a quick 503 (RFC 9110, 15.6.4). It never waits for the peer: an answer that does not
/// fit into an empty send buffer at once is lost, and so is the politeness.
pub fn refuse(mut stream: TcpStream, tally: &Tally) {
    Tally::add(&tally.refused, 1);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_AFTER}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    let _ = stream.set_nonblocking(true);
    let _ = stream.write(answer.as_bytes());
    // Closing with unread octets would send a reset that can overtake the answer (RFC 9112, 9.6); what has arrived
    // by now is read away, what comes later meets its fate.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut sink = [0; 4096];
    let _ = io::Read::read(&mut stream, &mut sink);
}
