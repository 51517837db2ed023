//! Begins an experiment: from the options of its command, from a file, or from the records of an earlier start.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_measure::environment;
use dyno_record::experiment::Experiment;
use dyno_record::store::{self, Records};

use super::experiment::conduct::Launch;
use super::experiment::options::Options;
use super::experiment::spec::Spec;
use super::{CommandResult, compare, connections, curve, recorded, scale};
use crate::exit::Failure;
use crate::results;

/// Runs the experiment that `options` describe, or continues the one that they name.
///
/// # Errors
/// Usage (2) when options do not go together, a name is unknown, or there is nothing to continue; failed (1) when
/// results cannot be written.
pub(crate) fn run(experiment: Experiment, options: Options) -> CommandResult {
    let launch = match options.resume {
        Some(place) => resume(experiment, place)?,
        None => begin(Spec { experiment, ..options.spec })?,
    };
    carry_out(Launch { dry_run: options.dry_run, quiet: options.quiet, ..launch })
}

fn carry_out(launch: Launch) -> CommandResult {
    match launch.spec.experiment {
        Experiment::Compare => compare::run(launch),
        Experiment::Curve => curve::run(launch),
        Experiment::Scale => scale::run(launch),
        Experiment::Connections => connections::run(launch),
    }
}

fn begin(spec: Spec) -> Result<Launch, Failure> {
    spec.check()?;
    let unix_ms = now_ms();
    let directory = spec.output.clone().unwrap_or_else(|| results::directory(spec.experiment, unix_ms));
    if directory.join(store::FILE).exists() {
        return Err(Failure::usage(
            format!("{} holds an experiment already", directory.display()),
            format!("name another --output, or continue it: --resume {}", directory.display()),
        ));
    }
    let seed = spec.seed.unwrap_or(unix_ms);
    Ok(Launch { spec, directory, known: Vec::new(), seed, unix_ms, dry_run: false, quiet: false })
}

/// Continues an experiment with the options with which it began.
fn resume(experiment: Experiment, place: Option<PathBuf>) -> Result<Launch, Failure> {
    let directory = place.map_or_else(|| results::latest(Some(experiment)), Ok)?;
    let Records { header, cells } = store::read(&directory)?;
    if header.experiment != experiment {
        return Err(Failure::usage(
            format!("{} holds the experiment {}", directory.display(), header.experiment),
            format!("say `dyno {} --resume {}`", header.experiment, directory.display()),
        ));
    }
    let spec = recorded::spec(&header, &directory)?;
    spec.check()?;
    if header.environment.machine_id != environment::read().machine_id {
        return Err(Failure::usage(
            format!("{} was measured on another machine or kernel", directory.display()),
            "begin a new experiment: figures of two machines do not mix",
        ));
    }
    let unix_ms = now_ms();
    Ok(Launch { spec, directory, known: cells, seed: header.seed, unix_ms, dry_run: false, quiet: false })
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
