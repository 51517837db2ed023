//! Dyno's own architectures as contestants: `dyno serve NAME`, this very program.

use dyno_analysis::explanation::build::{Build, Sleepers};
use dyno_analysis::unit::Unit;
use dyno_servers::architecture::{
    Anatomy, Architecture, Concurrency as Served, HandOvers, Knob, ServedBy, Started, WaitsBy,
};
use dyno_servers::architectures::ALL;

use crate::contestant::{AtOnce, Contestant, ReadySign};
use dyno_record::transport::TransportKind;

use crate::contestant::error::ContestantError;
use crate::suggest::closest;

/// All architectures, in chapter order.
///
/// # Errors
/// When the path of this program cannot be determined.
pub fn all() -> Result<Vec<Contestant>, ContestantError> {
    ALL.into_iter().map(contestant).collect()
}

/// The architecture of that name; `io-uring:tuned` names an arm.
///
/// # Errors
/// When there is none; the error names a known one that is similar.
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
    // A free port, so that no other program on this machine is in the way.
    let command = [&program.display().to_string(), "serve", architecture.name, "--listen", "127.0.0.1:0"];
    Ok(Contestant {
        label: architecture.name.to_string(),
        idea: architecture.idea.to_string(),
        family: architecture.family.to_string(),
        command: command.map(String::from).into(),
        files: Vec::new(),
        ready: ReadySign::Line,
        concurrency: match architecture.concurrency {
            Served::One => AtOnce::One,
            Served::PerWorker => AtOnce::Workers,
            Served::Many => AtOnce::Many,
        },
        has_workers: architecture.knobs.contains(&Knob::Workers),
        bounds_connections: architecture.knobs.contains(&Knob::MaxConnections),
        transport: TransportKind::Plain,
        own: true,
        build: build(architecture.anatomy),
    })
}

/// Those facts of an architecture's construction that decide what a request costs.
fn build(anatomy: Anatomy) -> Build {
    Build {
        sleepers: match anatomy.served_by {
            ServedBy::Processes => Sleepers::Processes,
            ServedBy::Threads => Sleepers::Threads,
            ServedBy::OnlyThread
            | ServedBy::Loops
            | ServedBy::LoopAndPool
            | ServedBy::Coroutines
            | ServedBy::Tasks => Sleepers::Few,
        },
        started: match anatomy.started {
            Started::Process => Some(Unit::Fork),
            Started::Thread => Some(Unit::SpawnForConnection),
            // Starting these needs no system call, and far less time than accepting a connection.
            Started::Nothing | Started::Coroutine | Started::Task => None,
        },
        queued: match anatomy.hand_overs {
            HandOvers::PerConnection => 1.0,
            HandOvers::Never | HandOvers::PerRequest => 0.0,
        },
        hand_overs: match anatomy.hand_overs {
            // One to the workers, and one back to the loop.
            HandOvers::PerRequest => 2.0,
            HandOvers::Never | HandOvers::PerConnection => 0.0,
        },
        epoll: match anatomy.waits_by {
            WaitsBy::Epoll => true,
            WaitsBy::Blocking | WaitsBy::Select | WaitsBy::Poll | WaitsBy::IoUring => false,
        },
    }
}

/// The build of the architecture of that name; `None` where there is none of that name.
pub fn build_of(name: &str) -> Option<Build> {
    ALL.iter().find(|architecture| architecture.name == name).map(|architecture| build(architecture.anatomy))
}

#[cfg(test)]
mod tests {
    use dyno_record::step::Step;

    use super::*;

    #[test]
    fn chapters_that_wait_by_the_same_call_take_as_many_events() {
        for one in ALL {
            for other in ALL {
                if one.anatomy.waits_by != other.anatomy.waits_by {
                    continue;
                }
                for (step, unit) in [(Step::Capacity, Unit::Event), (Step::Connect, Unit::WatchConnection)] {
                    let events = |architecture: &Architecture| build(architecture.anatomy).count(step, unit);
                    assert_eq!(events(one), events(other), "{} and {}: {unit:?}", one.name, other.name);
                }
            }
        }
    }

    #[test]
    fn what_is_handed_over_request_by_request_goes_there_and_back() {
        for architecture in ALL {
            let built = build(architecture.anatomy);
            let pool = architecture.anatomy.served_by == ServedBy::LoopAndPool;
            assert_eq!(built.hand_overs, if pool { 2.0 } else { 0.0 }, "{}", architecture.name);
        }
    }
}
