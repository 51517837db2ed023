//! Begins an experiment: from the options of its command, from a file, or from the records of an earlier start.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_measure::environment;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Header, PROBE};
use dyno_record::store::{self, Records, Store, StoreError};

use super::experiment::conduct::{Count, Launch};
use super::experiment::options::Options;
use super::experiment::spec::Spec;
use super::{
    CommandResult, compare, connections, curve, duel, isolation, overload, recorded, scale, waiting,
    workloads,
};
use crate::exit::Failure;
use crate::results;

/// Runs the experiment that `options` describe, or continues the one that they name.
///
/// # Errors
/// Usage (2) when options do not go together, a name is unknown, or there is nothing to continue; failed (1) when
/// results cannot be written.
pub(crate) fn run(experiment: Experiment, options: Options) -> CommandResult {
    run_and(experiment, options, None)
}

/// The same, and then `count` counts instructions, where there is such a thing.
///
/// # Errors
/// As [`run`].
pub(crate) fn run_and(experiment: Experiment, options: Options, count: Option<Count>) -> CommandResult {
    let launch = match options.resume {
        Some(place) => {
            let how = Resume { dry_run: options.dry_run, other_program: options.other_program };
            resume(experiment, place, how)?
        }
        None => begin(Spec { experiment, ..options.spec }.settle_services()?)?,
    };
    carry_out(Launch { dry_run: options.dry_run, quiet: options.quiet, count, ..launch })
}

fn carry_out(launch: Launch) -> CommandResult {
    match launch.spec.experiment {
        Experiment::Compare => compare::run(launch),
        Experiment::Workloads => workloads::run(launch),
        Experiment::Curve => curve::run(launch),
        Experiment::Scale => scale::run(launch),
        Experiment::Connections => connections::run(launch),
        Experiment::Isolation => isolation::run(launch),
        Experiment::Overload => overload::run(launch),
        Experiment::Duel => duel::run(launch),
        Experiment::Waiting => waiting::run(launch),
        Experiment::Count => Err(Failure::usage(
            "a count is described by no file, and not continued",
            "say `dyno count NAMES`: all of it takes some minutes",
        )),
    }
}

fn begin(spec: Spec) -> Result<Launch, Failure> {
    spec.check_all_are_read()?;
    spec.check()?;
    let unix_ms = now_ms();
    let directory = spec.output.clone().unwrap_or_else(|| results::directory(spec.experiment, unix_ms));
    if directory.join(store::FILE).exists() {
        return Err(StoreError::Taken(directory).into());
    }
    let seed = spec.seed.unwrap_or(unix_ms);
    Ok(Launch {
        spec,
        directory,
        store: None,
        recorded: None,
        known: Vec::new(),
        seed,
        unix_ms,
        dry_run: false,
        quiet: false,
        count: None,
    })
}

/// How an experiment is continued.
#[derive(Debug, Clone, Copy)]
struct Resume {
    /// Whether the plan is printed, and nothing is written.
    dry_run: bool,
    /// Whether another build of this program may have begun it.
    other_program: bool,
}

/// Continues an experiment with the options with which it began.
fn resume(experiment: Experiment, place: Option<PathBuf>, how: Resume) -> Result<Launch, Failure> {
    let directory = place.map_or_else(|| results::latest(Some(experiment)), Ok)?;
    // Before it is read: what another start adds meanwhile would be measured twice.
    let store = if how.dry_run { None } else { Some(Store::reopen(&directory)?) };
    let Records { header, cells } = store::read(&directory)?;
    if header.experiment.command() != experiment.command() {
        return Err(Failure::usage(
            format!("{} holds the experiment {}", directory.display(), header.experiment),
            format!("say `dyno {} --resume {}`", header.experiment.command(), directory.display()),
        ));
    }
    let spec = recorded::spec(&header, &directory)?;
    spec.check()?;
    same_conditions(&header, &directory, how)?;
    Ok(Launch {
        spec,
        directory,
        store,
        seed: header.seed,
        recorded: Some(header),
        known: cells,
        unix_ms: now_ms(),
        dry_run: false,
        quiet: false,
        count: None,
    })
}

/// Refuses to mix figures of two machines or two kinds of probe, and, unless it is asked for, of two builds of this
/// program.
fn same_conditions(recorded: &Header, directory: &Path, how: Resume) -> Result<(), Failure> {
    let here = environment::read();
    if recorded.environment.machine_id != here.machine_id {
        return Err(Failure::usage(
            format!("{} was measured on another machine or kernel", directory.display()),
            "begin a new experiment: figures of two machines do not mix",
        ));
    }
    if let Some(words) = other_probe(recorded) {
        return Err(Failure::usage(
            format!("{} was begun with another kind of probe: {words}", directory.display()),
            "begin a new experiment: `dyno diff` compares it with this one, and says so",
        ));
    }
    let programs = &recorded.environment.programs;
    // Older records do not tell which program measured.
    let is_known = programs.is_empty() || here.programs.iter().any(|program| programs.contains(program));
    if is_known || how.other_program {
        return Ok(());
    }
    Err(Failure::usage(
        format!("{} was begun by another build of dyno", directory.display()),
        "begin a new experiment, or say --other-program as well: the report then tells that builds are mixed",
    ))
}

/// How the probe of some records differs from that of this program; `None` where it does not.
fn other_probe(recorded: &Header) -> Option<&'static str> {
    (recorded.environment.probes != [PROBE]).then_some(
        "the older one read more while it measured, which lowered rates by 2 to 5 %, and not for all alike",
    )
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
