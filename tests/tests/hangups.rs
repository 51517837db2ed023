//! Clients that hang up: at random moments, in every way there is, while others are served. What the others get is
//! right to the last octet, and the server ends with nothing lost.
//!
//! Under AddressSanitizer (`.ci/run addresses`) the same suite looks for memory that is used after the connection that
//! owned it has gone.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dyno_tests::limits::AT_ONCE;
use dyno_tests::noise::Noise;
use dyno_tests::process::{descriptors, threads, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::{Client, get};
use libtest_mimic::Trial;

/// Clients at a time; those that hang up among them. Fewer than the workers of any pool, so that none waits for one.
const CLIENTS: usize = 8;

/// How long a client that hangs up reads before: some of an answer, or none.
const READS: Duration = Duration::from_millis(3);

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    mount(&mut trials, "hangups", "at-random-150", everybody, |row| at_random(row, 150));
    mount_slow(&mut trials, "hangups", "at-random-5000", everybody, |row| at_random(row, 5_000));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// What a client sends before it hangs up.
fn beginning(noise: &mut Noise) -> String {
    let upload = |announced: usize, sent: usize| {
        let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n\r\n");
        head + &"x".repeat(sent)
    };
    match noise.below(8) {
        0 => String::new(),
        1 => get("/")[..1 + noise.below(20)].to_owned(),
        2 => get("/").repeat(1 + noise.below(30)),
        3 => get(&format!("/bytes/{}", noise.below(5_000_000))),
        4 => get(&format!("/wait/{}", noise.below(20_000))),
        5 => get("/mix"),
        6 => upload(100_000, noise.below(100_000)),
        _ => upload(50_000, 50_000),
    }
}

/// Four ways to go.
fn hang_up(client: Client, noise: &mut Noise) -> Result<(), String> {
    match noise.below(4) {
        0 => client.reset().map_err(|error| format!("cannot reset: {error}"))?,
        1 => client.shut_write(),
        _ => {}
    }
    Ok(())
}

fn at_random(row: &Row, steps: u64) -> Outcome {
    let server = Server::start_with(&row.arguments, None)?;
    let connect = || Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"));
    let body = octets(60_000);
    let upload =
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let honest = |step: u64| -> Result<(), String> {
        let mut client = connect()?;
        client.send(&upload);
        let echoed = client.response("POST").map_err(|error| format!("step {step}: {error}"))?;
        if echoed.body != body.as_bytes() {
            return Err(format!("step {step}: the echo is another, {} octets", echoed.body.len()));
        }
        Ok(())
    };
    honest(0)?;
    let before = || [threads(server.pid), descriptors(server.pid)];
    let at_rest = before();
    let mut noise = Noise::new(steps);
    let mut waiting: Vec<Client> = Vec::new();
    for step in 1..=steps {
        if waiting.len() < row.clients(CLIENTS) {
            let mut client = connect()?;
            client.push(beginning(&mut noise).as_bytes());
            waiting.push(client);
        }
        if noise.below(2) == 0 || waiting.len() == row.clients(CLIENTS) {
            let mut client = waiting.swap_remove(noise.below(waiting.len()));
            if noise.below(2) == 0 {
                client.receive(Instant::now() + READS);
            }
            hang_up(client, &mut noise)?;
        }
        if step % 16 == 0 {
            // A design that serves one connection at a time has no other to serve meanwhile.
            waiting.truncate(row.clients(CLIENTS) - 1);
            honest(step)?;
        }
    }
    drop(waiting);
    honest(steps)?;
    let rest = wait_until(AT_ONCE * 5, || before().iter().zip(at_rest).all(|(now, then)| *now <= then));
    ensure(rest.is_some(), || format!("threads, descriptors: {at_rest:?} before, {:?} after", before()))?;
    let account = server.stop_well()?.total;
    ensure(account.faults == 0, || format!("{account:?}"))
}

/// Octets in which no two places look alike, so that a shift shows.
fn octets(count: usize) -> String {
    let mut text: String = (0..count / 6).map(|number| format!("{number:05} ")).collect();
    text.truncate(count);
    text
}
