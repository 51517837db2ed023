//! How soon a control port answers while its server is asked for eight times of what it can do.
//!
//! ```text
//! cargo build --release -p dyno-bench --bin dyno
//! cargo run --release -p dyno-tests --example control_latency -- target/release/dyno
//!     [--seconds 3] [--times 8] [NAME...]
//! ```
//!
//! For each architecture the capacity for about a millisecond of computing is found by a closed loop, and then so
//! many times of it arrive from clients that wait for 100 ms. Meanwhile the port is asked for its list every 20 ms,
//! on a connection of its own: at an address of loopback and at a Unix socket, with the port's thread before all
//! others and as the others are (chrt(1) takes its priority away). Columns are the median, the 99th percentile and
//! the longest of the answers, in milliseconds. Whoever asks shares the cores with all of that, so the asking
//! thread runs before the others as well; otherwise its own delay would be measured. What is sent over TCP may also
//! wait for the kernel's own thread (ksoftirqd), which stands in line with all others; a Unix socket does without.
//! It is a measurement and no test: it wants a machine of its own, and root.

use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use dyno_tests::load;
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::use_program;
use dyno_tests::wire::get_and_close;
use nix::unistd::{Pid, gettid};

/// What is asked of the server: a million rounds, which take about a millisecond.
const PATH: &str = "/compute/100000";

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
        "{:<24}{:>12}{:>6}{:>10}{:>8}{:>8}{:>8}{:>10}",
        "architecture", "offered /s", "door", "priority", "p50", "p99", "max", "questions"
    );
    for row in &options.rows {
        let place = tempfile::tempdir()?;
        let socket = format!("unix:{}", place.path().join("door").display());
        for (door, priority, is_raised) in [
            ("127.0.0.1:0", "raised", true),
            ("127.0.0.1:0", "usual", false),
            (&socket, "raised", true),
            (&socket, "usual", false),
        ] {
            let mut arguments = row.arguments.clone();
            arguments.extend(["--control", door]);
            let server = Server::start_with(&arguments, None)?;
            let door = server.control.clone().ok_or("no control port")?;
            let kind = if door.starts_with("unix:") { "unix" } else { "tcp" };
            if !is_raised {
                take_priority(server.pid)?;
            }
            let url = format!("http://{}{PATH}", server.address);
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
                let asking = threads.spawn(|| ask(&door, &is_over));
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
                "{:<24}{offered:>12.0}{kind:>6}{priority:>10}{:>8.2}{:>8.2}{:>8.2}{:>10}",
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
fn ask(door: &str, is_over: &AtomicBool) -> Result<Vec<Duration>, String> {
    schedule("-r", "1", &gettid().to_string()).map_err(|error| error.to_string())?;
    let mut answers = Vec::new();
    while !is_over.load(Relaxed) || answers.is_empty() {
        let start = Instant::now();
        let answer = match door.strip_prefix("unix:") {
            Some(path) => exchange(UnixStream::connect(path).map_err(|error| error.to_string())?),
            None => exchange(TcpStream::connect(door).map_err(|error| error.to_string())?),
        };
        let answer = answer.map_err(|error| error.to_string())?;
        if !answer.starts_with("HTTP/1.1 200") {
            return Err(format!("the port answers {answer:?}"));
        }
        answers.push(start.elapsed());
        sleep(LOOK.saturating_sub(start.elapsed()));
    }
    Ok(answers)
}

fn exchange(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(get_and_close("/requests").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Sets how a thread is scheduled.
fn schedule(class: &str, priority: &str, thread: &str) -> Result<(), Failure> {
    let chrt = Command::new("chrt").args([class, "-p", priority, thread]).output()?;
    if chrt.status.success() { Ok(()) } else { Err(format!("{chrt:?}").into()) }
}

/// Lets the thread of the control port run as all others do.
fn take_priority(server: Pid) -> Result<(), Failure> {
    for task in fs::read_dir(format!("/proc/{server}/task"))? {
        let task = task?;
        if fs::read_to_string(task.path().join("comm"))?.trim() == "control" {
            let thread = task.file_name().to_string_lossy().into_owned();
            return schedule("-o", "0", &thread);
        }
    }
    Err("the server has no thread of a control port".into())
}
