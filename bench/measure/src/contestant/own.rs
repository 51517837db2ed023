//! Dyno's own architectures as contestants: `dyno serve NAME`, this very program.

use dyno_analysis::explanation::build::{AnsweredBy, Build, Sleepers};
use dyno_analysis::unit::Unit;
use dyno_servers::architecture::{
    Anatomy, Architecture, Concurrency as Served, HandOvers, Knob, ServedBy, Started, WaitsBy,
};
use dyno_servers::architectures::ALL;
use dyno_servers::services::work::WorkRounds;

use crate::contestant::{AtOnce, Contestant, ReadySign};
use dyno_record::transport::TransportKind;

use crate::contestant::error::ContestantError;
use crate::contestant::expected::BodyRule;
use crate::suggest::closest;

/// All architectures, in chapter order.
///
/// # Errors
/// When the path of this program cannot be determined.
pub fn all() -> Result<Vec<Contestant>, ContestantError> {
    ALL.into_iter().map(contestant).collect()
}

/// Rounds of the work loop that make a microsecond on this machine; `None` where the kernel refuses a page of memory.
pub fn compute_rounds_per_us() -> Option<u64> {
    WorkRounds::new(None).ok().map(|rounds| rounds.per_us())
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
        has_tower: architecture.knobs.contains(&Knob::Tower),
        transport: TransportKind::Plain,
        own: true,
        build: build(architecture.anatomy),
        path: None,
        expect: BodyRule::default(),
        directory: None,
        variables: Vec::new(),
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
            // What starting these takes is in the price of their answer, see `answered_by`.
            Started::Nothing | Started::Coroutine | Started::Task => None,
        },
        queued: match anatomy.hand_overs {
            HandOvers::PerConnection => 1.0,
            HandOvers::Never | HandOvers::PerRequest => 0.0,
        },
        // Those of a pool are in the price of its answer.
        hand_overs: 0.0,
        answered_by: match anatomy.served_by {
            ServedBy::LoopAndPool => AnsweredBy::Pool,
            ServedBy::Coroutines => AnsweredBy::Coroutine,
            ServedBy::Tasks => AnsweredBy::Task,
            ServedBy::OnlyThread | ServedBy::Processes | ServedBy::Threads | ServedBy::Loops => {
                AnsweredBy::Itself
            }
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

/// How many cores the architecture of that name can use; `None` where it uses as many as there are, or is unknown.
pub fn most_cores(label: &str) -> Option<u32> {
    let name = label.split(['#', ':', '+']).next().unwrap_or(label);
    let architecture = ALL.iter().find(|architecture| architecture.name == name)?;
    let is_one = match architecture.anatomy.served_by {
        ServedBy::OnlyThread | ServedBy::Coroutines => true,
        // A loop is one thread; some designs run one on each core.
        ServedBy::Loops => (architecture.defaults)(2).workers == 1,
        ServedBy::Processes | ServedBy::Threads | ServedBy::LoopAndPool | ServedBy::Tasks => false,
    };
    is_one.then_some(1)
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
    fn designs_of_one_thread_use_one_core() {
        let one = ["iterative", "select", "poll", "epoll", "coroutines", "io-uring"];
        for architecture in ALL {
            let name = architecture.name;
            assert_eq!(most_cores(name), one.contains(&name).then_some(1), "{name}");
        }
        assert_eq!((most_cores("epoll+tls"), most_cores("io-uring:tuned")), (Some(1), Some(1)));
        assert_eq!(most_cores("caddy"), None);
    }

    #[test]
    fn each_request_that_is_handed_over_has_the_price_of_a_pool() {
        for architecture in ALL {
            let built = build(architecture.anatomy);
            let handed_over = architecture.anatomy.hand_overs == HandOvers::PerRequest;
            for (step, unit) in
                [(Step::Capacity, Unit::CallPool), (Step::Connect, Unit::CallPoolForConnection)]
            {
                let name = architecture.name;
                assert_eq!(built.count(step, unit), f64::from(u8::from(handed_over)), "{name}: {unit:?}");
            }
        }
    }

    #[test]
    fn each_task_and_coroutine_that_is_started_has_a_price_under_both_loads() {
        for architecture in ALL {
            let built = build(architecture.anatomy);
            let units = match architecture.anatomy.started {
                Started::Task => [Unit::WakeTask, Unit::TaskForConnection],
                Started::Coroutine => [Unit::ResumeCoroutine, Unit::CoroutineForConnection],
                Started::Nothing | Started::Process | Started::Thread => continue,
            };
            let counts = [built.count(Step::Capacity, units[0]), built.count(Step::Connect, units[1])];
            assert_eq!(counts, [1.0, 1.0], "{}", architecture.name);
        }
    }
}
