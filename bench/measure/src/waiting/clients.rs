//! Clients whose requests wait, and others who ask meanwhile.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use dyno_clients::engine::socket::allow_descriptors;
use dyno_record::audit::Law;

use super::jam::Jammed;
use crate::limits::{OTHERS_ASKED, RECOVERY_LIMIT, STANDS_STILL, WAITERS_SETTLE};
use crate::rig::CellFault;

/// A wait that ends after every cell.
pub(super) const WAIT: &str = "/wait/60000000";

/// A server with those who wait for it.
pub(super) struct Waiters {
    address: SocketAddr,
    held: Vec<TcpStream>,
}

impl Waiters {
    pub(super) fn of(address: SocketAddr) -> Self {
        Waiters { address, held: Vec::new() }
    }

    /// Lets so many wait in all.
    pub(super) fn hold(&mut self, waiting: u32) -> Result<(), CellFault> {
        let _ = allow_descriptors(u64::from(waiting) + 256);
        while self.held.len() < waiting as usize {
            let waiter = wait(self.address).map_err(|error| CellFault {
                law: Law::ConnectionsOpen,
                words: format!("waiter {} of {waiting} was not let in: {error}", self.held.len() + 1),
            })?;
            self.held.push(waiter);
        }
        Ok(())
    }
}

impl Jammed for Waiters {
    fn beside(&mut self, waiting: u32) -> Result<Option<Duration>, CellFault> {
        self.hold(waiting)?;
        thread::sleep(WAITERS_SETTLE);
        let mut times = Vec::new();
        for _ in 0..OTHERS_ASKED {
            match ask(self.address) {
                Ok(time) => times.push(time),
                Err(_) => return Ok(None),
            }
        }
        times.sort_unstable();
        Ok(times.get(times.len() / 2).copied())
    }

    fn clear(&mut self) -> Result<(), CellFault> {
        self.held.clear();
        let deadline = Instant::now() + RECOVERY_LIMIT;
        while ask(self.address).is_err() {
            if Instant::now() > deadline {
                return Err(CellFault {
                    law: Law::Contract,
                    words: format!(
                        "nobody is served {} s after all waiters have left",
                        RECOVERY_LIMIT.as_secs()
                    ),
                });
            }
        }
        Ok(())
    }
}

/// Asks once while nobody waits.
///
/// # Errors
/// When there is no answer.
pub(super) fn greet(address: SocketAddr) -> Result<(), CellFault> {
    ask(address).map(drop).map_err(|error| CellFault {
        law: Law::Contract,
        words: format!("nobody is served although nobody waits: {error}"),
    })
}

/// Whether an answer has a head and the beginning of a body: that of the greeting comes in one piece.
fn is_whole(answer: &[u8]) -> bool {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    end.is_some_and(|end| answer.len() > end + 4)
}

/// Sends a request that waits.
pub(super) fn wait(address: SocketAddr) -> io::Result<TcpStream> {
    request(address, WAIT, "")
}

fn request(address: SocketAddr, path: &str, fields: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, STANDS_STILL)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(STANDS_STILL))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{fields}\r\n").as_bytes())?;
    Ok(stream)
}

/// How long a request on a new connection takes.
///
/// # Errors
/// When it stands still, or is refused.
pub(super) fn ask(address: SocketAddr) -> io::Result<Duration> {
    let began = Instant::now();
    let mut stream = request(address, "/", "Connection: close\r\n")?;
    let mut answer = Vec::new();
    let mut room = [0; 1024];
    while !is_whole(&answer) {
        match stream.read(&mut room)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => answer.extend_from_slice(&room[..count]),
        }
        if !answer.starts_with(&b"HTTP/1.1 200 "[..answer.len().min(13)]) {
            return Err(ErrorKind::ConnectionRefused.into());
        }
    }
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nHello, world!\n";
        assert!(is_whole(answer));
        for end in 0..answer.len() - 14 {
            assert!(!is_whole(&answer[..end]), "{end}");
        }
    }
}
