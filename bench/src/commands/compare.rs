//! `dyno compare`: every architecture under the same load, side by side.

use super::Outcome;
use super::shared::{Pace, Shared, conduct, launch, print_plan};
use crate::exit::Exit;
use crate::experiment::compare;

/// Compare architectures side by side: capacity, latency at a common rate, connections a second, and what a request costs.
///
/// Runs every cell in several blocks, each block in a random order, each cell with a fresh server process. The page with
/// the results is written to dyno-results/; see METHOD in it for how, and BIAS for what not to believe.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno compare --quick\n  dyno compare epoll fork thread-pool\n  \
                        dyno compare --peers --service /json\n  dyno compare epoll epoll    # finds no difference")]
pub struct Arguments {
    #[command(flatten)]
    shared: Shared,
    /// Common rate of the latency cells, such as 5k [default: half of what the slowest can do]
    #[arg(long, value_name = "RATE", value_parser = dyno_clients::units::parse_rate)]
    rate: Option<f64>,
}

/// Sixteen architectures have 48 cells a block: about 90 seconds, 5 minutes, and an hour and a half.
const PACES: [Pace; 3] = [
    Pace { blocks: 5, warm_up_ms: 60, duration_ms: 160 },
    Pace { blocks: 7, warm_up_ms: 200, duration_ms: 600 },
    Pace { blocks: 20, warm_up_ms: 1_000, duration_ms: 4_000 },
];

/// Runs the experiment.
///
/// # Errors
/// Wrong names or values, or results that cannot be written.
pub fn run(arguments: &Arguments) -> Outcome {
    let shared = &arguments.shared;
    let launch = launch(shared, "compare")?;
    let setup = shared.setup(PACES, launch.seed)?;
    if shared.dry_run {
        print_plan(&setup, &compare::trials(&setup));
        return Ok(Exit::Success);
    }
    conduct(shared, launch, &setup, |session| compare::run(session, &setup, arguments.rate))
}
