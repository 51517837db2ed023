//! `dyno superserver FILE`: starts servers when somebody connects.

use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use dyno_units::show;
use serde_json::json;

use super::CommandResult;
use super::serve::say;
use crate::exit::{Exit, Failure};
use crate::limits::LONGEST_DRAIN_S;
use crate::superserver::fault::LineError;
use crate::superserver::run::{Superserver, SuperserverEnd};
use crate::superserver::table::read;

/// Listen for servers that do not run yet, and start one when somebody connects.
///
/// The file is one of inetd (inetd.conf), so the same file drives openbsd-inetd: a line has a service (a port, its
/// name, HOST:PORT or a path), stream, a protocol (tcp, tcp4, tcp6, unix), wait or nowait, a user, a program and its
/// arguments, of which the first is its name. With `wait` the program gets the listening socket as descriptors 0, 1
/// and 2, and the superserver listens again when it has ended; with `nowait` each connection gets a program of its
/// own.
///
/// A program with `wait` that keeps ending as soon as it is started rests for a second, then for two, up to a minute,
/// and no service is started more often than 256 times a minute, or what stands behind `wait.` or `nowait.`; both are
/// said on standard error. inetd disables such a service for ten minutes. Datagrams, RPC and services inside the
/// superserver are refused.
///
/// SIGHUP reads the file again; one with a fault changes nothing. The first SIGTERM or SIGINT drains: programs that
/// listen are asked to stop, those with a connection finish. The second ends at once (exit code 130).
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it, with your own user and the path of dyno:\n  \
    echo \"127.0.0.1:8081 stream tcp wait $USER $(which dyno) \\\n    dyno serve epoll --listen adopt --idle-exit 30s\" > services\n  \
    dyno superserver services\n  curl http://127.0.0.1:8081/json\n\n\
    Exit codes: 0 drained, 1 a socket cannot be opened, 2 the file has faults, 130 ended at once.")]
pub(crate) struct Arguments {
    /// The table of services.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How long programs may go on when the superserver stops, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=LONGEST_DRAIN_S))]
    drain: u64,
    /// Lines of JSON, as where standard output is no terminal.
    #[arg(long)]
    json: bool,
}

/// Runs the superserver.
///
/// # Errors
/// Usage (2) for a table with faults, failed (1) where a socket cannot be opened.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let table = || fs::read_to_string(&arguments.file).map(|text| read(&text));
    let unreadable = |error| {
        let remedy =
            "it wants a file with lines such as `127.0.0.1:8081 stream tcp nowait USER /bin/cat cat`";
        Failure::usage(format!("cannot read {}: {error}", arguments.file.display()), remedy)
    };
    let entries = table().map_err(unreadable)?.map_err(|errors| faulty(arguments, &errors))?;
    if entries.is_empty() {
        return Err(unreadable(io::Error::other("no line names a service")));
    }
    let mut superserver = Superserver::open(entries).map_err(|error| {
        let remedy = match error.error.kind() {
            io::ErrorKind::AddrInUse => {
                "another program listens there: choose another port or path, or stop it"
            }
            io::ErrorKind::PermissionDenied => "ports below 1024 and paths of others need privilege",
            io::ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => "",
        };
        Failure::failed(error.to_string(), remedy)
    })?;
    let to_people = !arguments.json && io::stdout().is_terminal();
    let services = superserver.services(false);
    if to_people {
        say(&format!("listening for {}; Ctrl-C drains", show::many(services.len() as u64, "service")));
    } else {
        say(&json!({ "ready": true, "pid": std::process::id(), "services": services }).to_string());
    }
    // Standard error may be closed; that is no reason to stop serving.
    let complain = |line: &str| drop(writeln!(io::stderr(), "{line}"));
    let ended = superserver
        .run(Duration::from_secs(arguments.drain), table, complain)
        .map_err(|error| Failure::failed(format!("cannot wait any more: {error}"), ""))?;
    if ended == SuperserverEnd::AtOnce {
        return Ok(Exit::Interrupted);
    }
    say(&if to_people {
        "drained".to_owned()
    } else {
        json!({ "services": superserver.services(true) }).to_string()
    });
    Ok(Exit::Success)
}

fn faulty(arguments: &Arguments, errors: &[LineError]) -> Failure {
    let lines: Vec<_> = errors.iter().map(|error| format!("      {error}")).collect();
    let faults = show::many(errors.len() as u64, "fault");
    Failure::usage(
        format!("{} has {faults}:\n{}", arguments.file.display(), lines.join("\n")),
        "a line is: SERVICE stream tcp|tcp4|tcp6|unix wait|nowait[.MAX] USER[:GROUP] PROGRAM NAME ARGUMENTS...",
    )
}
