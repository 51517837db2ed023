//! `dyno report`: the pages of an experiment, from its records alone.

use std::path::PathBuf;

use super::Outcome;
use crate::exit::Exit;
use crate::{report, results};

/// Write the report of an experiment again, from its records alone.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Directory that the experiment has written [default: the newest]
    directory: Option<PathBuf>,
    /// What goes to standard output; report.html, report.md and cells.csv are written in any case
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
    /// The page.
    Html,
}

/// Writes the pages.
///
/// # Errors
/// When there are no records, or the pages cannot be written.
pub fn run(arguments: &Arguments) -> Outcome {
    let directory = arguments.directory.clone().map_or_else(|| results::latest(None), Ok)?;
    let written = report::write(&directory)?;
    let text = match arguments.format {
        Format::Text => written.terminal,
        Format::Markdown => written.markdown,
        Format::Csv => written.csv,
        Format::Html => written.html,
    };
    anstream::print!("{text}");
    eprintln!("report: {}", written.page.display());
    Ok(if written.usable { Exit::Success } else { Exit::Invalid })
}
