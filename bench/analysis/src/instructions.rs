//! What a request and a connection cost in instructions, one row a contestant.

use crate::figure::RowFigure;
use crate::levelling::Levelled;
use dyno_record::header::ContestantLine;
use dyno_record::instructions::InstructionFigures;
use dyno_record::step::Step;

/// Everything that a count knows of a contestant.
#[derive(Debug, Clone, PartialEq)]
pub struct CountRow {
    /// Who it is.
    pub line: ContestantLine,
    /// A request over a lasting connection.
    pub request: Instructions,
    /// A request with a connection of its own.
    pub connection: Instructions,
}

/// What one kind of request takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Instructions {
    /// Instructions, the kernel's included.
    pub all: RowFigure,
    /// System calls.
    pub system_calls: RowFigure,
    /// Context switches.
    pub switches: RowFigure,
}

/// The rows of all contestants that were counted, in the order of the header.
pub fn rows(records: &Levelled) -> Vec<CountRow> {
    let row = |line: &ContestantLine| CountRow {
        line: line.clone(),
        request: of(records, &line.label, Step::Instructions),
        connection: of(records, &line.label, Step::InstructionsConnect),
    };
    records.header.contestants.iter().map(row).filter(has_anything).collect()
}

fn of(records: &Levelled, label: &str, step: Step) -> Instructions {
    let cells = records.cells_of(label, step);
    let figure = |read: fn(&InstructionFigures) -> Option<f64>| {
        RowFigure::of(&cells, records.header.seed, |record| read(record.instructions()?))
    };
    Instructions {
        all: figure(|figures| Some(figures.per_request)),
        system_calls: figure(|figures| figures.system_calls_per_request),
        switches: figure(|figures| figures.switches_per_request),
    }
}

/// A contestant that an interrupted count never reached has no row.
fn has_anything(row: &CountRow) -> bool {
    [&row.request.all, &row.connection.all]
        .iter()
        .any(|figure| !figure.by_round.is_empty() || figure.void > 0)
}

/// The row by whose figures the others are compared: the first of the baseline's family, or else the first.
pub fn baseline(rows: &[CountRow]) -> Option<&CountRow> {
    rows.iter().find(|row| row.line.is_baseline()).or(rows.first())
}
