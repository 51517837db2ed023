//! What it costs to be woken for a message, in the situation of a loaded server: sixty-four connections, all with a message on
//! the way, one core to serve them, and a client on another core that does not sleep.
//!
//! The same messages are answered in four ways: by one thread that finds all of them ready, by one that asks epoll first, by a
//! thread for each connection that sleeps in recv(2), and by a process for each. The first is the measure: whatever another
//! takes more is the price of its way, with the cold caches, the wake-ups and the scheduling that go with it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use dyno_http::connection::Connection;
use dyno_http::date::HttpDate;
use dyno_http::limits::Limits;
use dyno_http::response::Response;
use dyno_http::status::Status;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::wait::waitpid;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{ForkResult, Pid, fork};

use crate::probe::process::{cpu_time, thread_counters};

/// Messages on each connection, at least: with fewer, the first of each would weigh.
const LEAST_ROUNDS: u32 = 60;

/// Connections, as many as experiments use when nothing else is asked for.
const CONNECTIONS: usize = 64;

/// A message: what `dyno load` sends, but for the address.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

/// Octets that an answer has at most.
const ANSWER: usize = 512;

/// How messages are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One thread, all messages are there.
    Ready,
    /// One thread, epoll tells which are there; all are.
    Epoll,
    /// A thread for each connection sleeps until a message comes.
    Threads,
    /// A process for each connection sleeps until a message comes.
    Processes,
}

/// What answering took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answered {
    /// CPU of those who answered, for each message.
    pub ns: f64,
    /// Context switches of those who answered, for each message.
    pub switches: f64,
}

/// Answers `rounds` messages on each connection.
///
/// # Errors
/// When the machine has no second core for the client, or something is not to be had.
pub fn answer(way: Way, rounds: u32) -> io::Result<Answered> {
    let before = sched_getaffinity(Pid::from_raw(0))?;
    let cores: Vec<usize> =
        (0..CpuSet::count()).filter(|core| before.is_set(*core).unwrap_or(false)).collect();
    let [server, client, ..] = cores[..] else {
        return Err(io::Error::other("a client needs a core of its own"));
    };
    let (near, far) = connections()?;
    pin(client)?;
    let found = match way {
        Way::Ready | Way::Epoll => by_one(way, server, near, far, rounds),
        Way::Threads => by_threads(server, near, far, rounds),
        Way::Processes => by_processes(server, near, far, rounds),
    };
    sched_setaffinity(Pid::from_raw(0), &before)?;
    found
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

fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
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

/// The server's side of a connection: the same HTTP as under every architecture, so that as much code and memory has gone
/// cold when a message comes as has there.
struct Host {
    socket: TcpStream,
    http: Connection,
    date: HttpDate,
}

/// Answers one request that lies in memory: what a process does between its birth and its end, but for the calls to its socket.
pub fn answer_in_memory() {
    let mut http = Connection::new(Arc::new(Limits::default()), Instant::now());
    http.receive(REQUEST, Instant::now());
    while http.next_request().is_some() {
        let response = Response::text(Status::OK, "Hello, world!");
        http.respond(response, &HttpDate::from_unix_seconds(0), Instant::now());
    }
    let count = std::hint::black_box(http.pending()).len();
    http.advance(count, Instant::now());
}

/// What one who is woken for each message takes more than one who finds it ready: for each switch.
///
/// # Errors
/// As [`answer`].
pub fn woken(way: Way, switches: u32) -> io::Result<Duration> {
    let rounds = switches.div_ceil(CONNECTIONS as u32).max(LEAST_ROUNDS);
    let (ready, woken) = (answer(Way::Ready, rounds)?, answer(way, rounds)?);
    let each = (woken.ns - ready.ns).max(0.0) / woken.switches.max(1.0);
    Ok(Duration::from_nanos((each * f64::from(switches)) as u64))
}

/// What one who asks epoll takes more for each message than one who knows.
///
/// # Errors
/// As [`answer`].
pub fn told(events: u32) -> io::Result<Duration> {
    let rounds = events.div_ceil(CONNECTIONS as u32).max(LEAST_ROUNDS);
    let each = (answer(Way::Epoll, rounds)?.ns - answer(Way::Ready, rounds)?.ns).max(0.0);
    Ok(Duration::from_nanos((each * f64::from(events)) as u64))
}

impl Host {
    fn new(socket: TcpStream) -> Self {
        let http = Connection::new(Arc::new(Limits::default()), Instant::now());
        Host { socket, http, date: HttpDate::from_unix_seconds(0) }
    }

    /// Waits for a message and answers it; false when the client is gone.
    fn answer(&mut self) -> io::Result<bool> {
        match self.socket.read(self.http.spare())? {
            0 => return Ok(false),
            count => self.http.received(count, Instant::now()),
        }
        while self.http.next_request().is_some() {
            self.http.respond(Response::text(Status::OK, "Hello, world!"), &self.date, Instant::now());
        }
        let count = self.socket.write(self.http.pending())?;
        self.http.advance(count, Instant::now());
        Ok(true)
    }

    /// The same with memory that is used for all connections in turn, as readiness loops do it.
    fn answer_with(&mut self, memory: &mut [Option<Vec<u8>>; 2]) -> io::Result<bool> {
        let [inbox, outbox] = memory;
        inbox.take().into_iter().for_each(|memory| self.http.lend(memory));
        outbox.take().into_iter().for_each(|memory| self.http.lend_send(memory));
        let answered = self.answer();
        *inbox = self.http.reclaim();
        *outbox = self.http.reclaim_send();
        answered
    }

    /// Answers messages until the client is gone.
    fn serve(&mut self) {
        while matches!(self.answer(), Ok(true)) {}
    }
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
        pin(core)?;
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        for (token, connection) in far.iter().enumerate() {
            let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP | EpollFlags::EPOLLET;
            epoll.add(connection, EpollEvent::new(edges, token as u64))?;
        }
        let mut events = vec![EpollEvent::empty(); CONNECTIONS];
        let mut hosts: Vec<Host> = far.into_iter().map(Host::new).collect();
        let mut memory = [None, None];
        let mut time = Duration::ZERO;
        for round in 0..rounds {
            while whose.load(Ordering::Acquire) != 2 * round + 1 {
                std::hint::spin_loop();
            }
            let began = Instant::now();
            if way == Way::Epoll {
                let found = epoll.wait(&mut events, EpollTimeout::ZERO)?;
                for event in &events[..found] {
                    hosts[event.data() as usize].answer_with(&mut memory)?;
                }
            } else {
                for host in &mut hosts {
                    host.answer_with(&mut memory)?;
                }
            }
            time += began.elapsed();
            whose.store(2 * round + 2, Ordering::Release);
        }
        Ok(time)
    });
    for round in 0..rounds {
        send_all(&mut near)?;
        turn.store(2 * round + 1, Ordering::Release);
        while turn.load(Ordering::Acquire) != 2 * round + 2 && !server.is_finished() {
            std::hint::spin_loop();
        }
        take_all(&mut near)?;
    }
    drop(near);
    let time = server.join().map_err(|_| io::Error::other("the server panicked"))??;
    Ok(Answered { ns: per_message(time, rounds), switches: 0.0 })
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
            thread::spawn(move || -> io::Result<(Duration, i64)> {
                pin(core)?;
                let before = (own_cpu()?, own_switches()?);
                Host::new(connection).serve();
                Ok((own_cpu()?.saturating_sub(before.0), own_switches()? - before.1))
            })
        })
        .collect();
    let driven = drive(&mut near, rounds);
    drop(near);
    let (mut time, mut switches) = (Duration::ZERO, 0);
    for server in servers {
        let one = server.join().map_err(|_| io::Error::other("a server panicked"))??;
        time += one.0;
        switches += one.1;
    }
    driven?;
    Ok(Answered { ns: per_message(time, rounds), switches: switches as f64 / messages(rounds) })
}

fn by_processes(
    core: usize,
    mut near: Vec<TcpStream>,
    far: Vec<TcpStream>,
    rounds: u32,
) -> io::Result<Answered> {
    let mut children = Vec::new();
    let mut one = CpuSet::new();
    one.set(core)?;
    for connection in far {
        // SAFETY: the child serves its connection and ends; of what a fork of a program with threads may leave locked it uses
        // the memory allocator alone, and the C library keeps that usable.
        match unsafe { fork() }? {
            ForkResult::Child => {
                for client in &near {
                    // SAFETY: the child's own copies of the descriptors, closed once, so that it sees the end of its stream.
                    unsafe { libc::close(client.as_raw_fd()) };
                }
                let _ = sched_setaffinity(Pid::from_raw(0), &one);
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
        let after = used(&children);
        Ok((after.0.saturating_sub(before.0), after.1.saturating_sub(before.1)))
    });
    drop(near);
    for child in children {
        waitpid(child, None)?;
    }
    let (time, switches) = driven?;
    Ok(Answered { ns: per_message(time, rounds), switches: switches as f64 / messages(rounds) })
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

fn per_message(time: Duration, rounds: u32) -> f64 {
    time.as_nanos() as f64 / messages(rounds)
}

/// CPU and context switches of children so far that have one thread each.
fn used(children: &[Pid]) -> (Duration, u64) {
    let pids = || children.iter().map(|child| child.as_raw());
    let switches = |pid: i32| {
        let counters = thread_counters(pid, pid)?;
        Some(counters.switches_voluntary + counters.switches_involuntary)
    };
    (pids().filter_map(cpu_time).sum(), pids().filter_map(switches).sum())
}

fn own_cpu() -> io::Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn own_switches() -> io::Result<i64> {
    let usage = getrusage(UsageWho::RUSAGE_THREAD)?;
    Ok(usage.voluntary_context_switches() + usage.involuntary_context_switches())
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
        for way in [Way::Ready, Way::Epoll, Way::Threads] {
            let answered = answer(way, 3).unwrap();
            assert!(answered.ns > 0.0, "{way:?}");
            assert!(way != Way::Threads || answered.switches > 0.0, "{answered:?}");
        }
    }
}
