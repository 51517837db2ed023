//! The price of a request in Dyno's generator against wrk's: both pinned to one core, the same fast server pinned to
//! another, in turns, so that the machine's moods hit both alike. Prints each pair and the ratios' medians.
//!
//! `cargo run --release -p dyno-bench --example load_versus_wrk [ROUNDS] [SECONDS]`, after
//! `cargo build --release -p dyno-bench --bins --examples`. Needs wrk and taskset, and two cores.

use std::io::{BufRead, BufReader, Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const CONNECTIONS: &str = "64";

/// Ends the server when the comparison does, however it does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[derive(Debug, Clone, Copy)]
struct Price {
    requests_per_s: f64,
    cpu_us_per_request: f64,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().and_then(|a| a.parse().ok()).unwrap_or(default);
    let (rounds, seconds) = (number(5), number(4));
    let here = std::env::current_exe()?;
    let examples = here.parent().map(Path::to_path_buf).unwrap_or_default();
    let dyno = examples.parent().map(|d| d.join("dyno")).unwrap_or_default();
    let (_server, url) = start(&examples.join("canned_epoll"))?;
    println!(
        "{rounds} rounds of {seconds} s, {CONNECTIONS} connections, generator on CPU 1, server on CPU 0"
    );
    println!(
        "{:>5} {:>12} {:>12} {:>7} {:>11} {:>11} {:>7}",
        "round", "wrk req/s", "dyno req/s", "ratio", "wrk us/req", "dyno us/req", "ratio"
    );
    let (mut speed, mut cost) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who goes first changes from round to round.
        let (wrk, own) = if round % 2 == 0 {
            let wrk = run_wrk(&url, seconds)?;
            (wrk, run_dyno(&dyno, &url, seconds)?)
        } else {
            let own = run_dyno(&dyno, &url, seconds)?;
            (run_wrk(&url, seconds)?, own)
        };
        speed.push(own.requests_per_s / wrk.requests_per_s);
        cost.push(own.cpu_us_per_request / wrk.cpu_us_per_request);
        println!(
            "{:>5} {:>12.0} {:>12.0} {:>7.3} {:>11.3} {:>11.3} {:>7.3}",
            round + 1,
            wrk.requests_per_s,
            own.requests_per_s,
            own.requests_per_s / wrk.requests_per_s,
            wrk.cpu_us_per_request,
            own.cpu_us_per_request,
            own.cpu_us_per_request / wrk.cpu_us_per_request
        );
    }
    println!("median: requests per second {:.3} of wrk's (goal: at least 1.2)", median(&mut speed));
    println!("median: CPU per request     {:.3} of wrk's (goal: at most 0.8)", median(&mut cost));
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn start(program: &Path) -> Result<(Server, String)> {
    let mut command = pinned("0", program);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().ok_or_else(|| Error::other("no standard output"))?;
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let ready: serde_json::Value = serde_json::from_str(&line)?;
    let address = ready["address"].as_str().ok_or_else(|| Error::other(format!("no ready line: {line}")))?;
    Ok((server, format!("http://{address}/")))
}

fn pinned(cpu: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cpu]).arg(program);
    command
}

/// CPU time of the children that have ended, ns: getrusage(2).
fn children_cpu_us() -> Result<f64> {
    use nix::sys::time::TimeValLike;
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN)?;
    Ok((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64)
}

fn run_wrk(url: &str, seconds: u32) -> Result<Price> {
    let before = children_cpu_us()?;
    let output = pinned("1", &PathBuf::from("wrk"))
        .args(["-t1", "-c", CONNECTIONS, "-d", &format!("{seconds}s"), url])
        .output()?;
    let cpu_us = children_cpu_us()? - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let requests: f64 = text
        .lines()
        .find_map(|l| l.trim().split_once(" requests in ")?.0.parse().ok())
        .ok_or_else(|| Error::other(format!("wrk says: {text}")))?;
    let per_s: f64 = text
        .lines()
        .find_map(|l| l.strip_prefix("Requests/sec:")?.trim().parse().ok())
        .ok_or_else(|| Error::other(format!("wrk says: {text}")))?;
    Ok(Price { requests_per_s: per_s, cpu_us_per_request: cpu_us / requests })
}

/// Everything on: both histograms, the split, the check of each body. The price is that of the whole process, from its
/// start to its end, as for wrk; there is no warm-up.
fn run_dyno(dyno: &Path, url: &str, seconds: u32) -> Result<Price> {
    let before = children_cpu_us()?;
    let output = pinned("1", dyno)
        .args([
            "load",
            url,
            "--expect",
            "service",
            "--warmup",
            "0",
            "--connections",
            CONNECTIONS,
            "--format",
            "json",
        ])
        .args(["--duration", &format!("{seconds}s")])
        .output()?;
    let cpu_us = children_cpu_us()? - before;
    let outcome: dyno_clients::outcome::Outcome = serde_json::from_slice(&output.stdout)?;
    if outcome.counts.failed > 0 || outcome.latency.total.count != outcome.counts.completed {
        return Err(Error::other(format!("{} requests failed", outcome.counts.failed)));
    }
    Ok(Price {
        requests_per_s: outcome.rates.achieved_per_s,
        cpu_us_per_request: cpu_us / outcome.counts.completed as f64,
    })
}
