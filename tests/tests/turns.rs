//! Connections take turns: no client keeps a thread from the others, and nothing that it sends is forgotten meanwhile.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dyno_security::transport::Transport;
use dyno_servers::architecture::{Concurrency, Knob};
use dyno_tests::limits::ANSWER;
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get};

/// Requests that the busy client sends in one piece.
const PIPELINED: usize = 1_000;

/// Exchanges of the other client meanwhile. At four answers to the busy client for each they are over after an eighth
/// of its pipeline; if each exchange waited for longer than the one before, the busy client would be done first.
const EXCHANGES: usize = 25;

/// The work of each of them: some tenths of a millisecond, several milliseconds in a debug build.
const WORK: &str = "/compute/20000";

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    // A design that serves one connection at a time serves it to its end: that is its wall.
    let shares = |row: &Row| !row.is_alone();
    mount(&mut trials, "turns", "a-full-pipeline-lets-others-in", shares, |row| {
        pipeline(row, Transport::Plain)
    });
    mount(&mut trials, "turns", "a-full-pipeline-lets-others-in-by-channel", shares, |row| {
        pipeline(row, Transport::Channel)
    });
    mount(&mut trials, "turns", "a-full-pipeline-lets-others-in-by-tls", shares, |row| {
        pipeline(row, Transport::Tls)
    });
    let everybody = |_: &Row| true;
    mount(&mut trials, "turns", "a-request-that-comes-during-a-wait-is-answered", everybody, during_a_wait);
    mount(&mut trials, "turns", "an-end-that-comes-during-a-wait-is-noticed", everybody, end_during_a_wait);
    mount(&mut trials, "turns", "a-long-pipeline-is-answered-to-its-end", everybody, to_the_end);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A connection, whatever its transport is.
enum Connection {
    Plain(Client),
    Secure(Box<Secure>),
}

impl Connection {
    fn open(server: &Server, transport: Transport) -> Result<Connection, String> {
        Ok(match transport {
            Transport::Plain => {
                Connection::Plain(Client::connect(server.address).map_err(|error| error.to_string())?)
            }
            _ => Connection::Secure(Box::new(Secure::connect(server, transport, friends())?)),
        })
    }

    /// Sends `octets`, and waits for the first response.
    fn exchange(&mut self, octets: &str) -> Outcome {
        let response = match self {
            Connection::Plain(client) => {
                client.send(octets);
                client.response("GET")?
            }
            Connection::Secure(secure) => secure.exchange(octets, "GET")?,
        };
        ensure(response.status == 200, || format!("{response:?}"))
    }

    /// Complete responses that have arrived until now, apart from those that were taken.
    fn arrived(&mut self) -> Result<usize, String> {
        let plain = match self {
            Connection::Plain(client) => {
                while client.receive(Instant::now()) {}
                &client.inbox
            }
            Connection::Secure(secure) => secure.arrived()?,
        };
        Ok(plain.windows(RESPONSE.len()).filter(|window| *window == RESPONSE).count())
    }
}

/// How each response begins.
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n";

/// How often a pipeline is tried. A machine with other work may keep a process from its core for as long as one
/// pipeline takes; a server that lets nobody in does so every time.
const PIPELINES: usize = 3;

/// One client fills its pipeline; another one is answered long before the first has all its answers.
fn pipeline(row: &Row, transport: Transport) -> Outcome {
    let mut outcome = Ok(());
    for _ in 0..PIPELINES {
        outcome = one_pipeline(row, transport);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// The same once, on a single worker where connections share it.
fn one_pipeline(row: &Row, transport: Transport) -> Outcome {
    let shared = row.architecture.concurrency == Concurrency::Many && row.reads(Knob::Workers);
    let server = serve(row, transport, if shared { &["--workers", "1"] } else { &[] })?;
    let mut other = Connection::open(&server, transport)?;
    let mut busy = Connection::open(&server, transport)?;
    busy.exchange(&get(WORK).repeat(PIPELINED))?;
    // Each exchange waits for a turn or two of the busy client, the later ones no longer than the first.
    for number in 1..=EXCHANGES {
        other.exchange(&get("/"))?;
        let answered = busy.arrived()?;
        ensure(answered < PIPELINED / 2, || {
            format!("exchange {number} was over after {answered} of {PIPELINED} answers to the first client")
        })?;
    }
    drop((busy, other));
    server.stop()?;
    Ok(())
}

/// A client whose request waits for a back end.
fn waiting(server: &Server) -> Result<Client, String> {
    let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
    client.send(get("/wait/150000"));
    let answered = client.receive(Instant::now() + Duration::from_millis(50));
    if answered { Err("too soon".into()) } else { Ok(client) }
}

/// A second request that comes while the first waits for a back end is answered behind it.
fn during_a_wait(row: &Row) -> Outcome {
    let server = serve(row, Transport::Plain, &[])?;
    let mut client = waiting(&server)?;
    client.send(get("/bytes/3"));
    for _ in 0..2 {
        ensure(client.response("GET")?.status == 200, || "no 200".into())?;
    }
    drop(client);
    server.stop_well()?;
    Ok(())
}

/// A client that ends its side while its request waits for a back end gets its answer, then the end.
fn end_during_a_wait(row: &Row) -> Outcome {
    let server = serve(row, Transport::Plain, &[])?;
    let mut client = waiting(&server)?;
    client.shut_write();
    ensure(client.response("GET")?.status == 200, || "no 200".into())?;
    ensure(client.read_to_end(ANSWER).is_some(), || "the connection stays open".into())?;
    server.stop_well()?;
    Ok(())
}

/// All answers of a long pipeline come, also those for which the turn of the connection had to be taken up again.
fn to_the_end(row: &Row) -> Outcome {
    let server = serve(row, Transport::Plain, &[])?;
    let mut client = Client::connect(server.address)?;
    client.send(get("/").repeat(PIPELINED));
    for number in 0..PIPELINED {
        let response = client.response("GET").map_err(|error| format!("response {number}: {error}"))?;
        ensure(response.status == 200, || format!("response {number}: {response:?}"))?;
    }
    drop(client);
    server.stop_well()?;
    Ok(())
}
