//! Reports: made from records alone, running nothing.

use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::record::store;

pub mod cells;
pub mod curves;
pub mod machine;
pub mod markdown;
pub mod model;
pub mod page;
pub mod points;
pub mod prose;
pub mod section;
pub mod sections;
pub mod statements;
pub mod text;
pub mod transports;
pub mod words;

#[cfg(test)]
mod browser;
#[cfg(test)]
mod tests;

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// For the terminal.
    pub terminal: String,
    /// As Markdown.
    pub markdown: String,
    /// As CSV.
    pub csv: String,
    /// The page.
    pub html: String,
    /// Where the page is.
    pub page: PathBuf,
    /// Whether any cell counts.
    pub usable: bool,
}

/// The table of an experiment for the terminal.
fn terminal(model: &model::Model, records: &store::Records) -> String {
    let Some(axis) = points::axis(&records.header.experiment) else {
        return text::render(model);
    };
    let mut table = points::table(axis, &points::trails(records, axis));
    for paragraph in statements::paragraphs(model, records) {
        table += &format!("\n{}\n", text::wrap(&paragraph, 80));
    }
    table
}

/// Writes `report.html`, `report.md` and `cells.csv` into a directory of records.
///
/// # Errors
/// When there are no records, or a file cannot be written.
pub fn write(directory: &Path) -> Result<Written, Failure> {
    let records = store::read(directory)?;
    let model = model::model(&records);
    let terminal = terminal(&model, &records);
    let markdown = match points::axis(&records.header.experiment) {
        Some(_) => format!("```text{terminal}```\n"),
        None => markdown::render(&model),
    };
    let written = Written {
        terminal,
        markdown,
        csv: cells::render(&records.header.experiment, &records.cells)?,
        html: page::render(&model, &records)?,
        page: directory.join("report.html"),
        usable: records.cells.iter().any(|record| record.counted().is_some()),
    };
    for (name, content) in
        [("report.html", &written.html), ("report.md", &written.markdown), ("cells.csv", &written.csv)]
    {
        let path = directory.join(name);
        std::fs::write(&path, content)
            .map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display()), ""))?;
    }
    Ok(written)
}
