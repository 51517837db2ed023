//! `dyno list`: the architectures and the services.

use std::fmt::Write as _;

use dyno_servers::{architectures, services};

use super::Outcome;
use crate::exit::Exit;

/// List the architectures, with idea and limits, and the services.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Only the names of the architectures, one a line, for scripts.
    #[arg(long)]
    names: bool,
}

/// Prints the tables.
///
/// # Errors
/// None at present.
pub fn run(arguments: &Arguments) -> Outcome {
    let text = if arguments.names { names() } else { tables() };
    anstream::print!("{text}");
    Ok(Exit::Success)
}

fn names() -> String {
    architectures::ALL.iter().fold(String::new(), |text, architecture| text + architecture.name + "\n")
}

fn tables() -> String {
    let mut text = String::from("Architectures (dyno serve NAME)\n");
    for architecture in architectures::ALL {
        let options: Vec<_> = architecture.knobs.iter().map(ToString::to_string).collect();
        let _ = write!(
            text,
            "\n  {:<22} {}\n  {:<22} wall: {}\n",
            architecture.name, architecture.idea, "", architecture.wall
        );
        if !options.is_empty() {
            let _ = writeln!(text, "  {:<22} options: {}", "", options.join(" "));
        }
    }
    text.push_str("\nServices\n\n");
    for service in services::ALL {
        let _ = writeln!(text, "  {:<22} {} {}", service.path, service.methods.join("/"), service.idea);
    }
    text
}
