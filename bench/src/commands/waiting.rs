//! `dyno waiting`: whom requests that wait stop.

use super::CommandResult;
use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use dyno_measure::experiment::waiting;
use dyno_measure::setup::Setup;
use dyno_record::experiment::Experiment;

/// Let requests wait for a back end: how many of them stop everybody else, what a waiter takes, and how soon one that
/// leaves is let go.
///
/// The number of waiters doubles until another request stands still for half a second, and the border is found by
/// bisection: one for a server with a single thread, the number of workers for a pool, none for a loop. Then memory
/// and CPU of held waiters are read, and clients leave while they wait, with a FIN and with a reset, until the server
/// has let go of them. No generator is needed; pools have four workers while they are jammed.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Waiting)),
    after_help = "Try it:\n  dyno waiting --quick\n  dyno waiting iterative thread-pool epoll\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
}

/// Cells take as long as what is seen in them; only their number is set.
const PRESETS: [Preset; 3] = [
    Preset { blocks: 1, warm_up_ms: 0, duration_ms: 0 },
    Preset { blocks: 3, warm_up_ms: 0, duration_ms: 0 },
    Preset { blocks: 7, warm_up_ms: 0, duration_ms: 0 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let setup = launch.spec.setup(PRESETS, launch.seed)?;
    // Nothing has to become steady.
    let setup = Setup { service: waiting::SERVICE.to_string(), warm_up_fixed: true, ..setup };
    launch.plan_or_conduct(&setup, || waiting::plan(&setup), |campaign| waiting::run(campaign, &setup))
}
