//! The reference server: answers every request with the same bytes, at the time that its law prescribes.
//!
//! It is one thread with one readiness loop. The finishing time of a request is computed when its last byte is read,
//! and kept as an absolute deadline, so a late answer does not delay the next one. While requests come, the server
//! does not sleep if there is a core to spare, because a virtual machine takes up to a millisecond to wake an idle
//! core. At the end the server reports how long its responses took and how late they were.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use dyno_clients::books::histogram::Recorder;
use dyno_clients::engine::clock::{EngineClock, Sleeper, TIMER, monotonic_ns};
use dyno_clients::outcome::Distribution;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use crate::calibrate::laws::{Course, LatencyLaw};
use crate::limits::{REFERENCE_AWAKE_NS, REFERENCE_HEAD_OCTETS, REFERENCE_IDLE_NS, REFERENCE_SPIN_NS};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 13\r\n\r\nHello, World!";
const LISTENER: Token = Token(usize::MAX - 2);

/// What the server has measured of its own responses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Account {
    /// From reading a request to writing its answer, ns.
    pub(crate) took: Distribution,
    /// From the time that the law prescribed for an answer to writing it, ns.
    pub(crate) late: Distribution,
    /// The load that came.
    pub(crate) arrived: Arrived,
}

/// The load that a generator really made, by the times at which its requests were read.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Arrived {
    pub(crate) requests: u64,
    /// Requests a second from the first to the last.
    pub(crate) rate_per_s: f64,
    /// Coefficient of variation of the gaps: 0 where they are even, 1 for a Poisson process, more for bursts.
    pub(crate) gap_variation: f64,
}

/// Sums over the gaps between arrivals (Welford's algorithm, which loses no digits).
#[derive(Debug, Default)]
struct Gaps {
    last_ns: Option<u64>,
    count: u64,
    mean_ns: f64,
    squares: f64,
}

impl Gaps {
    fn add(&mut self, at_ns: u64) {
        if let Some(last_ns) = self.last_ns.replace(at_ns) {
            self.count += 1;
            let gap_ns = (at_ns - last_ns) as f64;
            let off = gap_ns - self.mean_ns;
            self.mean_ns += off / self.count as f64;
            self.squares += off * (gap_ns - self.mean_ns);
        }
    }

    fn arrived(&self) -> Arrived {
        if self.count == 0 || self.mean_ns <= 0.0 {
            return Arrived { requests: u64::from(self.last_ns.is_some()), ..Arrived::default() };
        }
        Arrived {
            requests: self.count + 1,
            rate_per_s: 1e9 / self.mean_ns,
            gap_variation: (self.squares / self.count as f64).sqrt() / self.mean_ns,
        }
    }
}

struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
}

struct Reference {
    poll: Poll,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    due: VecDeque<Due>,
    course: Course,
    clock: Option<EngineClock>,
    last_asked_ns: u64,
    took: Recorder,
    late: Recorder,
    gaps: Gaps,
}

/// An answer that is due later. Answers are kept in the order of their times: every law here finishes in the order of
/// arrival.
struct Due {
    finish_ns: u64,
    read_ns: u64,
    connection: usize,
}

/// Serves until `is_over`. `ready` receives the address. `awake`: whether the server has a core that it may
/// keep busy.
///
/// # Errors
/// The errors of listener, poller and timer; a connection that fails is dropped.
pub(crate) fn serve(
    law: LatencyLaw,
    address: SocketAddr,
    awake: bool,
    is_over: impl Fn() -> bool,
    ready: &mut dyn FnMut(SocketAddr),
) -> io::Result<Account> {
    let mut listener = TcpListener::bind(address)?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut sleeper = Sleeper::new(&poll, REFERENCE_SPIN_NS)?;
    let mut events = Events::with_capacity(256);
    let mut server = Reference {
        poll,
        connections: Vec::new(),
        free: Vec::new(),
        due: VecDeque::new(),
        course: Course::new(law),
        clock: None,
        last_asked_ns: 0,
        took: Recorder::default(),
        late: Recorder::default(),
        gaps: Gaps::default(),
    };
    ready(listener.local_addr()?);
    while !is_over() {
        let clock = server.clock.unwrap_or_else(|| EngineClock::starting_at(monotonic_ns()));
        let now_ns = clock.now_ns();
        server.answer_due(now_ns);
        let due_ns = server.due.front().map_or(u64::MAX, |d| d.finish_ns);
        if awake && server.clock.is_some() && now_ns < server.last_asked_ns + REFERENCE_AWAKE_NS {
            match server.poll.poll(&mut events, Some(Duration::ZERO)) {
                Err(e) if e.kind() != ErrorKind::Interrupted => return Err(e),
                _ => {}
            }
        } else {
            sleeper.wait(
                &mut server.poll,
                &mut events,
                &clock,
                now_ns,
                due_ns,
                now_ns + REFERENCE_IDLE_NS,
            )?;
        }
        for event in &events {
            match event.token() {
                TIMER => {}
                LISTENER => server.accept(&listener)?,
                Token(index) => server.read(index, event.is_read_closed()),
            }
        }
    }
    Ok(Account {
        took: server.took.distribution(1.0),
        late: server.late.distribution(1.0),
        arrived: server.gaps.arrived(),
    })
}

impl Reference {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or_else(|| {
                self.connections.push(None);
                self.connections.len() - 1
            });
            self.poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            self.connections[index] = Some(Connection { stream, head: Vec::new() });
        }
        Ok(())
    }

    fn read(&mut self, index: usize, closing: bool) {
        let mut buffer = [0; 4096];
        loop {
            let Some(connection) = &mut self.connections[index] else { return };
            match connection.stream.read(&mut buffer) {
                Ok(0) => return self.close(index),
                Ok(count) => {
                    connection.head.extend_from_slice(&buffer[..count]);
                    if connection.head.len() > REFERENCE_HEAD_OCTETS {
                        return self.close(index);
                    }
                    if connection.head.ends_with(b"\r\n\r\n") {
                        connection.head.clear();
                        // The law's time begins with the first request.
                        let clock =
                            *self.clock.get_or_insert_with(|| EngineClock::starting_at(monotonic_ns()));
                        let read_ns = clock.now_ns();
                        let finish_ns = self.course.finish_ns(read_ns);
                        self.last_asked_ns = read_ns;
                        self.gaps.add(read_ns);
                        self.due.push_back(Due { finish_ns, read_ns, connection: index });
                    }
                    if count < buffer.len() && !closing {
                        return;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.close(index),
            }
        }
    }

    fn answer_due(&mut self, now_ns: u64) {
        while let Some(due) = self.due.pop_front_if(|due| due.finish_ns <= now_ns) {
            let Some(connection) = &mut self.connections[due.connection] else { continue };
            if connection.stream.write(ANSWER).ok() != Some(ANSWER.len()) {
                self.close(due.connection);
                continue;
            }
            let written_ns = self.clock.map_or(now_ns, |clock| clock.now_ns());
            self.took.record(written_ns - due.read_ns);
            self.late.record(written_ns - due.finish_ns);
        }
    }

    fn close(&mut self, index: usize) {
        // A response that is still due must not go to the next connection that gets this place.
        self.due.retain(|due| due.connection != index);
        if self.connections[index].take().is_some() {
            self.free.push(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_that_arrived_is_told_by_its_rate_and_its_gaps() {
        let arrived = |times_ns: &[u64]| {
            let mut gaps = Gaps::default();
            times_ns.iter().for_each(|&at_ns| gaps.add(at_ns));
            gaps.arrived()
        };
        let even: Vec<u64> = (0..1_001).map(|i| i * 1_000_000).collect();
        let told = arrived(&even);
        assert_eq!((told.requests, told.rate_per_s.round(), told.gap_variation), (1_001, 1_000.0, 0.0));
        // Ten at once each 10 ms: the same rate, in bursts. Of ten gaps nine are 0 and one is 10 ms.
        let bursts: Vec<u64> = (0..1_001).map(|i| i / 10 * 10_000_000).collect();
        let told = arrived(&bursts);
        assert!(
            (told.rate_per_s - 1_000.0).abs() < 1.0 && (told.gap_variation - 3.0).abs() < 0.01,
            "{told:?}"
        );
        assert_eq!(arrived(&[]), Arrived::default());
        assert_eq!(arrived(&[5]), Arrived { requests: 1, ..Arrived::default() });
        assert_eq!(arrived(&[5, 5]).rate_per_s, 0.0, "no time has passed");
    }
}
