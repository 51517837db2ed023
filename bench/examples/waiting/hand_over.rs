//! How long a hand-over takes: from the moment at which a producer puts an item until the consumer who waits for it has
//! it, under every architecture whose workers share memory, and with a blocking pop from redis-server where there is
//! one.
//!
//! Producer and consumer are two threads here with a connection each, so both ends read the same clock. An item is put
//! only when its consumer has had time to begin to wait. All servers take turns of a few hand-overs in each round, in
//! an order that changes with the round, so that whatever drifts hits all alike.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Concurrency;
use dyno_servers::architectures::ALL;

use crate::server::{Server, connect};

/// Hand-overs of one server in one round.
const IN_A_ROW: usize = 20;

/// How long a consumer is given to begin to wait: fifty times what it takes, and nothing that is measured.
const SETTLES: Duration = Duration::from_millis(2);

/// A server with a consumer who waits and a producer.
struct Contestant {
    name: &'static str,
    _server: Server,
    protocol: Protocol,
    /// Tells the consumer to take the next item.
    take: Sender<()>,
    taken: Receiver<Result<Instant>>,
    producer: TcpStream,
    latencies_ns: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
enum Protocol {
    Http,
    Redis,
}

impl Protocol {
    fn take(self) -> &'static [u8] {
        match self {
            Protocol::Http => {
                b"POST /queues/0/take?wait=60s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
            }
            Protocol::Redis => b"*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$2\r\n60\r\n",
        }
    }

    fn put(self) -> &'static [u8] {
        match self {
            Protocol::Http => b"POST /queues/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\ncoke",
            Protocol::Redis => b"*3\r\n$5\r\nRPUSH\r\n$1\r\nq\r\n$4\r\ncoke\r\n",
        }
    }

    /// Whether an answer is whole and the right one.
    fn is_answer(self, octets: &[u8], taken: bool) -> bool {
        match self {
            Protocol::Http if taken => octets.starts_with(b"HTTP/1.1 200 ") && octets.ends_with(b"coke"),
            Protocol::Http => octets.starts_with(b"HTTP/1.1 201 ") && octets.ends_with(b"put\n"),
            Protocol::Redis if taken => octets.ends_with(b"$4\r\ncoke\r\n"),
            Protocol::Redis => octets.starts_with(b":") && octets.ends_with(b"\r\n"),
        }
    }
}

/// Prints the table.
pub(crate) fn run(dyno: &Path, rounds: usize) -> Result<()> {
    let mut contestants = Vec::new();
    for architecture in ALL {
        // Where one connection is served at a time, nobody puts while another waits.
        let meets = architecture.concurrency != Concurrency::One;
        if meets && architecture.anatomy.served_by.shares_memory() {
            let (name, server) = (architecture.name, Server::dyno(dyno, architecture, &[])?);
            contestants.push(Contestant::new(name, server, Protocol::Http)?);
        }
    }
    match Server::redis().and_then(|redis| Contestant::new("redis-server (BLPOP)", redis, Protocol::Redis)) {
        Ok(redis) => contestants.push(redis),
        Err(error) => println!("without redis-server: {error}"),
    }
    for round in 0..rounds {
        let count = contestants.len();
        for turn in 0..count {
            let place = if round % 2 == 0 { turn } else { count - 1 - turn };
            (0..IN_A_ROW).try_for_each(|_| contestants[place].hand_over())?;
        }
    }
    println!("{} hand-overs each, from put to taken, in us", rounds * IN_A_ROW);
    println!("{:<24}  {:>8}  {:>8}  {:>8}", "server", "p50", "p90", "p99");
    for Contestant { name, latencies_ns, .. } in &mut contestants {
        latencies_ns.sort_unstable();
        let at = |share: f64| {
            let place = (share * (latencies_ns.len() - 1) as f64) as usize;
            latencies_ns[place] as f64 / 1_000.0
        };
        println!("{name:<24}  {:>8.1}  {:>8.1}  {:>8.1}", at(0.5), at(0.9), at(0.99));
    }
    Ok(())
}

impl Contestant {
    fn new(name: &'static str, server: Server, protocol: Protocol) -> Result<Self> {
        let (take, orders) = channel();
        let (report, taken) = channel();
        let mut consumer = connect(server.address)?;
        thread::spawn(move || {
            for () in orders {
                let answered = consumer
                    .write_all(protocol.take())
                    .and_then(|()| answer(&mut consumer, |octets| protocol.is_answer(octets, true)));
                if report.send(answered.map(|()| Instant::now())).is_err() {
                    return;
                }
            }
        });
        let producer = connect(server.address)?;
        Ok(Contestant { name, _server: server, protocol, take, taken, producer, latencies_ns: Vec::new() })
    }

    fn hand_over(&mut self) -> Result<()> {
        self.take.send(()).map_err(|_| Error::from(ErrorKind::BrokenPipe))?;
        thread::sleep(SETTLES);
        let start = Instant::now();
        self.producer.write_all(self.protocol.put())?;
        let taken = self.taken.recv().map_err(|_| Error::from(ErrorKind::BrokenPipe))??;
        self.latencies_ns.push(taken.duration_since(start).as_nanos() as u64);
        let protocol = self.protocol;
        answer(&mut self.producer, |octets| protocol.is_answer(octets, false))
    }
}

/// Reads until the answer is whole.
fn answer(stream: &mut TcpStream, is_whole: impl Fn(&[u8]) -> bool) -> Result<()> {
    let (mut octets, mut room) = (Vec::new(), [0; 1024]);
    while !is_whole(&octets) {
        match stream.read(&mut room)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => octets.extend_from_slice(&room[..count]),
        }
        if octets.len() > room.len() {
            return Err(Error::other(String::from_utf8_lossy(&octets).into_owned()));
        }
    }
    Ok(())
}
