//! Requests that wait: tables and words.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::waiting::{Others, WaitingRow, ladder};
use dyno_units::show;

use crate::table_cell::cell;
use crate::words;

/// Heads of the columns behind the name, in two lines of a terminal, and their widths.
const HEADS: [([&str; 2], usize); 7] = [
    (["stopped", "by"], 7),
    (["others", "alone"], 7),
    (["beside", "most"], 7),
    (["memory", "a waiter"], 8),
    (["CPU", "a waiter"], 9),
    (["let go", "FIN"], 7),
    (["", "reset"], 7),
];

/// Columns of the name.
const NAME: usize = 21;

/// The table for a terminal of 80 columns, in the order of the chapters.
pub(crate) fn terminal(rows: &[WaitingRow]) -> String {
    let mut text = String::from("\n");
    for line in 0..2 {
        let _ = write!(text, "{:<NAME$}", "");
        for (head, width) in HEADS {
            let _ = write!(text, " {:>width$}", head[line]);
        }
        text.push('\n');
    }
    for row in rows {
        let _ = write!(text, "{:<NAME$}", row.line.label.chars().take(NAME).collect::<String>());
        for (shown, (_, width)) in columns(row).iter().zip(HEADS) {
            let _ = write!(text, " {shown:>width$}");
        }
        text.push('\n');
    }
    text
}

fn columns(row: &WaitingRow) -> [String; 7] {
    let others = |others: Option<&Others>| others.map_or("-".to_string(), told);
    [
        stopped(row),
        others(row.beside.get(&0)),
        others(row.beside.values().next_back()),
        figure(&row.memory, show::bytes),
        figure(&row.cpu_ns, per_second),
        figure(&row.fin_ns, show::time),
        figure(&row.reset_ns, show::time),
    ]
}

/// How others fared, in a word.
pub(crate) fn told(others: &Others) -> String {
    match others {
        Others::Served(ns) => show::time(*ns),
        Others::StoodStill => "still".to_string(),
    }
}

/// The number of waiters that stops everybody else.
pub(crate) fn stopped(row: &WaitingRow) -> String {
    match (row.stops(), row.most()) {
        (Some((least, most)), _) if least == most => least.to_string(),
        (Some((least, most)), _) => format!("{least}..{most}"),
        (None, Some(most)) if most > 0 => "never".to_string(),
        (None, _) if row.reason().is_empty() => "-".to_string(),
        (None, _) => "void".to_string(),
    }
}

/// Time of a processor in a second.
pub(crate) fn per_second(ns: f64) -> String {
    format!("{}/s", show::time(ns))
}

fn figure(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    match figure.value() {
        Some(value) => shown(value),
        None if figure.void > 0 => "void".to_string(),
        None => "-".to_string(),
    }
}

/// The tables for a README: the jam matrix, and what a waiter takes.
pub(crate) fn markdown(rows: &[WaitingRow], model: &Model) -> String {
    let numbers = ladder(rows);
    let heads: String = numbers.iter().map(|number| format!(" {number} |")).collect();
    let rules: String = numbers.iter().map(|_| "---:|").collect();
    let mut text = format!(
        "Time of another request while so many wait:\n\n| architecture |{heads} stopped by |\n|---|{rules}---:|\n"
    );
    for row in rows {
        let cells: String = numbers
            .iter()
            .map(|number| format!(" {} |", row.beside.get(number).map_or("still".to_string(), told)))
            .collect();
        let _ = writeln!(text, "| {} |{cells} {} |", cell(&row.line.label), stopped(row));
    }
    text += "\n| architecture | memory of a waiter | kernel memory | CPU of a waiter | let go after FIN | after reset |\n|---|---:|---:|---:|---:|---:|\n";
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&row.line.label),
            figure(&row.memory, show::bytes),
            figure(&row.kernel, show::bytes),
            figure(&row.cpu_ns, per_second),
            figure(&row.fin_ns, show::time),
            figure(&row.reset_ns, show::time),
        );
    }
    let told = format!(
        "Medians of {}. {}.",
        show::count(model.header.blocks as usize, "block"),
        words::measured(&model.header)
    );
    text + &words::below_table(&told, paragraphs(rows), model)
}

/// The result in words.
pub(crate) fn paragraphs(rows: &[WaitingRow]) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(jams(rows));
    found.extend(ends(rows, "A waiter takes of the server's memory", |row| &row.memory, show::bytes));
    found.extend(ends(
        rows,
        "A client that leaves with a FIN is let go within",
        |row| &row.fin_ns,
        show::time,
    ));
    found.extend(ends(rows, "With a reset it is let go within", |row| &row.reset_ns, show::time));
    found.extend(
        rows.iter()
            .filter(|row| !row.reason().is_empty())
            .map(|row| format!("{} could not be seen in full: {}.", row.line.label, row.reason())),
    );
    found
}

/// Whom how many waiters stop.
fn jams(rows: &[WaitingRow]) -> Option<String> {
    let most = rows.iter().filter_map(WaitingRow::most).max().filter(|most| *most > 0)?;
    let (stopped, free): (Vec<&WaitingRow>, Vec<&WaitingRow>) =
        rows.iter().filter(|row| row.most().is_some()).partition(|row| row.stops().is_some());
    let mut parts: Vec<String> = stopped
        .iter()
        .filter_map(|row| {
            let (least, _) = row.stops()?;
            let waiters =
                if least == 1 { "one request that waits".to_string() } else { format!("{least} of them") };
            Some(format!("{} by {waiters}", row.line.label))
        })
        .collect();
    if parts.is_empty() {
        parts.push("nobody".to_string());
    }
    let names: Vec<&str> = free.iter().map(|row| row.line.label.as_str()).collect();
    let rest = match names.len() {
        0 => String::new(),
        _ => format!(" Not by {most} of them: {}.", names.join(", ")),
    };
    Some(format!("Stopped for everybody else: {}.{rest}", parts.join(", ")))
}

/// Whose figure is the least, and whose the largest.
fn ends(
    rows: &[WaitingRow],
    what: &str,
    read: fn(&WaitingRow) -> &RowFigure,
    shown: fn(f64) -> String,
) -> Option<String> {
    let mut known: Vec<(f64, &str)> =
        rows.iter().filter_map(|row| Some((read(row).value()?, row.line.label.as_str()))).collect();
    known.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (first, last) = (known.first()?, known.last()?);
    let rest =
        if known.len() > 1 { format!(" and {} with {}", shown(last.0), last.1) } else { String::new() };
    Some(format!("{what} {} with {}{rest}.", shown(first.0), first.1))
}
