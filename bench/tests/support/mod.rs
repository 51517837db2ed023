//! What the tests of the program share: it is started, waited for and read.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) const DYNO: &str = env!("CARGO_BIN_EXE_dyno");

/// A program that goes on until it is dropped, whatever happens.
pub(crate) struct Running {
    child: Child,
    /// Where it listens, as it said.
    pub(crate) address: String,
}

impl Running {
    /// Starts a program whose output names its address after `mark` in a line.
    pub(crate) fn start(command: &mut Command, address_in: fn(&str) -> Option<String>) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.by_ref().map_while(Result::ok).find_map(|line| address_in(&line));
        // Somebody reads on, or a program that tells much would wait.
        std::thread::spawn(move || lines.for_each(drop));
        Running { child, address: address.expect("the program says where it listens") }
    }

    /// `dyno serve epoll` with these options.
    pub(crate) fn serve(options: &[&str]) -> Self {
        let mut command = Command::new(DYNO);
        command.args(["serve", "epoll", "--compute-rounds-per-us", "100"]).args(options);
        Running::start(&mut command, |line| {
            let ready: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(ready["address"].as_str()?.to_owned())
        })
    }

    /// The port at the end of its address.
    pub(crate) fn port(&self) -> &str {
        self.address.rsplit(':').next().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many checks are made at a time: programs that are started wait for one another most of their time.
const SIDE_BY_SIDE: usize = 6;

/// Checks all of these, some at a time.
pub(crate) fn side_by_side<T: Sync>(all: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(all.len()) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Relaxed)) {
                    check(one);
                }
            });
        }
    });
}

/// How a command ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs dyno with words that stand between spaces, and variables of the environment.
pub(crate) fn dyno(words: &str, variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(DYNO);
    command.args(words.split_whitespace()).envs(variables.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(128),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A small run of each command that sends requests to `URL`.
pub(crate) const CLIENTS: [(&str, &str); 3] =
    [("probe", "probe URL"), ("load", "load URL -n 20 -c 2 -w 0 -q"), ("browse", "browse URL --threads 2")];

impl Ended {
    /// Whether every request was answered: a run as short as these may be void, and then says so.
    pub(crate) fn answered(&self, name: &str) -> bool {
        match name {
            "load" => matches!(self.code, 0 | 5) && self.stdout.contains("20 answered · 0 failed"),
            _ => self.code == 0,
        }
    }
}

/// A directory made by `dyno keys`.
pub(crate) fn keys(place: &Path) -> String {
    let directory = place.join("keys").display().to_string();
    assert_eq!(dyno(&format!("keys {directory}"), &[]).code, 0);
    directory
}
