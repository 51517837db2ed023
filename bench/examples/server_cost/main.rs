//! What a request costs the server, beside peers: `cargo run --release -p dyno-bench --example server_cost`.
//!
//! Each contestant serves 64 keep-alive connections on core 0 while wrk asks from core 1. Rounds are interleaved, the order
//! within a round changes, each run has a fresh server process, and what is compared is CPU time of the server per
//! request, because wrk is the bottleneck in front of the faster ones. Ratios are taken within a round; their median is
//! printed. nginx and wrk take part when they are installed; the bare loops (`bare.rs`) always do.

mod bare;
mod contestant;

use std::process::{Command, ExitCode};

use contestant::{Contestant, Start};

const ROUNDS: usize = 5;
const SECONDS: u32 = 3;

/// Us, the peer, and the ratio that is aimed at.
const PAIRS: [(&str, &str, f64); 6] = [
    ("epoll", "nginx", 0.88),
    ("epoll", "bare-epoll", 1.10),
    ("io-uring", "nginx", 0.85),
    ("thread-per-connection", "bare-threads", 1.10),
    ("thread-pool", "bare-pool", 1.10),
    ("hyper", "epoll", f64::INFINITY),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, shape] = &arguments[..]
        && flag == "--bare"
    {
        return bare::serve(shape);
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("server_cost: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    if Command::new("wrk").arg("-v").output().is_err() {
        return Err("wrk is not installed (Debian package wrk)".into());
    }
    let contestants = contestant::all()?;
    let mut costs_us = vec![Vec::new(); contestants.len()];
    for round in 0..ROUNDS {
        for step in 0..contestants.len() {
            // A different order in each round, so that nobody always follows the same neighbour.
            let index = (step * 7 + round * 3) % contestants.len();
            let cost_us = measure(&contestants[index])?;
            eprintln!(
                "round {}: {:<24} {cost_us:>6.2} us of CPU per request",
                round + 1,
                contestants[index].name
            );
            costs_us[index].push(cost_us);
        }
    }
    println!("\n{:<24} {:>10}   (median of {ROUNDS} rounds)", "server", "us/request");
    for (contestant, costs_us) in contestants.iter().zip(&costs_us) {
        println!("{:<24} {:>10.2}", contestant.name, median(costs_us.clone()));
    }
    println!("\n{:<24} {:<16} {:>6} {:>8} {:>8}", "ours", "peer", "ratio", "least", "most");
    for (ours, peer, aim) in PAIRS {
        let place = |name| contestants.iter().position(|contestant| contestant.name == name);
        let (Some(ours_at), Some(peer_at)) = (place(ours), place(peer)) else {
            println!("{ours:<24} {peer:<16} not here");
            continue;
        };
        let mut ratios: Vec<f64> =
            costs_us[ours_at].iter().zip(&costs_us[peer_at]).map(|(o, p)| o / p).collect();
        ratios.sort_by(f64::total_cmp);
        let ratio = median(ratios.clone());
        let aim = if aim.is_finite() { format!("aim at most {aim:.2}") } else { String::new() };
        println!(
            "{ours:<24} {peer:<16} {ratio:>6.2} {:>8.2} {:>8.2}   {aim}",
            ratios[0],
            ratios[ratios.len() - 1]
        );
    }
    Ok(())
}

/// Runs one server under load and returns its CPU time per request, in microseconds.
fn measure(contestant: &Contestant) -> Result<f64, String> {
    let server = Start::now(contestant)?;
    let wrk = |seconds: u32| {
        let mut wrk = Command::new("taskset");
        wrk.args(["-c", "1", "wrk", "-t1", "-c64", &format!("-d{seconds}s")]);
        wrk.arg(format!("http://{}/", server.address));
        wrk.output().map_err(|error| format!("wrk: {error}"))
    };
    wrk(1)?;
    let before = server.cpu_us();
    let output = wrk(SECONDS)?;
    let spent_us = server.cpu_us() - before;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        return Err(format!("{}: {text}", contestant.name));
    }
    let line = text.lines().find(|line| line.contains("requests in")).ok_or("wrk says nothing")?;
    let requests: f64 =
        line.split_whitespace().next().and_then(|n| n.parse().ok()).ok_or("wrk says nothing")?;
    Ok(spent_us / requests)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
