//! One request over a connection of its own, with blocking calls: for the probe, the browser-like client, and for
//! learning an answer before a run.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use socket2::Socket;

use crate::failure::{Cause, SILENT};
use crate::limits::{EXCHANGE_BODY_MAX_OCTETS, GOODBYE_NS, READ_BUFFER_OCTETS};
use crate::plan::Carrier;
use crate::plan::address::ServerAddress;
use crate::response::fault::AnswerFault;
use crate::response::{Memo, Progress, Reader};

/// What went over the wire, and when. Times are ns from the begin of the connect.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Status of the answer.
    pub status: u16,
    /// Head of the final answer and of interim ones before it, as it came (inside the transport).
    pub head: Vec<u8>,
    /// Body, decoded from chunks.
    pub body: Vec<u8>,
    /// TCP connection made.
    pub connected_ns: u64,
    /// When the transport was ready: the same as `connected_ns` for plain.
    pub established_ns: u64,
    /// Request written.
    pub sent_ns: u64,
    /// First octet of the answer.
    pub first_octet_ns: u64,
    /// Answer complete.
    pub done_ns: u64,
    /// Octets read from the socket.
    pub wire_octets: u64,
    /// The client's address; a client of a Unix socket has none.
    pub local: Option<SocketAddr>,
}

/// Why there was no complete answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// No connection.
    #[error("no connection to {0}: {1}")]
    Connect(ServerAddress, io::Error),
    /// The transport's handshake or records.
    #[error("the transport failed: {0}")]
    Carrier(#[from] PipeError),
    /// The server closed the connection while the transport shook hands.
    #[error("the transport failed: closed during the handshake")]
    ClosedInHandshake,
    /// Reading or writing.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Not HTTP/1.1.
    #[error("{0}")]
    Protocol(AnswerFault),
    /// Closed before the answer began.
    #[error("the server closed the connection: {SILENT}")]
    Silent,
    /// Closed before the answer was complete.
    #[error("the server closed the connection: {0}")]
    Short(AnswerFault),
    /// Not in time.
    #[error("no complete answer within {0:?}")]
    Timeout(Duration),
    /// The body is longer than anybody wants to look at.
    #[error("the body is longer than {EXCHANGE_BODY_MAX_OCTETS} octets")]
    TooLarge,
}

impl ExchangeError {
    /// What it suggests.
    pub fn cause(&self) -> Cause {
        match self {
            ExchangeError::Connect(_, error) | ExchangeError::Io(error) => error.into(),
            ExchangeError::Carrier(error) => Cause::Pipe(*error),
            ExchangeError::Silent => Cause::Silent,
            ExchangeError::Protocol(fault) | ExchangeError::Short(fault) => (*fault).into(),
            ExchangeError::ClosedInHandshake | ExchangeError::Timeout(_) | ExchangeError::TooLarge => {
                Cause::Other
            }
        }
    }
}

/// Sends `wire` to `address` and reads the answer.
///
/// # Errors
/// [`ExchangeError`]; never waits longer than `timeout_ns` in all.
pub fn exchange(
    address: &ServerAddress,
    transport: &Carrier,
    wire: &[u8],
    to_head: bool,
    timeout_ns: u64,
) -> Result<Exchange, ExchangeError> {
    let begin = Instant::now();
    let since = |begin: Instant| begin.elapsed().as_nanos() as u64;
    let mut line = Line::connect(address, begin, timeout_ns)?;
    let connected_ns = since(begin);
    line.establish(transport)?;
    let established_ns = since(begin);
    line.send(wire)?;
    let sent_ns = since(begin);
    let mut reader = Reader::default();
    let mut memo = Memo::default();
    let (mut head_octets, mut body, mut first_octet_ns) = (Vec::new(), Vec::new(), None);
    let mut scratch = Vec::new();
    loop {
        scratch.clear();
        let ended = !line.receive(&mut scratch)?;
        if !scratch.is_empty() {
            first_octet_ns.get_or_insert_with(|| since(begin));
        }
        // Heads come before the body; what is read until the first piece of it is kept to be shown.
        if body.is_empty() && head_octets.len() < READ_BUFFER_OCTETS {
            head_octets.extend_from_slice(&scratch);
        }
        let progress = if ended {
            match reader.end_of_stream() {
                Ok(Some(head)) => Progress::Done { head, taken: 0 },
                Ok(None) => return Err(ExchangeError::Silent),
                Err(fault) => return Err(ExchangeError::Short(fault)),
            }
        } else {
            let fed = reader.feed(&scratch, to_head, &mut memo, |piece| body.extend_from_slice(piece));
            fed.map_err(ExchangeError::Protocol)?
        };
        if body.len() > EXCHANGE_BODY_MAX_OCTETS {
            return Err(ExchangeError::TooLarge);
        }
        if let Progress::Done { head, .. } = progress {
            let done_ns = since(begin);
            let exchange = Exchange {
                status: head.status,
                head: only_head(head_octets),
                body,
                connected_ns,
                established_ns,
                sent_ns,
                first_octet_ns: first_octet_ns.unwrap_or(done_ns),
                done_ns,
                wire_octets: line.wire_octets,
                local: line.socket.local_addr()?.as_socket(),
            };
            line.part();
            return Ok(exchange);
        }
    }
}

/// Connects to `address`, shakes hands if the transport wants it, and leaves again.
///
/// # Errors
/// [`ExchangeError`]; never waits longer than `timeout_ns` for the connection.
pub fn knock(address: &ServerAddress, transport: &Carrier, timeout_ns: u64) -> Result<(), ExchangeError> {
    let mut line = Line::connect(address, Instant::now(), timeout_ns)?;
    line.establish(transport)?;
    line.part();
    Ok(())
}

/// Cuts what came after the final head.
fn only_head(mut octets: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(length) = head_length(&octets[at..]) {
        let interim = octets[at..].starts_with(b"HTTP/1.1 1");
        at += length;
        if !interim {
            break;
        }
    }
    if at > 0 {
        octets.truncate(at);
    }
    octets
}

/// The length of the head that `octets` begin with. Its lines may end in LF alone (RFC 9112, 2.2).
fn head_length(octets: &[u8]) -> Option<usize> {
    let ends = octets.iter().enumerate().filter(|&(_, &b)| b == b'\n').map(|(at, _)| at + 1);
    ends.into_iter().find_map(|at| {
        [&b"\n"[..], b"\r\n"]
            .iter()
            .find(|&&empty| octets[at..].starts_with(empty))
            .map(|empty| at + empty.len())
    })
}

/// A socket with a transport on it.
struct Line {
    socket: Socket,
    begin: Instant,
    timeout: Duration,
    pipe: Option<Box<dyn Pipe>>,
    wire_octets: u64,
    /// Plaintext that came along with the end of the handshake.
    plain: Vec<u8>,
}

impl Line {
    fn connect(address: &ServerAddress, begin: Instant, timeout_ns: u64) -> Result<Self, ExchangeError> {
        let timeout = Duration::from_nanos(timeout_ns);
        let socket =
            address.connect(timeout).map_err(|error| ExchangeError::Connect(address.clone(), error))?;
        Ok(Line { socket, begin, timeout, pipe: None, wire_octets: 0, plain: Vec::new() })
    }

    fn establish(&mut self, transport: &Carrier) -> Result<(), ExchangeError> {
        let Carrier::Pipe(_, connector) = transport else { return Ok(()) };
        self.pipe = Some(connector.connect(self.begin));
        self.handshake()
    }

    /// Says the transport's goodbye, and gives the peer a moment to say its own. Whether that works out is no matter of
    /// the exchange, which is done.
    fn part(mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        pipe.close();
        let until = Instant::now() + Duration::from_nanos(GOODBYE_NS);
        let mut buffer = [0; 4096];
        let _ = self.socket.set_write_timeout(Some(Duration::from_nanos(GOODBYE_NS)));
        if self.socket.write_all(pipe.pending()).and_then(|()| self.socket.shutdown(Shutdown::Write)).is_err()
        {
            return;
        }
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.socket.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match self.socket.read(&mut buffer) {
                Ok(1..) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }

    fn handshake(&mut self) -> Result<(), ExchangeError> {
        let mut plain = Vec::new();
        loop {
            self.flush()?;
            if self.pipe.as_deref().is_none_or(Pipe::is_established) {
                self.plain = plain;
                return Ok(());
            }
            if !self.receive(&mut plain)? {
                return Err(ExchangeError::ClosedInHandshake);
            }
        }
    }

    fn send(&mut self, octets: &[u8]) -> Result<(), ExchangeError> {
        match &mut self.pipe {
            None => {
                self.socket.set_write_timeout(Some(self.left()?))?;
                self.socket.write_all(octets).map_err(|e| self.or_timeout(e))
            }
            Some(pipe) => {
                pipe.send(octets)?;
                match self.flush() {
                    // A peer that refuses us says why before it closes, and that can be read after it has gone.
                    Err(ExchangeError::Io(error)) if Cause::from(&error) == Cause::Reset => {
                        Err(self.last_words().unwrap_or(ExchangeError::Io(error)))
                    }
                    other => other,
                }
            }
        }
    }

    /// What the peer's transport gave as its reason, if it did.
    fn last_words(&mut self) -> Option<ExchangeError> {
        let mut plain = Vec::new();
        loop {
            match self.receive(&mut plain) {
                Ok(true) => {}
                Err(error @ ExchangeError::Carrier(_)) => return Some(error),
                Ok(false) | Err(_) => return None,
            }
        }
    }

    fn flush(&mut self) -> Result<(), ExchangeError> {
        let left = self.left()?;
        if let Some(pipe) = &mut self.pipe {
            self.socket.set_write_timeout(Some(left))?;
            while !pipe.pending().is_empty() {
                let count = self.socket.write(pipe.pending())?;
                pipe.advance(count);
            }
        }
        Ok(())
    }

    /// Appends what comes next to `plain`; `false` at the end of the stream.
    fn receive(&mut self, plain: &mut Vec<u8>) -> Result<bool, ExchangeError> {
        if !self.plain.is_empty() {
            plain.append(&mut self.plain);
            return Ok(true);
        }
        if self.pipe.as_deref().is_some_and(Pipe::is_closed_by_peer) {
            // The goodbye ends the stream (RFC 8446, 6.1). The peer may wait for ours before it closes the socket.
            if let Some(pipe) = &mut self.pipe {
                pipe.close();
            }
            let _ = self.flush();
            return Ok(false);
        }
        let mut buffer = [0; 16 * 1024];
        self.socket.set_read_timeout(Some(self.left()?))?;
        let count = loop {
            match self.socket.read(&mut buffer) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|e| self.or_timeout(e))?,
            }
        };
        self.wire_octets += count as u64;
        match &mut self.pipe {
            None => plain.extend_from_slice(&buffer[..count]),
            Some(pipe) if count == 0 => {
                pipe.receive_eof()?;
            }
            Some(pipe) => {
                let received = pipe.receive(&buffer[..count], plain, Instant::now());
                // An alert may be pending even after a failure.
                let flushed = self.flush();
                received?;
                flushed?;
            }
        }
        Ok(count > 0)
    }

    fn left(&self) -> Result<Duration, ExchangeError> {
        let left = self.timeout.saturating_sub(self.begin.elapsed());
        if left.is_zero() { Err(ExchangeError::Timeout(self.timeout)) } else { Ok(left) }
    }

    fn or_timeout(&self, error: io::Error) -> ExchangeError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ExchangeError::Timeout(self.timeout),
            _ => ExchangeError::Io(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_cut_from_the_body_however_its_lines_end() {
        for (octets, head) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\nbody\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n"),
            ("HTTP/1.1 200 OK\nA: b\n\nbody\n\n", "HTTP/1.1 200 OK\nA: b\n\n"),
            ("HTTP/1.1 200 OK\nA: b\n\r\nbody", "HTTP/1.1 200 OK\nA: b\n\r\n"),
            ("HTTP/1.1 103 Hint\n\nHTTP/1.1 200 OK\n\nbody", "HTTP/1.1 103 Hint\n\nHTTP/1.1 200 OK\n\n"),
        ] {
            assert_eq!(only_head(octets.into()), head.as_bytes(), "{octets}");
        }
    }
}
