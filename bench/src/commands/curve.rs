//! `dyno curve`: offered load from idle past the critical point and back.

use super::CommandResult;
use super::experiment::conduct::{Launch, check_service};
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use crate::exit::Exit;
use crate::print::outln;
use dyno_measure::experiment::curve;
use dyno_record::experiment::Experiment;
use dyno_units::show;

/// Draw the load curve: find the critical point (the highest rate within a limit), go to twice that and back down, and
/// measure the time back to normal after a spike.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Curve)),
    after_help = "Try it:\n  dyno curve epoll thread-pool --quick\n  dyno curve fork --limit 5ms\n\n\
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
    let limit = launch.spec.limit();
    check_service(&setup)?;
    if launch.dry_run {
        let each = curve::expected_time(&setup);
        outln!(
            "{}; the rates follow from a search for each critical point\ntakes about {} each, {} in all; more where searches are disturbed",
            show::count(setup.contestants.len(), "contestant"),
            show::span(each),
            show::span(each * setup.contestants.len() as u32)
        );
        return Ok(Exit::Success);
    }
    launch.conduct(&setup, |campaign| curve::run(campaign, &setup, limit))
}
