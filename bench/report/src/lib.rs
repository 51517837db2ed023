//! Reports, made from records alone; nothing is run. Findings go in and text comes out: the caller writes files.

use dyno_analysis::comparison::{self, Model};
use dyno_analysis::duel;
use dyno_analysis::instructions::rows;
use dyno_analysis::isolation::rows as isolation_rows;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::overload::rows as overloads;
use dyno_analysis::points;
use dyno_analysis::workloads::matrix;
use dyno_record::experiment::Experiment;
use dyno_units::text::wrap;

use crate::error::ReportError;
use crate::opening::Opening;
use crate::pictures::Picture;
use crate::who::ChapterText;

pub mod book_page;
mod cells;
mod charts;
pub mod error;
mod finding;
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
        Report::with_chapters(records, &[])
    }

    /// The same with the chapters of a book, to which the names on the page lead.
    ///
    /// # Errors
    /// As [`Report::of`].
    pub fn with_chapters(records: &Levelled, chapters: &[ChapterText]) -> Result<Self, ReportError> {
        let model = comparison::model(records);
        let opening = Opening::of(&model, records);
        let answer = opening::terminal(opening.as_ref());
        let rest = terminal(&model, records);
        let markdown = match points::axis(records.header.experiment) {
            Some(_) => format!("{}```text{rest}```\n", opening::markdown(opening.as_ref())),
            None => match records.header.experiment {
                Experiment::Count => instructions::markdown(&rows(records), &model),
                Experiment::Isolation => isolation::markdown(&isolation_rows(records), &model),
                Experiment::Duel => turns::markdown(&duel::rows(records), &model),
                Experiment::Overload => overload::markdown(&overloads(records), &model),
                Experiment::Waiting => waiting::markdown(records, &model),
                Experiment::Workloads => workloads::markdown::render(&matrix(records), &model),
                _ => markdown::render(&model, opening.as_ref()),
            },
        };
        Ok(Report {
            terminal: answer + &rest,
            markdown,
            csv: match records.header.experiment {
                Experiment::Isolation => isolation_cells::render(&records.cells)?,
                experiment => cells::render(experiment, &records.cells)?,
            },
            summary_csv: summary::csv(&model, records)?,
            summary_json: summary::json(&model, records)?,
            html: page::render(&model, records, opening.as_ref(), chapters)?,
            pictures: pictures::all(&model, records, opening.as_ref()),
            usable: records.cells.iter().any(|record| record.counts()),
        })
    }
}

/// The table of an experiment for the terminal.
fn terminal(model: &Model, records: &Levelled) -> String {
    let mut table = match points::axis(records.header.experiment) {
        Some(axis) => points_table::render(axis, &points::trails(records, axis)),
        None => match records.header.experiment {
            Experiment::Count => instructions::terminal(&rows(records)),
            Experiment::Isolation => isolation::terminal(&isolation_rows(records)),
            Experiment::Duel => turns::terminal(&duel::rows(records)),
            Experiment::Overload => overload::terminal(&overloads(records)),
            Experiment::Waiting => waiting::terminal(records),
            Experiment::Workloads => return workloads::terminal(&matrix(records), model),
            _ => return text::render(model),
        },
    };
    for paragraph in statements::paragraphs(model, records) {
        table += &format!("\n{}\n", wrap(&paragraph, 80));
    }
    table
}
