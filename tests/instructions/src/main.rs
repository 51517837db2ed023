//! How many instructions the hot paths take: a request in the HTTP core, a record in the secure channel, a request in
//! the load generator, a value in its histogram.
//!
//! Wall time on a shared machine differs by several percent from run to run. The number of instructions that a path
//! executes does not, so a change of 2 % is seen in one run. It is no measure of time: a cache miss counts as much as
//! an addition. It tells that a path has become longer, and the time has to be measured where that matters.
//!
//! `cargo run --release -p dyno-instructions -- [--check | --update]`
//!
//! - `--check` (the default) compares with `baseline.toml` beside the manifest, and fails when a path takes over 2 %
//!   more instructions than there.
//! - `--update` writes a new baseline. It belongs into the commit that changes the counts, whose message says why.
//!
//! Each path runs in a process of its own under Valgrind's callgrind, once for N rounds and once for 2 N. The
//! difference is that of N rounds exactly: start, preparation and end cancel each other out. The process has an empty
//! environment, because its size moves the stack, and with it the alignment that copies depend on.
//!
//! The counts depend on the compiler, on Valgrind and on the processor, because `ring` and the C library choose their
//! code by what the processor can do. The baseline names all three. Where one of them differs, the check shows the
//! counts and does not judge them. Without Valgrind it says so and passes.

mod baseline;
mod callgrind;
mod paths;

use std::error::Error;
use std::process::ExitCode;

use baseline::{Baseline, Machine};

/// How far a count may rise above its baseline: the counts repeat to 0.1 %, and a new field in a structure moves them
/// by less than 1 %.
const RISE_MAX: f64 = 0.02;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [callgrind::WORK, name, rounds] => {
            paths::find(name)?.run(rounds.parse()?);
            Ok(ExitCode::SUCCESS)
        }
        [] | ["--check"] => check(false),
        ["--update"] => check(true),
        _ => {
            eprintln!("use: dyno-instructions [--check | --update]");
            Ok(ExitCode::from(2))
        }
    }
}

fn check(update: bool) -> Result<ExitCode, Box<dyn Error>> {
    if cfg!(debug_assertions) {
        return Err("the counts are those of optimized code: run with --release".into());
    }
    let Some(valgrind) = callgrind::version() else {
        println!(
            "SKIPPED: Valgrind is not installed, so no instructions were counted (Debian: apt install valgrind)"
        );
        return Ok(ExitCode::SUCCESS);
    };
    let mut current = Baseline { machine: Machine::here(valgrind), ..Baseline::default() };
    let stored = Baseline::read();
    let comparable = stored.as_ref().is_ok_and(|stored| stored.machine == current.machine);
    let mut risen = Vec::new();
    println!("{:<38} {:>12} {:>12} {:>9}", "instructions per round", "baseline", "now", "change");
    for path in &paths::ALL {
        let now = callgrind::count(path)?;
        current.instructions.insert(path.name.into(), now);
        let before = stored.as_ref().ok().and_then(|stored| stored.instructions.get(path.name).copied());
        let change = before.map(|before| now / before - 1.0);
        let shown = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.1}"));
        let percent = change.map_or("new".into(), |change| format!("{:+.2} %", change * 100.0));
        println!("{:<38} {:>12} {:>12} {percent:>9}", path.name, shown(before), shown(Some(now)));
        if change.is_none_or(|change| change > RISE_MAX) {
            risen.push(path.name);
        }
    }
    if update {
        current.write()?;
        println!("written: {}", baseline::PATH);
        return Ok(ExitCode::SUCCESS);
    }
    let stored = stored?;
    if !comparable {
        println!("NOT JUDGED: the baseline was taken with another compiler, Valgrind or processor");
        println!("  baseline: {}\n  now:      {}", stored.machine, current.machine);
        return Ok(ExitCode::SUCCESS);
    }
    if risen.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("over {:.0} % more than the baseline, or without one: {}", RISE_MAX * 100.0, risen.join(", "));
    eprintln!("if the change is meant, run with --update and say in the commit why");
    Ok(ExitCode::FAILURE)
}
