//! `dyno scale`: capacity against server cores.

use super::CommandResult;
use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use crate::exit::Failure;
use dyno_measure::experiment::scale;
use dyno_measure::place::Placement;
use dyno_measure::probe::quota_group::QuotaGroup;
use dyno_record::experiment::Experiment;

/// Measure capacity on one server core, two, and so on: speed-up, efficiency, parallelism, and the scalability law.
///
/// The generator gets the cores that are left; on the last point both share, and the audit says so. Where cores have
/// siblings (SMT), the server gets whole cores up to half of them, then their siblings, and the report marks where
/// these begin. The law is fitted from four different numbers of cores on.
///
/// With --quota shares of cores stand beside whole ones, as containers and Kubernetes give them: a control group
/// with a CPU quota is made for the server and removed after it (cgroup v2 or v1). Told are rate, p50, p99, and
/// for how long the quota stopped the server; such a stop voids no cell whose subject it is.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Scale)),
    after_help = "Try it:\n  dyno scale epoll multi-reactor --quick\n  dyno scale --service /compute/50\n  dyno scale --quota 0.25,0.5,1,1.5,2 --quick\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
}

/// What helps who may not make control groups.
const GROUPS: &str = "run it as root, as `systemd-run --user --scope -p Delegate=yes dyno scale ...`, or in a container \
                      whose /sys/fs/cgroup is writable; without --quota it needs none";

const PRESETS: [Preset; 3] = [
    Preset { blocks: 3, warm_up_ms: 100, duration_ms: 400 },
    Preset { blocks: 5, warm_up_ms: 200, duration_ms: 1_000 },
    Preset { blocks: 20, warm_up_ms: 1_000, duration_ms: 5_000 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let setup = launch.spec.setup(PRESETS, launch.seed)?;
    let placement = Placement::here();
    let quotas = launch.spec.quotas()?;
    // Whoever may make no groups is told before the first cell, and not by each of them.
    if let Some(first) = quotas.first().filter(|_| !launch.dry_run) {
        QuotaGroup::make(*first).map_err(|error| {
            Failure::failed(format!("no control group with a CPU quota can be made: {error}"), GROUPS)
        })?;
    }
    launch.plan_or_conduct(
        &setup,
        || scale::plan(&setup, &placement, &quotas),
        |campaign| scale::run(campaign, &setup, &placement, &quotas),
    )
}
