//! `dyno man DIR`: manual pages.

use std::path::PathBuf;

use clap::CommandFactory;

use super::{CommandResult, Dyno};
use crate::exit::{Exit, Failure};

/// Write manual pages, one a command, into a directory.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno man ~/.local/share/man/man1 && man dyno-compare")]
pub(crate) struct Arguments {
    /// Where they go; it is made when it is missing.
    directory: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let directory = &arguments.directory;
    let written = std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Dyno::command(), directory));
    written.map_err(|error| {
        Failure::failed(
            format!("cannot write to {}: {error}", directory.display()),
            "name a directory that you may write to",
        )
    })?;
    Ok(Exit::Success)
}
