//! `dyno isolation`: what a handler that fails costs everybody else.

use std::time::Duration;

use super::CommandResult;
use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use crate::exit::Failure;
use dyno_measure::contestant::faulty::with_faults;
use dyno_measure::isolation;
use dyno_measure::limits::ISOLATION_WATCH_LEAST;
use dyno_record::experiment::Experiment;
use dyno_record::isolation::PlantedFault;

/// Plant faults and watch 64 other connections: who is cut off, refused or stalled, when the server is as it was
/// before, and by what.
///
/// A handler panics, aborts, exits, overflows its stack, computes or sleeps for ever, or leaks; or a worker is killed
/// by signal 9. Each cell is a fresh server with four workers, where their number can be set. Servers listen on
/// loopback alone, and are ended whatever becomes of them. The page with the matrix is written to dyno-results/.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Isolation)),
    after_help = "Try it:\n  dyno isolation --quick\n  dyno isolation prefork tokio epoll --faults abort,spin\n\n\
                        By hand: dyno serve prefork --faults, then curl http://127.0.0.1:8080/fault/panic\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
}

/// Servers are watched for half a second before a fault, so that none of their workers is so young that replacing it is
/// delayed. With sixteen architectures and all faults these take about 4, 14 and 33 minutes.
const PRESETS: [Preset; 3] = [
    Preset { blocks: 1, warm_up_ms: 500, duration_ms: 800 },
    Preset { blocks: 3, warm_up_ms: 500, duration_ms: 1_200 },
    Preset { blocks: 5, warm_up_ms: 500, duration_ms: 2_000 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let mut setup = launch.spec.setup(PRESETS, launch.seed)?;
    if let Some(foreign) = setup.contestants.iter().find(|contestant| !contestant.own) {
        return Err(Failure::usage(
            format!("{} has no handlers that fail when they are asked to", foreign.label),
            "leave it out; `dyno list` names the architectures that have",
        ));
    }
    if Duration::from_millis(setup.duration_ms) < ISOLATION_WATCH_LEAST {
        let least = ISOLATION_WATCH_LEAST.as_millis();
        return Err(Failure::usage(
            format!("victims are watched for {} ms, and a stall is not seen in that time", setup.duration_ms),
            format!("say --duration {least}ms or more"),
        ));
    }
    // There is no pilot: how soon a server is steady changes no connection's fate.
    setup.warm_up_fixed = true;
    setup.contestants = setup.contestants.into_iter().map(with_faults).collect();
    let asked = &launch.spec.faults;
    // In the order of the table, each once.
    let faults: Vec<PlantedFault> =
        PlantedFault::ALL.into_iter().filter(|fault| asked.is_empty() || asked.contains(fault)).collect();
    launch.plan_or_conduct(
        &setup,
        || isolation::plan(&setup, &faults),
        |campaign| isolation::run(campaign, &setup, &faults),
    )
}
