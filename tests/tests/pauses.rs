//! A pause of the generator is never booked as the server's: whoever stops it, throttles it or shares its core finds
//! the time among its own parts, a verdict that says so, and advice that names the generator.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use dyno_tests::load::{Loaded, begin, end};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, program, quick};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// How long the generator is stopped.
const STOPPED: Duration = Duration::from_secs(1);

/// What no answer and no wait for a connection takes here, ns: half of that.
const OURS_NS: u64 = 500_000_000;

/// (name, path, options): whatever decides when requests are sent, with few connections and with many.
const LOADS: [(&str, &str, &str); 11] = [
    ("closed-2", "/", "-c 2"),
    ("closed-64", "/", "-c 64"),
    ("closed-slow-answers-2", "/wait/20000", "-c 2"),
    ("closed-slow-answers-64", "/wait/20000", "-c 64"),
    ("think-2", "/", "-c 2 --think 10ms"),
    ("think-64", "/", "-c 64 --think 10ms"),
    ("open-2", "/", "-c 2 -r 100"),
    ("open-64", "/", "-c 64 -r 100"),
    ("open-even-2", "/", "-c 2 -r 100 --arrivals constant"),
    ("open-slow-answers-2", "/wait/20000", "-c 2 -r 60"),
    ("connections-4", "/", "-c 4 --requests-per-connection 1"),
];

fn main() -> ExitCode {
    // A second try: on a busy machine something graver than the pause may be found first.
    let stopped = LOADS.map(|(name, path, options)| {
        let twice = move || stopped(path, options).or_else(|_| stopped(path, options));
        quick(format!("pauses::stopped::{name}"), twice)
    });
    let mut trials = Vec::from(stopped);
    for (name, options) in [("closed", "-c 8"), ("open", "-c 8 -r 2k")] {
        trials.push(quick(format!("pauses::throttled::{name}"), move || throttled(options)));
        trials.push(quick(format!("pauses::shared-core::{name}"), move || shared(options)));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn epoll() -> Result<Server, String> {
    Server::start_with(&["epoll"], None)
}

/// Waits for the line by which a run says that it has begun.
fn begun(child: &mut Child) -> Result<(), String> {
    let stderr = child.stderr.take().ok_or("no standard error")?;
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).map_err(|error| error.to_string())?;
    if line.trim() == "started" { Ok(()) } else { Err(format!("the run says {line:?}")) }
}

fn max_ns(outcome: &Value, part: &str) -> u64 {
    outcome["latency"][part]["max_ns"].as_u64().unwrap_or(u64::MAX)
}

/// Void, with exit code 5, and the gravest finding advises this about the generator.
fn is_void_for(loaded: &Loaded, advice: &str) -> Outcome {
    let audit = &loaded.outcome["audit"];
    let shown = || format!("code {}: {audit:#}\n{:#}", loaded.code, loaded.outcome["generator"]);
    ensure(loaded.code == 5 && audit["verdict"] == "void", shown)?;
    let remedy = audit["findings"][0]["remedy"].as_str().unwrap_or_default();
    ensure(remedy.contains("generator") && remedy.contains(advice), shown)
}

fn stopped(path: &str, options: &str) -> Outcome {
    let server = epoll()?;
    let since = Instant::now();
    let url = format!("http://{}{path}", server.address);
    let mut child = begin(&url, &format!("{options} -w 0 -d 3s -q --format json --announce-start"))?;
    begun(&mut child)?;
    let pid = Pid::from_raw(child.id().cast_signed());
    kill(pid, Signal::SIGSTOP)?;
    std::thread::sleep(STOPPED);
    kill(pid, Signal::SIGCONT)?;
    let loaded = end(child, since)?;
    let outcome = &loaded.outcome;
    is_void_for(&loaded, "was stopped")?;
    let shown = || format!("{:#}", outcome["latency"]);
    for part in ["wait", "response", "connect"] {
        ensure(max_ns(outcome, part) < OURS_NS, || format!("{part}: {}", shown()))?;
    }
    ensure(max_ns(outcome, "lag").max(max_ns(outcome, "reading")) > OURS_NS, shown)?;
    let paused_ns = outcome["generator"]["paused_longest_ns"].as_u64().unwrap_or(0);
    ensure(paused_ns > OURS_NS, || outcome["generator"].to_string())
}

/// A control group with a CPU quota of a twentieth of a core, removed when dropped.
struct Quota(PathBuf);

impl Quota {
    /// `None` where this machine does not let us make one.
    fn make() -> Option<Quota> {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let name = format!("dyno-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let write = |file: PathBuf, text: &str| std::fs::write(file, text).is_ok();
        for root in ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"] {
            let group = Path::new(root).join(&name);
            if std::fs::create_dir(&group).is_err() {
                continue;
            }
            let quota = Quota(group.clone());
            if write(group.join("cpu.cfs_quota_us"), "5000") || write(group.join("cpu.max"), "5000 100000") {
                return Some(quota);
            }
        }
        None
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // It can be removed as soon as its last process was waited for.
        let _ = std::fs::remove_dir(&self.0);
    }
}

fn throttled(options: &str) -> Outcome {
    let Some(quota) = Quota::make() else {
        eprintln!("skips: no control group with a CPU quota can be made here");
        return Ok(());
    };
    let server = epoll()?;
    let since = Instant::now();
    let child = Command::new("sh")
        .args(["-c", r#"echo $$ > "$0" && exec "$@""#])
        .arg(quota.0.join("cgroup.procs"))
        .arg(program())
        .args(["load", &format!("http://{}/", server.address)])
        .args(options.split_whitespace())
        .args(["-w", "0", "-d", "3s", "-q", "--format", "json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let loaded = end(child, since)?;
    is_void_for(&loaded, "quota")?;
    let outcome = &loaded.outcome;
    ensure(max_ns(outcome, "lag").max(max_ns(outcome, "reading")) > 10_000_000, || {
        format!("{:#}", outcome["latency"])
    })
}

fn shared(options: &str) -> Outcome {
    let server = epoll()?;
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let core = (0..CpuSet::count()).find(|&core| allowed.is_set(core).unwrap_or(false)).ok_or("no core")?;
    let ended = AtomicBool::new(false);
    let loaded = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut only = CpuSet::new();
            let pinned = only.set(core).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
            while pinned.is_ok() && !ended.load(Relaxed) {
                std::hint::spin_loop();
            }
        });
        let since = Instant::now();
        let url = format!("http://{}/", server.address);
        let options = format!("{options} -w 0 -d 3s -q --format json --cpu {core}");
        let loaded = begin(&url, &options).and_then(|child| end(child, since));
        ended.store(true, Relaxed);
        loaded
    })?;
    let audit = &loaded.outcome["audit"];
    ensure(audit["latency"] != "sound" && audit["verdict"] != "sound", || format!("{audit:#}"))?;
    let findings = audit["findings"].as_array().ok_or("no findings")?;
    let names = |finding: &Value| {
        let remedy = finding["remedy"].as_str().unwrap_or_default();
        remedy.contains("share its core") || remedy.contains("core of its own")
    };
    ensure(findings.iter().any(names), || format!("{audit:#}"))
}
