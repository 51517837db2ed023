//! `dyno demo NAME`: the lessons of the security crate, and how a server is interrupted and replaced, played.

use std::path::PathBuf;

use super::CommandResult;
use crate::demos::stage::Stage;
use crate::demos::{self, Choices, Party};
use crate::exit::{Exit, Failure};
use crate::limits::TERMINAL_COLUMNS;
use crate::meant::{NameKind, meant};
use crate::print::outln;
use crate::transport::leave_no_core_dump;
use dyno_units::text::wrap;

/// Play a demonstration: what each party sees, what the attacker does, and the verdict.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno demo mitm\n  dyno demo diffie-hellman --fast\n\n`dyno demo` lists them all. \
                        Exit code 1: a demonstration did not turn out as it says."
)]
pub(crate) struct Arguments {
    /// Which one; without a name they are listed.
    name: Option<String>,
    /// One line of JSON for each event, without pauses.
    #[arg(long)]
    json: bool,
    /// Without pauses.
    #[arg(long)]
    fast: bool,
    /// channel: also show what the wire carries.
    #[arg(long)]
    tap: bool,
    /// channel: wait for the other terminal on this address.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "connect")]
    listen: Option<std::net::SocketAddr>,
    /// channel: call the other terminal at this address.
    #[arg(long, value_name = "ADDRESS")]
    connect: Option<std::net::SocketAddr>,
    /// channel: the key that the other terminal has shown.
    #[arg(long, value_name = "KEY", requires = "connect", conflicts_with = "listen")]
    peer: Option<String>,
    /// Plays one party of a demonstration in a process of its own.
    #[arg(long, hide = true, value_enum)]
    party: Option<Party>,
    /// The keys of that party.
    #[arg(long, hide = true)]
    credentials: Option<PathBuf>,
}

/// Plays the demonstration that the user named, or lists all of them.
///
/// # Errors
/// Usage (2) for an unknown name or for an option that the demonstration does not have; failed (1) when a system call
/// is refused.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    leave_no_core_dump();
    let Some(name) = &arguments.name else {
        let of_a_demonstration = [
            ("--json", arguments.json),
            ("--fast", arguments.fast),
            ("--tap", arguments.tap),
            ("--listen", arguments.listen.is_some()),
            ("--connect", arguments.connect.is_some()),
            ("--peer", arguments.peer.is_some()),
        ];
        if let Some((option, _)) = of_a_demonstration.into_iter().find(|(_, given)| *given) {
            return Err(Failure::usage(
                format!("{option} wants a demonstration"),
                "name one; without options `dyno demo` lists them",
            ));
        }
        for demo in demos::ALL {
            for (place, line) in wrap(demo.idea, TERMINAL_COLUMNS - 17).lines().enumerate() {
                outln!("{:<16} {line}", if place == 0 { demo.name } else { "" });
            }
        }
        return Ok(Exit::Success);
    };
    let demo = demos::ALL.into_iter().find(|demo| demo.name == *name).ok_or_else(|| {
        let guess = meant(name, NameKind::Demonstration);
        Failure::usage(
            format!("there is no demonstration called {name:?}"),
            format!("{guess}`dyno demo` lists them"),
        )
    })?;
    let talks = arguments.tap
        || arguments.listen.is_some()
        || arguments.party.is_none() && (arguments.connect.is_some() || arguments.peer.is_some());
    if talks && demo.name != "channel" {
        let remedy = "leave --tap, --listen, --connect and --peer out";
        return Err(Failure::usage(
            format!("only the channel demonstration has a wire to tap, not {name}"),
            remedy,
        ));
    }
    let choices = Choices {
        tap: arguments.tap,
        listen: arguments.listen,
        connect: arguments.connect,
        peer: arguments.peer.clone(),
        credentials: arguments.credentials.clone(),
        party: arguments.party,
    };
    // People who type messages to each other set the speed themselves.
    let is_live = arguments.listen.is_some() || arguments.connect.is_some();
    let mut stage = Stage::new(demo.name, arguments.json, arguments.fast || is_live);
    (demo.run)(&mut stage, &choices)?;
    Ok(if stage.went_as_announced() { Exit::Success } else { Exit::Failed })
}
