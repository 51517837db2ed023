//! `dyno guest`: this program as the first process of the machine that `dyno count` emulates.

use super::CommandResult;
use crate::exit::Failure;

/// Count instructions as the first process of an emulated machine. `dyno count` starts it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

/// Carries out the plan of the machine, and ends the machine.
///
/// # Errors
/// Usage (2) everywhere else: it would mount file systems and restart the machine.
pub(crate) fn run(_arguments: &Arguments) -> CommandResult {
    if std::process::id() == 1 && std::path::Path::new(dyno_measure::count::PLAN).exists() {
        dyno_measure::count::guest::main();
    }
    Err(Failure::usage("this is no machine that `dyno count` has started", "say `dyno count`"))
}
