//! Backends that say what they have seen: each request as it came, and what became of its connection.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::limits::ANSWER;

/// What a backend does with a request.
#[derive(Debug, Clone)]
pub enum Does {
    /// Gives it back, head and body, as the body of a 200.
    Mirrors,
    /// Answers so.
    Says(Vec<u8>),
    /// Ends the connection without an answer.
    Hangs,
    /// Waits until its client has gone.
    Waits,
}

/// What a backend has seen, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saw {
    /// A request, head and body.
    Request(String),
    /// The end of a connection on which it waited.
    Gone,
}

/// A backend with a thread for each connection.
#[derive(Debug)]
pub struct Backend {
    /// Where it listens.
    pub address: SocketAddr,
    saw: Receiver<Saw>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    is_dead: Arc<AtomicBool>,
}

impl Backend {
    /// Starts one.
    ///
    /// # Errors
    /// In words, when it cannot listen.
    pub fn start(does: Does) -> Result<Backend, String> {
        let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (tell, saw) = channel();
        let (open, is_dead) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (connections, ends) = (Arc::clone(&open), Arc::clone(&is_dead));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Under the lock, so that none is missed by who kills it.
                let mut connections = connections.lock().expect("no panic");
                if ends.load(SeqCst) {
                    return;
                }
                connections.extend(stream.try_clone());
                let (does, tell) = (does.clone(), tell.clone());
                thread::spawn(move || {
                    serve(&stream, &does, &tell);
                    // Who may have to kill it has a copy, with which it would stay open.
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        Ok(Backend { address, saw, open, is_dead })
    }

    /// What it sees next.
    ///
    /// # Errors
    /// When that is nothing for long.
    pub fn next(&self) -> Result<Saw, String> {
        self.saw.recv_timeout(ANSWER).map_err(|_| "the backend sees nothing".into())
    }

    /// All that it has seen and nobody has asked for.
    pub fn seen(&self) -> Vec<Saw> {
        self.saw.try_iter().collect()
    }

    /// Ends it as if it was killed: every connection is reset, and nobody listens any more.
    pub fn kill(&self) {
        let open = self.open.lock().expect("no panic");
        self.is_dead.store(true, SeqCst);
        for stream in open.iter() {
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(open);
        // Its listener ends with the next connection that it takes.
        let _ = TcpStream::connect_timeout(&self.address, ANSWER);
    }
}

fn serve(mut stream: &TcpStream, does: &Does, tell: &Sender<Saw>) {
    let _ = stream.set_nodelay(true);
    let mut octets = Vec::new();
    loop {
        let Some(length) = whole(&octets) else {
            let mut piece = [0; 16 * 1024];
            match stream.read(&mut piece) {
                Ok(count @ 1..) => octets.extend_from_slice(&piece[..count]),
                Ok(_) | Err(_) => return,
            }
            continue;
        };
        let request: Vec<u8> = octets.drain(..length).collect();
        let _ = tell.send(Saw::Request(String::from_utf8_lossy(&request).into_owned()));
        let answer = match does {
            Does::Mirrors => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", request.len());
                [head.as_bytes(), &request].concat()
            }
            Does::Says(answer) => answer.clone(),
            Does::Hangs => return,
            Does::Waits => {
                while matches!(stream.read(&mut [0; 64]), Ok(1..)) {}
                let _ = tell.send(Saw::Gone);
                return;
            }
        };
        // Who says no length says it by the end.
        let says_length =
            answer.windows(2).any(|pair| pair == b"h:") || answer.windows(7).any(|part| part == b"chunked");
        if stream.write_all(&answer).is_err() || !says_length {
            return;
        }
    }
}

/// The length of the first request, if all of it is there. A first tier sends bodies with Content-Length alone.
fn whole(octets: &[u8]) -> Option<usize> {
    let head = octets.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&octets[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let whole = head + length.unwrap_or(0);
    (octets.len() >= whole).then_some(whole)
}
