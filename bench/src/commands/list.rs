//! `dyno list`: the architectures, the services, and the servers of others.

use std::fmt::Write as _;

use dyno_measure::contestant::peers;
use dyno_servers::services::service::Needs;
use dyno_servers::{architectures, services};

use super::CommandResult;
use crate::exit::Exit;
use crate::knobs;
use crate::print::out;
use dyno_units::text::wrap;

/// List the architectures, with idea and limits, the services, and the servers of others.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only the names of the architectures, one a line, for scripts.
    #[arg(long)]
    names: bool,
}

pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let text = if arguments.names { names() } else { tables() };
    out!("{text}");
    Ok(Exit::Success)
}

fn names() -> String {
    architectures::ALL.iter().fold(String::new(), |text, architecture| text + architecture.name + "\n")
}

fn tables() -> String {
    let mut text = String::from("Architectures (dyno serve NAME)\n");
    for architecture in architectures::ALL {
        let options: Vec<_> = architecture.knobs.iter().map(|knob| knobs::option(*knob)).collect();
        text.push('\n');
        row(&mut text, architecture.name, architecture.idea);
        row(&mut text, "", &format!("wall: {}", architecture.wall));
        if !options.is_empty() {
            row(&mut text, "", &format!("options: {}", options.join(" ")));
        }
    }
    text.push_str("\nServices\n\n");
    for service in services::ALL {
        let needs = match service.needs {
            Needs::Nothing => "",
            Needs::Directory => " (--files DIR)",
            Needs::Uploads => " (--uploads DIR)",
            Needs::Faults => " (only with --faults)",
            Needs::SharedMemory => " (not where workers are processes)",
        };
        row(&mut text, service.path, &format!("{} {}{needs}", service.methods.join("/"), service.idea));
    }
    text.push_str("\nServers of others (dyno compare epoll NAME), which answer / alone\n\n");
    for (name, idea, is_installed) in peers::all() {
        row(&mut text, name, &format!("{idea}{}", if is_installed { "" } else { " (not installed here)" }));
    }
    text
}

/// A row of a name and a text about it, in 80 columns.
fn row(text: &mut String, name: &str, words: &str) {
    let lines = wrap(words, 80 - 26);
    for (index, line) in lines.trim_end().lines().enumerate() {
        let _ = writeln!(text, "  {:<22} {line}", if index == 0 { name } else { "" });
    }
}
