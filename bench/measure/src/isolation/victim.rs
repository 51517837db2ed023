//! A client whose connection is watched: it asks, and writes down when, and how that ended.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use dyno_clients::response::{Memo, Progress, Reader};

use crate::limits::{SEND_LAG, VICTIM_CONNECT_LIMIT};

/// What a client asks for, and the body that it must get.
#[derive(Debug, Clone, Copy)]
pub(super) struct VictimRequest {
    /// The path.
    pub(super) path: &'static str,
    /// The body of the right answer; `None` where any is right.
    pub(super) body: Option<&'static [u8]>,
}

/// One request, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VictimExchange {
    /// When it was sent.
    pub(super) asked: Duration,
    /// Whether a connection was opened for it.
    pub(super) is_first: bool,
    /// When and how it ended; absent while it waits.
    pub(super) end: Option<(Duration, ExchangeEnd)>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExchangeEnd {
    /// With the right answer.
    Answered,
    /// With an answer of this status, from 500 on.
    Failed(u16),
    /// With an answer that is not the right one.
    Wrong,
    /// The connection ended before the answer was whole.
    Cut,
    /// The same, but this client itself had been too slow: a busy machine stopped it between opening the connection
    /// and sending, and a design that has no place for slow clients gives them up. It says nothing of the server.
    Missed,
    /// There was no connection to be had.
    Unreachable,
}

/// Everything that a client has met, on the clock of the watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct VictimLog {
    /// Its requests, in their order.
    pub(super) exchanges: Vec<VictimExchange>,
    /// When a connection ended that was kept open without a request.
    pub(super) closed: Vec<Duration>,
}

/// A client.
#[derive(Debug)]
pub(super) struct Victim {
    address: SocketAddr,
    question: VictimRequest,
    connection: Option<Connection>,
    /// When it is to ask next; `None`: not before somebody says so.
    pub(super) due: Option<Duration>,
    /// What it has met.
    pub(super) log: VictimLog,
    /// Status and body of its last answer.
    pub(super) last: Option<(u16, Vec<u8>)>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    reader: Reader,
    body: Vec<u8>,
    /// Whether its first request was sent late.
    is_late: bool,
}

impl Victim {
    /// A client that has done nothing yet.
    pub(super) fn new(address: SocketAddr, question: VictimRequest) -> Self {
        Victim { address, question, connection: None, due: None, log: VictimLog::default(), last: None }
    }

    /// Asks for something else from now on.
    pub(super) fn turn_to(&mut self, question: VictimRequest) {
        self.question = question;
    }

    /// Whether a request waits for its answer.
    pub(super) fn is_waiting(&self) -> bool {
        self.log.exchanges.last().is_some_and(|exchange| exchange.end.is_none())
    }

    /// When and how its last request ended; `None` while it waits, and before the first.
    pub(super) fn last_end(&self) -> Option<(Duration, ExchangeEnd)> {
        self.log.exchanges.last().and_then(|exchange| exchange.end)
    }

    /// Its connection, where it has one.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.connection.as_ref().map(|connection| connection.stream.as_fd())
    }

    /// Sends the request at `now`, over a new connection where there is none.
    pub(super) fn ask(&mut self, now: Duration) {
        self.due = None;
        let is_first = self.connection.is_none();
        self.log.exchanges.push(VictimExchange { asked: now, is_first, end: None });
        let begun = Instant::now();
        if is_first {
            self.connection = Connection::open(self.address).ok();
        }
        let Some(connection) = &mut self.connection else { return self.end(now, ExchangeEnd::Unreachable) };
        let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", self.question.path, self.address);
        // A request of so few bytes fits into any send buffer that is empty.
        if connection.stream.write_all(request.as_bytes()).is_err() {
            self.connection = None;
            return self.end(now, ExchangeEnd::Cut);
        }
        connection.is_late = is_first && begun.elapsed() > SEND_LAG;
    }

    /// Takes what has come by `now`.
    ///
    /// # Returns
    /// Whether a request has ended with it.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let is_waiting = self.is_waiting();
        let Some(connection) = &mut self.connection else { return false };
        match connection.read() {
            Taken::Nothing => false,
            Taken::Answer { status, body, stays } if is_waiting => {
                if stays {
                    connection.is_late = false;
                } else {
                    self.connection = None;
                }
                let is_right = status == 200 && self.question.body.is_none_or(|right| right == body);
                self.end(
                    now,
                    match status {
                        500.. => ExchangeEnd::Failed(status),
                        _ if is_right || self.question.body.is_none() => ExchangeEnd::Answered,
                        _ => ExchangeEnd::Wrong,
                    },
                );
                self.last = Some((status, body));
                true
            }
            // An answer that nobody has asked for says that the connection ends.
            Taken::End | Taken::Answer { .. } => {
                let is_late = connection.is_late;
                self.connection = None;
                if is_waiting {
                    self.end(now, if is_late { ExchangeEnd::Missed } else { ExchangeEnd::Cut });
                } else {
                    self.log.closed.push(now);
                }
                is_waiting
            }
        }
    }

    /// Closes the connection.
    pub(super) fn leave(&mut self) {
        self.connection = None;
    }

    fn end(&mut self, now: Duration, end: ExchangeEnd) {
        if let Some(exchange) = self.log.exchanges.last_mut() {
            exchange.end = Some((now, end));
        }
    }
}

/// What was read from a connection.
enum Taken {
    Nothing,
    Answer {
        status: u16,
        body: Vec<u8>,
        stays: bool,
    },
    /// Its end, or octets that are no answer.
    End,
}

impl Connection {
    /// The kernel answers for a server that lives, at once or, where its queue is full, never.
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, VICTIM_CONNECT_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Connection { stream, reader: Reader::default(), body: Vec::new(), is_late: false })
    }

    fn read(&mut self) -> Taken {
        let mut octets = [0; 4096];
        loop {
            let count = match self.stream.read(&mut octets) {
                Ok(0) => return Taken::End,
                Ok(count) => count,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Taken::Nothing,
                    io::ErrorKind::Interrupted => continue,
                    _ => return Taken::End,
                },
            };
            let body = &mut self.body;
            let read = self
                .reader
                .feed(&octets[..count], false, &mut Memo::default(), |piece| body.extend_from_slice(piece));
            match read {
                Ok(Progress::More) => {}
                Ok(Progress::Done { head, .. }) => {
                    let body = std::mem::take(&mut self.body);
                    return Taken::Answer { status: head.status, body, stays: head.keep_alive };
                }
                Err(_) => return Taken::End,
            }
        }
    }
}
