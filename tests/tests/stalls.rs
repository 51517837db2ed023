//! A server that stands still as a whole is named, with the length of it: in a closed loop it hardly shows in any
//! percentile. Whoever has nothing to answer, or is slow, does not stand still.

use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dyno_tests::load::{Loaded, begin, end};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, quick};
use nix::sys::signal::Signal;
use serde_json::Value;

/// How long the server is stopped.
const STOPPED: Duration = Duration::from_millis(1_500);

/// (name, path, options, whether the verdict on the latencies suffers): loads under which the server is stopped.
const STALLS: [(&str, &str, &str, bool); 6] = [
    ("closed-1", "/", "-c 1", true),
    ("closed-16", "/", "-c 16", true),
    ("closed-2-threads", "/", "-c 8 -t 2", true),
    ("think", "/", "-c 4 --think 1ms", true),
    ("connections", "/", "-c 2 --requests-per-connection 1", true),
    ("open", "/", "-c 4 -r 500", false),
];

/// Loads without a stall: what they wait for is usual, or is nothing.
const NONE: [(&str, &str, &str); 5] = [
    ("slow-answers", "/wait/800000", "-c 1 -n 3"),
    ("slow-answers-of-several", "/wait/800000", "-c 4 -n 12"),
    ("rare-requests", "/", "-c 1 -r 1 -n 3"),
    ("long-thinking", "/", "-c 1 --think 800ms -n 4"),
    ("fast-answers", "/", "-c 4 -d 1s"),
];

fn main() -> ExitCode {
    let mut trials = Vec::from(STALLS.map(|(name, path, options, spoils)| {
        quick(format!("stalls::found::{name}"), move || found(path, options, spoils))
    }));
    trials.extend(
        NONE.map(|(name, path, options)| quick(format!("stalls::none::{name}"), move || none(path, options))),
    );
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn stalls(loaded: &Loaded) -> Vec<&Value> {
    let findings = loaded.outcome["audit"]["findings"].as_array();
    findings.into_iter().flatten().filter(|finding| finding["doubt"] == "server-stalled").collect()
}

fn found(path: &str, options: &str, spoils: bool) -> Outcome {
    let server = Server::start_with(&["epoll"], None)?;
    let since = Instant::now();
    let url = format!("http://{}{path}", server.address);
    let mut child = begin(&url, &format!("{options} -w 0 -d 4s -q --format json --announce-start"))?;
    let mut line = String::new();
    BufReader::new(child.stderr.take().ok_or("no standard error")?).read_line(&mut line)?;
    std::thread::sleep(STOPPED / 3);
    server.signal(Signal::SIGSTOP);
    std::thread::sleep(STOPPED);
    server.signal(Signal::SIGCONT);
    let loaded = end(child, since)?;
    let audit = &loaded.outcome["audit"];
    let found = stalls(&loaded);
    ensure(found.len() == 1, || format!("{audit:#}"))?;
    let length_ns = found[0]["longest_ns"].as_u64().unwrap_or(0);
    let (least, most) = (STOPPED * 9 / 10, STOPPED * 2);
    let fits = (least.as_nanos()..most.as_nanos()).contains(&u128::from(length_ns));
    ensure(fits && found[0]["count"] == 1, || format!("{:#}", found[0]))?;
    let words = |name: &str| found[0][name].as_str().unwrap_or_default().to_owned();
    ensure(words("message").starts_with("nothing at all was answered for 1."), || words("message"))?;
    let expected = if spoils { "a closed loop asks for nothing meanwhile" } else { "is in the percentiles" };
    ensure(words("remedy").contains(expected), || words("remedy"))?;
    ensure((found[0]["latency"] == "doubtful") == spoils, || format!("{:#}", found[0]))
}

fn none(path: &str, options: &str) -> Outcome {
    let server = Server::start_with(&["epoll"], None)?;
    let since = Instant::now();
    let url = format!("http://{}{path}", server.address);
    let loaded = end(begin(&url, &format!("{options} -w 0 -q --format json"))?, since)?;
    ensure(stalls(&loaded).is_empty(), || format!("{:#}", loaded.outcome["audit"]))
}
