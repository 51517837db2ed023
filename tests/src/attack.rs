//! Many slow clients at once: each keeps to the letter of the protocol, and as many of them as there are stay as long
//! as the server lets them. One that is cut comes back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::wire::{Client, get};

/// Time between two pieces of a slow client.
const PACE: Duration = Duration::from_millis(300);

/// What a slow client does.
#[derive(Debug, Clone)]
pub enum Slow {
    /// It connects and says nothing.
    Silent,
    /// A head that never ends, a field at a time (slowhttptest -H, slowloris).
    Head,
    /// A body that hardly goes on (slowhttptest -B).
    Body,
    /// It asks for much and reads little (slowhttptest -X).
    Reader,
    /// It says this at once, and nothing more: the first message of a handshake.
    Says(Vec<u8>),
    /// It says this an octet at a time.
    Spells(Vec<u8>),
}

/// An attack that is under way; it ends when it is dropped.
#[derive(Debug)]
pub struct Attack {
    over: Arc<AtomicBool>,
    cut: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Attack {
    /// Opens `connections` connections, the kinds of clients in turn, and keeps them open.
    ///
    /// # Errors
    /// In words, when one cannot be opened.
    pub fn begin(address: SocketAddr, kinds: &[Slow], connections: usize) -> Result<Attack, String> {
        let of = |number: usize| SlowClient::open(address, kinds[number % kinds.len()].clone());
        let clients = (0..connections).map(of).collect::<Result<Vec<_>, _>>()?;
        let (over, cut) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (is_over, count) = (Arc::clone(&over), Arc::clone(&cut));
        let thread = thread::spawn(move || go_on(address, clients, &is_over, &count));
        Ok(Attack { over, cut, thread: Some(thread) })
    }

    /// How many connections the server has ended until now, each of which was opened anew.
    pub fn cut(&self) -> u64 {
        self.cut.load(Relaxed)
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it panicked, that is on standard error.
            let _ = thread.join();
        }
    }
}

fn go_on(address: SocketAddr, mut clients: Vec<SlowClient>, over: &AtomicBool, cut: &AtomicU64) {
    while !over.load(Relaxed) {
        let round = Instant::now();
        for client in &mut clients {
            client.next_piece();
            if client.wire.end.is_some() {
                cut.fetch_add(1, Relaxed);
                // Under so many connections one may be refused; the old one then is tried again in the next round.
                if let Ok(again) = SlowClient::open(address, client.kind.clone()) {
                    *client = again;
                }
            }
        }
        thread::sleep(PACE.saturating_sub(round.elapsed()));
    }
}

#[derive(Debug)]
struct SlowClient {
    wire: Client,
    kind: Slow,
    spelled: usize,
}

impl SlowClient {
    fn open(address: SocketAddr, kind: Slow) -> Result<SlowClient, String> {
        let wire = match kind {
            Slow::Reader => Client::connect_narrow(4096, address),
            _ => Client::connect(address),
        };
        let mut wire = wire.map_err(|error| format!("a slow client cannot connect: {error}"))?;
        match &kind {
            Slow::Silent | Slow::Spells(_) => 0,
            Slow::Head => wire.push(b"GET / HTTP/1.1\r\nHost: localhost\r\n"),
            Slow::Body => {
                wire.push(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
            }
            Slow::Reader => wire.push(get("/bytes/10000000").as_bytes()),
            Slow::Says(octets) => wire.push(octets),
        };
        Ok(SlowClient { wire, kind, spelled: 0 })
    }

    fn next_piece(&mut self) {
        match &self.kind {
            Slow::Silent | Slow::Reader | Slow::Says(_) => 0,
            Slow::Head => self.wire.push(b"X: y\r\n"),
            Slow::Body => self.wire.push(b"x"),
            Slow::Spells(octets) => {
                self.spelled += 1;
                self.wire.push(octets.get(self.spelled - 1..self.spelled).unwrap_or_default())
            }
        };
        // A piece of what has come, at the most; it also shows whether the server has ended the connection.
        self.wire.receive(Instant::now());
        self.wire.inbox.clear();
    }
}
