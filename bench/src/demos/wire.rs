//! A pipe over a real socket, blocking, for the demonstrations; and two pipes back to back without one.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::limits::DEMO_TIMEOUT;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;

/// Takes all bytes that wait for the wire.
pub fn drain(pipe: &mut dyn Pipe) -> Vec<u8> {
    let octets = pipe.pending().to_vec();
    pipe.advance(octets.len());
    octets
}

/// Moves bytes in both directions until both sides have nothing more to send.
///
/// # Errors
/// The first failure of either side.
pub fn settle(left: &mut dyn Pipe, right: &mut dyn Pipe, now: Instant) -> Result<(), PipeError> {
    loop {
        let (to_right, to_left) = (drain(left), drain(right));
        if to_right.is_empty() && to_left.is_empty() {
            return Ok(());
        }
        right.receive(&to_right, &mut Vec::new(), now)?;
        left.receive(&to_left, &mut Vec::new(), now)?;
    }
}

/// A pipe on its socket.
pub struct WireLine<P> {
    /// The socket that carries the sealed bytes.
    pub stream: TcpStream,
    /// The pipe that seals and opens.
    pub pipe: P,
    /// Plaintext that was opened and has not been taken yet.
    pub plain: Vec<u8>,
    /// What the socket has carried, in order, if it is recorded to be shown.
    pub tapped: Option<Vec<(Direction, Vec<u8>)>>,
}

/// The direction in which bytes went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From this side to the peer.
    Out,
    /// From the peer to this side.
    In,
}

fn refused(failure: PipeError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, failure)
}

impl<P: Pipe> WireLine<P> {
    /// Puts a pipe on a socket. Reads and writes give up after ten seconds.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn new(stream: TcpStream, pipe: P) -> io::Result<Self> {
        stream.set_read_timeout(Some(DEMO_TIMEOUT))?;
        stream.set_write_timeout(Some(DEMO_TIMEOUT))?;
        Ok(WireLine { stream, pipe, plain: Vec::new(), tapped: None })
    }

    /// Writes what is pending.
    ///
    /// # Errors
    /// Errors of the operating system.
    pub fn flush(&mut self) -> io::Result<()> {
        while !self.pipe.pending().is_empty() {
            let count = self.stream.write(self.pipe.pending())?;
            if let Some(tapped) = &mut self.tapped {
                tapped.push((Direction::Out, self.pipe.pending()[..count].to_vec()));
            }
            self.pipe.advance(count);
        }
        Ok(())
    }

    /// Reads once from the socket and opens what came.
    ///
    /// # Returns
    /// False at the authenticated end.
    ///
    /// # Errors
    /// What the system reports; `InvalidData` for what the pipe refuses.
    pub fn fill(&mut self) -> io::Result<bool> {
        let mut octets = [0; 4096];
        let count = self.stream.read(&mut octets)?;
        if let Some(tapped) = &mut self.tapped {
            tapped.push((Direction::In, octets[..count].to_vec()));
        }
        if count == 0 {
            self.pipe.receive_eof().map_err(refused)?;
            return Ok(false);
        }
        self.pipe.receive(&octets[..count], &mut self.plain, Instant::now()).map_err(refused)?;
        self.flush()?;
        Ok(!self.pipe.is_closed_by_peer())
    }

    /// Sends and receives until the handshake is complete.
    ///
    /// # Errors
    /// As [`WireLine::fill`].
    pub fn establish(&mut self) -> io::Result<()> {
        self.flush()?;
        while !self.pipe.is_established() {
            self.fill()?;
        }
        Ok(())
    }

    /// Seals the bytes and writes them to the socket.
    ///
    /// # Errors
    /// As [`WireLine::fill`].
    pub fn send(&mut self, plain: &[u8]) -> io::Result<()> {
        self.pipe.send(plain).map_err(refused)?;
        self.flush()
    }

    /// Everything that the peer sends until its authenticated end.
    ///
    /// # Errors
    /// As [`WireLine::fill`].
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? {}
        Ok(std::mem::take(&mut self.plain))
    }

    /// Closes this side of the pipe, authenticated, and writes that to the socket.
    ///
    /// # Errors
    /// As [`WireLine::fill`].
    pub fn close(&mut self) -> io::Result<()> {
        self.pipe.close();
        self.flush()
    }
}
