//! The table of designs and workloads for a README.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::workloads::{Matrix, Standing, WorkloadRow};

use super::words::{advice, verdict};
use super::{FIGURES, SHARE_WORDS, percent};
use crate::table_cell::cell;
use crate::words::{bearings, measured};

/// The results as Markdown, with machine, kernel and date.
pub(crate) fn render(matrix: &Matrix, model: &Model) -> String {
    let mut text = String::new();
    for paragraph in verdict(matrix) {
        let _ = writeln!(text, "{paragraph}\n");
    }
    table(&mut text, matrix, share);
    let _ = writeln!(
        text,
        "\n{SHARE_WORDS} **Bold**: among the best, no difference seen. {}, {}.\n",
        measured(&model.header),
        model.header.environment.system,
    );
    text += "### Which one when\n\n";
    for row in &matrix.rows {
        let _ = writeln!(text, "* {}", cell(&advice(matrix, row).paragraph(row)));
    }
    for figure in FIGURES {
        let _ = writeln!(text, "\n### {}\n", figure.title);
        table(&mut text, matrix, |row, place| {
            let score = &row.scores[place];
            let value = (figure.read)(score).value();
            value.map_or("–".to_string(), |value| {
                format!("{}{}", figure.bound(score), (figure.shown)(value))
            })
        });
    }
    text.push('\n');
    for paragraph in bearings(model) {
        let _ = writeln!(text, "{paragraph}\n");
    }
    text
}

fn share(row: &WorkloadRow, place: usize) -> String {
    let score = &row.scores[place];
    let number = percent(score).map_or("–".to_string(), |percent| percent.to_string());
    match &score.standing {
        Standing::Best => format!("**{number}**"),
        Standing::Jammed => format!("{number} jams"),
        Standing::Fails(_) => "fails".to_string(),
        Standing::Unknown(_) => format!("{number} ?"),
        Standing::Costly | Standing::Slower | Standing::Missing => number,
    }
}

/// A row for each design, a column for each workload.
fn table(text: &mut String, matrix: &Matrix, shown: impl Fn(&WorkloadRow, usize) -> String) {
    let names: Vec<String> = matrix.rows.iter().map(|row| cell(&row.workload.name)).collect();
    let _ = writeln!(text, "| | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(names.len()));
    for (place, line) in matrix.designs.iter().enumerate() {
        let cells: Vec<String> = matrix.rows.iter().map(|row| shown(row, place)).collect();
        let _ = writeln!(text, "| {} | {} |", cell(&line.label), cells.join(" | "));
    }
}
