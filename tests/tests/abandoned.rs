//! Work for clients that have left is not done: who comes after them is answered long before it could have been.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_servers::architecture::{Concurrency, Started};
use dyno_tests::limits::UNDERWAY;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get, get_once};
use nix::sys::signal::Signal;

/// Clients that leave.
const ABANDONED: u32 = 40;

/// The most that the next client may wait, counted in such requests: a fifth of what was abandoned.
const MOST: u32 = 8;

/// How long one of the requests takes at least: long against everything that is not computed.
const LEAST: Duration = Duration::from_millis(100);

/// What an abandoned request waits for: long against everything else, so that 20 of them one after the other are
/// far beyond [`ANSWER`](dyno_tests::limits::ANSWER).
const WAIT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let mut trials = Vec::new();
    mount(&mut trials, "abandoned", "nobody-computes-for-who-left-before", |_| true, left_before);
    // Where each connection has a thread or a process of its own, all of them begin at once, and nobody looks up from
    // what is begun.
    let queues = |row: &Row| !matches!(row.architecture.anatomy.started, Started::Thread | Started::Process);
    mount(&mut trials, "abandoned", "nobody-computes-for-who-left-the-queue", queues, left_the_queue);
    mount(
        &mut trials,
        "abandoned",
        "nobody-stands-behind-waits-that-were-reset",
        |_| true,
        |row| left_while_it_waits(row, Leaving::Reset),
    );
    mount(
        &mut trials,
        "abandoned",
        "nobody-stands-behind-waits-that-were-ended",
        |_| true,
        |row| left_while_it_waits(row, Leaving::End),
    );
    mount(&mut trials, "abandoned", "who-only-ends-its-side-is-answered", |_| true, half_closed);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// How clients leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// With a reset: the server is told that nobody reads.
    Reset,
    /// By close(2), which looks like a client that only ends its side until it is sent something.
    End,
}

/// A request that computes, and how long the server takes over it.
fn work(server: &Server) -> Result<(String, Duration), String> {
    let mut micros = 20_000;
    loop {
        let (path, start) = (format!("/compute/{micros}"), Instant::now());
        get_once(server.address, &path)?;
        match start.elapsed() {
            took if took >= LEAST => return Ok((path, took)),
            _ => micros *= 2,
        }
    }
}

fn abandoned(server: &Server, path: &str) -> Result<Vec<Client>, String> {
    let ask = |_| {
        let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
        client.send(get(path));
        Ok(client)
    };
    (0..ABANDONED).map(ask).collect()
}

fn leave(clients: Vec<Client>) -> Outcome {
    clients.into_iter().try_for_each(Client::reset)?;
    Ok(())
}

/// The clients come and leave while the server is stopped, so that it finds them gone.
fn left_before(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let (path, took) = work(&server)?;
    server.signal_group(Signal::SIGSTOP);
    leave(abandoned(&server, &path)?)?;
    let mut next = Client::connect(server.address)?;
    next.send(get("/"));
    let start = Instant::now();
    server.signal_group(Signal::SIGCONT);
    let status = next.response("GET")?.status;
    let waited = start.elapsed();
    ensure(status == 200 && waited < took * MOST, || {
        format!("{status} after {waited:?}; one of {ABANDONED} requests takes {took:?}")
    })?;
    drop(next);
    server.stop_well()?;
    Ok(())
}

/// The clients come while the only worker is busy, and leave before their turn has come.
fn left_the_queue(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("1"), None)?;
    let (path, took) = work(&server)?;
    // As many as keep the worker busy until the others have come and gone.
    let busy = 4 + u32::try_from(3 * UNDERWAY.as_millis() / LEAST.as_millis())?;
    let mut first = Client::connect(server.address)?;
    let together = if row.architecture.concurrency == Concurrency::One { 1 } else { busy };
    first.send(get(&path).repeat(together as usize));
    sleep(UNDERWAY);
    let gone = abandoned(&server, &path)?;
    sleep(UNDERWAY);
    leave(gone)?;
    let mut next = Client::connect(server.address)?;
    next.send(get("/"));
    let start = Instant::now();
    let status = next.response("GET")?.status;
    let waited = start.elapsed();
    ensure(status == 200 && waited < took * (MOST + busy), || {
        format!("{status} after {waited:?}; one of {ABANDONED} requests takes {took:?}")
    })?;
    drop((first, next));
    server.stop()?;
    Ok(())
}

/// Clients that wait for a back end leave while few of them have a worker. They would keep two workers busy for
/// [`ABANDONED`] times half a [`WAIT`].
fn left_while_it_waits(row: &Row, leaving: Leaving) -> Outcome {
    let server = Server::start_with(&row.with_workers("2"), None)?;
    get_once(server.address, "/")?;
    let gone = abandoned(&server, &format!("/wait/{}", WAIT.as_micros()))?;
    sleep(UNDERWAY);
    match leaving {
        Leaving::Reset => leave(gone)?,
        Leaving::End => drop(gone),
    }
    for place in 0..3 {
        let mut next = Client::connect(server.address)?;
        next.send(get("/"));
        let start = Instant::now();
        let status = next.response("GET")?.status;
        let waited = start.elapsed();
        ensure(status == 200 && waited < WAIT * MOST / 2, || format!("{place}: {status} after {waited:?}"))?;
    }
    server.stop()?;
    Ok(())
}

/// The end of what a client sends is not its leaving.
fn half_closed(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    for path in ["/compute/1000", "/wait/50000", "/mix"] {
        server.signal_group(Signal::SIGSTOP);
        let mut client = Client::connect(server.address)?;
        client.send(get(path));
        client.shut_write();
        server.signal_group(Signal::SIGCONT);
        let status = client.response("GET")?.status;
        ensure(status == 200, || format!("{path}: {status}"))?;
    }
    server.stop_well()?;
    Ok(())
}
