//! The jam matrix: when so many requests wait, how long does another take?
//!
//! The requests wait for a back end (`/wait/MICROS`), each on a connection of its own. Then others ask for `/`, one
//! after the other and each on a new connection. Told is the median of their times, or that they stand still.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::{Architecture, Knob};
use dyno_servers::architectures::ALL;

use crate::server::{Server, connect};

/// Requests that wait.
const WAITING: [usize; 6] = [0, 1, 3, 4, 5, 64];

/// Workers, where a chapter reads their number.
const WORKERS: &str = "4";

/// Other requests in each cell.
const OTHERS: usize = 9;

/// One that takes longer stands still.
const STANDS_STILL: Duration = Duration::from_millis(500);

/// Prints the matrix.
pub(crate) fn run(dyno: &Path) -> Result<()> {
    println!("time of another request in us while so many wait; -: it stands still ({WORKERS} workers)");
    print!("{:<24}", "architecture");
    WAITING.iter().for_each(|waiting| print!("  {waiting:>7}"));
    println!();
    for architecture in ALL {
        print!("{:<24}", architecture.name);
        for waiting in WAITING {
            match cell(dyno, architecture, waiting)? {
                Some(time) => print!("  {:>7.0}", time.as_nanos() as f64 / 1_000.0),
                None => print!("  {:>7}", "-"),
            }
        }
        println!();
    }
    Ok(())
}

fn cell(dyno: &Path, architecture: &Architecture, waiting: usize) -> Result<Option<Duration>> {
    let reads_workers = architecture.knobs.contains(&Knob::Workers);
    let workers: &[&str] = if reads_workers { &["--workers", WORKERS] } else { &[] };
    let server = Server::dyno(dyno, architecture, workers)?;
    let mut held = Vec::new();
    for _ in 0..waiting {
        let mut client = connect(server.address)?;
        client.write_all(b"GET /wait/60000000 HTTP/1.1\r\nHost: a\r\n\r\n")?;
        held.push(client);
    }
    thread::sleep(Duration::from_millis(100));
    let mut times = Vec::new();
    for _ in 0..OTHERS {
        match other(server.address)? {
            Some(time) => times.push(time),
            None => return Ok(None),
        }
    }
    times.sort_unstable();
    Ok(Some(times[OTHERS / 2]))
}

/// How long a request on a new connection takes; `None`: it stands still.
fn other(address: SocketAddr) -> Result<Option<Duration>> {
    let start = Instant::now();
    let mut client = connect(address)?;
    client.set_read_timeout(Some(STANDS_STILL))?;
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    match client.read(&mut [0; 1024]) {
        Ok(_) => Ok(Some(start.elapsed())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
