//! `dyno completions SHELL`: completions for a shell.

use clap::CommandFactory;

use super::{CommandResult, Dyno};
use crate::exit::Exit;
use crate::print::out;

/// Print completions for a shell.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno completions bash > ~/.local/share/bash-completion/completions/dyno\n  \
                        dyno completions fish > ~/.config/fish/completions/dyno.fish"
)]
pub(crate) struct Arguments {
    /// The shell that completes
    shell: clap_complete::Shell,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let mut text = Vec::new();
    clap_complete::generate(arguments.shell, &mut Dyno::command(), "dyno", &mut text);
    out!("{}", String::from_utf8_lossy(&text));
    Ok(Exit::Success)
}
