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
        Err(error) => Err(unwritten(path, &error)),
        Ok(()) => Ok(()),
    }
}

/// Tries whether `path` can be written, before anything is measured for it. A file that is there is left as it is.
///
/// # Errors
/// As [`put`].
pub(crate) fn try_place(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    let is_new = !path.exists();
    std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .map_err(|error| unwritten(path, &error))?;
    if is_new {
        // Should the run fail, nobody shall take an empty file for its result.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    if path == Path::new("-") {
        return Failure::failed(format!("cannot write standard output: {error}"), "");
    }
    Failure::failed(
        format!("cannot write {}: {error}", path.display()),
        "choose another place for it (--output, --html, --hlog, --svg)",
    )
}

/// Writes a result to `path`, and to standard output where that fails: what was measured is never lost.
///
/// # Errors
/// As [`put`]; the result has then gone to standard output.
pub(crate) fn put_or_show(text: &str, path: &Path) -> Result<(), Failure> {
    put(text, path).inspect_err(|_| {
        if path != Path::new("-") {
            // The failure of the first place is the one to tell.
            let _ = put(text, Path::new("-"));
        }
    })
}

/// Writes an outcome.
///
/// # Errors
/// As [`put`].
pub(crate) fn outcome(
    outcome: &Outcome,
    format: Format,
    statistics: bool,
    path: &Path,
) -> Result<(), Failure> {
    let paint = if path == Path::new("-") { PAINT } else { Paint(false) };
    let written = match format {
        Format::Text => {
            let folded = text::Statistics::Folded("the figures of the audit: --statistics");
            text::summary(outcome, paint, if statistics { text::Statistics::Shown } else { folded })
        }
        Format::Json => json(outcome)?,
        Format::Csv => format!("{}\n{}\n", csv::heading(), csv::row(outcome)),
        Format::Markdown => markdown::summary(outcome),
    };
    put_or_show(&written, path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_tried_and_left_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let (new, kept) = (directory.path().join("new"), directory.path().join("kept"));
        std::fs::write(&kept, "before").unwrap();
        for path in [&new, &kept, &"-".into()] {
            try_place(path).unwrap();
        }
        assert!(!new.exists());
        assert_eq!(std::fs::read_to_string(&kept).unwrap(), "before");
        for path in [directory.path().into(), directory.path().join("none/x"), "".into()] {
            let failure = try_place(&path).unwrap_err();
            assert!(failure.message.contains("cannot write"), "{failure}");
        }
        assert!(
            put_or_show("", Path::new("/dev/full")).is_ok()
                && put_or_show("x", Path::new("/dev/full")).is_err()
        );
    }
}
