//! `dyno overload`: what overload controls save.

use super::CommandResult;
use super::experiment::conduct::{Launch, check_service};
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use crate::exit::{Exit, Failure};
use crate::print::outln;
use dyno_measure::contestant::control::{TOWER, under_each};
use dyno_measure::experiment::overload;
use dyno_record::experiment::{Experiment, OVERLOAD_TIMES};
use dyno_units::show;

/// Ask servers for up to eight times what they can do, by clients that give up, and measure what each overload control
/// still serves in time.
///
/// Good-put is right answers within the patience of the clients. It is told as a share of what the architecture answers
/// without overload, and of what is possible where refusing has its price; then how long it takes after a spike until
/// hardly a request is lost, with clients that give up for good and with clients that come back. What servers compute
/// is /compute/1000 unless --service says otherwise: of a service that takes microseconds, refusing is no cheaper.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Overload)),
    after_help = "Try it:\n  dyno overload epoll thread-pool --quick\n  dyno overload epoll --controls none,deadline,deadline:due\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
}

const PRESETS: [Preset; 3] = [
    Preset { blocks: 1, warm_up_ms: 300, duration_ms: 500 },
    Preset { blocks: 3, warm_up_ms: 500, duration_ms: 1_000 },
    Preset { blocks: 7, warm_up_ms: 1_000, duration_ms: 4_000 },
];

/// What is asked for if nothing is said: a millisecond of work, beside which refusing is cheap.
const SERVICE: &str = "/compute/1000";

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let mut setup = launch.spec.setup(PRESETS, launch.seed)?;
    if setup.service == "/" {
        setup.service = SERVICE.into();
    }
    if let Some(foreign) = setup.contestants.iter().find(|one| !one.own) {
        return Err(Failure::usage(
            format!("{} has no overload control of Dyno's", foreign.label),
            "leave it out: only Dyno's own architectures take part",
        ));
    }
    check_service(&setup)?;
    let asks_for_tower = launch.spec.controls.iter().any(|control| control.0 == TOWER);
    if asks_for_tower && !setup.contestants.iter().any(|one| one.has_tower) {
        return Err(Failure::usage(
            "the limit of tower stands around the services of hyper alone",
            "take hyper as well, or leave tower out of --controls",
        ));
    }
    let controls = launch.spec.controls();
    let architectures = setup.contestants.len();
    setup.contestants = under_each(&setup.contestants, &controls);
    // A control needs some requests before it knows what a service takes.
    setup.warm_up_fixed = true;
    let patience_ms = launch.spec.patience_ms();
    if launch.dry_run {
        let times: Vec<String> = OVERLOAD_TIMES.iter().map(ToString::to_string).collect();
        outln!(
            "{} under {}: {} times what each can do without, then a spike, with and without retries\ntakes about {}",
            show::count(architectures, "architecture"),
            controls.join(", "),
            times.join(", "),
            show::span(overload::expected_time(&setup))
        );
        return Ok(Exit::Success);
    }
    launch.conduct(&setup, |campaign| overload::run(campaign, &setup, patience_ms))
}
