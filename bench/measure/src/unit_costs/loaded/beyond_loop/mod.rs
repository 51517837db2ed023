//! The extra cost of answering requests in another way than directly from an epoll loop: by a pool of workers, by
//! tasks of a runtime, or by coroutines.
//!
//! A loop and each other way serve the same clients, on one core, with the same HTTP. The clients are on another core,
//! never sleep, and send again as soon as they have an answer, so the server is always loaded. The cost is the
//! difference: for example, what a request to a pool costs depends on how often a worker or the loop is asleep when
//! something is queued for it, and under load that is seldom. A difference of two servers in one situation contains
//! this; a message to a worker that always sleeps does not.

mod coroutines;
mod event_loop;
mod pool;
mod tasks;

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;

use nix::sys::socket::{Shutdown, shutdown};

use super::callers;
use super::host::{ANSWER, Answered, REQUEST, TwoCores, between, own, whole};
use super::relay;
use crate::probe::machine::pin;

/// Messages on each lasting connection, and calls of each caller, for one price: few, as in [`relay`].
const ROUNDS: u32 = 50;

/// Rounds before them that are not part of the price: threads start, connections are accepted, memory is touched.
const WARM_UP_ROUNDS: u32 = 4;

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The epoll loop itself.
    Loop,
    /// A pool of workers, to which the loop sends each request, and which sends the response back to the loop.
    Pool,
    /// A task for each connection, on a runtime with one thread beside the one that accepts.
    Tasks,
    /// A coroutine for each connection, resumed by the loop.
    Coroutines,
}

/// The load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// [`relay::CONNECTIONS`] connections that last.
    Lasting,
    /// [`callers::CALLERS`] clients that open a connection for each request.
    Calls,
}

/// How much more `way` takes for each request than a loop, and context switches likewise. Both are taken in turns, so
/// that a machine whose speed changes moves both alike.
///
/// # Errors
/// As [`answer`].
pub fn more(way: Way, load: Load) -> io::Result<Answered> {
    let before = answer(Way::Loop, load, ROUNDS)?;
    let (first, second) = (answer(way, load, ROUNDS)?, answer(way, load, ROUNDS)?);
    Ok(Answered::more([first, second], [before, answer(Way::Loop, load, ROUNDS)?]))
}

/// Answers about `rounds` requests of each client.
///
/// # Errors
/// When the machine has no second core for the clients, or the system refuses a resource.
pub fn answer(way: Way, load: Load, rounds: u32) -> io::Result<Answered> {
    let cores = TwoCores::find()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let serve = match way {
        Way::Loop => event_loop::serve,
        Way::Pool => pool::serve,
        Way::Tasks => tasks::serve,
        Way::Coroutines => coroutines::serve,
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            // The server ends when its listener is shut, and shuts it when it ends for another reason: clients then
            // fail and do not wait for ever.
            let _ = pin(&[cores.server]).and_then(|()| serve(&listener));
            let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
        });
        let answered = pin(&[cores.client]).and_then(|()| match load {
            Load::Lasting => lasting(address, rounds),
            Load::Calls => calls(address, rounds),
        });
        let _ = shutdown(listener.as_raw_fd(), Shutdown::Both);
        answered
    })
}

/// CPU and switches of all threads but this one, which is the clients'.
fn servers() -> io::Result<(std::time::Duration, u64)> {
    Ok(between(own()?, whole()?))
}

fn calls(address: SocketAddr, rounds: u32) -> io::Result<Answered> {
    callers::call(address, WARM_UP_ROUNDS)?;
    let before = servers()?;
    let answers = callers::call(address, rounds)?;
    Ok(Answered::of(between(before, servers()?), answers))
}

fn lasting(address: SocketAddr, rounds: u32) -> io::Result<Answered> {
    let mut clients = Vec::new();
    for _ in 0..relay::CONNECTIONS {
        let client = TcpStream::connect(address)?;
        client.set_nodelay(true)?;
        client.set_nonblocking(true)?;
        clients.push(client);
    }
    converse(&mut clients, WARM_UP_ROUNDS)?;
    let before = servers()?;
    let answers = converse(&mut clients, rounds)?;
    Ok(Answered::of(between(before, servers()?), answers))
}

/// Each client sends again as soon as it has its answer, until there were `rounds` answers for each; gives how many.
fn converse(clients: &mut [TcpStream], rounds: u32) -> io::Result<f64> {
    let wanted = rounds * clients.len() as u32;
    let (mut sent, mut answers) = (0, 0);
    for client in &mut *clients {
        client.write_all(REQUEST)?;
        sent += 1;
    }
    let mut octets = [0; ANSWER];
    while answers < wanted {
        for client in &mut *clients {
            match client.read(&mut octets) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => answers += 1,
            }
            if sent < wanted {
                client.write_all(REQUEST)?;
                sent += 1;
            }
        }
    }
    Ok(f64::from(answers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_answers_every_client_under_both_loads() {
        if TwoCores::find().is_err() {
            assert!(answer(Way::Loop, Load::Lasting, 1).is_err(), "the clients need a core of their own");
            return;
        }
        for way in [Way::Loop, Way::Pool, Way::Tasks, Way::Coroutines] {
            for load in [Load::Lasting, Load::Calls] {
                let answered = answer(way, load, 3).unwrap();
                assert!(answered.ns > 0.0, "{way:?}, {load:?}");
            }
        }
    }

    #[test]
    fn clients_of_a_server_that_has_ended_fail() {
        if TwoCores::find().is_err() {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        shutdown(listener.as_raw_fd(), Shutdown::Both).unwrap();
        assert!(lasting(address, 1).is_err());
        assert!(calls(address, 1).is_err());
    }
}
