//! The price of a request in Dyno's generator against wrk's: both pinned to one core, the same fast server pinned to
//! another, in short turns. The server never sleeps, so that neither generator pays for waking it up.
//!
//! Machines have moods, above all virtual ones. So a round is four short slices in the order wrk, Dyno, Dyno, wrk (the
//! next round the other way about): whatever drifts evenly hits both alike, and only ratios within a round are used.
//! Told are their medians, with the quartiles beside them. CPU time is that of the whole process from its start to its
//! end, in ns by its CPU clock (clock_getcpuclockid(3)), start-up included; there is no warm-up.
//!
//! `cargo run --release -p dyno-bench --example load_versus_wrk [ROUNDS] [SECONDS]`, after
//! `cargo build --release -p dyno-bench --bins --examples`. Needs wrk and taskset, and two cores.

use std::io::{BufRead, BufReader, Error, Read, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::time::ClockId;
use nix::unistd::Pid;

const CONNECTIONS: &str = "64";

/// Ends the server when the comparison does, however it does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a slice gave.
#[derive(Debug, Clone, Copy, Default)]
struct Price {
    requests_per_s: f64,
    cpu_ns_per_request: f64,
}

impl Price {
    /// The mean of two slices.
    fn mean(a: Price, b: Price) -> Price {
        Price {
            requests_per_s: (a.requests_per_s + b.requests_per_s) / 2.0,
            cpu_ns_per_request: (a.cpu_ns_per_request + b.cpu_ns_per_request) / 2.0,
        }
    }
}

/// Where the programs are.
struct Stage {
    dyno: PathBuf,
    url: String,
    seconds: u32,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().and_then(|a| a.parse().ok()).unwrap_or(default);
    let (rounds, seconds) = (number(15), number(1));
    let here = std::env::current_exe()?;
    let examples = here.parent().map(Path::to_path_buf).unwrap_or_default();
    let (_server, url) = start(&examples.join("canned_epoll"))?;
    let dyno = examples.parent().map(|d| d.join("dyno")).unwrap_or_default();
    let stage = Stage { dyno, url, seconds };
    println!(
        "{rounds} rounds of 4 slices of {seconds} s, {CONNECTIONS} connections, generator on CPU 1, server on CPU 0"
    );
    // Both generators and the server have the kernel's choice.
    let congestion = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control")?;
    println!("congestion control of all sockets: {}\n", congestion.trim());
    println!("{:>5}  {:^27}  {:^27}", "", "requests/s", "CPU ns/request");
    println!(
        "{:>5}  {:>9} {:>9} {:>7}  {:>9} {:>9} {:>7}",
        "round", "wrk", "dyno", "ratio", "wrk", "dyno", "ratio"
    );
    let (mut speed, mut cost) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (wrk, own) = stage.round(round % 2 == 0)?;
        let ratios =
            (own.requests_per_s / wrk.requests_per_s, own.cpu_ns_per_request / wrk.cpu_ns_per_request);
        println!(
            "{:>5}  {:>9.0} {:>9.0} {:>7.3}  {:>9.0} {:>9.0} {:>7.3}",
            round + 1,
            wrk.requests_per_s,
            own.requests_per_s,
            ratios.0,
            wrk.cpu_ns_per_request,
            own.cpu_ns_per_request,
            ratios.1,
        );
        speed.push(ratios.0);
        cost.push(ratios.1);
    }
    println!("\nrequests per second: {} of wrk's (goal: at least 1.2)", quartiles(&mut speed));
    println!("CPU per request:     {} of wrk's (goal: at most 0.8)", quartiles(&mut cost));
    Ok(())
}

/// Median, and lower and upper quartile.
fn quartiles(values: &mut [f64]) -> String {
    values.sort_by(f64::total_cmp);
    let at = |q: f64| values[((values.len() - 1) as f64 * q).round() as usize];
    format!("median {:.3}, quartiles {:.3} to {:.3}", at(0.5), at(0.25), at(0.75))
}

fn start(program: &Path) -> Result<(Server, String)> {
    let mut command = pinned("0", program);
    command.args(["127.0.0.1:0", "spin"]);
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let out = child.stdout.take().ok_or_else(|| Error::other("no standard output"))?;
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let ready: serde_json::Value = serde_json::from_str(&line)?;
    let address = ready["address"].as_str().ok_or_else(|| Error::other(format!("no ready line: {line}")))?;
    Ok((server, format!("http://{address}/")))
}

/// taskset(1) becomes the program, so its process is the program's.
fn pinned(cpu: &str, program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cpu]).arg(program);
    command
}

/// CPU time that a process has used so far, ns; one that has ended keeps its sum until it is waited for.
fn cpu_ns(process: Pid) -> Result<f64> {
    let used = ClockId::pid_cpu_clock_id(process)?.now()?;
    Ok(used.tv_sec() as f64 * 1e9 + used.tv_nsec() as f64)
}

/// Runs a program to its end: what it wrote, and its CPU time in ns.
fn run(mut command: Command) -> Result<(String, f64)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut text = String::new();
    child.stdout.take().ok_or_else(|| Error::other("no standard output"))?.read_to_string(&mut text)?;
    let process = Pid::from_raw(child.id() as i32);
    waitid(Id::Pid(process), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT)?;
    let cpu_ns = cpu_ns(process)?;
    child.wait()?;
    Ok((text, cpu_ns))
}

impl Stage {
    /// Four slices; who is outside changes from round to round.
    fn round(&self, wrk_outside: bool) -> Result<(Price, Price)> {
        if wrk_outside {
            let first = self.wrk()?;
            let own = Price::mean(self.own()?, self.own()?);
            Ok((Price::mean(first, self.wrk()?), own))
        } else {
            let first = self.own()?;
            let wrk = Price::mean(self.wrk()?, self.wrk()?);
            Ok((wrk, Price::mean(first, self.own()?)))
        }
    }

    fn wrk(&self) -> Result<Price> {
        let mut command = pinned("1", Path::new("wrk"));
        command.args(["-t1", "-c", CONNECTIONS, "-d", &format!("{}s", self.seconds), &self.url]);
        self.slice(command, |text| {
            let requests = text.lines().find_map(|l| l.trim().split_once(" requests in ")?.0.parse().ok())?;
            let per_s = text.lines().find_map(|l| l.strip_prefix("Requests/sec:")?.trim().parse().ok())?;
            Some((requests, per_s))
        })
    }

    /// Everything on: both histograms, the split, the check of each body.
    fn own(&self) -> Result<Price> {
        let mut command = pinned("1", &self.dyno);
        command.args([
            "load",
            &self.url,
            "--expect",
            "service",
            "--warmup",
            "0",
            "--connections",
            CONNECTIONS,
        ]);
        command.args(["--quiet", "--format", "json", "--duration", &format!("{}s", self.seconds)]);
        self.slice(command, |text| {
            let outcome: dyno_clients::outcome::Outcome = serde_json::from_str(text).ok()?;
            let all_right =
                outcome.counts.failed == 0 && outcome.latency.total.count == outcome.counts.completed;
            all_right.then_some((outcome.counts.completed as f64, outcome.rates.achieved_per_s))
        })
    }

    /// Runs a generator; `read` finds the number of requests and their rate in what it says.
    fn slice(&self, command: Command, read: impl Fn(&str) -> Option<(f64, f64)>) -> Result<Price> {
        let (text, cpu_used_ns) = run(command)?;
        let (requests, requests_per_s) =
            read(&text).ok_or_else(|| Error::other(format!("a slice went wrong: {text}")))?;
        Ok(Price { requests_per_s, cpu_ns_per_request: cpu_used_ns / requests })
    }
}
