//! `dyno calibrate`: load generators against servers whose latency law is known.

use std::io::Write;
use std::net::SocketAddr;

use clap::Args;
use dyno_clients::outcome::Outcome as Run;
use dyno_clients::pacer::{Arrivals, Pacer};
use dyno_clients::profile;
use dyno_clients::report::paint::Paint;
use dyno_clients::units::show_quantile;
use serde_json::json;

use super::Outcome;
use crate::calibrate::laws::{Law, Stall, mean_wait_ns, path_means_ns, quantile_ns};
use crate::calibrate::table::{Row, heading, line};
use crate::calibrate::tools::{self, Job};
use crate::calibrate::{own, reference};
use crate::exit::{Exit, Failure};
use crate::load::write::colour;

/// Hold load generators against servers whose latency law is known.
///
/// Starts reference servers (a constant delay, M/D/1 and M/M/1 queues, a server that stands still for a while), loads
/// them with `dyno load` and with whichever of wrk, wrk2, ab, h2load, oha and vegeta are installed, and prints for each
/// the true value, the reported one, the error and a verdict. Dyno's own rows decide the exit code; the others show what
/// coordinated omission hides.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The short form (some 20 s), with wider tolerances, for a machine that is not quiet.
    #[arg(long)]
    quick: bool,
    /// Runs of each of Dyno's stall cases; nine of ten shall be right.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// JSON lines instead of a table.
    #[arg(long)]
    json: bool,
    /// Only the cases whose law contains this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Serve a law and nothing else: delay:TIME or queue:service=TIME[,exponential=SEED][,stall=TIME,from=TIME,period=TIME].
    #[arg(long, value_name = "LAW")]
    reference: Option<Law>,
    /// Where the reference server listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", requires = "reference")]
    listen: SocketAddr,
}

const S: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A law with everything that is held against it.
type Case = fn(&mut Bench, &Scale) -> Result<(), String>;

/// How long, how many, how exact.
struct Scale {
    window_s: u64,
    stall_ns: u64,
    rhos: &'static [f64],
    queue_rhos: &'static [f64],
    tolerance_even: f64,
    tolerance_poisson: f64,
    tolerance_mean: f64,
    lag_limits_ns: Option<(f64, f64)>,
    little: f64,
}

const FULL: Scale = Scale {
    window_s: 20,
    stall_ns: S,
    rhos: &[0.2, 0.5, 0.8],
    queue_rhos: &[0.3, 0.5, 0.7],
    tolerance_even: 0.02,
    tolerance_poisson: 0.05,
    tolerance_mean: 0.10,
    lag_limits_ns: Some((5_000.0, 50_000.0)),
    little: 0.02,
};

/// A fifth of the length, and tolerances that a machine with other work keeps.
const QUICK: Scale = Scale {
    window_s: 4,
    stall_ns: S / 5,
    rhos: &[0.5],
    queue_rhos: &[0.5],
    tolerance_even: 0.10,
    tolerance_poisson: 0.25,
    tolerance_mean: 0.35,
    lag_limits_ns: None,
    little: 0.05,
};

/// Runs the calibration, or a reference server.
///
/// # Errors
/// A [`Failure`] when a process cannot be started; a wrong value is an exit code, not an error.
pub fn run(arguments: &Arguments) -> Outcome {
    if let Some(law) = arguments.reference {
        return serve(law, arguments.listen);
    }
    let mut bench = Bench::new(arguments);
    bench.begin();
    let scale = if arguments.quick { &QUICK } else { &FULL };
    let all: [Case; 5] = [delay, omission, stalls, queues, lag];
    for case in all {
        case(&mut bench, scale).map_err(|e| Failure::failed(e, "see `dyno calibrate --help`"))?;
    }
    Ok(bench.end())
}

fn serve(law: Law, address: SocketAddr) -> Outcome {
    let mut ready = |address: SocketAddr| {
        let line = json!({"ready": true, "address": address.to_string(), "pid": std::process::id(),
            "name": "reference", "settings": {"law": law.to_string()}});
        println!("{line}");
    };
    reference::serve(law, address, &mut ready)
        .map_err(|e| Failure::failed(format!("the reference server: {e}"), "choose another --listen"))?;
    Ok(Exit::Success)
}

/// Where the rows go, and where the processes run.
struct Bench {
    paint: Paint,
    json: bool,
    only: Option<String>,
    repeat: u32,
    server_cpu: Option<usize>,
    generator_cpu: Option<usize>,
    rows: Vec<Row>,
}

impl Bench {
    fn new(arguments: &Arguments) -> Self {
        let allowed = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap_or_default();
        let mut cpus = (0..nix::sched::CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).unwrap_or(false));
        let (first, second) = (cpus.next(), cpus.next());
        Bench {
            paint: colour(),
            json: arguments.json,
            only: arguments.only.clone(),
            repeat: arguments.repeat,
            server_cpu: second.and(first),
            generator_cpu: second,
            rows: Vec::new(),
        }
    }

    fn begin(&self) {
        if self.json {
            return;
        }
        match (self.server_cpu, self.generator_cpu) {
            (Some(server), Some(generator)) => {
                println!("reference server on CPU {server}, generator on CPU {generator}");
            }
            _ => println!("one CPU for server and generator: nothing here will be exact"),
        }
        let missing: Vec<&str> = tools::ALL.iter().filter(|t| !t.is_installed()).map(|t| t.name).collect();
        if !missing.is_empty() {
            println!("not installed: {}", missing.join(", "));
        }
        print!("\n{}", heading(self.paint));
    }

    fn is_wanted(&self, law: &str) -> bool {
        self.only.as_ref().is_none_or(|only| law.contains(only.as_str()))
    }

    fn add(&mut self, row: Row) {
        if self.json {
            let mut value = serde_json::to_value(&row).unwrap_or_default();
            value["right"] = row.is_right().into();
            println!("{value}");
        } else {
            print!("{}", line(&row, self.paint));
        }
        // The rows come slowly, and shall be seen when they come.
        let _ = std::io::stdout().flush();
        self.rows.push(row);
    }

    fn compare(
        &mut self,
        law: &str,
        tool: &str,
        quantity: String,
        truth: f64,
        told: Option<f64>,
        tolerance: Option<f64>,
    ) {
        let beside = ["naive", "closed", "textbook"];
        let binding = tool.starts_with("dyno") && !beside.iter().any(|word| tool.contains(word));
        self.add(Row {
            law: law.into(),
            tool: tool.into(),
            quantity,
            true_ns: truth,
            reported_ns: told,
            tolerance,
            binding,
        });
    }

    fn little(&mut self, law: &str, tool: &str, run: &Run, tolerance: f64) {
        let (measured, predicted) = (run.audit.figures.in_system_mean, run.audit.figures.in_system_predicted);
        // As a time: the mean latency that the number in the system speaks for, against the mean that was measured.
        let mean_ns = run.latency.total.mean_ns;
        self.compare(
            law,
            tool,
            "Little".into(),
            mean_ns,
            Some(mean_ns * measured / predicted),
            Some(tolerance),
        );
    }

    fn load(&self, url: &str, words: &str) -> Result<Run, String> {
        let words: Vec<String> = words.split_whitespace().map(String::from).collect();
        own::load(url, &words, self.generator_cpu)
    }

    fn end(self) -> Exit {
        let wrong = self.rows.iter().filter(|r| r.binding && !r.is_right()).count();
        let own = self.rows.iter().filter(|r| r.binding).count();
        if !self.json {
            println!("\nDyno: {} of {own} values right", own - wrong);
        }
        // Nine of ten: what is left to chance in Poisson arrivals may miss now and then.
        if wrong * 10 > own { Exit::Failed } else { Exit::Success }
    }
}

/// A constant delay: every tool should tell it.
fn delay(bench: &mut Bench, scale: &Scale) -> Result<(), String> {
    let (name, law) = ("delay 5 ms", Law::Delay { delay_ns: 5 * MS });
    if !bench.is_wanted(name) {
        return Ok(());
    }
    let seconds = (scale.window_s / 5).max(2) as u32;
    let server = own::start(law, bench.server_cpu)?;
    let run = bench.load(&server.url, &format!("-c 16 --rate 1k -d {seconds}s -w 500ms"))?;
    for q in [0.5, 0.99] {
        let told = run.latency.total.percentile_ns(q).map(|ns| ns as f64);
        bench.compare(name, "dyno", show_quantile(q), 5e6, told, Some(scale.tolerance_even.max(0.02)));
    }
    let job = Job { url: server.url.clone(), connections: 4, rate_per_s: 500.0, seconds };
    for tool in tools::ALL.iter().filter(|t| t.is_installed()) {
        let report = own::on_cpu(bench.generator_cpu, || tool.run(&job))??;
        bench.compare(
            name,
            tool.name,
            "p50".into(),
            5e6,
            report.quantile_ns(0.5).or(report.mean_ns),
            Some(0.02),
        );
    }
    Ok(())
}

/// Coordinated omission: 100 ms of standstill each second, four connections.
fn omission(bench: &mut Bench, scale: &Scale) -> Result<(), String> {
    let name = "stall 0.1 s each 1 s";
    if !bench.is_wanted(name) {
        return Ok(());
    }
    let stall = Some(Stall { from_ns: S / 2, length_ns: 100 * MS, period_ns: S });
    let law = Law::Queue { service_ns: 50_000, seed: None, stall };
    let seconds = (scale.window_s / 2) as u32;
    let rate_per_s = 2_000.0;
    let window_ns = u64::from(seconds) * S;
    let truth = |q: f64| quantile_ns(law, rate_per_s, window_ns, q).unwrap_or(0.0);
    let server = own::start(law, bench.server_cpu)?;
    let run = bench.load(&server.url, &format!("-c 4 --rate 2k --arrivals constant -d {seconds}s -w 1s"))?;
    let at = |d: &dyno_clients::outcome::Distribution, q: f64| d.percentile_ns(q).map(|ns| ns as f64);
    for q in [0.95, 0.99] {
        bench.compare(
            name,
            "dyno",
            show_quantile(q),
            truth(q),
            at(&run.latency.total, q),
            Some(scale.tolerance_even),
        );
    }
    bench.compare(
        name,
        "dyno, naive",
        "p99".into(),
        truth(0.99),
        at(&run.latency.response, 0.99),
        Some(0.05),
    );
    let closed = bench.load(&server.url, &format!("-c 4 -d {seconds}s -w 0"))?;
    bench.compare(
        name,
        "dyno, closed loop",
        "p99".into(),
        truth(0.99),
        at(&closed.latency.total, 0.99),
        Some(0.05),
    );
    let job = Job { url: server.url.clone(), connections: 4, rate_per_s, seconds };
    for tool in tools::ALL.iter().filter(|t| t.is_installed()) {
        let report = own::on_cpu(bench.generator_cpu, || tool.run(&job))??;
        bench.compare(name, tool.name, "p99".into(), truth(0.99), report.quantile_ns(0.99), Some(0.05));
    }
    Ok(())
}

/// One stall in a run, at several utilizations, for even and for Poisson arrivals.
fn stalls(bench: &mut Bench, scale: &Scale) -> Result<(), String> {
    let rate_per_s = 20_000.0;
    for &rho in scale.rhos {
        for (arrivals, tolerance) in
            [("constant", scale.tolerance_even), ("poisson", scale.tolerance_poisson)]
        {
            let name = format!("one stall, rho {rho}");
            if !bench.is_wanted(&name) {
                continue;
            }
            // The warm-up is 1 s; the backlog of the stall is worked off long before the end.
            let stall =
                Some(Stall { from_ns: S + scale.window_s * S / 5, length_ns: scale.stall_ns, period_ns: 0 });
            let law = Law::Queue { service_ns: (rho / rate_per_s * 1e9) as u64, seed: None, stall };
            for run in 0..bench.repeat {
                let server = own::start(law, bench.server_cpu)?;
                let words = format!(
                    "-c 64 --rate 20k --arrivals {arrivals} -d {}s -w 1s --seed {}",
                    scale.window_s,
                    run + 1
                );
                let outcome = bench.load(&server.url, &words)?;
                let tool = format!("dyno, {arrivals}");
                for q in [0.95, 0.99, 0.999] {
                    let Some(truth) = quantile_ns(law, rate_per_s, scale.window_s * S, q) else { continue };
                    let told = outcome.latency.total.percentile_ns(q).map(|ns| ns as f64);
                    bench.compare(&name, &tool, show_quantile(q), truth, told, Some(tolerance));
                }
                bench.little(&name, &tool, &outcome, scale.little);
            }
        }
    }
    Ok(())
}

/// Low, so that services and waits are long against what a busy host adds to a request now and then.
const QUEUE_RATE_PER_S: f64 = 500.0;

/// M/D/1 and M/M/1: the mean wait, after the floor of the machine has been measured and taken away.
///
/// A run of some thousand arrivals waits more or less than the textbook says, by chance. What these very arrivals must
/// wait is known too, and that is the truth which binds; the textbook's mean stands beside it.
fn queues(bench: &mut Bench, scale: &Scale) -> Result<(), String> {
    for (kind, seed) in [("M/D/1", None), ("M/M/1", Some(7))] {
        for &rho in scale.queue_rhos {
            let name = format!("{kind}, rho {rho}");
            if !bench.is_wanted(&name) {
                continue;
            }
            let service_ns = (rho / QUEUE_RATE_PER_S * 1e9) as u64;
            let law = Law::Queue { service_ns, seed, stall: None };
            let words = |seconds: u64| {
                format!("-c 64 --rate {QUEUE_RATE_PER_S} --arrivals poisson -d {seconds}s -w 500ms --seed 3")
            };
            let floor_ns = {
                let server = own::start(Law::Delay { delay_ns: service_ns }, bench.server_cpu)?;
                let run = bench.load(&server.url, &words((scale.window_s / 4).max(2)))?;
                run.latency.total.mean_ns - service_ns as f64
            };
            let server = own::start(law, bench.server_cpu)?;
            let run = bench.load(&server.url, &words(scale.window_s))?;
            let (path_wait_ns, path_service_ns) = path_truth(law, scale.window_s);
            let told = Some(run.latency.total.mean_ns - path_service_ns - floor_ns);
            let tolerance = Some(scale.tolerance_mean);
            bench.compare(&name, "dyno", "mean wait".into(), path_wait_ns, told, tolerance);
            if let Some(book_ns) = mean_wait_ns(law, QUEUE_RATE_PER_S) {
                bench.compare(&name, "dyno, textbook", "mean wait".into(), book_ns, told, tolerance);
            }
            bench.little(&name, "dyno", &run, scale.little);
        }
    }
    Ok(())
}

/// What these very arrivals must wait, and how long they are served, ns.
fn path_truth(law: Law, window_s: u64) -> (f64, f64) {
    let Ok(stretches) = profile::parse(&QUEUE_RATE_PER_S.to_string(), window_s * S + S / 2) else {
        return (f64::NAN, f64::NAN);
    };
    let mut pacer = Pacer::new(Arrivals::Poisson, stretches, 3, 0, 1);
    let arrivals = std::iter::from_fn(|| {
        let at = pacer.peek_ns();
        pacer.advance();
        at
    });
    path_means_ns(law, arrivals, S / 2)
}

/// The generator's own lateness, with a core for itself, at about half of what it could do.
fn lag(bench: &mut Bench, scale: &Scale) -> Result<(), String> {
    let Some((p50_ns, p99_ns)) = scale.lag_limits_ns else { return Ok(()) };
    for rate in ["10k", "50k", "100k"] {
        let name = format!("lag at {rate}/s");
        if !bench.is_wanted(&name) {
            continue;
        }
        let server = own::start(Law::Delay { delay_ns: 0 }, bench.server_cpu)?;
        let run = bench.load(&server.url, &format!("-c 64 --rate {rate} -d 5s -w 1s"))?;
        for (q, limit) in [(0.5, p50_ns), (0.99, p99_ns)] {
            let told = run.latency.lag.percentile_ns(q).map(|ns| ns as f64);
            bench.compare(&name, "dyno", format!("lag {}", show_quantile(q)), limit, told, None);
        }
    }
    Ok(())
}
