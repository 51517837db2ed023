//! The reference server: answers every request with the same octets, at the time that its law wants.
//!
//! One thread, one readiness loop. A request's finishing time is computed when its last octet is read and kept as an
//! absolute deadline, so no lateness of one answer is passed on to the next; the last stretch before a deadline is spun.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use dyno_clients::engine::clock::{Clock, Sleeper, TIMER, monotonic_ns};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::calibrate::laws::{Course, Law};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 13\r\n\r\nHello, World!";
const LISTENER: Token = Token(usize::MAX - 2);

/// Longest request head, octets: reference servers are asked by load generators, which send little.
const HEAD_MAX_OCTETS: usize = 16 * 1024;

/// Longest spin before an answer is due, ns: it has its core for itself.
const SPIN_NS: u64 = 2_000_000;

/// Without a deadline it wakes up so often, ns.
const IDLE_NS: u64 = 1_000_000_000;

struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
}

struct Reference {
    poll: Poll,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    /// Answers to be given, in the order of their times: every law here finishes in the order of arrival.
    due: VecDeque<(u64, usize)>,
    course: Course,
    clock: Option<Clock>,
}

/// Serves until the process is ended. `ready` gets the address.
///
/// # Errors
/// What the system says of listener, poller and timer; a connection that fails is dropped.
pub fn serve(law: Law, address: SocketAddr, ready: &mut dyn FnMut(SocketAddr)) -> io::Result<()> {
    let mut listener = TcpListener::bind(address)?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut sleeper = Sleeper::new(&poll, SPIN_NS)?;
    let mut events = Events::with_capacity(256);
    let mut server = Reference {
        poll,
        connections: Vec::new(),
        free: Vec::new(),
        due: VecDeque::new(),
        course: Course::new(law),
        clock: None,
    };
    ready(listener.local_addr()?);
    loop {
        let clock = server.clock.unwrap_or_else(|| Clock::starting_at(monotonic_ns()));
        let now_ns = clock.now_ns();
        server.answer_due(now_ns);
        let due_ns = server.due.front().map_or(u64::MAX, |d| d.0);
        sleeper.wait(&mut server.poll, &mut events, &clock, now_ns, due_ns, now_ns + IDLE_NS)?;
        for event in &events {
            match event.token() {
                TIMER => {}
                LISTENER => server.accept(&listener)?,
                Token(index) => server.read(index, event.is_read_closed()),
            }
        }
    }
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
                    if connection.head.len() > HEAD_MAX_OCTETS {
                        return self.close(index);
                    }
                    if connection.head.ends_with(b"\r\n\r\n") {
                        connection.head.clear();
                        // The law's time begins with the first request.
                        let clock = *self.clock.get_or_insert_with(|| Clock::starting_at(monotonic_ns()));
                        let finish_ns = self.course.finish_ns(clock.now_ns());
                        self.due.push_back((finish_ns, index));
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
        while let Some(&(finish_ns, index)) = self.due.front() {
            if finish_ns > now_ns {
                return;
            }
            self.due.pop_front();
            if let Some(connection) = &mut self.connections[index]
                && connection.stream.write(ANSWER).ok() != Some(ANSWER.len())
            {
                self.close(index);
            }
        }
    }

    fn close(&mut self, index: usize) {
        // An answer that is still due to this place must not go to whoever gets the place next.
        self.due.retain(|d| d.1 != index);
        if self.connections[index].take().is_some() {
            self.free.push(index);
        }
    }
}
