//! `dyno completions SHELL`: completions for a shell.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory, ValueHint};
use dyno_servers::architectures;

use super::experiment::services as workloads;
use super::{CommandResult, Dyno};
use crate::demos;
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
    clap_complete::generate(arguments.shell, &mut with_names(Dyno::command()), "dyno", &mut text);
    out!("{}", String::from_utf8_lossy(&text));
    if arguments.shell == clap_complete::Shell::Fish {
        out!("{}", names_for_fish());
    }
    Ok(Exit::Success)
}

/// The names again as lines of fish: clap_complete leaves arguments without a flag out there.
fn names_for_fish() -> String {
    let architectures = architectures::ALL.map(|architecture| architecture.name).join(" ");
    let line = |commands: &str, names: &str| {
        format!("complete -c dyno -n \"__fish_seen_subcommand_from {commands}\" -f -a \"{names}\"\n")
    };
    line("serve learn compare curve scale connections count duel explain", &architectures)
        + &line("demo", &demos::names().join(" "))
}

/// The command line with the names that its arguments take. The commands themselves take any word, and answer a wrong
/// one with the name that was probably meant.
fn with_names(command: Command) -> Command {
    let architectures =
        || PossibleValuesParser::new(architectures::ALL.map(|architecture| architecture.name));
    let named = |command: Command, one: &'static str, argument: &'static str| {
        command.mut_subcommand(one, |one| {
            one.mut_arg(argument, |argument| argument.value_parser(architectures()))
        })
    };
    let in_directory = |command: Command, one: &'static str, argument: &'static str| {
        command.mut_subcommand(one, |one| {
            one.mut_arg(argument, |argument| argument.value_hint(ValueHint::DirPath))
        })
    };
    let experiments = ["compare", "curve", "scale", "connections", "duel"];
    let mut command = experiments.into_iter().fold(command, |command, one| {
        in_directory(in_directory(named(command, one, "names"), one, "resume"), one, "output")
    });
    for (one, argument) in [("serve", "name"), ("learn", "names"), ("explain", "one"), ("explain", "other")] {
        command = named(command, one, argument);
    }
    for (one, argument) in [
        ("report", "directory"),
        ("choose", "directory"),
        ("diff", "old"),
        ("diff", "new"),
        ("keys", "directory"),
        ("man", "directory"),
        ("learn", "html"),
    ] {
        command = in_directory(command, one, argument);
    }
    command = command.mut_subcommand("compare", |compare| {
        compare.mut_arg("services", |services| {
            services.value_parser(PossibleValuesParser::new(workloads::names()))
        })
    });
    command.mut_subcommand("demo", |demo| {
        demo.mut_arg("name", |name| name.value_parser(PossibleValuesParser::new(demos::names())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_completes_names() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut with_names(Dyno::command()), "dyno", &mut text);
            let text = String::from_utf8(text).unwrap();
            let text = if shell == clap_complete::Shell::Fish { text + &names_for_fish() } else { text };
            for name in
                architectures::ALL.map(|architecture| architecture.name).into_iter().chain(demos::names())
            {
                assert!(text.contains(name), "{shell}: {name}");
            }
        }
    }
}
