//! `dyno compare`: every architecture under the same load, side by side.

use std::path::PathBuf;

use super::CommandResult;
use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::preset::Preset;
use super::experiment::reads::shown_in;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_record::experiment::Experiment;

/// Compare architectures side by side: which one when, over thirteen workloads; or, where some are named, capacity,
/// latency at a common rate, connections a second, and what a request and a connection cost.
///
/// Without names and options that say what is asked for, all architectures run under all workloads: hello, json,
/// compute, wait, mix, small and large files, upload, connect (a connection each), channel and tls (a handshake each),
/// slow (clients beside slow ones), held (2,000 clients whose requests wait). All have the same load, and each runs as
/// it starts by itself. `--services wait,held` chooses workloads, `--services /` asks all for one path.
///
/// Runs every cell in many rounds, each in a random order, each cell with a fresh server process. The page with
/// the results is written to dyno-results/; see METHOD in it for how, and BIAS for what not to believe.
#[derive(Debug, clap::Args)]
#[command(
    mut_args(shown_in(Experiment::Compare)),
    after_help = "Try it:\n  dyno compare                  # which one when, about ten minutes\n  dyno compare --services wait,held epoll thread-pool\n  dyno compare epoll fork thread-pool --quick\n  \
                        dyno compare epoll nginx      # servers of others: `dyno list`\n  dyno compare epoll epoll    # finds no difference\n  dyno compare --ci ../old/target/release/dyno epoll tokio --quick\n\n\
                        Exit codes: 0 there is a result, 1 the run failed, 2 wrong usage, 4 --ci has decided a regression,\n5 no cell counts, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) options: Options,
    /// Compare this build of dyno with another one, OLD_PROGRAM, for a pull request: a duel of each architecture, and
    /// its instructions where QEMU is installed. Writes Markdown; exit code 4 when a regression is decided
    #[arg(long, value_name = "OLD_PROGRAM", display_order = 200)]
    pub(super) ci: Option<PathBuf>,
    /// Count instructions as well, as `dyno count` does, where QEMU is installed: some three minutes for all sixteen
    #[arg(long, display_order = 201, conflicts_with = "ci")]
    pub(super) count: bool,
}

/// With sixteen architectures these take about 90 seconds, 5 minutes, and two hours (`--services /`).
const PRESETS: [Preset; 3] = [
    Preset { blocks: 5, warm_up_ms: 60, duration_ms: 160 },
    Preset { blocks: 7, warm_up_ms: 200, duration_ms: 500 },
    Preset { blocks: 20, warm_up_ms: 1_000, duration_ms: 4_000 },
];

/// One round of each rate in a block, in cells of the usual length.
const fn once(duration_ms: u64) -> Rounds {
    Rounds { capacity: 1, connect: 1, duration_ms }
}

/// The rounds of a block at each preset.
const ROUNDS: [Rounds; 3] = [
    once(PRESETS[0].duration_ms),
    Rounds { capacity: 5, connect: 2, duration_ms: 160 },
    Rounds { capacity: 4, connect: 2, duration_ms: 1_000 },
];

/// Runs the experiment, or prints its plan.
///
/// # Errors
/// Usage (2) for wrong names or values; failed (1) when results cannot be written.
pub(super) fn run(launch: Launch) -> CommandResult {
    let spec = &launch.spec;
    let setup = spec.setup(PRESETS, launch.seed)?;
    // A duration that the user gave holds for every cell.
    let rounds = spec.duration.map_or(spec.choose(ROUNDS), |_| once(setup.duration_ms));
    let rate_per_s = spec.rate.map(|rate| rate.0);
    launch.plan_or_conduct(
        &setup,
        || compare::plan(&setup, rounds, rate_per_s),
        |campaign| compare::run(campaign, &setup, rounds, rate_per_s),
    )
}
