//! `dyno textbook`: what books claim, tried on this machine.

use std::path::PathBuf;

use dyno_measure::rig::system::{interrupted, take_signals};
use dyno_measure::textbook::claim::{Claim, Effort};
use dyno_measure::textbook::{claims, named};
use dyno_measure::{environment, suggest};
use dyno_record::textbook::{ClaimVerdict, TEXTBOOK_SCHEMA, TextbookRun};
use dyno_report::textbook as report;
use std::time::{SystemTime, UNIX_EPOCH};

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::load::write::{put, try_place};
use crate::print::{PAINT, errln, out, outln};
use crate::progress::Reporter;
use crate::textbook::{Scratch, tried};

/// Try what books and lectures claim: does it hold on this machine?
///
/// Each claim has its source and a small trial of its own: how much dearer a process is than a thread, whether one
/// blocking call stops a server, whether throughput collapses under overload. A claim holds when the whole 95 %
/// interval of its quantity lies in what is claimed, and does not hold here when all of it lies outside; a single
/// value decides nothing. All of them take about a minute; close other programs meanwhile.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno textbook\n  dyno textbook thread-start fork-memory loop-never-waits\n  \
                        dyno textbook --quick --html textbook.html\n\n\
                        Exit codes: 0 there is a verdict, 1 the run failed, 2 wrong usage, 5 nothing is decided, \
                        130 interrupted: what was tried is shown."
)]
pub(crate) struct Arguments {
    /// Claims to try, by name [default: all; --list names them]
    #[arg(value_name = "CLAIM")]
    claims: Vec<String>,
    /// Name all claims with what they say, and try none
    #[arg(long, conflicts_with_all = ["claims", "quick", "html", "format", "rounds"])]
    list: bool,
    /// As few rounds as a verdict needs
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Rounds of each claim [default: 9]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(5..=1000))]
    rounds: Option<u32>,
    /// How the verdicts are printed
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TextbookFormat,
    /// Write a page as well: a card for each claim, with a picture of what is claimed and what was measured
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
    /// Tries one claim in this process, with its files in this directory.
    #[arg(long, value_name = "DIR", hide = true)]
    trial: Option<PathBuf>,
}

/// How verdicts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TextbookFormat {
    /// Lines of 80 columns.
    Text,
    /// Everything, with a schema version.
    Json,
}

/// Rounds of a claim where the user sets none, and those of the short form: as many as a verdict needs.
const ROUNDS: u32 = 9;
const QUICK_ROUNDS: u32 = 5;

/// Tries the claims.
///
/// # Errors
/// Usage (2) for an unknown claim; failed (1) when a page cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if arguments.list {
        for claim in claims() {
            outln!("{:<23} {}", claim.name, claim.says);
        }
        return Ok(Exit::Success);
    }
    let chosen = chosen(&arguments.claims)?;
    let rounds = arguments.rounds.unwrap_or(if arguments.quick { QUICK_ROUNDS } else { ROUNDS });
    if let Some(directory) = &arguments.trial {
        return inside(&chosen, Effort { rounds, directory: directory.clone() });
    }
    arguments.html.as_deref().map_or(Ok(()), try_place)?;
    let progress = Reporter::new(arguments.quiet);
    let environment = environment::read();
    if !environment.optimized {
        progress.warn_of_slow_program();
    }
    take_signals()?;
    let scratch = Scratch::make()?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut run = TextbookRun {
        schema: TEXTBOOK_SCHEMA,
        began_unix_ms: since.map_or(0, |since| since.as_millis() as u64),
        environment,
        findings: Vec::new(),
    };
    for (number, claim) in chosen.iter().enumerate() {
        let finding = tried(claim, rounds, &scratch);
        if interrupted() {
            break;
        }
        progress.say(&format!(
            "{:>2}/{} {:<23} {}",
            number + 1,
            chosen.len(),
            claim.name,
            finding.verdict.words()
        ));
        run.findings.push(finding);
    }
    progress.finish();
    show(arguments, &run)?;
    if interrupted() {
        errln!("interrupted; the claims after these were not tried");
        return Ok(Exit::Interrupted);
    }
    let is_decided = run.findings.iter().any(|finding| finding.verdict != ClaimVerdict::NotDecided);
    Ok(if is_decided { Exit::Success } else { Exit::Invalid })
}

fn chosen(names: &[String]) -> Result<Vec<&'static Claim>, Failure> {
    if names.is_empty() {
        return Ok(claims().collect());
    }
    let find = |name: &String| {
        named(name).ok_or_else(|| {
            let known: Vec<&str> = claims().map(|claim| claim.name).collect();
            let guess =
                suggest::closest(name, &known).map_or(String::new(), |near| format!("did you mean {near}? "));
            Failure::usage(
                format!("there is no claim called {name:?}"),
                format!("{guess}`dyno textbook --list` names them"),
            )
        })
    };
    names.iter().map(find).collect()
}

/// Tries a claim in this process, and prints what it gave for the process that started this one.
fn inside(chosen: &[&'static Claim], effort: Effort) -> CommandResult {
    for claim in chosen {
        let rounds = (claim.run)(&effort).map_err(|error| Failure::failed(error.to_string(), ""))?;
        let line = serde_json::json!([rounds.first, rounds.second]);
        outln!("{line}");
    }
    Ok(Exit::Success)
}

fn show(arguments: &Arguments, run: &TextbookRun) -> Result<(), Failure> {
    match arguments.format {
        TextbookFormat::Text => out!("{}", report::terminal(run, PAINT)),
        TextbookFormat::Json => {
            let text = serde_json::to_string_pretty(run)
                .map_err(|error| Failure::failed(format!("cannot write the verdicts: {error}"), ""))?;
            outln!("{text}");
        }
    }
    let Some(path) = &arguments.html else { return Ok(()) };
    let command = std::env::args().collect::<Vec<_>>().join(" ");
    let page =
        report::html(run, &command).map_err(|error| Failure::failed(format!("the page: {error}"), ""))?;
    put(&page, path)?;
    if !arguments.quiet {
        errln!("page: {}", path.display());
    }
    Ok(())
}
