//! What overload controls save: tables and words.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::curves::Recovery;
use dyno_analysis::overload::{OverloadPoint, OverloadRow, best};
use dyno_record::experiment::OVERLOAD_TIMES;
use dyno_units::show;
use dyno_units::text::cut;

use crate::table_cell::cell;
use crate::words;

/// What a server that keeps its peak serves at two, four and eight times as much, as shares of it.
const GOALS: [(f64, f64); 3] = [(2.0, 0.90), (4.0, 0.85), (8.0, 0.80)];

/// The multiples that are shown: all but the one of half load, which is there for the cost.
fn shown() -> impl Iterator<Item = f64> {
    OVERLOAD_TIMES.into_iter().filter(|times| *times >= 1.0)
}

/// The table for a terminal of 80 columns.
pub(crate) fn terminal(rows: &[OverloadRow]) -> String {
    let mut text = format!("\n{:<21} {:<12}", "", "control");
    for times in shown() {
        let _ = write!(text, " {:>5}", format!("{times}x"));
    }
    let _ = writeln!(text, " {:>7} {:>6} {:>6}", "p99 8x", "normal", "storm");
    let mut last = "";
    for row in rows {
        let name = if row.architecture == last { "" } else { &row.architecture };
        last = &row.architecture;
        let _ = write!(text, "{:<21} {:<12}", cut(name, 21), cut(&row.control, 12));
        for times in shown() {
            let _ = write!(text, " {:>5}", share(row.at(times)));
        }
        let p99 = row.points.last().and_then(|point| point.p99_ns.value());
        let _ = writeln!(
            text,
            " {:>7} {:>6} {:>6}",
            p99.map_or("-".into(), show::time),
            back(row.spike),
            back(row.storm)
        );
    }
    text
}

/// A point as a share of the peak.
fn share(point: Option<&OverloadPoint>) -> String {
    match point {
        Some(OverloadPoint { of_peak: Some(share), .. }) => format!("{share:.2}"),
        Some(point) if point.good.void > 0 => "void".into(),
        _ => "-".into(),
    }
}

/// The way back, short: `0s`, `240ms`, `never`.
fn back(recovery: Recovery) -> String {
    match recovery {
        Recovery::After(ms) if ms >= 1_000 => format!("{:.1}s", ms as f64 / 1e3),
        Recovery::After(ms) => format!("{ms}ms"),
        Recovery::Never => "never".into(),
        Recovery::Unknown => "-".into(),
    }
}

/// The table for a README.
pub(crate) fn markdown(rows: &[OverloadRow], model: &Model) -> String {
    let header = &model.header;
    let heads: Vec<String> = shown().map(|times| format!("{times}x")).collect();
    let mut text = format!(
        "| architecture | control | {} | p99 at the last | normal again | with retries |\n|---|---|{}---:|---:|---:|\n",
        heads.join(" | "),
        "---:|".repeat(heads.len()),
    );
    for row in rows {
        let shares: Vec<String> = shown().map(|times| share(row.at(times))).collect();
        let p99 = row.points.last().and_then(|point| point.p99_ns.value());
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&row.architecture),
            cell(&row.control),
            shares.join(" | "),
            p99.map_or("–".into(), show::time),
            back(row.spike),
            back(row.storm),
        );
    }
    let told = format!(
        "Right answers within the patience of the clients as a share of the peak, medians of {}. {}, {}.",
        show::count(header.blocks as usize, "block"),
        words::measured(header),
        header.environment.system,
    );
    text + &words::below_table(&told, paragraphs(rows), model)
}

/// The result in words.
pub(crate) fn paragraphs(rows: &[OverloadRow]) -> Vec<String> {
    let mut found = vec![
        "Shares are right answers within the patience of the clients, of what the architecture answers without \
         overload; the columns are multiples of that rate. \"normal\" is the time from the end of a spike to four \
         times until hardly a request is lost any more; \"storm\" the same where whoever is sent away comes back."
            .to_string(),
    ];
    let best = best(rows);
    found.extend(goals(&best));
    found.extend(best.iter().filter_map(|row| of_architecture(rows, row)));
    found
}

/// How many architectures keep their peak with their best control.
fn goals(best: &[&OverloadRow]) -> Option<String> {
    let known: Vec<&&OverloadRow> =
        best.iter().filter(|row| row.points.iter().any(|point| point.of_peak.is_some())).collect();
    if known.is_empty() {
        return None;
    }
    let keeps = |row: &&&OverloadRow| {
        GOALS.iter().all(|(times, goal)| {
            let kept = row.at(*times).and_then(|point| point.of_peak);
            kept.is_some_and(|share| share >= *goal)
        })
    };
    let kept = known.iter().filter(|row| keeps(row)).count();
    Some(format!(
        "At least 90 % of the peak at twice as much, 85 % at four and 80 % at eight times as much, with the best control: \
         {kept} of {}.",
        show::count(known.len(), "architecture")
    ))
}

/// What the best control of an architecture saves.
fn of_architecture(rows: &[OverloadRow], row: &OverloadRow) -> Option<String> {
    let point = row.points.last()?;
    let of_peak = point.of_peak?;
    let mut words = format!(
        "{} under {} serves {} of its peak in time at {} times as much",
        row.architecture,
        row.control,
        show::share(of_peak),
        point.times
    );
    if let (Some(of_possible), Some(refusal)) = (point.of_possible, row.refusal_share) {
        let _ = write!(
            words,
            ", {} of what is possible where refusing costs {} of serving",
            show::share(of_possible),
            show::share(refusal)
        );
    }
    let without = rows.iter().find(|one| one.architecture == row.architecture && one.control == "none");
    if let Some(share) = without.and_then(|none| none.points.last()?.of_peak) {
        let _ = write!(words, "; without control {}", show::share(share));
    }
    if let Some(cost) = without.and_then(|none| row.cost_above(none)) {
        let _ = write!(words, ". At half load the control costs {:.1} % of CPU", cost * 100.0);
    }
    Some(words + ".")
}
