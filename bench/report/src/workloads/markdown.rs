//! The table of designs and workloads for a README.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::workloads::{Matrix, Standing, WorkloadRow};
use dyno_units::show;

use super::words::{advice, verdict};
use super::{SHARE_WORDS, Told, percent};
use crate::table_cell::cell;
use crate::words::bearings;

/// The results as Markdown, with machine, kernel and date.
pub(crate) fn render(matrix: &Matrix, model: &Model) -> String {
    let header = &model.header;
    let environment = &header.environment;
    let mut text = String::new();
    for paragraph in verdict(matrix) {
        let _ = writeln!(text, "{paragraph}\n");
    }
    table(&mut text, matrix, share);
    let _ = writeln!(
        text,
        "\n{SHARE_WORDS} **Bold**: among the best, no difference seen. Measured {} UTC with dyno {} on {}, {}, Linux {}, {}.\n",
        show::moment(header.began_unix_ms),
        environment.dyno,
        environment.processor,
        show::count(environment.cores, "core"),
        environment.kernel,
        environment.system,
    );
    text += "### Which one when\n\n";
    for row in &matrix.rows {
        let _ = writeln!(text, "* {}", cell(&advice(matrix, row).paragraph(row)));
    }
    for (title, read, shown) in FIGURES {
        let _ = writeln!(text, "\n### {title}\n");
        table(&mut text, matrix, |row, place| {
            let score = &row.scores[place];
            let bound = if score.seen.generator_full && title.starts_with("Answers") { "≥ " } else { "" };
            read(score).value().map_or("–".to_string(), |value| format!("{bound}{}", shown(value)))
        });
    }
    text.push('\n');
    for paragraph in bearings(model) {
        let _ = writeln!(text, "{paragraph}\n");
    }
    text
}

/// The figures that have a table of their own: title, figure, and how it is shown.
pub(crate) const FIGURES: [Told; 4] = [
    ("Answers a second", |score| &score.rate, show::rate),
    ("99th percentile", |score| &score.p99_ns, show::time),
    ("CPU of the server per request or connection", |score| &score.cpu_ns, show::time),
    ("Memory", |score| &score.memory, show::bytes),
];

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
