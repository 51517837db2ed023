//! Writing results where they were asked for.

use std::io::{IsTerminal, Write};
use std::path::Path;

use dyno_clients::outcome::Outcome;
use dyno_clients::plan::Plan;
use dyno_clients::report::{csv, hlog, markdown, text};
use dyno_units::paint::Paint;

use crate::exit::Failure;

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A summary of 80 columns.
    Text,
    /// Everything, with a schema version.
    Json,
    /// A heading and one row.
    Csv,
    /// A table for issues and pull requests.
    Markdown,
}

/// Whether standard output wants colour: a terminal that is not dumb, and no NO_COLOR (no-color.org).
pub fn colour() -> Paint {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
    Paint(std::io::stdout().is_terminal() && !refused && !dumb)
}

/// Writes `text` to `path`; `-` is standard output.
///
/// # Errors
/// Names the file that cannot be written.
pub fn put(text: &str, path: &Path) -> Result<(), Failure> {
    let written = if path == Path::new("-") {
        let mut out = std::io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    } else {
        std::fs::write(path, text)
    };
    match written {
        // A reader that has seen enough (`| head`) is no failure.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => {
            Err(Failure::failed(format!("cannot write {}: {e}", path.display()), "choose another --output"))
        }
        Ok(()) => Ok(()),
    }
}

/// Writes an outcome.
///
/// # Errors
/// As [`put`].
pub fn outcome(outcome: &Outcome, format: Format, path: &Path) -> Result<(), Failure> {
    let paint = if path == Path::new("-") { colour() } else { Paint(false) };
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
pub fn plan(plan: &Plan, format: Format) -> Result<(), Failure> {
    plan.check().or_else(|e| if e.contains("learned") { Ok(()) } else { Err(Failure::usage(e, "")) })?;
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
pub fn hlog(outcome: &Outcome, path: &Path) -> Result<(), Failure> {
    let log = hlog::log(outcome).map_err(|e| Failure::failed(e, ""))?;
    put(&log, path)
}
