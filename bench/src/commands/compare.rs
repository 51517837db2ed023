//! `dyno compare`: every architecture under the same load, side by side.

use super::Outcome;
use super::shared::{Pace, Shared, conduct, launch, print_plan};
use crate::exit::Exit;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_record::experiment::Experiment;

/// Compare architectures side by side: capacity, latency at a common rate, connections a second, and what a request costs.
///
/// Runs every cell in many rounds, each in a random order, each cell with a fresh server process. The page with
/// the results is written to dyno-results/; see METHOD in it for how, and BIAS for what not to believe.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno compare --quick\n  dyno compare epoll fork thread-pool\n  \
                        dyno compare --peers --service /json\n  dyno compare epoll epoll    # finds no difference")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// Common rate of the latency cells, such as 5k [default: half of what the slowest can do]
    #[arg(long, conflicts_with = "resume", value_name = "RATE", value_parser = dyno_units::read::rate)]
    rate: Option<f64>,
}

/// With sixteen architectures about 90 seconds, 5 minutes, and two hours.
const PACES: [Pace; 3] = [
    Pace { blocks: 5, warm_up_ms: 60, duration_ms: 160 },
    Pace { blocks: 7, warm_up_ms: 200, duration_ms: 500 },
    Pace { blocks: 20, warm_up_ms: 1_000, duration_ms: 4_000 },
];

/// Each rate once, in cells as long as the others.
const fn once(duration_ms: u64) -> Rounds {
    Rounds { capacity: 1, connect: 1, duration_ms }
}

/// What a block consists of at each pace.
const ROUNDS: [Rounds; 3] = [
    once(PACES[0].duration_ms),
    Rounds { capacity: 5, connect: 2, duration_ms: 160 },
    Rounds { capacity: 4, connect: 2, duration_ms: 1_000 },
];

/// Runs the experiment.
///
/// # Errors
/// Wrong names or values, or results that cannot be written.
pub fn run(arguments: &Arguments) -> Outcome {
    let shared = &arguments.shared;
    let launch = launch(shared, Experiment::Compare)?;
    let setup = shared.setup(PACES, launch.seed)?;
    // Whoever says how long a cell is means every cell.
    let rounds = shared.duration.map_or(shared.at_pace(ROUNDS), |_| once(setup.duration_ms));
    if shared.dry_run {
        print_plan(&setup, &compare::plan(&setup, rounds, arguments.rate));
        return Ok(Exit::Success);
    }
    conduct(shared, launch, &setup, |campaign| compare::run(campaign, &setup, rounds, arguments.rate))
}
