//! What it costs to be woken for a message, in the situation of a loaded server: sixty-four connections, all with a
//! message on the way, one core to serve them, and a client on another core that does not sleep.
//!
//! The same messages are answered by one thread that finds all of them ready, by a thread for each connection that
//! sleeps in recv(2), and by a process for each. The first is the measure: whatever another takes more is the price
//! of its way, with the cold caches, the wake-ups and the scheduling that go with it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use super::host::{ANSWER, Answered, Host, REQUEST, TwoCores, between, own, used};
use crate::probe::machine::pin;

/// Messages on each connection for one price: few, so that a machine whose speed changes from moment to moment is met
/// at one speed.
const ROUNDS: u32 = 20;

/// Connections, as many as experiments use when nothing else is asked for.
pub const CONNECTIONS: usize = 64;

/// How messages are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One thread, all messages are there.
    Ready,
    /// One thread, epoll tells which are there (all are), and only the telling is timed.
    Told,
    /// A thread for each connection sleeps until a message comes.
    Threads,
    /// A process for each connection sleeps until a message comes.
    Processes,
}

/// Answers `rounds` messages on each connection.
///
/// # Errors
/// When the machine has no second core for the client, or something is not to be had.
pub fn answer(way: Way, rounds: u32) -> io::Result<Answered> {
    let cores = TwoCores::find()?;
    let (near, far) = connections()?;
    pin(&[cores.client])?;
    match way {
        Way::Ready | Way::Told => by_one(way, cores.server, near, far, rounds),
        Way::Threads => by_threads(cores.server, near, far, rounds),
        Way::Processes => by_processes(cores.server, near, far, rounds),
    }
}

/// Client ends and server ends.
fn connections() -> io::Result<(Vec<TcpStream>, Vec<TcpStream>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..CONNECTIONS {
        let client = TcpStream::connect(address)?;
        client.set_nodelay(true)?;
        client.set_nonblocking(true)?;
        let (server, _) = listener.accept()?;
        server.set_nodelay(true)?;
        near.push(client);
        far.push(server);
    }
    Ok((near, far))
}

fn send_all(near: &mut [TcpStream]) -> io::Result<()> {
    near.iter_mut().try_for_each(|client| client.write_all(REQUEST))
}

/// Takes the answers without ever sleeping: a client that has to be woken would be the server's expense.
fn take_all(near: &mut [TcpStream]) -> io::Result<()> {
    let mut octets = [0; ANSWER];
    for client in near {
        loop {
            match client.read(&mut octets) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::hint::spin_loop(),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// What `way` takes more for each message than one thread that finds all of them ready, and context switches
/// likewise. Both are taken in turns, so that a machine whose speed changes moves both alike.
///
/// # Errors
/// As [`answer`].
pub fn more(way: Way) -> io::Result<Answered> {
    let before = answer(Way::Ready, ROUNDS)?;
    let (first, second) = (answer(way, ROUNDS)?, answer(way, ROUNDS)?);
    Ok(Answered::more([first, second], [before, answer(Way::Ready, ROUNDS)?]))
}

/// What epoll takes to tell of a connection, of [`CONNECTIONS`] at a time, in nanoseconds.
///
/// # Errors
/// As [`answer`].
pub fn told() -> io::Result<f64> {
    answer(Way::Told, ROUNDS).map(|answered| answered.ns)
}

/// The server's turn comes when all messages are there, and only its turns are timed.
fn by_one(
    way: Way,
    core: usize,
    mut near: Vec<TcpStream>,
    far: Vec<TcpStream>,
    rounds: u32,
) -> io::Result<Answered> {
    let turn = Arc::new(AtomicU32::new(0));
    let whose = turn.clone();
    let server = thread::spawn(move || -> io::Result<Duration> {
        pin(&[core])?;
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        for (token, connection) in far.iter().enumerate() {
            let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
            epoll.add(connection, EpollEvent::new(edges, token as u64))?;
        }
        let mut events = vec![EpollEvent::empty(); CONNECTIONS];
        let mut hosts: Vec<Host> = far.into_iter().map(Host::new).collect();
        let mut memory = [None, None];
        let mut time = Duration::ZERO;
        for round in 0..=rounds {
            while whose.load(Ordering::Acquire) != 2 * round + 1 {
                std::hint::spin_loop();
            }
            let began = Instant::now();
            let mut took = None;
            if way == Way::Told {
                let found = epoll.wait(&mut events, EpollTimeout::ZERO)?;
                took = Some(began.elapsed());
                for event in &events[..found] {
                    hosts[event.data() as usize].answer_with(&mut memory)?;
                }
            } else {
                for host in &mut hosts {
                    host.answer_with(&mut memory)?;
                }
            }
            // What it does before the second messages is not part of the price.
            let took = took.unwrap_or_else(|| began.elapsed());
            time += if round > 0 { took } else { Duration::ZERO };
            whose.store(2 * round + 2, Ordering::Release);
        }
        Ok(time)
    });
    for round in 0..=rounds {
        send_all(&mut near)?;
        turn.store(2 * round + 1, Ordering::Release);
        while turn.load(Ordering::Acquire) != 2 * round + 2 && !server.is_finished() {
            std::hint::spin_loop();
        }
        take_all(&mut near)?;
    }
    drop(near);
    let time = server.join().map_err(|_| io::Error::other("the server panicked"))??;
    Ok(Answered::of((time, 0), messages(rounds)))
}

fn by_threads(
    core: usize,
    mut near: Vec<TcpStream>,
    far: Vec<TcpStream>,
    rounds: u32,
) -> io::Result<Answered> {
    let servers: Vec<_> = far
        .into_iter()
        .map(|connection| {
            thread::spawn(move || -> io::Result<(Duration, u64)> {
                pin(&[core])?;
                let mut host = Host::new(connection);
                // What it does before the second message is not part of the price.
                host.answer()?;
                let before = own()?;
                host.serve();
                Ok(between(before, own()?))
            })
        })
        .collect();
    let driven = drive(&mut near, rounds + 1);
    drop(near);
    let (mut time, mut switches) = (Duration::ZERO, 0);
    for server in servers {
        let one = server.join().map_err(|_| io::Error::other("a server panicked"))??;
        time += one.0;
        switches += one.1;
    }
    driven?;
    Ok(Answered::of((time, switches), messages(rounds)))
}

fn by_processes(
    core: usize,
    mut near: Vec<TcpStream>,
    far: Vec<TcpStream>,
    rounds: u32,
) -> io::Result<Answered> {
    let mut children = Vec::new();
    for connection in far {
        // SAFETY: the child serves its connection and ends; of what a fork of a program with threads may leave locked
        // it uses the memory allocator alone, and the C library keeps that usable.
        match unsafe { fork() }? {
            ForkResult::Child => {
                for client in &near {
                    // SAFETY: the child's own copies of the descriptors, closed once, so that it sees the end of its
                    // stream.
                    unsafe { libc::close(client.as_raw_fd()) };
                }
                let _ = pin(&[core]);
                Host::new(connection).serve();
                // SAFETY: _exit runs no handler of this program and touches no memory of it.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } => children.push(child),
        }
    }
    // What they do before the second message and after the last is not part of the price.
    let driven = drive(&mut near, 1).and_then(|()| {
        let before = used(&children);
        drive(&mut near, rounds)?;
        Ok(between(before, used(&children)))
    });
    drop(near);
    for child in children {
        waitpid(child, None)?;
    }
    Ok(Answered::of(driven?, messages(rounds)))
}

fn drive(near: &mut [TcpStream], rounds: u32) -> io::Result<()> {
    for _ in 0..rounds {
        send_all(near)?;
        take_all(near)?;
    }
    Ok(())
}

fn messages(rounds: u32) -> f64 {
    f64::from(rounds) * CONNECTIONS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Processes are left out here: they would be forked in the middle of other tests' threads.
    #[test]
    fn every_message_is_answered_and_who_sleeps_for_it_switches() {
        if crate::probe::machine::cores() < 2 {
            assert!(answer(Way::Ready, 1).is_err(), "the client needs a core of its own");
            return;
        }
        for way in [Way::Ready, Way::Told, Way::Threads] {
            let answered = answer(way, 3).unwrap();
            assert!(answered.ns > 0.0, "{way:?}");
            assert!(way != Way::Threads || answered.switches > 0.0, "{answered:?}");
        }
    }
}
