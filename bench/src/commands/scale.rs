//! `dyno scale`: capacity against server cores.

use super::Outcome;
use super::shared::{Pace, Shared, conduct, launch, print_plan};
use crate::exit::Exit;
use dyno_measure::experiment::scale;
use dyno_measure::probe::machine::online_cores;
use dyno_record::experiment::Experiment;

/// Measure capacity on one server core, two, and so on: speed-up, efficiency, parallelism, and the scalability law.
///
/// The generator gets the cores that are left; on the last point both share, and the audit says so. The law is fitted from
/// four different numbers of cores on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno scale epoll multi-reactor --quick\n  dyno scale --service /compute/50"
)]
pub struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
}

const PACES: [Pace; 3] = [
    Pace { blocks: 3, warm_up_ms: 100, duration_ms: 400 },
    Pace { blocks: 5, warm_up_ms: 200, duration_ms: 1_000 },
    Pace { blocks: 20, warm_up_ms: 1_000, duration_ms: 5_000 },
];

/// Runs the experiment.
///
/// # Errors
/// Wrong names or values, or results that cannot be written.
pub fn run(arguments: &Arguments) -> Outcome {
    let shared = &arguments.shared;
    let launch = launch(shared, Experiment::Scale)?;
    let setup = shared.setup(PACES, launch.seed)?;
    let online = online_cores();
    if shared.dry_run {
        print_plan(&setup, &scale::plan(&setup, &online));
        return Ok(Exit::Success);
    }
    conduct(shared, launch, &setup, |campaign| scale::run(campaign, &setup, &online))
}
