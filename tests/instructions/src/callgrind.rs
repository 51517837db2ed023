//! Counts instructions with Valgrind's callgrind.

use std::error::Error;
use std::fs;
use std::process::Command;

use crate::paths::HotPath;

/// The argument that makes this program run one path: `--work NAME ROUNDS`.
pub(crate) const WORK: &str = "--work";

/// What Valgrind calls itself; `None` where it is not installed.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("valgrind").arg("--version").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().into())
}

/// Instructions for one round of `path`.
///
/// # Errors
/// When Valgrind fails, with what it said.
pub(crate) fn count(path: &HotPath) -> Result<f64, Box<dyn Error>> {
    let (once, twice) = (total(path, path.rounds)?, total(path, 2 * path.rounds)?);
    let difference = twice.checked_sub(once).ok_or("the longer run took fewer instructions")?;
    // A tenth of an instruction is below what matters, and keeps the stored file readable.
    Ok((difference as f64 / path.rounds as f64 * 10.0).round() / 10.0)
}

/// Instructions of a whole process that runs `rounds` rounds.
fn total(path: &HotPath, rounds: u64) -> Result<u64, Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let out = place.path().join("callgrind.out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args([WORK, path.name, &rounds.to_string()])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()?;
    if !output.status.success() {
        return Err(format!("{}: {}", path.name, String::from_utf8_lossy(&output.stderr)).into());
    }
    let text = fs::read_to_string(&out)?;
    let totals = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    Ok(totals.ok_or("callgrind tells no totals")?.trim().parse()?)
}
