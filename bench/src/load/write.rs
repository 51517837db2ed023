//! Writes results to the place that the user chose.

use std::io::{ErrorKind, Write};
use std::path::Path;

use dyno_clients::outcome::Outcome;
use dyno_clients::plan::Plan;
use dyno_clients::plan::error::PlanError;
use dyno_clients::report::{csv, hlog, markdown, text};
use dyno_units::paint::Paint;

use crate::exit::Failure;
use crate::print::PAINT;

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A summary of 80 columns.
    Text,
    /// Everything, with a schema version.
    Json,
    /// A heading and one row.
    Csv,
    /// A table for issues and pull requests.
    Markdown,
}

/// Writes `text` to `path`; `-` is standard output.
///
/// # Errors
/// When the file cannot be written; the error names it.
pub(crate) fn put(text: &str, path: &Path) -> Result<(), Failure> {
    let written = if path == Path::new("-") {
        let mut out = anstream::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    } else {
        std::fs::write(path, text)
    };
    match written {
        // If the reader has read enough (`| head`), that is no failure.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed(
            format!("cannot write {}: {error}", path.display()),
            "choose another --output",
        )),
        Ok(()) => Ok(()),
    }
}

/// Writes an outcome.
///
/// # Errors
/// As [`put`].
pub(crate) fn outcome(outcome: &Outcome, format: Format, path: &Path) -> Result<(), Failure> {
    let paint = if path == Path::new("-") { PAINT } else { Paint(false) };
    let written = match format {
        Format::Text => text::summary(outcome, paint),
        Format::Json => json(outcome)?,
        Format::Csv => format!("{}\n{}\n", csv::heading(), csv::row(outcome)),
        Format::Markdown => markdown::summary(outcome),
    };
    put(&written, path)
}

/// Shows a plan that will not be run.
///
/// # Errors
/// As [`put`].
pub(crate) fn plan(plan: &Plan, format: Format) -> Result<(), Failure> {
    match plan.check() {
        // What the plan still has to learn, it learns before anything is measured.
        Ok(()) | Err(PlanError::NotLearned) => {}
        Err(error) => return Err(Failure::usage(error.to_string(), "")),
    }
    let as_run = plan.as_run();
    let written = match format {
        Format::Json => json(&as_run)?,
        _ => format!("{}\n{}\n", as_run.url, text::plan_line(&as_run)),
    };
    put(&written, Path::new("-"))
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::failed(format!("cannot write JSON: {e}"), ""))?;
    Ok(text + "\n")
}

/// Writes the histograms as an HDR log.
///
/// # Errors
/// As [`put`].
pub(crate) fn hlog(outcome: &Outcome, path: &Path) -> Result<(), Failure> {
    let log = hlog::log(outcome).map_err(|error| Failure::failed(error.to_string(), ""))?;
    put(&log, path)
}
