//! An epoll loop that accepts connections and gives each a turn when it is readable. What a turn does is left to the
//! caller; the loop of the base answers in the turn itself.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::BorrowedFd;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::unit_costs::loaded::host::{Host, SharedMemory};
use crate::unit_costs::loaded::relay::CONNECTIONS;

/// What epoll reports besides connections, whose number is their place.
const LISTENER: u64 = u64::MAX;
const WAKEUP: u64 = u64::MAX - 1;

/// Places for connections. A client that calls again may be accepted before the server has seen its last connection
/// end, so there are more places than clients.
pub(super) const PLACES: usize = 2 * CONNECTIONS;

/// What happens in a turn of a connection.
pub(super) trait Turns {
    /// What is kept of a connection.
    type Connection;

    /// Takes a connection that was just accepted.
    fn begin(&mut self, stream: TcpStream) -> io::Result<Self::Connection>;

    /// The connection in this place is readable; false when it is over.
    fn turn(&mut self, place: usize, connection: &mut Self::Connection) -> io::Result<bool>;

    /// Takes a connection that is over.
    fn end(&mut self, connection: Self::Connection) {
        drop(connection);
    }

    /// Becomes readable when others have finished something for the loop.
    fn wakeup(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// All connections that were ready had their turn.
    fn after_turns(&mut self, _connections: &mut [Option<Self::Connection>]) -> io::Result<()> {
        Ok(())
    }

    /// Others have finished something.
    fn woken(&mut self, _connections: &mut [Option<Self::Connection>]) -> io::Result<()> {
        Ok(())
    }
}

/// Accepts and gives turns until the listener is shut.
///
/// # Errors
/// That the listener was shut, or anything else that makes serving impossible.
pub(super) fn run<T: Turns>(listener: &TcpListener, turns: &mut T) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let epoll = Epoll::new(EpollCreateFlags::empty())?;
    let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
    epoll.add(listener, EpollEvent::new(edges, LISTENER))?;
    if let Some(wakeup) = turns.wakeup() {
        epoll.add(wakeup, EpollEvent::new(edges, WAKEUP))?;
    }
    let mut events = [EpollEvent::empty(); PLACES + 2];
    let mut connections: Vec<Option<T::Connection>> = (0..PLACES).map(|_| None).collect();
    loop {
        let found = epoll.wait(&mut events, EpollTimeout::NONE)?;
        let mut called = false;
        for event in &events[..found] {
            match event.data() {
                LISTENER => called = true,
                WAKEUP => turns.woken(&mut connections)?,
                place => {
                    let place = place as usize;
                    let Some(connection) = &mut connections[place] else { continue };
                    if !turns.turn(place, connection)? {
                        connections[place].take().into_iter().for_each(|connection| turns.end(connection));
                    }
                }
            }
        }
        turns.after_turns(&mut connections)?;
        while called {
            match listener.accept() {
                Ok((stream, _)) => {
                    let free = connections.iter().position(Option::is_none);
                    let place = free.ok_or_else(|| io::Error::other("more connections than places"))?;
                    epoll.add(&stream, EpollEvent::new(edges, place as u64))?;
                    connections[place] = Some(turns.begin(stream)?);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => called = false,
                Err(error) => return Err(error),
            }
        }
    }
}

/// The loop answers in the turn itself.
struct Itself {
    memory: SharedMemory,
}

impl Turns for Itself {
    type Connection = Host;

    fn begin(&mut self, stream: TcpStream) -> io::Result<Host> {
        Ok(Host::new(stream))
    }

    fn turn(&mut self, _place: usize, host: &mut Host) -> io::Result<bool> {
        Ok(host.answer_with(&mut self.memory)? && !host.is_over())
    }
}

/// Serves by the loop alone.
pub(super) fn serve(listener: &TcpListener) -> io::Result<()> {
    run(listener, &mut Itself { memory: [None, None] })
}
