//! `dyno report`: the report of an experiment, from its records alone.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use dyno_report::pictures::Picture;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::png;
use crate::print::{bytes_to_stdout, errln, out};
use crate::results;

/// Write the report of an experiment again, from its records alone.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Directory that the experiment has written [default: the newest]
    directory: Option<PathBuf>,
    /// What goes to standard output: text, markdown, csv (a line per cell), summary (a line per contestant and
    /// quantity), json (the same), html, or a picture alone: svg:NAME or png:NAME (by rsvg-convert, if it is
    /// installed); svg:list names them. report.html, report.md, cells.csv, summary.csv and summary.json are written in
    /// any case
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = format)]
    format: Format,
}

#[derive(Debug, Clone)]
enum Format {
    Text,
    Markdown,
    Csv,
    Summary,
    Json,
    Html,
    Svg(String),
    Png(String),
}

/// Reads the name of a format.
fn format(text: &str) -> Result<Format, String> {
    Ok(match text {
        "text" => Format::Text,
        "markdown" => Format::Markdown,
        "csv" => Format::Csv,
        "summary" => Format::Summary,
        "json" => Format::Json,
        "html" => Format::Html,
        other => match other.split_once(':') {
            Some(("svg", name)) if !name.is_empty() => Format::Svg(name.to_string()),
            Some(("png", name)) if !name.is_empty() => Format::Png(name.to_string()),
            _ => {
                return Err(
                    "the formats are text, markdown, csv, summary, json, html, and svg:NAME or png:NAME (svg:list names them)"
                        .into(),
                );
            }
        },
    })
}

/// The word that asks for the names of all pictures.
const LIST: &str = "list";

/// A picture, or the names of all.
///
/// # Errors
/// Usage (2) when there is none of that name.
fn picture(pictures: &[Picture], name: &str) -> Result<String, Failure> {
    let list = || pictures.iter().map(|picture| format!("{:<24} {}\n", picture.name, picture.words));
    if name == LIST {
        return Ok(list().collect());
    }
    let found = pictures.iter().find(|picture| picture.name == name);
    found.map(|picture| picture.svg.clone()).ok_or_else(|| {
        let names: Vec<&str> = pictures.iter().map(|picture| picture.name.as_str()).collect();
        let known = match names.is_empty() {
            true => "this experiment has no pictures of their own".to_string(),
            false => format!("its pictures are {}", names.join(", ")),
        };
        Failure::usage(format!("there is no picture {name}"), known)
    })
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
    let text = match &arguments.format {
        Format::Text => report.terminal,
        Format::Markdown => report.markdown,
        Format::Csv => report.csv,
        Format::Summary => report.summary_csv,
        Format::Json => report.summary_json,
        Format::Html => report.html,
        Format::Svg(name) => picture(&report.pictures, name)?,
        Format::Png(name) if name == LIST => picture(&report.pictures, name)?,
        Format::Png(name) => {
            let svg = picture(&report.pictures, name)?;
            if io::stdout().is_terminal() {
                return Err(Failure::usage(
                    "a PNG is not for a terminal",
                    format!("write it into a file: dyno report --format png:{name} > {name}.png"),
                ));
            }
            bytes_to_stdout(&png::of(&svg, name)?);
            String::new()
        }
    };
    out!("{text}");
    errln!("report: {}", page?.display());
    Ok(if is_usable { Exit::Success } else { Exit::Invalid })
}
