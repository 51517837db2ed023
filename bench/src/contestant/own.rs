//! Dyno's own architectures as contestants: `dyno serve NAME`, this very program.

use dyno_servers::architecture::{Architecture, Concurrency as Served, Knob};
use dyno_servers::architectures::ALL;

use crate::contestant::{Concurrency, Contestant, Ready};
use crate::exit::Failure;
use crate::suggest::closest;

/// All architectures, in chapter order.
///
/// # Errors
/// When the path of this program cannot be found out.
pub fn all() -> Result<Vec<Contestant>, Failure> {
    ALL.into_iter().map(contestant).collect()
}

/// The architecture of that name; `io-uring:tuned` names an arm.
///
/// # Errors
/// When there is none, with the names that come near.
pub fn named(name: &str) -> Result<Contestant, Failure> {
    let (plain, arm) = name.split_once(':').map_or((name, None), |(plain, arm)| (plain, Some(arm)));
    let architecture =
        ALL.into_iter().find(|architecture| architecture.name == plain).ok_or_else(|| unknown(plain))?;
    let mut found = contestant(architecture)?;
    if let Some(arm) = arm {
        if !architecture.knobs.contains(&Knob::Arm) {
            return Err(Failure::usage(
                format!("{plain} has no arms, so {name} names nothing"),
                format!("say {plain}"),
            ));
        }
        found.command.extend(["--arm".to_string(), arm.to_string()]);
        found.label = name.to_string();
    }
    Ok(found)
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = ALL.iter().map(|architecture| architecture.name).collect();
    let guess = closest(name, &names).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
    let remedy = format!("{guess}The names are: {}", names.join(" "));
    Failure::usage(format!("there is no architecture {name}"), remedy)
}

fn contestant(architecture: &Architecture) -> Result<Contestant, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("cannot find this program's own file: {error}"), ""))?;
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
            Served::PerWorker => Concurrency::Workers,
            Served::Many => Concurrency::Many,
        },
        has_workers: architecture.knobs.contains(&Knob::Workers),
        bounds_connections: architecture.knobs.contains(&Knob::MaxConnections),
        transport: "plain".to_string(),
        own: true,
    })
}
