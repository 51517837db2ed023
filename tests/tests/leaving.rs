//! Clients that leave while their requests wait: the server lets go of them long before the wait is over. And those
//! that only end their side are not taken for them.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_security::transport::Transport;
use dyno_tests::limits::{ANSWER, UNDERWAY};
use dyno_tests::process::{sockets, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get, get_once};

/// A wait that no test lives through.
const WAIT: &str = "/wait/50000000";

/// How soon the server must have let go: far beyond what it needs, and a tenth of the wait.
const SOON: Duration = Duration::from_secs(5);

/// Clients that wait, where a server can have so many.
const CLIENTS: usize = 4;

const CHANNEL: Transport = Transport::Channel;
const TLS: Transport = Transport::Tls;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    let suite = "leaving";
    mount(&mut trials, suite, "a-wait-ends-with-a-fin", |_| true, |row| leaves(row, Way::Close, ""));
    mount(&mut trials, suite, "a-wait-ends-with-a-reset", |_| true, |row| leaves(row, Way::Reset, ""));
    mount(&mut trials, suite, "a-fin-behind-unread-bytes", |_| true, |row| leaves(row, Way::Close, MORE));
    mount(&mut trials, suite, "a-reset-behind-unread-bytes", |_| true, |row| leaves(row, Way::Reset, MORE));
    mount(&mut trials, suite, "a-fin-with-the-request", |_| true, |row| leaves(row, Way::AtOnce, ""));
    mount(&mut trials, suite, "who-ends-its-side-is-reassured-once", |_| true, reassured);
    mount(&mut trials, suite, "a-fin-over-the-channel", |_| true, |row| sealed(row, Way::Close, CHANNEL));
    mount(&mut trials, suite, "a-reset-over-the-channel", |_| true, |row| sealed(row, Way::Reset, CHANNEL));
    mount(&mut trials, suite, "a-fin-over-tls", |_| true, |row| sealed(row, Way::Close, TLS));
    mount(&mut trials, suite, "a-reset-over-tls", |_| true, |row| sealed(row, Way::Reset, TLS));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// What stands behind the request that waits.
const MORE: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Close,
    Reset,
    /// With a FIN that follows the request.
    AtOnce,
}

fn leaves(row: &Row, way: Way, more: &str) -> Outcome {
    let server = Server::start(row)?;
    get_once(server.address, "/")?;
    sleep(UNDERWAY);
    let before = sockets(server.pid);
    let mut clients = Vec::new();
    for _ in 0..row.clients(CLIENTS) {
        let mut client = Client::connect(server.address)?;
        client.send(get(WAIT));
        if way == Way::AtOnce {
            client.shut_write();
        }
        clients.push(client);
    }
    let wanted = before + clients.len();
    let waited = wait_until(ANSWER, || sockets(server.pid) >= wanted);
    ensure(waited.is_some(), || format!("{} sockets, {before} before", sockets(server.pid)))?;
    sleep(UNDERWAY);
    for mut client in clients {
        client.send(more);
        if !more.is_empty() {
            sleep(UNDERWAY / 10);
        }
        match way {
            Way::Close | Way::AtOnce => drop(client),
            Way::Reset => client.reset()?,
        }
    }
    let released = wait_until(SOON, || sockets(server.pid) <= before);
    ensure(released.is_some(), || format!("{} sockets, {before} before", sockets(server.pid)))?;
    // Nobody's place is lost.
    let status = get_once(server.address, "/")?.status;
    ensure(status == 200, || format!("the next client got {status}"))?;
    server.stop_well()?;
    Ok(())
}

/// The same behind a transport, whether the client says goodbye in its records or not.
fn sealed(row: &Row, way: Way, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let before = sockets(server.pid);
    for says_goodbye in [false, true] {
        let mut client = Secure::connect(&server, transport, friends())?;
        client.send(get(WAIT))?;
        let waited = wait_until(ANSWER, || sockets(server.pid) > before);
        ensure(waited.is_some(), || format!("{} sockets, {before} before", sockets(server.pid)))?;
        sleep(UNDERWAY);
        if says_goodbye {
            client.say_goodbye()?;
        }
        match way {
            Way::Close | Way::AtOnce => drop(client),
            Way::Reset => client.client.reset()?,
        }
        let released = wait_until(SOON, || sockets(server.pid) <= before);
        ensure(released.is_some(), || {
            format!("goodbye {says_goodbye}: {} sockets, {before} before", sockets(server.pid))
        })?;
    }
    server.stop_well()?;
    Ok(())
}

/// One that has ended its side is told that its request is worked on, if its version of HTTP knows interim answers, and
/// then it is answered.
fn reassured(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    for version in ["1.1", "1.0"] {
        for is_late in [false, true] {
            let mut client = Client::connect(server.address)?;
            client.send(format!("GET /wait/700000 HTTP/{version}\r\nHost: a\r\n\r\n"));
            if is_late {
                sleep(UNDERWAY);
            }
            client.shut_write();
            let mut answers = Vec::new();
            while let Some(answer) = client.response_by("GET", Instant::now() + ANSWER)? {
                answers.push(answer.status);
            }
            let wanted: &[u16] = if version == "1.1" { &[100, 200] } else { &[200] };
            ensure(answers == wanted, || format!("HTTP/{version}, late {is_late}: {answers:?}"))?;
        }
    }
    server.stop_well()?;
    Ok(())
}
