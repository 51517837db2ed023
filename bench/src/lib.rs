//! The program `dyno`: its command line, demonstrations, calibration and load. Exit codes and remedies are defined
//! only here.
#![warn(unreachable_pub, clippy::print_stdout, clippy::print_stderr)]

use std::panic::{catch_unwind, resume_unwind};
use std::process::ExitCode;

pub(crate) mod calibrate;
pub(crate) mod choice;
mod cluster;
mod commands;
pub(crate) mod control;
pub mod demos;
pub(crate) mod exit;
pub(crate) mod groups;
pub(crate) mod knobs;
pub(crate) mod learn;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod meant;
pub(crate) mod numbers;
mod png;
mod print;
pub(crate) mod progress;
pub mod remedy;
pub(crate) mod results;
mod scratch;
pub(crate) mod superserver;
pub(crate) mod textbook;
pub(crate) mod trace;
pub(crate) mod transport;
pub(crate) mod watch;

use clap::error::{ContextKind, ContextValue};

use crate::exit::{Exit, Failure};
use crate::limits::TERMINAL_COLUMNS;
use crate::meant::NameKind;
use crate::print::{Unwritten, errln, out};
use dyno_units::text::wrap;

/// Parses the command line, runs the command, and prints a failure on stderr.
///
/// # Returns
/// The exit code: 0 fine, 1 failed, 2 wrong usage, 3 a threshold was missed, 4 a regression, 5 the result is invalid,
/// 130 interrupted.
pub fn main() -> ExitCode {
    print::settle_colours();
    let ended = catch_unwind(|| {
        command().unwrap_or_else(|failure| {
            errln!("{failure}");
            failure.exit
        })
    });
    let exit = ended.unwrap_or_else(|payload| match payload.downcast::<Unwritten>() {
        Ok(unwritten) => unwritten.exit(),
        Err(panic) => resume_unwind(panic),
    });
    exit.into()
}

/// The text with its long lines broken, without colours; `None` where all lines fit: clap breaks help but no errors.
fn broken(text: &str) -> Option<String> {
    let fits = |line: &str| line.chars().count() <= TERMINAL_COLUMNS;
    if text.lines().all(fits) {
        return None;
    }
    let lines = text.lines().map(|line| match fits(line) {
        true => line.to_string(),
        false => wrap(line, TERMINAL_COLUMNS - 2).replace('\n', "\n  "),
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// What a word that is no command names elsewhere; clap itself tells commands that are near.
fn command_meant(usage: &clap::Error) -> Option<String> {
    let word = match usage.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(word) => word,
        _ => return None,
    };
    let near = usage.get(ContextKind::SuggestedSubcommand).is_some();
    Some(meant::meant(word, NameKind::Command)).filter(|told| !told.is_empty() && !near)
}

fn command() -> Result<Exit, Failure> {
    match commands::Dyno::read() {
        Ok(dyno) => dyno.run(),
        Err(usage) => {
            let text = usage.render().ansi().to_string();
            if usage.use_stderr() {
                let broken = broken(&usage.render().to_string());
                errln!("{}", broken.as_deref().unwrap_or(&text).trim_end());
                if let Some(meant) = command_meant(&usage) {
                    errln!("      {}", meant.trim_end());
                }
                return Ok(Exit::Usage);
            }
            out!("{text}");
            Ok(Exit::Success)
        }
    }
}
