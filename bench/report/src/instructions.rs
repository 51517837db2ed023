//! Instructions per request and per connection: tables and words.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::instructions::{CountRow, Instructions, baseline};
use dyno_units::show;

use crate::table_cell::cell;
use crate::words;

/// Heads of the columns behind the name, in two lines of a terminal.
const HEADS: [[&str; 2]; 6] = [
    ["request", "instr"],
    ["", "calls"],
    ["", "switches"],
    ["connection", "instr"],
    ["", "calls"],
    ["", "switches"],
];

/// Decimals of the share by which blocks differ: a hundredth of a per cent, since goals are half a per cent.
const SPREAD_DECIMALS: usize = 2;

/// The table for a terminal of 80 columns, the cheapest request first.
pub(crate) fn terminal(rows: &[CountRow]) -> String {
    let mut text = String::from("\n");
    for line in 0..2 {
        let _ = write!(text, "{:<22}", "");
        for (place, head) in HEADS.iter().enumerate() {
            let width = WIDTHS[place];
            let _ = write!(text, " {:>width$}", head[line]);
        }
        text.push('\n');
    }
    for row in by_cost(rows) {
        let _ = write!(text, "{:<22}", row.line.label.chars().take(22).collect::<String>());
        for (place, shown) in columns(row).iter().enumerate() {
            let width = WIDTHS[place];
            let _ = write!(text, " {shown:>width$}");
        }
        text.push('\n');
    }
    text
}

/// Columns behind the name.
const WIDTHS: [usize; 6] = [10, 7, 8, 10, 7, 8];

fn columns(row: &CountRow) -> Vec<String> {
    let of = |what: &Instructions| {
        [figure(&what.all, show::rate), figure(&what.system_calls, calls), figure(&what.switches, calls)]
    };
    [of(&row.request), of(&row.connection)].concat()
}

/// A number of calls or switches: two decimals tell 0.02 from nothing.
fn calls(number: f64) -> String {
    format!("{number:.2}")
}

fn figure(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    match figure.value() {
        Some(value) => shown(value),
        None if figure.void > 0 => "void".to_string(),
        None => "-".to_string(),
    }
}

/// The cheapest request first; what has no figure comes last.
fn by_cost(rows: &[CountRow]) -> Vec<&CountRow> {
    let mut order: Vec<&CountRow> = rows.iter().collect();
    let cost = |row: &CountRow| row.request.all.value().unwrap_or(f64::INFINITY);
    order.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    order
}

/// The table for a README.
pub(crate) fn markdown(rows: &[CountRow], model: &Model) -> String {
    let header = &model.header;
    let text = markdown_table(rows);
    let environment = &header.environment;
    let told = format!(
        "Medians of {}, the kernel's instructions included. Counted {} UTC with dyno {} on {} ({}), Linux {}.",
        show::count(header.blocks as usize, "block"),
        show::moment(header.began_unix_ms),
        environment.dyno,
        environment.processor,
        environment.hypervisor.as_deref().unwrap_or("no hypervisor"),
        environment.kernel,
    );
    text + &words::below_table(&told, paragraphs(rows), model)
}

/// The table alone.
pub(crate) fn markdown_table(rows: &[CountRow]) -> String {
    let mut text = String::from(
        "| architecture | instructions per request | system calls | switches | instructions per connection | system calls | switches |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let _ = writeln!(text, "| {} | {} |", cell(&row.line.label), columns(row).join(" | "));
    }
    text
}

/// Picks a figure of a row.
type Read = fn(&CountRow) -> &RowFigure;

/// The result in words.
pub(crate) fn paragraphs(rows: &[CountRow]) -> Vec<String> {
    let kinds: [(&str, Read); 2] = [
        ("A request over a lasting connection", |row| &row.request.all),
        ("A request with a connection of its own", |row| &row.connection.all),
    ];
    let mut found: Vec<String> =
        kinds.into_iter().filter_map(|(what, read)| ends(rows, what, read)).collect();
    if let Some(spread) = widest(rows) {
        found.push(format!(
            "All instructions of the server and of the kernel on its time are counted, in an emulated machine; the blocks of a figure lie at most {spread:.SPREAD_DECIMALS$} % from their median. What an instruction takes on a real processor (caches, address translation, contention, wake-ups) is not in them."
        ));
    }
    found.extend(rows.iter().filter_map(reason));
    found
}

/// Who takes the least, and who the most.
fn ends(rows: &[CountRow], what: &str, read: Read) -> Option<String> {
    let mut known: Vec<(f64, &CountRow)> =
        rows.iter().filter_map(|row| Some((read(row).value()?, row))).collect();
    known.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (first, last) = (known.first()?, known.last()?);
    let mut words = format!("{what} takes {} instructions with {}", show::rate(first.0), first.1.line.label);
    if known.len() > 1 {
        let _ = write!(
            words,
            " and {} with {} ({})",
            show::rate(last.0),
            last.1.line.label,
            show::ratio(last.0 / first.0)
        );
    }
    let base = baseline(rows).filter(|base| ![first.1, last.1].contains(base));
    if let Some((base, value)) = base.and_then(|base| Some((base, read(base).value()?))) {
        let _ = write!(words, "; with {} {}", base.line.label, show::rate(value));
    }
    Some(words + ".")
}

/// By how much a block differs from the median of its figure at most, in per cent.
fn widest(rows: &[CountRow]) -> Option<f64> {
    let figures = rows.iter().flat_map(|row| [&row.request.all, &row.connection.all]);
    let apart = figures.filter_map(|figure| {
        let median = figure.value()?;
        figure.by_round.values().map(|value| (value / median - 1.0).abs() * 100.0).reduce(f64::max)
    });
    apart.reduce(f64::max)
}

/// Why a figure is void.
fn reason(row: &CountRow) -> Option<String> {
    let void = [&row.request.all, &row.connection.all]
        .into_iter()
        .find(|figure| figure.value().is_none() && figure.void > 0);
    Some(format!("{} could not be counted: {}.", row.line.label, void?.reason))
}
