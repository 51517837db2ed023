//! A against A: twenty comparisons of an architecture with itself. A benchmark that sees differences where there are
//! none is worth nothing; this one has to find no difference in at least 17 of 20 trials.
//!
//! ```text
//! cargo build --release && cargo run --release --example a_against_a -- DIR [NAME] [TRIALS]
//! ```
//!
//! Each trial is an experiment of its own in `DIR/trial-NN`. Trials that are done are not measured again, so it may
//! be ended at any time and started anew.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use dyno_analysis::comparison::{Row, model};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::Levelled;
use dyno_record::store;
use dyno_statistics::limits::LEAST_BLOCKS_FOR_A_VERDICT;
use dyno_statistics::verdict::ComparisonVerdict;

/// Picks a figure of a row.
type Read = fn(&Row) -> &RowFigure;

/// What is compared.
const FIGURES: [(&str, Read); 4] = [
    ("capacity", |row| &row.capacity),
    ("p99", |row| &row.p99_ns),
    ("connections/s", |row| &row.connect),
    ("CPU/request", |row| &row.cpu_at_capacity_ns),
];

/// Trials that may see a difference in any one figure, of 20.
const ALLOWED: usize = 3;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(directory) = arguments.next().map(PathBuf::from) else {
        eprintln!("say where results go: a_against_a DIR [NAME] [TRIALS]");
        return ExitCode::from(2);
    };
    let name = arguments.next().unwrap_or_else(|| "epoll".to_string());
    let trials = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(20);
    let mut seen = [0; FIGURES.len()];
    for trial in 1..=trials {
        match judge(&directory.join(format!("trial-{trial:02}")), &name, trial) {
            Ok(verdicts) => {
                let differ: Vec<&str> = FIGURES
                    .iter()
                    .zip(&verdicts)
                    .filter(|(_, verdict)| {
                        matches!(verdict, ComparisonVerdict::Higher | ComparisonVerdict::Lower)
                    })
                    .map(|((figure, _), _)| *figure)
                    .collect();
                let words = if differ.is_empty() { "no difference".to_string() } else { differ.join(", ") };
                println!("trial {trial:>2}: {words}");
                for (count, verdict) in seen.iter_mut().zip(verdicts) {
                    *count +=
                        usize::from(matches!(verdict, ComparisonVerdict::Higher | ComparisonVerdict::Lower));
                }
            }
            Err(why) => {
                eprintln!("trial {trial}: {why}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut held = true;
    for ((figure, _), count) in FIGURES.iter().zip(seen) {
        println!("{figure}: no difference in {} of {trials} trials", trials - count);
        held &= count * 20 <= ALLOWED * trials;
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge(directory: &Path, name: &str, trial: usize) -> Result<[ComparisonVerdict; FIGURES.len()], String> {
    // Examples lie one directory below the program.
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = own.ancestors().nth(2).ok_or("this example lies nowhere")?.join("dyno");
    let mut command = Command::new(&program);
    command.args(["compare", "--quiet"]);
    if directory.join(store::FILE).exists() {
        command.arg("--resume").arg(directory);
    } else {
        command.args([name, name, "--blocks", &LEAST_BLOCKS_FOR_A_VERDICT.to_string()]);
        command.args(["--seed", &trial.to_string(), "--output"]).arg(directory);
    }
    let output = command
        .output()
        .map_err(|error| format!("cannot start {}: {error}; build it first", program.display()))?;
    // Code 5, no cell counts, ends it as well: too few blocks are no verdict, and must not pass for "no difference".
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let records = Levelled::of(store::read(directory).map_err(|error| error.to_string())?);
    let model = model(&records);
    let [one, other] = model.rows.as_slice() else {
        return Err(format!("{} holds {} rows, not two", directory.display(), model.rows.len()));
    };
    let header = &model.header;
    Ok(FIGURES.map(|(_, read)| read(one).against(read(other), header.threshold, header.seed).verdict))
}
