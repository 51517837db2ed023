//! `dyno report`: the report of an experiment, from its records alone.

use std::path::PathBuf;

use super::CommandResult;
use crate::exit::Exit;
use crate::print::{errln, out};
use crate::results;

/// Write the report of an experiment again, from its records alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory that the experiment has written [default: the newest]
    directory: Option<PathBuf>,
    /// What goes to standard output; report.html, report.md, cells.csv, summary.csv and summary.json are written in any
    /// case
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// A table for the terminal.
    Text,
    /// Markdown.
    Markdown,
    /// A line per cell.
    Csv,
    /// A line per contestant and quantity, as CSV.
    Summary,
    /// The same as JSON.
    Json,
    /// The page.
    Html,
}

/// Writes the report.
///
/// # Errors
/// When there are no records, or when the files cannot be written; what was asked for is printed all the same.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let directory = arguments.directory.clone().map_or_else(|| results::latest(None), Ok)?;
    let report = results::report_of(&directory)?;
    let page = results::write_files(&report, &directory);
    let is_usable = report.usable;
    let text = match arguments.format {
        Format::Text => report.terminal,
        Format::Markdown => report.markdown,
        Format::Csv => report.csv,
        Format::Summary => report.summary_csv,
        Format::Json => report.summary_json,
        Format::Html => report.html,
    };
    out!("{text}");
    errln!("report: {}", page?.display());
    Ok(if is_usable { Exit::Success } else { Exit::Invalid })
}
