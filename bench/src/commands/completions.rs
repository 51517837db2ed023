//! `dyno completions SHELL`: completions for a shell.

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory, ValueHint};
use dyno_measure::contestant::peers;
use dyno_servers::{architectures, services};

use super::experiment::services as workloads;
use super::{CommandResult, Dyno};
use crate::exit::Exit;
use crate::print::out;
use crate::{demos, groups};

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

/// Experiments in which servers of others take part by their names.
const WITH_PEERS: [&str; 6] = ["compare", "curve", "scale", "connections", "duel", "explain"];

/// Experiments and commands that take architectures alone.
const OF_OUR_OWN: [&str; 6] = ["serve", "learn", "count", "overload", "waiting", "isolation"];

fn architectures() -> Vec<&'static str> {
    architectures::ALL.map(|architecture| architecture.name).to_vec()
}

fn with_peers() -> Vec<&'static str> {
    [architectures(), peers::labels()].concat()
}

/// Paths of services that are whole without a parameter.
fn paths() -> Vec<&'static str> {
    let path = |service: &'static services::service::Service| {
        (!service.path.contains(|letter: char| letter.is_ascii_uppercase())).then_some(service.path)
    };
    services::ALL.into_iter().filter_map(path).collect()
}

/// The names again as lines of fish: clap_complete leaves arguments without a flag out there.
fn names_for_fish() -> String {
    let line = |commands: &[&str], names: &[&str]| {
        format!(
            "complete -c dyno -n \"__fish_seen_subcommand_from {}\" -f -a \"{}\"\n",
            commands.join(" "),
            names.join(" ")
        )
    };
    line(&OF_OUR_OWN, &architectures())
        + &line(&WITH_PEERS, &with_peers())
        + &line(&["demo"], &demos::names())
        + &line(&["man"], &groups::commands())
}

/// The command line with the names that its arguments take. The commands themselves take any word, and answer a wrong
/// one with the name that was probably meant.
fn with_names(command: Command) -> Command {
    let named = |command: Command, one: &'static str, argument: &'static str, names: Vec<&'static str>| {
        command.mut_subcommand(one, |one| {
            one.mut_arg(argument, |argument| argument.value_parser(PossibleValuesParser::new(names)))
        })
    };
    let in_directory = |command: Command, one: &'static str, argument: &'static str| {
        command.mut_subcommand(one, |one| {
            one.mut_arg(argument, |argument| argument.value_hint(ValueHint::DirPath))
        })
    };
    let mut command = command;
    for one in WITH_PEERS.into_iter().chain(OF_OUR_OWN) {
        let names = if WITH_PEERS.contains(&one) { with_peers() } else { architectures() };
        command = match one {
            "serve" => named(command, one, "name", names),
            "explain" => named(named(command, one, "one", names.clone()), one, "other", names),
            "learn" => named(command, one, "names", names),
            "count" => in_directory(named(command, one, "names", names), one, "output"),
            _ => {
                in_directory(in_directory(named(command, one, "names", names), one, "resume"), one, "output")
            }
        };
    }
    for one in ["compare", "curve", "scale", "connections", "duel", "overload"] {
        command = named(command, one, "service", paths());
    }
    for (one, argument) in [
        ("report", "directory"),
        ("choose", "directory"),
        ("diff", "old"),
        ("diff", "new"),
        ("keys", "directory"),
        ("learn", "html"),
    ] {
        command = in_directory(command, one, argument);
    }
    command = named(command, "compare", "services", workloads::names());
    command = named(command, "demo", "name", demos::names().to_vec());
    named(command, "man", "place", groups::commands())
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
                with_peers().into_iter().chain(demos::names()).chain(workloads::names()).chain(paths())
            {
                assert!(text.contains(name), "{shell}: {name}");
            }
        }
    }

    #[test]
    fn bash_completes_for_each_command_the_names_that_it_takes() {
        let mut text = Vec::new();
        clap_complete::generate(
            clap_complete::Shell::Bash,
            &mut with_names(Dyno::command()),
            "dyno",
            &mut text,
        );
        let text = String::from_utf8(text).unwrap();
        let offered = |command: &str| -> Vec<String> {
            let begin = text
                .find(&format!("\n        dyno__{command})"))
                .or_else(|| text.find(&format!("\n        dyno__subcmd__{command})")));
            let from = begin.unwrap_or_else(|| panic!("{command}"));
            let line = text[from..].lines().find(|line| line.trim_start().starts_with("opts=")).unwrap();
            line.split(['"', ' ']).map(String::from).collect()
        };
        for command in WITH_PEERS.into_iter().chain(OF_OUR_OWN) {
            let offered = offered(command);
            for name in architectures() {
                assert!(offered.iter().any(|word| word == name), "{command}: {name}");
            }
            for peer in peers::labels() {
                let is_offered = offered.iter().any(|word| word == peer);
                assert_eq!(is_offered, WITH_PEERS.contains(&command), "{command}: {peer}");
            }
        }
        for demonstration in demos::names() {
            assert!(offered("demo").iter().any(|word| word == demonstration), "{demonstration}");
        }
    }
}
