//! `dyno connections`: what a connection costs.

use super::Outcome;
use super::shared::{Pace, Shared, conduct, launch, print_plan};
use crate::exit::Exit;
use dyno_measure::experiment::connections;
use dyno_record::experiment::Experiment;

/// Hold from 10 to 10,000 connections with a trickle of requests over them: memory per connection, latency, and where each
/// architecture hits its wall.
///
/// A cell that cannot hold its connections is void; its reason is the wall, and larger numbers are not tried.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno connections select epoll thread-per-connection --quick\n  \
                        dyno connections --counts 10,100,1000")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// Numbers of connections [default: 10 to 10,000]
    #[arg(long, conflicts_with = "resume", value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100_000))]
    counts: Vec<u32>,
}

const PACES: [Pace; 3] = [
    Pace { blocks: 1, warm_up_ms: 100, duration_ms: 500 },
    Pace { blocks: 3, warm_up_ms: 200, duration_ms: 1_000 },
    Pace { blocks: 7, warm_up_ms: 1_000, duration_ms: 5_000 },
];

/// Runs the experiment.
///
/// # Errors
/// Wrong names or values, or results that cannot be written.
pub fn run(arguments: &Arguments) -> Outcome {
    let shared = &arguments.shared;
    let launch = launch(shared, Experiment::Connections)?;
    let setup = shared.setup(PACES, launch.seed)?;
    let counts =
        if arguments.counts.is_empty() { connections::COUNTS.to_vec() } else { arguments.counts.clone() };
    if shared.dry_run {
        print_plan(&setup, &connections::plan(&setup, &counts));
        return Ok(Exit::Success);
    }
    conduct(shared, launch, &setup, |campaign| connections::run(campaign, &setup, &counts))
}
