//! How long a hand-over takes: from the moment at which a producer puts an item until the consumer who waits for it has
//! it, under every architecture whose workers share memory, and with a blocking pop from redis-server where there is
//! one.
//!
//! Producer and consumer are two threads here with a connection each, so both ends read the same clock. An item is put
//! only when its consumer has had time to begin to wait. All servers take turns of a few hand-overs in each round, in
//! an order that changes with the round, so that whatever drifts hits all alike.
//!
//! `cargo run --release -p dyno-bench --example hand_over [ROUNDS]`, after
//! `cargo build --release -p dyno-bench --bins`.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architectures::ALL;

/// Hand-overs of one server in one round.
const IN_A_ROW: usize = 20;

/// How long a consumer is given to begin to wait: fifty times what it takes, and nothing that is measured.
const SETTLES: Duration = Duration::from_millis(2);

/// A server, ended when the comparison is, however it ends.
struct Contestant {
    name: &'static str,
    child: Child,
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

impl Drop for Contestant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn main() -> Result<()> {
    let rounds = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(50);
    let here = std::env::current_exe()?;
    let dyno = here.parent().and_then(Path::parent).map(|place| place.join("dyno")).unwrap_or_default();
    let mut contestants = Vec::new();
    for architecture in ALL {
        // Where one connection is served at a time, nobody puts while another waits.
        let meets = architecture.concurrency != dyno_servers::architecture::Concurrency::One;
        if meets && architecture.anatomy.served_by.shares_memory() {
            contestants.push(dyno_server(&dyno, architecture.name)?);
        }
    }
    match redis_server() {
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
    fn new(name: &'static str, child: Child, address: SocketAddr, protocol: Protocol) -> Result<Self> {
        let (take, orders) = channel();
        let (report, taken) = channel();
        let mut consumer = connect(address)?;
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
        let producer = connect(address)?;
        Ok(Contestant { name, child, protocol, take, taken, producer, latencies_ns: Vec::new() })
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

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    Ok(stream)
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

fn dyno_server(dyno: &Path, name: &'static str) -> Result<Contestant> {
    let mut serve = Command::new(dyno);
    serve.args(["serve", name, "--listen", "127.0.0.1:0", "--json"]).stdout(Stdio::piped());
    let mut child = serve.spawn()?;
    let mut line = String::new();
    let output = child.stdout.take().ok_or(ErrorKind::BrokenPipe)?;
    BufReader::new(output).read_line(&mut line)?;
    let ready: serde_json::Value = serde_json::from_str(&line)?;
    let address = ready["address"].as_str().and_then(|address| address.parse().ok());
    let address = address.ok_or_else(|| Error::other(format!("{name} is not ready: {line}")))?;
    Contestant::new(name, child, address, Protocol::Http)
}

fn redis_server() -> Result<Contestant> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut serve = Command::new("redis-server");
    serve.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
    let child = serve.arg(address.port().to_string()).stdout(Stdio::null()).spawn()?;
    let deadline = Instant::now() + Duration::from_secs(5);
    while TcpStream::connect(address).is_err() {
        if Instant::now() > deadline {
            return Err(ErrorKind::TimedOut.into());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Contestant::new("redis-server (BLPOP)", child, address, Protocol::Redis)
}
