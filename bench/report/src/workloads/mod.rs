//! The report of workloads: which design when, as a table, as a heat map and in words.

pub(crate) mod markdown;
pub(crate) mod picture;
pub(crate) mod section;
pub(crate) mod table;
pub(crate) mod words;

use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::workloads::{Matrix, Score, Standing};
use dyno_units::show;

use crate::words::{bearings, wrapped};

/// The report for the terminal: the answer, the table, which one when, and how far it may be believed.
pub(crate) fn terminal(matrix: &Matrix, model: &Model) -> String {
    let advice = matrix.rows.iter().map(|row| words::advice(matrix, row).paragraph(row));
    let advice: Vec<String> = advice.collect();
    wrapped(&words::verdict(matrix))
        + &table::render(matrix)
        + "\nWhich one when\n"
        + &wrapped(&advice)
        + &wrapped(&bearings(model))
}

/// The mark of a design under a workload, beside its share of the best: colours alone tell nothing to some.
pub(crate) fn mark(standing: &Standing) -> char {
    match standing {
        Standing::Best => '*',
        Standing::Jammed => '~',
        Standing::Fails(_) => 'x',
        Standing::Unknown(_) => '?',
        Standing::Costly | Standing::Slower => ' ',
        Standing::Missing => '-',
    }
}

/// What the marks mean, as far as they occur.
pub(crate) fn legend(matrix: &Matrix) -> Vec<(char, &'static str)> {
    let known = [
        ('*', "among the best: nobody is seen to be better"),
        ('~', "jams: clients wait while cores are idle"),
        ('x', "fails by a limit of its own"),
        ('?', "not decided: too few cells count"),
        ('-', "not measured"),
    ];
    let occurs = |sign: char| {
        matrix.rows.iter().flat_map(|row| &row.scores).any(|score| mark(&score.standing) == sign)
    };
    known.into_iter().filter(|(sign, _)| occurs(*sign)).collect()
}

/// What the number of a table is.
pub(crate) const SHARE_WORDS: &str = "Percent of the best: the smaller of a design's share of the best rate, and of the least CPU per request as a share of its own.";

/// The share of the best in percent; a design that reaches anything reaches at least 1.
pub(crate) fn percent(score: &Score) -> Option<u32> {
    score.share.map(|share| (share * 100.0).round().max(1.0) as u32)
}

/// Picks a figure of a design under a workload.
pub(crate) type Read = fn(&Score) -> &RowFigure;

/// A figure that has a table of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    pub title: &'static str,
    pub read: Read,
    pub shown: fn(f64) -> String,
    /// Whether a full generator makes it a lower bound.
    is_rate: bool,
}

impl Shown {
    /// The sign of a lower bound, where it is one.
    pub(crate) fn bound(&self, score: &Score) -> &'static str {
        if self.is_rate && score.seen.generator_full { "≥ " } else { "" }
    }
}

/// The figures behind the table.
pub(crate) const FIGURES: [Shown; 4] = {
    const fn of(title: &'static str, read: Read, shown: fn(f64) -> String) -> Shown {
        Shown { title, read, shown, is_rate: false }
    }
    [
        Shown { is_rate: true, ..of("Answers a second", |score| &score.rate, show::rate) },
        of("99th percentile", |score| &score.p99_ns, show::time),
        of("CPU of the server per request or connection", |score| &score.cpu_ns, show::time),
        of("Memory", |score| &score.memory, show::bytes),
    ]
};

#[cfg(test)]
mod tests;
