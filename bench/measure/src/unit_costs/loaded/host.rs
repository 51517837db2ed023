//! What all situations have in common: two cores, a message and its answer, and what a thread or process has used.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dyno_http::connection::{Connection, Want};
use dyno_http::date::HttpDate;
use dyno_http::limits::Limits;
use dyno_http::request::OwnedRequest;
use dyno_http::response::Response;
use dyno_http::status::Status;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::probe::machine::online_cores;
use crate::probe::process::{cpu_time, thread_counters};

/// A message: what `dyno load` sends, but for the address.
pub const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";

/// The same where it is the only one on its connection.
pub const LAST_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n";

/// Octets that an answer has at most.
pub const ANSWER: usize = 512;

/// What answering took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answered {
    /// CPU of those who answered, for each message.
    pub ns: f64,
    /// Context switches of those who answered, for each message.
    pub switches: f64,
}

impl Answered {
    /// From what `messages` messages took.
    pub fn of(used: (Duration, u64), messages: f64) -> Answered {
        Answered { ns: used.0.as_nanos() as f64 / messages, switches: used.1 as f64 / messages }
    }

    /// How much more two attempts of one way took than two of another, for each message. Noise may make it negative;
    /// the median of many is not biased by that, and would be if it were cut off.
    pub fn more(ways: [Answered; 2], bases: [Answered; 2]) -> Answered {
        let more = |read: fn(&Answered) -> f64| {
            (ways.iter().map(read).sum::<f64>() - bases.iter().map(read).sum::<f64>()) / 2.0
        };
        Answered { ns: more(|one| one.ns), switches: more(|one| one.switches) }
    }
}

/// Where both sides are, and where this thread goes again afterwards.
#[derive(Debug)]
pub struct TwoCores {
    /// The server's core.
    pub server: usize,
    /// The clients' core.
    pub client: usize,
    before: CpuSet,
}

impl TwoCores {
    /// The first two that this thread may use.
    ///
    /// # Errors
    /// When there is no second one.
    pub fn find() -> io::Result<TwoCores> {
        let before = sched_getaffinity(Pid::from_raw(0))?;
        match online_cores()[..] {
            [server, client, ..] => Ok(TwoCores { server, client, before }),
            _ => Err(io::Error::other("a client needs a core of its own")),
        }
    }
}

impl Drop for TwoCores {
    fn drop(&mut self) {
        let _ = sched_setaffinity(Pid::from_raw(0), &self.before);
    }
}

/// The server's side of a connection: the same HTTP as under every architecture, so that as much code and memory has
/// gone cold when a message comes as has there.
pub struct Host {
    socket: TcpStream,
    http: Connection,
}

/// Memory for receiving and for sending, used for all connections in turn, as readiness loops do it.
pub type SharedMemory = [Option<Vec<u8>>; 2];

/// The HTTP side of a connection that was just accepted.
pub fn new_http() -> Connection {
    Connection::new(Arc::new(Limits::default()), Instant::now())
}

/// The response to every request.
pub fn response() -> Response {
    Response::text(Status::OK, "Hello, world!")
}

/// Responds to the requests that were received.
pub fn respond(http: &mut Connection) {
    while http.next_request().is_some() {
        http.respond(response(), &HttpDate::from_unix_seconds(0), Instant::now());
    }
}

/// Whether the last response on a connection has been sent.
pub fn is_over(http: &Connection) -> bool {
    matches!(http.want(), Want::Linger | Want::Close)
}

/// Answers one request that lies in memory: what a process does between its birth and its end, but for the calls to
/// its socket.
pub fn answer_in_memory() {
    let mut http = new_http();
    http.receive(REQUEST, Instant::now());
    respond(&mut http);
    let count = std::hint::black_box(http.pending()).len();
    http.advance(count, Instant::now());
}

impl Host {
    /// The host of a connection that was just accepted.
    pub fn new(socket: TcpStream) -> Self {
        Host { socket, http: new_http() }
    }

    /// Waits for a message and answers it; false when the client is gone.
    ///
    /// # Errors
    /// What the system says of the connection.
    pub fn answer(&mut self) -> io::Result<bool> {
        if !self.receive()? {
            return Ok(false);
        }
        respond(&mut self.http);
        self.write()?;
        Ok(true)
    }

    /// The same with memory that is used for all connections in turn.
    ///
    /// # Errors
    /// What the system says of the connection.
    pub fn answer_with(&mut self, memory: &mut SharedMemory) -> io::Result<bool> {
        self.with(memory, Host::answer)
    }

    /// Reads a message and copies the request out of it, so that another thread can answer it; `None` when the client
    /// is gone.
    ///
    /// # Errors
    /// What the system says of the connection.
    pub fn take_request(&mut self, memory: &mut SharedMemory) -> io::Result<Option<OwnedRequest>> {
        self.with(memory, |host| {
            Ok(if host.receive()? {
                host.http.next_request().map(|request| request.to_owned())
            } else {
                None
            })
        })
    }

    /// Sends the response to the request that was taken.
    ///
    /// # Errors
    /// What the system says of the connection.
    pub fn send(&mut self, response: Response, memory: &mut SharedMemory) -> io::Result<()> {
        self.with(memory, |host| {
            host.http.respond(response, &HttpDate::from_unix_seconds(0), Instant::now());
            host.write()
        })
    }

    /// Whether the last response has been sent.
    pub fn is_over(&self) -> bool {
        is_over(&self.http)
    }

    fn receive(&mut self) -> io::Result<bool> {
        let count = self.socket.read(self.http.spare())?;
        self.http.received(count, Instant::now());
        Ok(count > 0)
    }

    fn write(&mut self) -> io::Result<()> {
        let count = self.socket.write(self.http.pending())?;
        self.http.advance(count, Instant::now());
        Ok(())
    }

    /// Does `work` with memory lent to the connection.
    fn with<T>(&mut self, memory: &mut SharedMemory, work: impl FnOnce(&mut Self) -> T) -> T {
        let [inbox, outbox] = memory;
        inbox.take().into_iter().for_each(|memory| self.http.lend(memory));
        outbox.take().into_iter().for_each(|memory| self.http.lend_send(memory));
        let done = work(self);
        *inbox = self.http.reclaim();
        *outbox = self.http.reclaim_send();
        done
    }

    /// Answers messages until the client is gone.
    pub fn serve(&mut self) {
        while matches!(self.answer(), Ok(true)) {}
    }
}

/// CPU and context switches so far of processes that have one thread each.
pub fn used(children: &[Pid]) -> (Duration, u64) {
    let pids = || children.iter().map(|child| child.as_raw());
    let switches = |pid: i32| {
        let counters = thread_counters(pid, pid)?;
        Some(counters.switches_voluntary + counters.switches_involuntary)
    };
    (pids().filter_map(cpu_time).sum(), pids().filter_map(switches).sum())
}

/// CPU and context switches of this thread so far.
///
/// # Errors
/// What the system says.
pub fn own() -> io::Result<(Duration, u64)> {
    of(ClockId::CLOCK_THREAD_CPUTIME_ID, UsageWho::RUSAGE_THREAD)
}

/// The same of all threads of this process, those that have ended included.
///
/// # Errors
/// What the system says.
pub fn whole() -> io::Result<(Duration, u64)> {
    of(ClockId::CLOCK_PROCESS_CPUTIME_ID, UsageWho::RUSAGE_SELF)
}

fn of(clock: ClockId, who: UsageWho) -> io::Result<(Duration, u64)> {
    let usage = getrusage(who)?;
    let switches = usage.voluntary_context_switches() + usage.involuntary_context_switches();
    Ok((clock_gettime(clock)?.into(), switches.unsigned_abs()))
}

/// What was used between two readings.
pub fn between(before: (Duration, u64), after: (Duration, u64)) -> (Duration, u64) {
    (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1))
}
