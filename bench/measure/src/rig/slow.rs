//! Slow clients: each sends a request byte by byte and never ends it, as over a bad radio link.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use crate::limits::SLOW_BYTE_INTERVAL;
use crate::rig::CellFault;
use crate::rig::idle::{is_open, open_idle};

/// The part of a request that each has sent at first. The field has no end.
const BEGUN: &[u8] = b"GET / HTTP/1.1\r\nHost: slow\r\nX-Slow: ";

/// The slow clients of a cell; they leave when this is dropped.
#[derive(Debug, Default)]
pub struct SlowClients {
    clients: Vec<TcpStream>,
    /// Sends a byte for each from time to time, until the other end of its channel is dropped.
    sending: Option<(Sender<()>, JoinHandle<()>)>,
}

impl SlowClients {
    /// Connects `count` of them. They stand before the generator's connections in the accept queue.
    ///
    /// # Errors
    /// When a connection is not made, or not taken over by a thread.
    pub fn start(address: SocketAddr, count: u32) -> Result<Self, CellFault> {
        let clients = open_idle(address, count)?;
        let copied: Result<Vec<TcpStream>, _> = clients.iter().map(TcpStream::try_clone).collect();
        let copies = copied.map_err(|error| {
            CellFault::generator(format!("there are no descriptors for slow clients: {error}"))
        })?;
        if count == 0 {
            return Ok(SlowClients::default());
        }
        send(&copies, BEGUN);
        let (until_dropped, dropped) = mpsc::channel();
        let thread = thread::spawn(move || {
            while dropped.recv_timeout(SLOW_BYTE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                send(&copies, b"s");
            }
        });
        Ok(SlowClients { clients, sending: Some((until_dropped, thread)) })
    }

    /// How many the server still serves.
    pub(crate) fn open(&self) -> usize {
        self.clients.iter().filter(|client| is_open(client)).count()
    }
}

impl Drop for SlowClients {
    fn drop(&mut self) {
        if let Some((until_dropped, thread)) = self.sending.take() {
            drop(until_dropped);
            // It ends at once, and it cannot panic.
            let _ = thread.join();
        }
    }
}

/// Sends to each what its socket takes at once. Whoever was cut off takes nothing, which is counted at the end.
fn send(clients: &[TcpStream], bytes: &[u8]) {
    for mut client in clients {
        let _ = client.write(bytes);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn each_sends_a_request_that_has_no_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let slow = SlowClients::start(listener.local_addr().unwrap(), 2).unwrap();
        let mut servers: Vec<TcpStream> = (0..2).map(|_| listener.accept().unwrap().0).collect();
        for server in &mut servers {
            let mut head = vec![0; BEGUN.len() + 2];
            server.read_exact(&mut head).unwrap();
            assert!(head.starts_with(BEGUN) && head.ends_with(b"ss") && !head.ends_with(b"\r\n"));
        }
        assert_eq!(slow.open(), 2);
        drop(servers.pop());
        while slow.open() == 2 {
            thread::yield_now();
        }
        assert_eq!(slow.open(), 1);
        drop(slow);
        let mut rest = Vec::new();
        servers[0].read_to_end(&mut rest).unwrap();
        assert!(rest.iter().all(|byte| *byte == b's'), "it left in the middle");
    }

    #[test]
    fn none_are_none() {
        let nowhere = "127.0.0.1:1".parse().unwrap();
        assert_eq!(SlowClients::start(nowhere, 0).unwrap().open(), 0);
        assert!(SlowClients::start(nowhere, 1).is_err());
    }
}
