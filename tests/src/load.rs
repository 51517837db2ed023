//! `dyno load` as a program: started, waited for, read.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::limits::LOAD;
use crate::process::ends;
use crate::suite::program;

/// How a run ended.
#[derive(Debug)]
pub struct Loaded {
    /// The exit code; 128 and above by signal.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The result in JSON; null when there is none.
    pub outcome: Value,
    /// From its start to its end.
    pub took: Duration,
}

/// `dyno load URL` with options that stand between spaces, before it ends.
///
/// # Errors
/// When it cannot be started.
pub fn begin(url: &str, options: &str) -> Result<Child, String> {
    let mut command = Command::new(program());
    command.arg("load").arg(url).args(options.split_whitespace());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| error.to_string())
}

/// Waits for the end of a run, which must come by itself.
///
/// # Errors
/// When it does not.
pub fn end(mut child: Child, since: Instant) -> Result<Loaded, String> {
    // A result is longer than a pipe holds: somebody has to read while it ends.
    let mut out = child.stdout.take().ok_or("no standard output")?;
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut out, &mut text).map(|_| text)
    });
    ends(&mut child, LOAD, "dyno load")?;
    let took = since.elapsed();
    let ended = child.wait_with_output().map_err(|error| error.to_string())?;
    let stdout = reader.join().map_err(|_| "reading panicked")?.map_err(|error| error.to_string())?;
    Ok(Loaded {
        code: ended.status.code().unwrap_or(128),
        outcome: serde_json::from_str(&stdout).unwrap_or(Value::Null),
        stdout,
        stderr: String::from_utf8_lossy(&ended.stderr).into_owned(),
        took,
    })
}

/// `dyno load URL` with options, and its result in JSON.
///
/// # Errors
/// When it does not end, or has no result.
pub fn load(url: &str, options: &str) -> Result<Loaded, String> {
    let since = Instant::now();
    let loaded = end(begin(url, &format!("--format json {options}"))?, since)?;
    match loaded.outcome {
        Value::Null => Err(format!("no result, exit code {}: {}", loaded.code, loaded.stderr)),
        _ => Ok(loaded),
    }
}

/// The exit code that a result asks for when nothing else does: 5 if its audit has declared it void.
pub fn verdict_code(outcome: &Value) -> i32 {
    if outcome["audit"]["verdict"] == "void" { 5 } else { 0 }
}
