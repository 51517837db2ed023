//! What a request costs the server, beside peers:
//! `cargo build --release && cargo run --release -p dyno-bench --example server_cost [BLOCKS [NAME...]]`.
//!
//! Each server answers 64 keep-alive connections on core 0 while wrk asks from core 1. What is compared is CPU time of
//! the server per request, because wrk is the bottleneck in front of the faster ones. A shared machine changes its pace
//! from one second to the next, so a pair is measured in blocks of four slices of a second, ours, peer, peer, ours: a
//! drift that is even over a block cancels out of its ratio. The median of the ratios is printed, with the 95 %
//! interval of a sign test. nginx takes part when it is installed; the bare loops (`bare.rs`) always do.

mod bare;
mod contestant;

use std::collections::BTreeMap;
use std::process::{Command, ExitCode};

use contestant::{Contestant, Start};

/// Blocks of each pair unless the first argument says otherwise.
const BLOCKS: usize = 15;

/// A block in which the hypervisor took more than this share of the processors' time is measured again: with strangers
/// come and go their claims on caches, which CPU time does not show.
const STEAL_MAX: f64 = 0.03;

/// One comparison: us, the peer, and the ratio that is aimed at.
struct Pair {
    ours: &'static str,
    peer: &'static str,
    aim: f64,
}

const PAIRS: [Pair; 6] = [
    Pair { ours: "epoll", peer: "nginx", aim: 0.88 },
    Pair { ours: "epoll", peer: "bare-epoll", aim: 1.10 },
    Pair { ours: "io-uring", peer: "nginx", aim: 0.85 },
    Pair { ours: "thread-per-connection", peer: "bare-threads", aim: 1.10 },
    Pair { ours: "thread-pool", peer: "bare-pool", aim: 1.10 },
    Pair { ours: "hyper", peer: "epoll", aim: f64::INFINITY },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, shape] = &arguments[..]
        && flag == "--bare"
    {
        return bare::serve(shape);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            eprintln!("server_cost: {trouble}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let (blocks, only) = match arguments.split_first() {
        Some((blocks, only)) => {
            (blocks.parse().map_err(|_| format!("{blocks}: not a number of blocks"))?, only)
        }
        None => (BLOCKS, arguments),
    };
    if Command::new("wrk").arg("-v").output().is_err() {
        return Err("wrk is not installed (Debian package wrk)".into());
    }
    let contestants = contestant::all()?;
    let mut costs_us: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    println!("{:<22} {:<14} {:>6}   {:<14} {:<8}", "ours", "peer", "ratio", "95 % interval", "aim");
    for Pair { ours, peer, aim } in PAIRS {
        if !only.is_empty() && !only.iter().any(|name| name == ours) {
            continue;
        }
        let (Some(our_server), Some(peer_server)) = (start(&contestants, ours)?, start(&contestants, peer)?)
        else {
            println!("{ours:<22} {peer:<14} is not installed");
            continue;
        };
        let mut ratios = Vec::new();
        let mut disturbed = 0;
        while ratios.len() < blocks {
            let before = steal()?;
            let first = slice_us(&our_server)?;
            let second = slice_us(&peer_server)?;
            let third = slice_us(&peer_server)?;
            let fourth = slice_us(&our_server)?;
            let after = steal()?;
            if (after.stolen - before.stolen) > STEAL_MAX * (after.total - before.total) {
                disturbed += 1;
                if disturbed > 3 * blocks {
                    return Err(format!(
                        "{disturbed} blocks disturbed: this machine is too busy to measure on"
                    ));
                }
                continue;
            }
            ratios.push((first + fourth) / (second + third));
            costs_us.entry(ours).or_default().extend([first, fourth]);
            costs_us.entry(peer).or_default().extend([second, third]);
        }
        ratios.sort_by(f64::total_cmp);
        let (low, high) = sign_interval(&ratios);
        let aim = if aim.is_finite() { format!("<= {aim:.2}") } else { String::new() };
        let interval = format!("{low:.3} to {high:.3}");
        let left_out =
            if disturbed > 0 { format!("{disturbed} disturbed blocks left out") } else { String::new() };
        println!("{ours:<22} {peer:<14} {:>6.3}   {interval:<14} {aim:<8} {left_out}", median(&ratios));
    }
    println!(
        "\n{:<22} {:>8} {:>8}   us of CPU per request, over {blocks} blocks a pair",
        "server", "median", "least"
    );
    for (name, costs_us) in &mut costs_us {
        costs_us.sort_by(f64::total_cmp);
        println!("{name:<22} {:>8.2} {:>8.2}", median(costs_us), costs_us[0]);
    }
    Ok(())
}

/// Starts the server of that name and warms it; none when this machine does not have it.
fn start(contestants: &[Contestant], name: &str) -> Result<Option<Start>, String> {
    let Some(contestant) = contestants.iter().find(|contestant| contestant.name == name) else {
        return Ok(None);
    };
    let server = Start::now(contestant)?;
    slice_us(&server)?;
    Ok(Some(server))
}

/// One second of load; the CPU time of the server per request, in microseconds.
fn slice_us(server: &Start) -> Result<f64, String> {
    let before_us = server.cpu_us();
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", "-c64", "-d1s"])
        .arg(format!("http://{}/", server.address))
        .output()
        .map_err(|error| format!("wrk: {error}"))?;
    let spent_us = server.cpu_us() - before_us;
    let text = String::from_utf8_lossy(&output.stdout);
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        return Err(format!("{}: {text}", server.address));
    }
    let line = text.lines().find(|line| line.contains("requests in")).ok_or("wrk says nothing")?;
    let requests: f64 =
        line.split_whitespace().next().and_then(|n| n.parse().ok()).ok_or("wrk says nothing")?;
    Ok(spent_us / requests)
}

/// Processor time of the whole machine since its start, in ticks (proc(5), /proc/stat).
struct Steal {
    stolen: f64,
    total: f64,
}

fn steal() -> Result<Steal, String> {
    let stat = std::fs::read_to_string("/proc/stat").map_err(|error| format!("/proc/stat: {error}"))?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect();
    let stolen = ticks.get(7).copied().ok_or("/proc/stat tells no steal time")?;
    Ok(Steal { stolen, total: ticks.iter().take(8).sum() })
}

/// The median of values in order.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

/// The order statistics that hold the median with at least 95 % (the sign test; Conover, Practical Nonparametric
/// Statistics, 3.2), of values in order; with fewer than six values the whole range, which holds it with less.
fn sign_interval(sorted: &[f64]) -> (f64, f64) {
    let count = sorted.len();
    let mut outside = 0.0;
    let mut term = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let mut rank = 0;
    while rank < count / 2 && outside + term <= 0.025 {
        outside += term;
        term *= (count - rank) as f64 / (rank + 1) as f64;
        rank += 1;
    }
    let rank = rank.saturating_sub(1);
    (sorted[rank], sorted[count - 1 - rank])
}
