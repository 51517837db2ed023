//! What tracing costs: an architecture that writes a trace against itself without one, in turn by the millisecond on
//! one core (`dyno duel`), as the ratio of their CPU per request.
//!
//! ```text
//! cargo build --release && cargo run --release --example trace_cost -- DIR SHARE NAME...
//! ```
//!
//! `SHARE` is the share of connections that are traced: at 100% each request is written down, at 0% the switch is on
//! and nothing is. A ratio whose interval reaches beyond 0.98 and 1.02 on both sides is told as what it is.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use dyno_analysis::duel::rows;
use dyno_analysis::levelling::Levelled;
use dyno_record::store;
use dyno_servers::architecture::Concurrency;
use dyno_servers::architectures::ALL;

/// The ratio that a trace may cost at the most, and its inverse.
const ALLOWED: f64 = 1.02;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(share)) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        eprintln!("say where results go, and which share is traced: trace_cost DIR SHARE [NAME]...");
        return ExitCode::from(2);
    };
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names = ALL.iter().map(|architecture| architecture.name.to_string()).collect();
    }
    let mut is_within = true;
    for name in names {
        match cost(&directory, &share, &name) {
            Ok((low, value, high)) => {
                let fits = low <= ALLOWED && high >= 1.0 / ALLOWED;
                is_within &= fits && value <= ALLOWED;
                println!("{name:<22} {value:.3} ({low:.3} to {high:.3})");
            }
            Err(why) => {
                println!("{name:<22} {}", why.lines().next().unwrap_or("no result"));
                is_within = false;
            }
        }
    }
    if is_within { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// CPU per request with a trace over that without, with its interval.
fn cost(directory: &Path, share: &str, name: &str) -> Result<(f64, f64, f64), String> {
    // Examples lie one directory below the program.
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.ancestors().nth(2).ok_or("this example lies nowhere")?.join("dyno");
    let place = directory.join(name);
    let file = directory.join(format!("{name}.toml"));
    std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    std::fs::write(&file, experiment(&program, share, name)?).map_err(|error| error.to_string())?;
    let output = Command::new(&program)
        .arg("run")
        .arg(&file)
        .args(["--quiet", "--output"])
        .arg(&place)
        .output()
        .map_err(|error| format!("cannot start {}: {error}; build it first", program.display()))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let records = Levelled::of(store::read(&place).map_err(|error| error.to_string())?);
    let row = rows(&records).into_iter().next().ok_or("no block counts")?;
    let ratio = row.cpu.ratio.ok_or("no block counts")?;
    Ok((ratio.low, ratio.value, ratio.high))
}

fn experiment(program: &Path, share: &str, name: &str) -> Result<String, String> {
    let architecture = ALL
        .into_iter()
        .find(|architecture| architecture.name == name)
        .ok_or(format!("there is no {name}"))?;
    let at_once = match architecture.concurrency {
        Concurrency::One => "one",
        Concurrency::PerWorker | Concurrency::Many => "many",
    };
    let server = |label: &str, more: &str| {
        format!(
            "\n[[server]]\nname = \"{label}\"\nready = \"line\"\nconnections = \"{at_once}\"\n\
             command = [\"{}\", \"serve\", \"{name}\", \"--listen\", \"127.0.0.1:{{port}}\"{more}]\n",
            program.display()
        )
    };
    let traced = server("traced", &format!(", \"--trace\", \"{share}\""));
    Ok(format!("experiment = \"duel\"\nblocks = 7\n{traced}{}", server("untraced", "")))
}
