//! Dyno's own architectures as contestants: `dyno serve NAME`, this very program.

use dyno_analysis::explanation::build::{Build, Sleepers};
use dyno_analysis::unit::Unit;
use dyno_servers::architecture::{Architecture, Concurrency as Served, Knob};
use dyno_servers::architectures::ALL;

use crate::contestant::{Concurrency, Contestant, Ready};
use dyno_record::transport::TransportKind;

use crate::contestant::error::ContestantError;
use crate::suggest::closest;

/// All architectures, in chapter order.
///
/// # Errors
/// When the path of this program cannot be found out.
pub fn all() -> Result<Vec<Contestant>, ContestantError> {
    ALL.into_iter().map(contestant).collect()
}

/// The architecture of that name; `io-uring:tuned` names an arm.
///
/// # Errors
/// When there is none, with the names that come near.
pub fn named(name: &str) -> Result<Contestant, ContestantError> {
    let (plain, arm) = name.split_once(':').map_or((name, None), |(plain, arm)| (plain, Some(arm)));
    let architecture =
        ALL.into_iter().find(|architecture| architecture.name == plain).ok_or_else(|| unknown(plain))?;
    let mut found = contestant(architecture)?;
    if let Some(arm) = arm {
        if !architecture.knobs.contains(&Knob::Arm) {
            return Err(ContestantError::NoArms { architecture: architecture.name, name: name.to_string() });
        }
        found.command.extend(["--arm".to_string(), arm.to_string()]);
        found.label = name.to_string();
    }
    Ok(found)
}

fn unknown(name: &str) -> ContestantError {
    let names: Vec<&'static str> = ALL.iter().map(|architecture| architecture.name).collect();
    ContestantError::Unknown { name: name.to_string(), guess: closest(name, &names) }
}

fn contestant(architecture: &Architecture) -> Result<Contestant, ContestantError> {
    let program = std::env::current_exe().map_err(ContestantError::OwnProgram)?;
    // Whatever else listens on this machine, the experiment is not in its way.
    let command = [&program.display().to_string(), "serve", architecture.name, "--listen", "127.0.0.1:0"];
    Ok(Contestant {
        label: architecture.name.to_string(),
        idea: architecture.idea.to_string(),
        family: architecture.family.to_string(),
        command: command.map(String::from).into(),
        files: Vec::new(),
        ready: Ready::Line,
        concurrency: match architecture.concurrency {
            Served::One => Concurrency::One,
            Served::PerWorker => Concurrency::Sleepers,
            Served::Many => Concurrency::Many,
        },
        has_workers: architecture.knobs.contains(&Knob::Sleepers),
        bounds_connections: architecture.knobs.contains(&Knob::MaxConnections),
        transport: TransportKind::Plain,
        own: true,
    })
}

/// How the contestant of that label is built, as far as it decides what a request costs.
pub fn build(label: &str) -> Build {
    let name = label.split(['#', ':', '+']).next().unwrap_or(label);
    Build {
        sleepers: match name {
            "fork" | "prefork" | "apache-prefork" => Sleepers::Processes,
            "thread-per-connection" | "thread-pool" | "leader-followers" => Sleepers::Threads,
            _ => Sleepers::Few,
        },
        started: match name {
            "fork" => Some(Unit::Fork),
            "thread-per-connection" => Some(Unit::SpawnForConnection),
            _ => None,
        },
        queued: if name == "thread-pool" { 1.0 } else { 0.0 },
        // There to the workers, and back to the loop.
        hand_overs: if matches!(name, "half-sync-half-async" | "work-stealing") { 2.0 } else { 0.0 },
        epoll: matches!(name, "epoll" | "multi-reactor"),
    }
}
