//! Accepts connections, and classifies failures. Only this file interprets the error numbers of accept(2).

use std::io::{self, Write};
use std::iter;
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{SockFlag, accept4};

use super::complaint::exhausted;
use super::sharing::wait_for_connection;
use super::site::Site;
use super::stop::{has_waiting, own};
use super::tally::Tally;
use crate::limits::{EXHAUSTED_PAUSE, RETRY_AFTER};
use crate::trace::connection::ConnectionTrace;
use crate::trace::event::TracePoint;

/// The outcome of one accept(2).
#[derive(Debug)]
pub enum Accepted {
    /// A connection.
    Connection(TcpStream),
    /// No connection waits; only a non-blocking listener returns this.
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

/// Waits for a connection. When descriptors have run out, it pauses and tries again; `None` means that the server
/// stops.
///
/// # Errors
/// Only errors that waiting does not cure: the listener itself is broken.
pub fn accept(site: &Site) -> io::Result<Option<TcpStream>> {
    if let Some(only) = site.sharing.take_only() {
        settle(site, &only, Mode::Blocking);
        return Ok(Some(only));
    }
    loop {
        match accept_once(site, &site.listener, Mode::Blocking)? {
            Accepted::Connection(stream) => return Ok(Some(stream)),
            Accepted::Stopped => return Ok(None),
            Accepted::Nobody if site.sharing.is_shared() => {
                wait_for_connection(&site.listener, site.stop)?;
            }
            Accepted::Nobody => {}
            Accepted::Exhausted => site.stop.wait(EXHAUSTED_PAUSE),
        }
    }
}

/// Accepts from `listener` once.
///
/// # Errors
/// Only errors that waiting does not cure: the listener itself is broken.
pub fn accept_once(site: &Site, listener: &impl AsFd, mode: Mode) -> io::Result<Accepted> {
    let flags = match mode {
        Mode::Blocking => SockFlag::SOCK_CLOEXEC,
        Mode::NonBlocking => SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    };
    loop {
        // What waits in the queue when the server stops has arrived, and is served.
        if site.stop.is_requested() && !(site.stop.may_accept() && has_waiting(listener.as_fd().as_raw_fd()))
        {
            return Ok(Accepted::Stopped);
        }
        // Whoever comes now is the successor's; this worker has not been asked to stop yet.
        if site.sharing.is_shared() && site.stop.has_given_listener() && !site.stop.is_requested() {
            return Ok(Accepted::Nobody);
        }
        let error = match accept4(listener.as_fd().as_raw_fd(), flags) {
            Ok(descriptor) => {
                // SAFETY: the kernel has just made this descriptor for us.
                let stream = accepted(site, unsafe { own(descriptor) });
                settle(site, &stream, mode);
                return Ok(Accepted::Connection(stream));
            }
            Err(error) => error,
        };
        match classify(error) {
            Trouble::Again => {}
            Trouble::Nobody => return Ok(Accepted::Nobody),
            Trouble::Exhausted => {
                exhausted(&site.tallies, error);
                return Ok(Accepted::Exhausted);
            }
            Trouble::Shut => return Ok(Accepted::Stopped),
            Trouble::Broken => return Err(error.into()),
        }
    }
}

/// Sets the options that a connection has not inherited from its listener.
pub fn settle(site: &Site, stream: &TcpStream, mode: Mode) {
    let is_foreign = site.sharing.is_foreign();
    // A connection of a Unix socket inherits nothing, and one that was there before this server inherited what others
    // had set. A connection that refuses is broken, which its first read tells.
    if mode == Mode::Blocking && (site.is_unix || is_foreign) {
        let _ = stream.set_read_timeout(Some(site.limits.idle_time));
    }
    if is_foreign && !site.is_unix {
        let _ = stream.set_nodelay(true);
    }
}

/// The connection of a descriptor that accept(2) has just made; notes it, if somebody wants to know.
pub fn accepted(site: &Site, descriptor: OwnedFd) -> TcpStream {
    let stream = TcpStream::from(descriptor);
    if let Some(trace) = site.trace {
        trace.accepted(&stream);
    }
    stream
}

/// The connections that wait in the listener's queue when the server stops: they have arrived, and are served. Ends
/// when none waits any more, when descriptors have run out, and when the time for it is over.
///
/// # Errors
/// As [`accept_once`].
pub fn accept_rest(site: &Site, listener: &impl AsFd) -> impl Iterator<Item = io::Result<TcpStream>> {
    iter::from_fn(move || match accept_once(site, listener, Mode::NonBlocking) {
        Ok(Accepted::Connection(stream)) => Some(Ok(stream)),
        Ok(Accepted::Nobody | Accepted::Exhausted | Accepted::Stopped) => None,
        Err(error) => Some(Err(error)),
    })
}

/// How many connections wait in the listener's queue.
pub fn waiting(listener: &impl AsFd) -> u32 {
    // SAFETY: all octets of this plain structure may be zero.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: getsockopt(2) writes at most `length` octets to a live local of that length.
    let done = unsafe {
        libc::getsockopt(
            listener.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    // Of a socket that listens, this field tells the length of the queue (`tcp_get_info` in the kernel).
    // Of a Unix socket nobody tells the length.
    if done == 0 { info.tcpi_unacked } else { u32::from(has_waiting(listener.as_fd().as_raw_fd())) }
}

/// How to react to a failed accept(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection broke in the queue, or a signal came: try the next one.
    Again,
    /// The queue is empty.
    Nobody,
    /// The process or the system has run out of descriptors or memory.
    Exhausted,
    /// The stop handler has shut the listener down, in this process or in another that shares the listener.
    Shut,
    /// The listener cannot be used.
    Broken,
}

/// Classifies the error numbers of accept(2), including those of its Linux section: there accept also reports errors
/// that are pending on the new connection and do not concern the listener.
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

/// Refuses a connection with a 503 (RFC 9110, 15.6.4). It never waits for the peer: an answer that does not fit into
/// the empty send buffer at once is dropped, and the client then sees the connection close without a response. Behind a
/// secure transport it sees that in any case: an answer could only be told after a handshake, which costs more than
/// what is refused here, and octets in plaintext would be a broken record.
pub fn refuse(site: &Site, mut stream: TcpStream, tally: &Tally) {
    Tally::add(&tally.refused, 1);
    if let Some(trace) = site.trace.and_then(|tracer| ConnectionTrace::of(tracer, stream.as_raw_fd())) {
        trace.note(TracePoint::Refused);
    }
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {RETRY_AFTER}\r\nContent-Length: 0\r\n\
         Connection: close\r\n\r\n"
    );
    let _ = stream.set_nonblocking(true);
    if site.transport.is_none() {
        let _ = stream.write(answer.as_bytes());
    }
    // Closing with unread bytes would send a reset that can overtake the answer (RFC 9112, 9.6). What has arrived by
    // now is read and discarded; bytes that come later may still cause a reset.
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut sink = [0; 4096];
    let _ = io::Read::read(&mut stream, &mut sink);
}
