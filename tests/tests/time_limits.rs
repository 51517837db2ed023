//! Time limits are kept on every architecture and behind every transport, however a client uses up its time.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_security::transport::Transport;
use dyno_tests::limits::ANSWER;
use dyno_tests::process::wait_until;
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get};

/// How much later than its limit a connection may be closed.
const LATENESS: Duration = Duration::from_secs(2);

/// More than the kernel takes for a client that does not read.
const UNREAD_OCTETS: usize = 20_000_000;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    let everybody = |_: &Row| true;
    mount(&mut trials, "time", "dripping-head", everybody, |row| head(row, Transport::Plain));
    mount(&mut trials, "time", "dripping-head-by-channel", everybody, |row| head(row, Transport::Channel));
    mount(&mut trials, "time", "dripping-head-by-tls", everybody, |row| head(row, Transport::Tls));
    mount(&mut trials, "time", "unread-answer", everybody, |row| unread(row, Transport::Plain));
    mount(&mut trials, "time", "unread-answer-by-channel", everybody, |row| unread(row, Transport::Channel));
    mount(&mut trials, "time", "unread-answer-by-tls", everybody, |row| unread(row, Transport::Tls));
    mount(&mut trials, "time", "unread-last-record-by-channel", everybody, |row| {
        unread_record(row, Transport::Channel)
    });
    mount(&mut trials, "time", "unread-last-record-by-tls", everybody, |row| {
        unread_record(row, Transport::Tls)
    });
    // Nearly all of the time passes with waiting for limits.
    suite::run_wide(env!("CARGO_BIN_EXE_dyno-under-test"), 32, trials).exit_code()
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

    /// Sends `octets`, if the connection has not ended.
    fn send(&mut self, octets: &str) {
        match self {
            Connection::Plain(client) => {
                client.send(octets);
            }
            // An error is the end of the connection, which the raw client notes.
            Connection::Secure(secure) => drop(secure.send(octets)),
        }
    }

    /// The client below the transport.
    fn raw(&mut self) -> &mut Client {
        match self {
            Connection::Plain(client) => client,
            Connection::Secure(secure) => &mut secure.client,
        }
    }
}

/// Neither the first head of a connection nor a later one may take longer than the head time, which is shorter than
/// the idle time.
fn head(row: &Row, transport: Transport) -> Outcome {
    let limit = Duration::from_millis(700);
    for before in ["", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
        let server = serve(row, transport, &["--head-time-ms", "700"])?;
        let mut client = Connection::open(&server, transport)?;
        if !before.is_empty() {
            client.send(before);
            ensure(client.raw().receive(Instant::now() + ANSWER), || "no answer".into())?;
        }
        let start = Instant::now();
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
        while client.raw().end.is_none() && start.elapsed() < limit + LATENESS {
            client.send("x");
            client.raw().receive(Instant::now() + Duration::from_millis(100));
        }
        let took = start.elapsed();
        ensure(client.raw().end.is_some() && took >= limit / 2, || {
            format!("after {before:?}: end {:?} after {took:?}", client.raw().end)
        })?;
        server.stop_well()?;
    }
    Ok(())
}

/// An answer that nobody reads is given up in time: what the client reads later ends early.
fn unread(row: &Row, transport: Transport) -> Outcome {
    let limit = Duration::from_millis(1_500);
    let server = serve(row, transport, &["--write-time-ms", "1500"])?;
    let mut client = Connection::open(&server, transport)?;
    client.send(&get(&format!("/bytes/{UNREAD_OCTETS}")));
    sleep(limit + LATENESS);
    client.raw().read_to_end(ANSWER);
    let octets = client.raw().inbox.len();
    ensure(client.raw().end.is_some() && octets < UNREAD_OCTETS, || {
        format!("{octets} octets, end {:?}", client.raw().end)
    })?;
    server.stop_well()?;
    Ok(())
}

/// Answers of one record each, asked for one by one, so that nothing is behind the record that the kernel does not
/// take.
fn unread_record(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &["--write-time-ms", "1500"])?;
    let client = Client::connect_narrow(4096, server.address)?;
    let mut secure = Secure::over(client, transport, friends())?;
    let request = get("/bytes/15000");
    // Once the kernel takes no more the server reads nothing, and it closes with a reset, because requests are left
    // that it has not read.
    let ended = wait_until(ANSWER, || secure.send(&request).is_err());
    ensure(ended.is_some(), || "a record that nobody reads holds the connection".into())?;
    server.stop()?;
    Ok(())
}
