//! Requests that have arrived when the server is asked to stop are answered, also those that stand behind one that is
//! being answered. Only the last answer of a connection says that it ends.

use std::process::ExitCode;
use std::thread;

use dyno_security::transport::Transport;
use dyno_tests::limits::{AT_ONCE, STOP, UNDERWAY};
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, End, get};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;

/// Requests of a deep pipeline. Each has [`EVEN_OCTETS`], so that a buffer of any usual size ends with a whole one.
const DEEP: usize = 1_500;

/// Octets of a request in the deep pipeline.
const EVEN_OCTETS: usize = 64;

/// A request that the server is busy with when it is asked to stop.
const FIRST: &str = "/wait/600000";

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials: Vec<Trial> = Vec::new();
    let mut on = |name, run| mount(&mut trials, "drain", name, |_| true, run);
    on("a-pipeline-is-answered", |row| pipeline(row, &[&[get(FIRST), get("/"), get("/json")].concat()]));
    on("a-pipeline-that-waits-is-answered", |row| pipeline(row, &[&get("/wait/300000").repeat(3)]));
    on("requests-sent-apart-are-answered", |row| pipeline(row, &[&get(FIRST), &get("/"), &get("/json")]));
    on("bodies-in-a-pipeline-are-answered", |row| {
        pipeline(row, &[&[echo(), get(FIRST), chunked_echo(), echo(), get("/")].concat()])
    });
    on("bodies-sent-apart-are-answered", |row| {
        pipeline(row, &[&get(FIRST), &echo(), &[chunked_echo(), get("/")].concat()])
    });
    on("a-deep-pipeline-is-answered", |row| pipeline(row, &[&get(FIRST), &even().repeat(DEEP)]));
    on("a-request-behind-a-large-answer-is-answered", |row| {
        pipeline(row, &[&[get("/bytes/3000000"), get(FIRST), get("/bytes/3000000"), get("/")].concat()])
    });
    on("who-ends-its-side-behind-a-pipeline-is-answered", ends_its_side);
    on("channel-answers-a-pipeline", |row| secure(row, Transport::Channel));
    on("tls-answers-a-pipeline", |row| secure(row, Transport::Tls));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn echo() -> String {
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabcde".into()
}

fn chunked_echo() -> String {
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n".into()
}

/// A request of exactly [`EVEN_OCTETS`].
fn even() -> String {
    let (start, end) = ("GET / HTTP/1.1\r\nHost: localhost\r\nX: ", "\r\n\r\n");
    format!("{start}{}{end}", "x".repeat(EVEN_OCTETS - start.len() - end.len()))
}

/// How many requests there are in `octets`: each names its host once.
fn count(octets: &str) -> usize {
    octets.matches("Host: ").count()
}

/// Sends `parts` one after the other, asks the server to stop, and expects all answers and then the end.
fn pipeline(row: &Row, parts: &[&str]) -> Outcome {
    let server = Server::start(row)?;
    let mut client = Client::connect(server.address)?;
    client.get("/")?;
    for part in parts {
        ensure(client.send(part), || format!("unsent; end {:?}", client.end))?;
        thread::sleep(UNDERWAY / 2);
    }
    server.signal(Signal::SIGTERM);
    answered(&mut client, parts.iter().map(|part| count(part)).sum())?;
    drop(client);
    ended_well(server)
}

fn ended_well(server: Server) -> Outcome {
    let ended = server.wait(STOP)?;
    ensure(ended.code() == 0, || format!("exit {}; stderr: {}", ended.code(), ended.stderr))
}

/// All `count` requests get their answers; none but the last says that the connection ends, and then it does.
fn answered(client: &mut Client, count: usize) -> Outcome {
    for place in 1..=count {
        let response =
            client.response("GET").map_err(|error| format!("answer {place} of {count}: {error}"))?;
        let fits = response.status == 200 && (place == count || !response.says_close());
        ensure(fits, || {
            format!("answer {place} of {count}: {} {:?}", response.status, response.says_close())
        })?;
    }
    let end = client.read_to_end(AT_ONCE * 2);
    ensure(end == Some(End::Eof) && client.inbox.is_empty(), || format!("then {end:?}"))
}

/// The end of what a client sends stands behind its requests; it loses none of them.
fn ends_its_side(row: &Row) -> Outcome {
    for requests in [[get(FIRST), echo()].concat(), [echo(), get(FIRST), chunked_echo()].concat()] {
        let server = Server::start(row)?;
        let mut client = Client::connect(server.address)?;
        client.send(&requests);
        client.shut_write();
        thread::sleep(UNDERWAY);
        server.signal(Signal::SIGTERM);
        answered(&mut client, count(&requests))?;
        drop(client);
        ended_well(server)?;
    }
    Ok(())
}

fn secure(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let mut client = Secure::connect(&server, transport, friends())?;
    client.exchange(get("/"), "GET")?;
    client.send([get(FIRST), echo()].concat())?;
    client.send(get("/json"))?;
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    for place in 1..=3 {
        let response = client.response("GET").map_err(|error| format!("answer {place}: {error}"))?;
        ensure(response.status == 200, || format!("answer {place}: {response:?}"))?;
    }
    drop(client);
    ended_well(server)
}
