//! Overload control, on every architecture: of a burst that no server can answer in time some requests are refused,
//! with a 503 that asks the client to come back, and those that are served are served right; and whoever comes alone is
//! never refused, nor whoever connects long before he asks.

use std::io;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_servers::admission::Control;
use dyno_servers::architecture::Knob;
use dyno_servers::limits::ADMISSION_PLACES;
use dyno_tests::limits::STOP;
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, quick};
use dyno_tests::wire::{Client, get, get_and_close};
use nix::sys::signal::Signal;
use nix::time::ClockId;

/// Clients of the burst: more than twice what any control lets wait.
const CLIENTS: usize = 120;

/// What each of them asks for: work of some milliseconds, as servers under test count it.
const WORK: &str = "/compute/100000";
const DONE: &str = "computed 100000 us\n";

/// How often each is tried. A machine that does other work may keep a server from its core for as long as a control
/// lets requests wait, or give it a pause in which whoever comes next has waited for nobody; a control that is wrong is
/// so every time.
const TRIES: usize = 3;

/// For how long a server is asked before, so that it knows what a service takes.
const BEFORE: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for row in rows() {
        for control in Control::ALL {
            let (burst, alone, late) = (row.clone(), row.clone(), row.clone());
            let name = format!("{}::{}", row.name, control.name());
            trials.push(quick(format!("admission::burst::{name}"), move || {
                tried(|| of_a_burst(&burst, control))
            }));
            trials.push(quick(format!("admission::alone::{name}"), move || {
                tried(|| alone_is_served(&alone, control))
            }));
            trials.push(quick(format!("admission::late::{name}"), move || {
                tried(|| late_ones_are_served(&late, control))
            }));
        }
    }
    for row in rows().into_iter().filter(|row| row.reads(Knob::Tower)) {
        let name = format!("admission::tower::{}", row.name);
        trials.push(quick(name, move || tower_counts_those_under_way(&row)));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// The first outcome that is right, or the last.
fn tried(run: impl Fn() -> Outcome) -> Outcome {
    (1..TRIES).map(|_| run()).find(Result::is_ok).unwrap_or_else(run)
}

fn start(row: &Row, more: &[&'static str], control: Control) -> Result<Server, String> {
    let mut arguments = row.with(&["--admission", control.name()]);
    arguments.extend(more);
    Server::start_with(&arguments, None)
}

fn of_a_burst(row: &Row, control: Control) -> Outcome {
    let server = start(row, &[], control)?;
    let since = Instant::now();
    let mut before = 0;
    while since.elapsed() < BEFORE {
        let answer = Client::connect(server.address)?.get(WORK)?;
        ensure(answer.status == 200, || format!("alone, and {}", answer.status))?;
        before += 1;
    }
    // Each asks as soon as it is connected: whoever is silent while others wait may lose its connection.
    let ask = |_| {
        let mut client = Client::connect(server.address)?;
        client.push(get(WORK).as_bytes());
        Ok(client)
    };
    let mut clients = (0..CLIENTS).map(ask).collect::<io::Result<Vec<_>>>()?;
    let (mut served, mut refused) = (0, 0);
    for client in &mut clients {
        let answer = client.response("GET")?;
        match answer.status {
            200 => {
                ensure(answer.body == DONE.as_bytes(), || format!("{answer:?}"))?;
                served += 1;
            }
            503 => {
                let says = answer.field("Retry-After").and_then(|value| value.parse::<u32>().ok());
                ensure(says.is_some_and(|seconds| seconds > 0), || format!("{answer:?}"))?;
                refused += 1;
            }
            _ => ensure(false, || format!("{answer:?}"))?,
        }
    }
    drop(clients);
    ensure(served > 0 && refused > 0, || format!("{served} served, {refused} refused"))?;
    server.signal(Signal::SIGTERM);
    let total = server.wait(STOP)?.tallies.ok_or("no account")?.total;
    ensure(total.refused == refused && total.requests == before + served, || {
        format!("{served} of {} served, {refused} refused, and the account says {total:?}", before + served)
    })
}

/// Also one who says of each request that it has been due for long.
fn alone_is_served(row: &Row, control: Control) -> Outcome {
    for age in ["accept", "receive", "due"] {
        let server = start(row, &["--admission-age", age], control)?;
        let mut client = Client::connect(server.address)?;
        for path in ["/", "/compute/5000", "/"].repeat(8) {
            let now = Duration::from(ClockId::CLOCK_MONOTONIC.now()?);
            let due = now.saturating_sub(Duration::from_secs(1)).as_nanos();
            client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nDyno-Due: {due}\r\n\r\n"));
            let answer = client.response("GET")?;
            ensure(answer.status == 200, || format!("{age}, {path}: {answer:?}"))?;
            // No event tells that a server has come to rest.
            sleep(Duration::from_millis(if age == "due" { 25 } else { 3 }));
        }
    }
    Ok(())
}

/// Clients that connect at once and ask one after the other, each when the one before it has its answer: none of them
/// has waited for anybody.
fn late_ones_are_served(row: &Row, control: Control) -> Outcome {
    let start = |age| start(row, &["--admission-age", age], control);
    let servers = [start("accept")?, start("receive")?];
    // While others wait it does not wait for one that is silent, as its chapter says.
    let clients = if row.name == "iterative" { 1 } else { CLIENTS };
    let connect = |server: &Server| (0..clients).map(|_| Client::connect(server.address)).collect();
    let all = servers.iter().map(connect).collect::<Result<Vec<Vec<Client>>, _>>()?;
    // They take longer than any control lets a request wait.
    sleep(BEFORE);
    for (place, mut client) in all.into_iter().flatten().enumerate() {
        client.send(get_and_close("/"));
        let answer = client.response("GET")?;
        ensure(answer.status == 200, || format!("client {place}: {answer:?}"))?;
    }
    Ok(())
}

/// The limit that stands beside Dyno's own as a foil: of clients that wait at once, so many wait and the others are
/// sent away, with a body as well; and nobody is sent away while few are there.
fn tower_counts_those_under_way(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--admission", "tower"]), None)?;
    let connect = |_| Client::connect(server.address);
    let mut clients = (0..CLIENTS).map(connect).collect::<Result<Vec<_>, _>>()?;
    for (place, client) in clients.iter_mut().enumerate() {
        let (field, body) = if place % 2 == 0 { ("", "") } else { ("Content-Length: 3\r\n", "abc") };
        client.push(format!("GET /wait/400000 HTTP/1.1\r\nHost: a\r\n{field}\r\n{body}").as_bytes());
    }
    let mut refused = 0;
    for client in &mut clients {
        let answer = client.response("GET")?;
        if answer.status == 503 {
            ensure(answer.field("Retry-After").is_some(), || format!("{answer:?}"))?;
            refused += 1;
        }
    }
    ensure(refused == CLIENTS - ADMISSION_PLACES as usize, || format!("{refused} of {CLIENTS} refused"))?;
    let answer = Client::connect(server.address)?.get("/")?;
    ensure(answer.status == 200, || format!("alone: {answer:?}"))
}
