//! The table of designs and workloads for a terminal of 80 columns.

use std::fmt::Write;

use dyno_analysis::workloads::{Matrix, Standing, WorkloadRow};
use dyno_units::paint::{Paint, Tone};
use dyno_units::text::{cut, wrap};

use super::{SHARE_WORDS, legend, mark, percent};

/// Columns of a terminal.
pub(super) const COLUMNS: usize = 80;

/// Columns of the names of designs.
const LABEL: usize = 22;

/// Columns of a workload: three digits and a mark.
const CELL: usize = 4;

/// Columns of a name at the head: names stand on two lines in turn, so each has the room of two workloads, less
/// a gap.
const HEAD: usize = 2 * CELL - 1;

/// Workloads side by side.
const MOST: usize = (COLUMNS - LABEL) / CELL;

/// The table with its legend.
pub(crate) fn render(matrix: &Matrix) -> String {
    let mut text = String::new();
    for rows in matrix.rows.chunks(MOST) {
        text.push('\n');
        for line in heads(rows) {
            let _ = writeln!(text, "{}", line.trim_end());
        }
        for (place, line) in matrix.designs.iter().enumerate() {
            let mut words = format!("{:<LABEL$}", cut(&line.label, LABEL - 1));
            for row in rows {
                let score = &row.scores[place];
                let number = percent(score).map(|percent| percent.to_string()).unwrap_or_default();
                let cell = format!("{number:>width$}{}", mark(&score.standing), width = CELL - 1);
                words += &painted(&score.standing, cell);
            }
            let _ = writeln!(text, "{}", words.trim_end());
        }
    }
    text.push('\n');
    text += &wrap(SHARE_WORDS, COLUMNS);
    text.push('\n');
    for (sign, words) in legend(matrix) {
        let _ = writeln!(text, "{sign} {words}");
    }
    text
}

/// A place of the table in the colour of its mark; who prints it takes colours away where they cannot be seen.
fn painted(standing: &Standing, cell: String) -> String {
    let tone = match standing {
        Standing::Best => Tone::Good,
        Standing::Jammed | Standing::Unknown(_) => Tone::Doubt,
        Standing::Fails(_) => Tone::Bad,
        Standing::Costly | Standing::Slower | Standing::Missing => return cell,
    };
    Paint(true).tone(tone, &cell)
}

/// Two lines with the names of the workloads in turn, each above the last digit of its column.
fn heads(rows: &[WorkloadRow]) -> [String; 2] {
    let mut lines = [String::new(), String::new()];
    for (place, row) in rows.iter().enumerate() {
        let line = &mut lines[place % 2];
        let end = LABEL + (place + 1) * CELL - 1;
        let name = head(&row.workload.name);
        let gap = end.saturating_sub(line.chars().count());
        let _ = write!(line, "{name:>gap$}");
    }
    lines
}

/// A name at the head. Of one that is too long the end is kept, for paths differ there.
fn head(name: &str) -> String {
    let beyond = name.chars().count().saturating_sub(HEAD);
    if beyond == 0 {
        name.to_string()
    } else {
        name.chars().skip(beyond + 1).fold("…".to_string(), |head, one| head + &one.to_string())
    }
}
