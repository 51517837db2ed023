//! `dyno man DIR`: manual pages.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use super::{CommandResult, Dyno};
use crate::exit::{Exit, Failure};
use crate::print::out;

/// Write manual pages, one a command, into a directory, or all of them to standard output.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno man ~/.local/share/man/man1 && man dyno-compare\n  dyno man | man -l -"
)]
pub(crate) struct Arguments {
    /// Where they go; it is made when it is missing [default: standard output]
    directory: Option<PathBuf>,
}

/// Writes the pages.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let Some(directory) = &arguments.directory else {
        out!("{}", String::from_utf8_lossy(&pages()));
        return Ok(Exit::Success);
    };
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

/// The pages one after the other, that of the program first.
fn pages() -> Vec<u8> {
    let mut text = Vec::new();
    let mut command = Dyno::command();
    command.build();
    let below = |command: &clap::Command| -> Vec<_> {
        command
            .get_subcommands()
            .filter(|one| one.get_name() != "help" && !one.is_hide_set())
            .cloned()
            .collect()
    };
    let mut commands = vec![command];
    let mut at = 0;
    while let Some(one) = commands.get(at) {
        let inner = below(one);
        at += 1;
        commands.splice(at..at, inner);
    }
    for one in commands {
        let name = one.get_display_name().unwrap_or_else(|| one.get_name()).to_string();
        // Writing to a vector cannot fail.
        let _ = Man::new(one).title(name).render(&mut text);
    }
    text
}
