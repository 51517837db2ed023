//! `dyno curve`: offered load from idle past the critical point and back.

use super::Outcome;
use super::shared::{Pace, Shared, conduct, launch};
use crate::exit::Exit;
use dyno_measure::experiment::curve::{self, Limit};
use dyno_record::experiment::Experiment;
use dyno_units::show;

/// Draw the load curve: find the critical point (the highest rate within a limit), go to twice that and back down, and
/// measure the time back to normal after a spike.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno curve epoll thread-pool --quick\n  dyno curve fork --limit 5ms")]
pub struct Arguments {
    #[command(flatten)]
    pub(super) shared: Shared,
    /// The 99th percentile that a good rate keeps
    #[arg(long, conflicts_with = "resume", value_name = "TIME", default_value = "10ms", value_parser = dyno_units::read::duration_ns)]
    limit: u64,
    /// The share of requests that a good rate may lose
    #[arg(long, conflicts_with = "resume", value_name = "SHARE", default_value = "0.1%", value_parser = dyno_units::read::share)]
    missed: f64,
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
    let launch = launch(shared, Experiment::Curve)?;
    let setup = shared.setup(PACES, launch.seed)?;
    let limit = Limit { p99_ns: arguments.limit, missed: arguments.missed };
    if shared.dry_run {
        let each = curve::expected_time(&setup);
        anstream::println!(
            "{}; the rates follow from a search for each critical point\ntakes about {} each, {} in all; less where the search ends early",
            show::count(setup.contestants.len(), "contestant"),
            show::span(each),
            show::span(each * setup.contestants.len() as u32)
        );
        return Ok(Exit::Success);
    }
    conduct(shared, launch, &setup, |campaign| curve::run(campaign, &setup, limit))
}
