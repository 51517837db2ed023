//! `dyno man`: manual pages.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use super::{CommandResult, Dyno};
use crate::exit::{Exit, Failure};
use crate::groups;
use crate::print::out;

/// Print the manual page of a command or all of them, or write them into a directory.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno man load | man -l -\n  dyno man ~/.local/share/man/man1 && man dyno-compare"
)]
pub(crate) struct Arguments {
    /// The command whose page is printed, or the directory for all pages, which is made when it is missing; a directory
    /// that is called as a command is written ./load [default: all pages on standard output]
    #[arg(value_name = "COMMAND|DIRECTORY")]
    place: Option<PathBuf>,
}

/// Prints or writes the pages.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let named = arguments.place.as_ref().and_then(|place| place.to_str());
    let named = named.filter(|name| groups::commands().contains(name));
    let directory = match (&arguments.place, named) {
        (Some(directory), None) => directory,
        _ => {
            out!("{}", String::from_utf8_lossy(&pages(named)));
            return Ok(Exit::Success);
        }
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

/// The pages one after the other, that of the program first; or those of one command and of what is below it.
fn pages(only: Option<&str>) -> Vec<u8> {
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
    let mut commands = match only {
        Some(name) => below(&command).into_iter().filter(|one| one.get_name() == name).collect(),
        None => vec![command],
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page_that_can_be_shown_alone() {
        let titles = |only: Option<&str>| -> Vec<String> {
            let text = String::from_utf8(pages(only)).unwrap();
            let lines = text.lines().filter(|line| line.starts_with(".TH "));
            lines.map(|line| line.split(' ').nth(1).unwrap_or_default().replace("\\-", "-")).collect()
        };
        let all = titles(None);
        for name in groups::commands().into_iter().filter(|name| *name != "help") {
            let own = titles(Some(name));
            assert_eq!(own[0], format!("dyno-{name}"));
            assert!(own.iter().all(|title| title.starts_with(&own[0]) && all.contains(title)), "{own:?}");
        }
        assert_eq!(all[0], "dyno");
    }
}
