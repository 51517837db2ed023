//! `dyno connections`: what a connection costs.

use super::CommandResult;
use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use dyno_measure::experiment::connections;
use dyno_record::experiment::Experiment;

/// Hold from 10 to 10,000 connections with a trickle of requests over them: memory per connection, latency, and the
/// limit of each architecture.
///
/// A cell that cannot hold its connections is void; its reason names the limit, and larger numbers are not tried.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Connections)),
    after_help = "Try it:\n  dyno connections select epoll thread-per-connection --quick\n  \
                        dyno connections --counts 10,100,1000\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
}

const PRESETS: [Preset; 3] = [
    Preset { blocks: 1, warm_up_ms: 100, duration_ms: 500 },
    Preset { blocks: 3, warm_up_ms: 200, duration_ms: 1_000 },
    Preset { blocks: 7, warm_up_ms: 1_000, duration_ms: 5_000 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let setup = launch.spec.setup(PRESETS, launch.seed)?;
    let asked: Vec<u32> = launch.spec.counts.iter().map(|count| count.get()).collect();
    let counts = if asked.is_empty() { connections::COUNTS.to_vec() } else { asked };
    launch.plan_or_conduct(
        &setup,
        || connections::plan(&setup, &counts),
        |campaign| connections::run(campaign, &setup, &counts),
    )
}
