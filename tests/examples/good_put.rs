//! What slow clients leave of the good-put of a server: the rate of honest clients while many slow ones stay, beside
//! their rate while the same slow clients stay at another server, which takes as much of the machine.
//!
//! ```text
//! cargo build --release -p dyno-bench --bin dyno
//! cargo run --release -p dyno-tests --example good_put -- target/release/dyno
//!     [--clients 200] [--repeats 5] [--kinds head,body,reader] [NAME...]
//! ```
//!
//! For each architecture and each kind of slow client it prints the median of the ratios with the least and the largest
//! of them, and for how many of the looks, one each 100 ms, a new client got no answer within a second. It is a
//! measurement and no test: it wants a machine of its own. Pools and processes should keep a half, loops and tasks four
//! fifths.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use dyno_tests::attack::{Attack, Slow};
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{program, use_program};
use dyno_tests::wire::{Client, get_and_close};

/// Between the last slow client and the measurement.
const SETTLES: Duration = Duration::from_millis(500);

/// Within this an honest client must be answered, or the server is not available to it.
const AVAILABLE: Duration = Duration::from_secs(1);

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(100);

type Failure = Box<dyn std::error::Error>;

struct Options {
    clients: usize,
    repeats: usize,
    kinds: Vec<(String, Slow)>,
    rows: Vec<Row>,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    println!(
        "{:<24}{:<8}{:>9}{:>20}{:>14}",
        "architecture", "slow", "ratio", "least..largest", "unavailable"
    );
    for row in &options.rows {
        for (name, kind) in &options.kinds {
            let (mut ratios, mut looks, mut missed) = (Vec::new(), 0, 0);
            let attacked = Server::start(row)?;
            let other = Server::start(row)?;
            for round in 0..options.repeats {
                let mut rate = |target: &Server, counts: bool| -> Result<f64, Failure> {
                    let _attack = Attack::begin(target.address, std::slice::from_ref(kind), options.clients)?;
                    sleep(SETTLES);
                    let measured = measure(&attacked)?;
                    if counts {
                        (looks, missed) = (looks + measured.looks, missed + measured.missed);
                    }
                    Ok(measured.rate_per_s)
                };
                // Whatever changes with time hits both in turn.
                let (under, beside) = if round % 2 == 0 {
                    let under = rate(&attacked, true)?;
                    (under, rate(&other, false)?)
                } else {
                    let beside = rate(&other, false)?;
                    (rate(&attacked, true)?, beside)
                };
                ratios.push(under / beside.max(1e-9));
            }
            ratios.sort_by(f64::total_cmp);
            let range = format!("{:.2}..{:.2}", ratios[0], ratios[ratios.len() - 1]);
            let unavailable = format!("{missed} of {looks}");
            println!(
                "{:<24}{name:<8}{:>9.2}{range:>20}{unavailable:>14}",
                row.name,
                ratios[ratios.len() / 2]
            );
        }
    }
    Ok(())
}

fn options() -> Result<Options, Failure> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("the first argument is the program, such as target/release/dyno")?;
    use_program(Box::leak(PathBuf::from(path).into_boxed_path()));
    let (mut clients, mut repeats, mut kinds, mut names) =
        (200, 5, "head,body,reader".to_owned(), Vec::new());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--clients" => clients = value()?.parse()?,
            "--repeats" => repeats = value()?.parse::<usize>()?.max(1),
            "--kinds" => kinds = value()?,
            _ => names.push(argument),
        }
    }
    let kind = |name: &str| match name {
        "head" => Ok((name.to_owned(), Slow::Head)),
        "body" => Ok((name.to_owned(), Slow::Body)),
        "reader" => Ok((name.to_owned(), Slow::Reader)),
        other => Err(format!("there is no kind {other}: head, body, reader")),
    };
    let kinds = kinds.split(',').map(kind).collect::<Result<_, _>>()?;
    let is_named = |row: &Row| names.is_empty() || names.contains(&row.name);
    Ok(Options { clients, repeats, kinds, rows: rows().into_iter().filter(is_named).collect() })
}

struct Measured {
    rate_per_s: f64,
    looks: u32,
    missed: u32,
}

/// The rate of honest clients, by `dyno load`, and how many looks of a new client found nobody.
fn measure(server: &Server) -> Result<Measured, Failure> {
    let (address, is_over) = (server.address, AtomicBool::new(false));
    scope(|threads| {
        let looks = threads.spawn(|| {
            let (mut looks, mut missed) = (0, 0);
            while !is_over.load(Relaxed) {
                let due = Instant::now() + LOOK;
                let answer = Client::connect(address).ok().and_then(|mut client| {
                    client.send(get_and_close("/"));
                    client.response_by("GET", Instant::now() + AVAILABLE).ok().flatten()
                });
                looks += 1;
                missed += u32::from(answer.is_none_or(|response| response.status != 200));
                sleep(due.saturating_duration_since(Instant::now()));
            }
            (looks, missed)
        });
        let output = Command::new(program())
            .args(["load", &format!("http://{address}/"), "-c", "16", "-w", "0", "-d", "1s", "-q"])
            .args(["--format", "json", "--timeout", "3s"])
            .output();
        is_over.store(true, Relaxed);
        let (looks, missed) = looks.join().map_err(|_| "a look has failed")?;
        let outcome: serde_json::Value = serde_json::from_slice(&output?.stdout)?;
        let rate_per_s = outcome["rates"]["achieved_per_s"].as_f64().unwrap_or(0.0);
        Ok(Measured { rate_per_s, looks, missed })
    })
}
