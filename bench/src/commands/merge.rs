//! `dyno merge FILE...`: one result of the parts of a load that several hosts have made.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use dyno_clients::limits::PART_FILE_MAX_OCTETS;
use dyno_clients::parts::LoadPart;
use dyno_clients::parts::merge::{MergeError, Merger};
use dyno_clients::parts::read::{PartError, read};

use super::CommandResult;
use crate::exit::Failure;
use crate::load::result::{ConditionOptions, ResultOptions, conclude};

/// Make one result of the parts of a load that several hosts have made with `dyno load --part`.
///
/// The histograms are added without loss: percentiles are those of all requests, and not means of the parts'. The audit
/// is run again on the whole, and names the parts that were late, doubtful, void or missing: a void part makes
/// the whole void. Parts of different plans, and a part that is there twice, are refused.
///
/// Starts are as close to each other as the hosts' clocks. Each part measures how far the server's clock is from its
/// own, by the dates of answers before the start, so the result says how far apart the starts were.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// Files of the parts; of a directory all its *.json
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Merge those that are there: the rate is then a lower bound, and the latencies are doubtful
    #[arg(long, help_heading = "Parts")]
    allow_missing: bool,
    #[command(flatten)]
    result: ResultOptions,
    #[command(flatten)]
    conditions: ConditionOptions,
}

const AFTER_HELP: &str = "\
Examples:
  at=$(($(date +%s) + 15))
  load='dyno load http://server:8080/ --rate 300k -c 600'
  for i in 1 2 3; do
    ssh host$i $load --part $i/3 --start-at $at -o - > part$i.json &
  done; wait
  dyno merge part*.json --html load.html --require 'p99<5ms'

Exit codes: as `dyno load`; 1 a file is broken, 2 the parts make no whole.";

/// Merges the parts and writes the result.
///
/// # Errors
/// Which file is broken and where, or which part does not belong to the others.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    arguments.result.try_places()?;
    let mut merger = Merger::default();
    for path in files(&arguments.files)? {
        let part = part(&path)?;
        merger.add(&path.display().to_string(), part).map_err(refused)?;
    }
    let outcome = merger.finish(arguments.allow_missing).map_err(refused)?;
    conclude(outcome, &arguments.result, &arguments.conditions)
}

/// The files, those of directories in the order of their names.
fn files(named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = path.read_dir().map_err(|error| unreadable(path, &error))?;
        let inside = entries.flatten().map(|entry| entry.path());
        let mut inside: Vec<PathBuf> =
            inside.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
        inside.sort();
        files.extend(inside);
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        format!("cannot read {}: {error}", path.display()),
        "name the files that the parts have written",
    )
}

fn part(path: &Path) -> Result<LoadPart, Failure> {
    let shown = path.display();
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(PART_FILE_MAX_OCTETS + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > PART_FILE_MAX_OCTETS {
        let message = format!("{shown} is longer than a part of a load can be");
        return Err(Failure::usage(message, "name the files that the parts have written"));
    }
    read(&text).map_err(|error| match &error {
        PartError::Broken { line, column, reason } => Failure::failed(
            format!("{shown}:{line}:{column}: {reason}"),
            "the file is broken or not whole: copy it from its host again",
        ),
        PartError::NoPart => Failure::usage(
            format!("{shown}: {error}"),
            "parts are written by `dyno load --part I/N --start-at TIME --output FILE`",
        ),
        PartError::Schema(_) => Failure::usage(
            format!("{shown}: {error}"),
            "make and merge all parts with the same version of dyno",
        ),
        PartError::Impossible(_) => {
            Failure::failed(format!("{shown}: {error}"), "the file was changed after it was written")
        }
    })
}

fn refused(error: MergeError) -> Failure {
    let message = error.to_string();
    let remedy = match error {
        MergeError::OtherPlan { .. } => "give all hosts the same options, but for the number of the part",
        MergeError::Twice { .. } => "name each part once",
        MergeError::Missing { .. } => {
            "name the other files as well, or say --allow-missing for a result that is a bound"
        }
        MergeError::Nothing => "name the files that the parts have written",
    };
    Failure::usage(message, remedy)
}
