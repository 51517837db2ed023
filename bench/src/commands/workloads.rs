//! `dyno compare` under workloads: which architecture when.

use dyno_measure::experiment::workloads::{self, Lengths};
use dyno_measure::setup::Setup;

use super::CommandResult;
use super::experiment::conduct::{Launch, check_service};
use super::experiment::preset::Preset;

/// With sixteen architectures and all workloads these take about 8 minutes, 10 minutes, and 100 minutes.
const PRESETS: [Preset; 3] = [
    Preset { blocks: 5, warm_up_ms: 40, duration_ms: 100 },
    Preset { blocks: 5, warm_up_ms: 50, duration_ms: 120 },
    Preset { blocks: 12, warm_up_ms: 200, duration_ms: 1_000 },
];

/// Cells of latency at each preset.
const LENGTHS: [Lengths; 3] = [
    Lengths { latency_ms: 100, latency_blocks: 1 },
    Lengths { latency_ms: 200, latency_blocks: 2 },
    Lengths { latency_ms: 2_000, latency_blocks: 6 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let spec = &launch.spec;
    let wanted = spec.workloads()?;
    // Warm-ups are the same for all: there are too many loads for a pilot of each.
    let setup = Setup { warm_up_fixed: true, ..spec.setup(PRESETS, launch.seed)? };
    let chosen = spec.choose(LENGTHS);
    // A duration or a number of blocks that the user gave holds for every kind of cell.
    let lengths = Lengths {
        latency_ms: spec.duration.map_or(chosen.latency_ms, |_| setup.duration_ms),
        latency_blocks: chosen.latency_blocks.min(setup.blocks),
    };
    // The services of the table are those of every architecture; a path may be none.
    for path in wanted.iter().filter(|workload| workload.name.starts_with('/')) {
        check_service(&Setup { service: path.service.to_string(), ..setup.clone() })?;
    }
    launch.plan_or_conduct_checked(
        &setup,
        || workloads::plan(&setup, &wanted, lengths),
        |campaign| workloads::run(campaign, &setup, &wanted, lengths),
    )
}
