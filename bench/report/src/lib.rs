//! Reports, made from records alone; nothing is run. Findings go in and text comes out: the caller writes files.

use dyno_analysis::comparison::{self, Model};
use dyno_analysis::instructions::rows;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points;
use dyno_record::experiment::Experiment;
use dyno_units::text::wrap;

use crate::error::ReportError;

pub mod book_page;
mod cells;
mod charts;
pub mod error;
mod instructions;
mod machine;
mod markdown;
mod memory;
mod page;
mod points_table;
mod prose;
pub mod run_page;
mod section;
mod sections;
mod statements;
mod summary;
mod table_cell;
mod text;
pub mod textbook;
mod transports;
mod waiting;
mod words;

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
    /// Whether any cell counts.
    pub usable: bool,
}

impl Report {
    /// The report of an experiment.
    ///
    /// # Errors
    /// When one of its forms cannot be encoded, which would be a fault of this program.
    pub fn of(records: &Levelled) -> Result<Self, ReportError> {
        let model = comparison::model(records);
        let terminal = terminal(&model, records);
        let markdown = match points::axis(records.header.experiment) {
            Some(_) => format!("```text{terminal}```\n"),
            None if records.header.experiment == Experiment::Count => {
                instructions::markdown(&rows(records), &model)
            }
            None if records.header.experiment == Experiment::Waiting => waiting::markdown(records, &model),
            None => markdown::render(&model),
        };
        Ok(Report {
            terminal,
            markdown,
            csv: cells::render(records.header.experiment, &records.cells)?,
            summary_csv: summary::csv(&model, records)?,
            summary_json: summary::json(&model, records)?,
            html: page::render(&model, records)?,
            usable: records.cells.iter().any(|record| record.counts()),
        })
    }
}

/// The table of an experiment for the terminal.
fn terminal(model: &Model, records: &Levelled) -> String {
    let mut table = match points::axis(records.header.experiment) {
        Some(axis) => points_table::render(axis, &points::trails(records, axis)),
        None if records.header.experiment == Experiment::Count => instructions::terminal(&rows(records)),
        None if records.header.experiment == Experiment::Waiting => waiting::terminal(records),
        None => return text::render(model),
    };
    for paragraph in statements::paragraphs(model, records) {
        table += &format!("\n{}\n", wrap(&paragraph, 80));
    }
    table
}
