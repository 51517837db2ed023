//! How soon a control port answers while its server is asked for eight times of what it can do.
//!
//! ```text
//! cargo build --release -p dyno-bench --bin dyno
//! cargo run --release -p dyno-tests --example control_latency -- target/release/dyno
//!     [--seconds 3] [--times 8] [NAME...]
//! ```
//!
//! For each architecture the capacity on `/compute/1000` is found by a closed loop, and then so many times of it arrive
//! from clients that wait for 100 ms. Meanwhile the port is asked for its list every 20 ms, on a connection of its own.
//! That is done twice: with the port's thread before the others, and with it as the others are (renice(1) takes its
//! priority away). Columns are the median, the 99th percentile and the longest of the answers, in milliseconds, the
//! asking program's own delays included: it has the usual priority. It is a measurement and no test: it wants a machine
//! of its own. Without the right to raise priorities both halves are the same.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use dyno_tests::load;
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::use_program;
use dyno_tests::wire::get_once;
use nix::unistd::Pid;

/// Time between two questions.
const LOOK: Duration = Duration::from_millis(20);

type Failure = Box<dyn std::error::Error>;

struct Options {
    seconds: u32,
    times: f64,
    rows: Vec<Row>,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    println!(
        "{:<24}{:>12}{:>10}{:>8}{:>8}{:>8}{:>10}",
        "architecture", "offered /s", "priority", "p50", "p99", "max", "questions"
    );
    for row in &options.rows {
        for (priority, is_raised) in [("raised", true), ("usual", false)] {
            let server = Server::start_with(&row.with(&["--control", "127.0.0.1:0"]), None)?;
            let door = server.control.as_ref().ok_or("no control port")?.parse()?;
            if !is_raised {
                take_priority(server.pid)?;
            }
            let url = format!("http://{}/compute/1000", server.address);
            let begun = Instant::now();
            let closed = load::end(load::begin(&url, "-c 16 -w 0 -d 1s -q --format json")?, begun)?;
            let capacity = closed.outcome["rates"]["achieved_per_s"].as_f64().ok_or("no capacity")?;
            let offered = capacity * options.times;
            let open = format!(
                "-c 512 -w 0 -d {}s -q --format json --rate {offered:.0} --patience 100ms",
                options.seconds
            );
            let is_over = AtomicBool::new(false);
            let mut answers = scope(|threads| {
                let asking = threads.spawn(|| ask(door, &is_over));
                let begun = Instant::now();
                let loaded = load::begin(&url, &open).and_then(|child| load::end(child, begun));
                is_over.store(true, Relaxed);
                let answers = asking.join().map_err(|_| "a question has failed")?;
                loaded?;
                answers.map_err(Failure::from)
            })?;
            answers.sort_unstable();
            let at = |share: f64| answers[((answers.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
            println!(
                "{:<24}{offered:>12.0}{priority:>10}{:>8.2}{:>8.2}{:>8.2}{:>10}",
                row.name,
                at(0.5),
                at(0.99),
                at(1.0),
                answers.len()
            );
        }
    }
    Ok(())
}

fn options() -> Result<Options, Failure> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("the first argument is the program, such as target/release/dyno")?;
    use_program(Box::leak(PathBuf::from(path).into_boxed_path()));
    let (mut seconds, mut times, mut names) = (3, 8.0, Vec::new());
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
        match argument.as_str() {
            "--seconds" => seconds = value()?.parse()?,
            "--times" => times = value()?.parse()?,
            _ => names.push(argument),
        }
    }
    let is_named = |row: &Row| names.is_empty() || names.contains(&row.name);
    Ok(Options { seconds, times, rows: rows().into_iter().filter(is_named).collect() })
}

/// Asks until it is over, and says how long each answer took.
fn ask(door: std::net::SocketAddr, is_over: &AtomicBool) -> Result<Vec<Duration>, String> {
    let mut answers = Vec::new();
    while !is_over.load(Relaxed) || answers.is_empty() {
        let start = Instant::now();
        let status = get_once(door, "/requests")?.status;
        if status != 200 {
            return Err(format!("the port answers {status}"));
        }
        answers.push(start.elapsed());
        sleep(LOOK.saturating_sub(start.elapsed()));
    }
    Ok(answers)
}

/// Lets the thread of the control port run as all others do.
fn take_priority(server: Pid) -> Result<(), Failure> {
    for task in fs::read_dir(format!("/proc/{server}/task"))? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.trim() == "control" {
            let thread = task.file_name().to_string_lossy().into_owned();
            let renice = Command::new("renice").args(["-n", "0", "-p", &thread]).output()?;
            return if renice.status.success() { Ok(()) } else { Err(format!("{renice:?}").into()) };
        }
    }
    Err("the server has no thread of a control port".into())
}
