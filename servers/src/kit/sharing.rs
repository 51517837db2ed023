//! With whom a server shares its listening socket, and how that changes the use of it.
//!
//! A socket that two processes hold has one queue of connections, and one flag that says whether calls on it wait:
//! what one of them sets counts for the other. So a shared listener never waits, and whoever accepts from it waits in
//! poll(2) instead. It keeps the options with which its first owner opened it, and connections that came before this
//! process have inherited those; they are set anew.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use dyno_http::limits::Limits;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::SockRef;

use super::listen;
use super::shortage::get_over;
use super::stop::Stop;

/// Whose a listening socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sharer {
    /// This server's alone.
    #[default]
    Nobody,
    /// This server's, until a successor takes it over.
    Successor,
    /// That of the superserver that has started this server, and goes on with it afterwards.
    Superserver,
    /// That of the server whose place this one takes, until that has ended.
    Predecessor,
}

/// With whom a server shares what it listens at.
#[derive(Debug, Default)]
pub struct Sharing {
    sharer: Sharer,
    /// Other sockets of the address, which came with the first and are in nobody's hands yet.
    came: Mutex<Vec<TcpListener>>,
    /// Duplicates of the sockets beside the first, for a successor.
    beside: Mutex<Vec<OwnedFd>>,
    /// The one connection of a server that is started for one.
    only: Mutex<Option<TcpStream>>,
}

impl Sharing {
    /// The listener is shared with `sharer`; `more` are other sockets of the same address.
    pub fn new(sharer: Sharer, more: Vec<TcpListener>) -> Self {
        Sharing { sharer, came: Mutex::new(more), ..Sharing::default() }
    }

    /// There is no listener, and this connection is the only one.
    pub fn of_connection(connection: TcpStream) -> Self {
        let only = Mutex::new(Some(connection));
        Sharing { sharer: Sharer::Superserver, only, ..Sharing::default() }
    }

    /// Whether others hold the listener as well, or will.
    pub fn is_shared(&self) -> bool {
        self.sharer != Sharer::Nobody
    }

    /// Whether a predecessor or a successor waits for connections of the listener at the same time.
    pub fn is_in_turn(&self) -> bool {
        matches!(self.sharer, Sharer::Predecessor | Sharer::Successor)
    }

    /// Whether others have opened the listener.
    pub fn is_foreign(&self) -> bool {
        matches!(self.sharer, Sharer::Superserver | Sharer::Predecessor)
    }

    /// Takes the connection of a server that is started for one.
    pub fn take_only(&self) -> Option<TcpStream> {
        if self.sharer == Sharer::Superserver { lock(&self.only).take() } else { None }
    }

    /// One more socket on the address of `listener`: one that came with it, or one that is
    /// [opened](listen::sibling). Of a superserver there is but one, which all share: whatever waits in the queue of
    /// another would be lost when this server ends.
    ///
    /// # Errors
    /// As [`listen::sibling`].
    pub fn sibling(&self, listener: &TcpListener) -> io::Result<TcpListener> {
        if self.sharer == Sharer::Superserver {
            return listener.try_clone();
        }
        let came = lock(&self.came).pop();
        let sibling = came.map_or_else(|| listen::sibling(listener), Ok)?;
        if self.is_shared() && listen::address_of(&sibling).is_some_and(|address| address.is_tcp()) {
            lock(&self.beside).push(sibling.as_fd().try_clone_to_owned()?);
        }
        Ok(sibling)
    }

    /// How many sockets came that nobody accepts from.
    pub fn left_over(&self) -> usize {
        lock(&self.came).len()
    }

    /// Gives `use_them` all sockets of the address, `listener` first.
    pub fn with_all<R>(&self, listener: &TcpListener, use_them: impl FnOnce(&[RawFd]) -> R) -> R {
        let beside = lock(&self.beside);
        let all: Vec<RawFd> =
            [listener.as_raw_fd()].into_iter().chain(beside.iter().map(AsRawFd::as_raw_fd)).collect();
        use_them(&all)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets what a connection has inherited from `listener` when its server opened that itself.
///
/// # Errors
/// Those of setsockopt(2) and fcntl(2).
pub fn prepare(listener: &TcpListener, limits: &Limits) -> io::Result<()> {
    let socket = SockRef::from(listener);
    listener.set_nonblocking(true)?;
    socket.set_read_timeout(Some(limits.idle_time))?;
    if listen::address_of(listener).is_some_and(|address| address.is_tcp()) {
        socket.set_tcp_nodelay(true)?;
    }
    Ok(())
}

/// Waits until a shared listener has a connection, or the server stops; it may also return for no reason.
///
/// # Errors
/// When the kernel refuses.
pub fn wait_for_connection(listener: &TcpListener, stop: &Stop) -> io::Result<()> {
    let watch = |descriptor| PollFd::new(descriptor, PollFlags::POLLIN);
    let mut watched = [watch(listener.as_fd()), watch(stop.as_fd())];
    match poll(&mut watched, PollTimeout::NONE) {
        Ok(_) => Ok(()),
        Err(error) => get_over(error, None),
    }
}
