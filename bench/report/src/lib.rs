//! Reports, made from records alone; nothing is run. Findings go in and text comes out: the caller writes files.

use dyno_analysis::comparison::{self, Model};
use dyno_analysis::explanation::build::Build;
use dyno_analysis::levelling::Levelled;

use crate::counts::CountPart;
use crate::error::ReportError;
use crate::found::Found;
use crate::opening::Opening;
use crate::pictures::Picture;
use crate::who::ChapterText;

pub mod book_page;
mod cells;
mod charts;
mod counts;
pub mod error;
mod finding;
mod found;
mod glossary;
mod instructions;
mod isolation;
mod isolation_cells;
mod machine;
mod markdown;
mod memory;
mod opening;
mod overload;
mod page;
pub mod pictures;
mod points_table;
mod prose;
pub mod pull_request;
pub mod run_page;
mod section;
mod sections;
mod statements;
pub mod summary;
mod table_cell;
mod text;
pub mod textbook;
mod transports;
mod turns;
mod waiting;
pub mod who;
mod words;
mod workloads;

/// The colours of all pages, in light and in dark: names of CSS properties, for who writes a page of another kind.
pub const PALETTE: &str = include_str!("page/palette.css");

/// What there is beside the records of an experiment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Supplements<'a> {
    /// The chapters of a book, to which the names on the page lead.
    pub chapters: &'a [ChapterText],
    /// The records of a count of instructions that was made with it.
    pub counts: Option<&'a Levelled>,
    /// How the contestant of a label is built, which decides what its requests cost; absent: nobody knows.
    pub build_of: Option<fn(&str) -> Build>,
}

/// A report in all its forms.
#[derive(Debug)]
pub struct Report {
    /// For the terminal.
    pub terminal: String,
    /// As Markdown.
    pub markdown: String,
    /// As CSV, a line for each cell.
    pub csv: String,
    /// As CSV, a line for each contestant and quantity: the figures of the page.
    pub summary_csv: String,
    /// The same as JSON.
    pub summary_json: String,
    /// The page.
    pub html: String,
    /// Its pictures as files of their own.
    pub pictures: Vec<Picture>,
    /// Whether any cell counts.
    pub usable: bool,
}

impl Report {
    /// The report of an experiment.
    ///
    /// # Errors
    /// When one of its forms cannot be encoded, which would be a fault of this program.
    pub fn of(records: &Levelled) -> Result<Self, ReportError> {
        Report::with(records, &Supplements::default())
    }

    /// The same with what else there is.
    ///
    /// # Errors
    /// As [`Report::of`].
    pub fn with(records: &Levelled, supplements: &Supplements) -> Result<Self, ReportError> {
        let model = comparison::model(records);
        let found = Found::of(records, supplements.build_of.unwrap_or(|_| Build::UNKNOWN));
        let counts = supplements.counts.map(|counts| CountPart::of(counts, &found.cpu_of_a_request(&model)));
        let opening = Opening::of(&model, records, &found);
        let answer = opening::terminal(opening.as_ref());
        let rest = terminal(&model, records, &found);
        let markdown = match &found {
            Found::Along(..) => format!("{}```text{rest}```\n", opening::markdown(opening.as_ref())),
            Found::Counted(rows) => instructions::markdown(rows, &model),
            Found::InTurn(rows) => turns::markdown(rows, &model),
            Found::Isolated(rows) => isolation::markdown(rows, &model),
            Found::Overloaded(rows) => overload::markdown(rows, &model),
            Found::Waited(rows) => waiting::markdown(rows, &model),
            Found::Workloads(matrix) => workloads::markdown::render(matrix, &model),
            Found::Compared(_) => markdown::render(&model, opening.as_ref()),
        };
        let figures = summary::figures(&model, records, &found);
        Ok(Report {
            terminal: answer + &rest + &counts.as_ref().map_or(String::new(), CountPart::terminal),
            markdown: markdown + &counts.as_ref().map_or(String::new(), CountPart::markdown),
            csv: match found {
                Found::Isolated(_) => isolation_cells::render(&records.cells)?,
                _ => cells::render(records.header.experiment, &records.cells)?,
            },
            summary_csv: summary::csv(&figures)?,
            summary_json: summary::json(&records.header, figures)?,
            html: page::render(
                &model,
                records,
                &found,
                opening.as_ref(),
                counts.as_ref(),
                supplements.chapters,
            )?,
            pictures: pictures::all(&model, records, &found, opening.as_ref()),
            usable: records.cells.iter().any(|record| record.counts()),
        })
    }
}

/// The table of an experiment for the terminal.
fn terminal(model: &Model, records: &Levelled, found: &Found) -> String {
    let mut table = match found {
        Found::Along(axis, trails) => points_table::render(*axis, trails),
        Found::Counted(rows) => instructions::terminal(rows),
        Found::InTurn(rows) => turns::terminal(rows),
        Found::Isolated(rows) => isolation::terminal(rows),
        Found::Overloaded(rows) => overload::terminal(rows),
        Found::Waited(rows) => waiting::terminal(rows),
        Found::Workloads(matrix) => return workloads::terminal(matrix, model),
        Found::Compared(_) => return text::render(model),
    };
    table += &words::wrapped(&statements::paragraphs(model, records, found));
    table
}
