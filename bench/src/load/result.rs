//! What comes of a finished run: conditions are checked, and the result is written in each form that was asked for.

use std::path::PathBuf;

use clap::Args;
use dyno_clients::outcome::{ConditionRole, Outcome, Partial};
use dyno_clients::verdict::condition::{self, Condition};
use dyno_units::verdict::Verdict;

use crate::exit::{Exit, Failure};
use crate::load::{page, write};

/// How a result is written, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = "Result")]
pub(crate) struct ResultOptions {
    /// text, json, csv or markdown.
    #[arg(long, value_enum, default_value_t = write::Format::Text)]
    pub(crate) format: write::Format,
    /// Where the result goes; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    /// Write a page, too: verdict, rate and latencies over time, percentiles, audit; one file that loads nothing.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the histograms as an HDR log, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) hlog: Option<PathBuf>,
    /// Show the figures by which the run was judged, too.
    #[arg(long)]
    pub(crate) statistics: bool,
}

/// What is asked of a result.
#[derive(Debug, Args)]
#[command(next_help_heading = "Conditions")]
pub(crate) struct ConditionOptions {
    /// Exit with code 3 if this does not hold, such as p99<5ms, errors<0.1%, rate>=10k. Figures: p50 to p99.999, mean,
    /// min, max, rate, errors; response.p99, wait., lag., reading., connect. of a part. Can be repeated.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',', value_parser = condition::parse)]
    pub(crate) require: Vec<Condition>,
    /// Exit with code 3 if this holds, such as p99>5ms. Can be repeated.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',', value_parser = condition::parse)]
    pub(crate) fail_if: Vec<Condition>,
    /// End with code 5 also when any figure is void or only a lower bound, and not only what the run is for.
    #[arg(long)]
    pub(crate) strict: bool,
}

impl ResultOptions {
    /// Tries whether all files can be written, before anything is measured for them.
    ///
    /// # Errors
    /// The file that cannot.
    pub(crate) fn try_places(&self) -> Result<(), Failure> {
        let files = [Some(&self.output), self.html.as_ref(), self.hlog.as_ref()];
        files.into_iter().flatten().try_for_each(|path| write::try_place(path))
    }
}

/// Checks the conditions, writes the result, and gives the exit code.
///
/// # Errors
/// What cannot be written.
pub(crate) fn conclude(
    mut outcome: Outcome,
    result: &ResultOptions,
    conditions: &ConditionOptions,
) -> Result<Exit, Failure> {
    let ConditionOptions { require, fail_if, strict } = conditions;
    let asked = [(ConditionRole::Require, require), (ConditionRole::FailIf, fail_if)];
    for (role, condition) in asked.into_iter().flat_map(|(role, all)| all.iter().map(move |one| (role, one)))
    {
        let threshold = condition.check(role, &outcome);
        outcome.thresholds.push(threshold);
    }
    write::outcome(&outcome, result.format, result.statistics, &result.output)?;
    if let Some(path) = &result.html {
        page::write(&outcome, path)?;
    }
    if let Some(path) = &result.hlog {
        write::hlog(&outcome, path)?;
    }
    Ok(exit(&outcome, *strict))
}

fn exit(outcome: &Outcome, strict: bool) -> Exit {
    let audit = &outcome.audit;
    let invalid = audit.verdict == Verdict::Void
        || outcome.thresholds.iter().any(|t| t.undecided)
        || strict && !(audit.rate.is_value() && audit.latency.is_value());
    if outcome.partial == Some(Partial::Interrupted) {
        Exit::Interrupted
    } else if outcome.partial == Some(Partial::Condition) {
        Exit::ThresholdMissed
    } else if invalid {
        Exit::Invalid
    } else if outcome.thresholds.iter().any(|t| t.failed) {
        Exit::ThresholdMissed
    } else {
        Exit::Success
    }
}
