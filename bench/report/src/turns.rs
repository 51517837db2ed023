//! Two that took turns: tables and words.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::duel::{DuelRow, DuelSide};
use dyno_analysis::figure::RowFigure;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::verdict::{Comparison, ComparisonVerdict};
use dyno_units::show;

use crate::table_cell::cell;
use crate::words;

/// The table for a terminal of 80 columns.
pub(crate) fn terminal(rows: &[DuelRow]) -> String {
    let mut text = format!("\n{:<36} {:>20} {:>20}\n", "", "CPU a request", "requests per s");
    for row in rows {
        for side in &row.sides {
            let label: String = side.line.label.chars().take(36).collect();
            let (cpu, rate) = columns(side);
            let _ = writeln!(text, "{label:<36} {cpu:>20} {rate:>20}");
        }
        let ratio = |comparison: &Comparison| {
            comparison.ratio.map_or_else(|| "void".to_string(), |ratio| with_interval(&ratio))
        };
        let _ = writeln!(text, "{:<36} {:>20} {:>20}", "  ratio", ratio(&row.cpu), ratio(&row.rate));
    }
    text
}

fn columns(side: &DuelSide) -> (String, String) {
    (figure(&side.cpu_ns, show::time), figure(&side.rate_per_s, show::rate))
}

fn figure(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    match figure.value() {
        Some(value) => format!("{}{}", if figure.at_least { ">" } else { "" }, shown(value)),
        None if figure.void > 0 => "void".to_string(),
        None => "-".to_string(),
    }
}

/// A ratio with its interval: `1.123 (1.118-1.128)`. Three decimals, since goals are a hundredth.
pub(crate) fn with_interval(ratio: &Interval) -> String {
    format!("{:.3} ({:.3}-{:.3})", ratio.value, ratio.low, ratio.high)
}

/// The table for a README or a pull request.
pub(crate) fn markdown(rows: &[DuelRow], model: &Model) -> String {
    let header = &model.header;
    let mut text = String::from(
        "| A | B | CPU of a request, A | B | A / B | requests/s, A | B | A / B |\n|---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for row in rows {
        let [one, other] = &row.sides;
        let ratio = |comparison: &Comparison| {
            comparison.ratio.map_or_else(|| "–".to_string(), |ratio| with_interval(&ratio))
        };
        let ((cpu, rate), (cpu_other, rate_other)) = (columns(one), columns(other));
        let _ = writeln!(
            text,
            "| {} | {} | {cpu} | {cpu_other} | {} | {rate} | {rate_other} | {} |",
            cell(&one.line.label),
            cell(&other.line.label),
            ratio(&row.cpu),
            ratio(&row.rate),
        );
    }
    let told = format!(
        "Medians of {} with fresh servers, in turn by the millisecond on one core; ratios with 95 % intervals. {}.",
        show::count(header.blocks as usize, "block"),
        words::measured(header),
    );
    text + &words::below_table(&told, paragraphs(rows), model)
}

/// The result in words.
pub(crate) fn paragraphs(rows: &[DuelRow]) -> Vec<String> {
    rows.iter().flat_map(|row| [cpu(row), rate(row), void(row)]).flatten().collect()
}

fn labels(row: &DuelRow) -> (&str, &str) {
    (&row.sides[0].line.label, &row.sides[1].line.label)
}

fn cpu(row: &DuelRow) -> Option<String> {
    let (one, other) = labels(row);
    let ratio = row.cpu.ratio?;
    let shown = with_interval(&ratio);
    Some(match stands(&row.cpu, &ratio) {
        Stands::TooFew => format!("CPU a request: not decided, {} bouts count.", ratio.observations),
        Stands::Equal => format!(
            "No difference was seen in the CPU of a request: {one} takes {shown} times that of {other}."
        ),
        Stands::Apart => {
            let [own, others] = [&row.sides[0], &row.sides[1]].map(|side| figure(&side.cpu_ns, show::time));
            format!("{one} takes {shown} times the CPU of {other} a request: {own} and {others}.")
        }
    })
}

fn rate(row: &DuelRow) -> Option<String> {
    let (one, other) = labels(row);
    let ratio = row.rate.ratio?;
    let shown = with_interval(&ratio);
    if row.is_rate_bound() {
        let bound = row.sides.iter().find(|side| side.rate_per_s.at_least)?;
        let label = &bound.line.label;
        return Some(format!(
            "Rates stood at {shown}, which is no ratio of what they can do: {label} was not the bottleneck of its bursts."
        ));
    }
    Some(match stands(&row.rate, &ratio) {
        Stands::TooFew => format!("Rate: not decided, {} bouts count.", ratio.observations),
        Stands::Equal => {
            format!("No difference was seen in the rate: {one} has {shown} times that of {other}.")
        }
        Stands::Apart => format!("{one} answers {shown} times as many requests a second as {other}."),
    })
}

fn void(row: &DuelRow) -> Option<String> {
    let (one, other) = labels(row);
    (row.void > 0)
        .then(|| format!("{one} against {other}: void in {}: {}.", show::count(row.void, "bout"), row.reason))
}

enum Stands {
    TooFew,
    Equal,
    Apart,
}

/// Whether the interval holds 1.
fn stands(comparison: &Comparison, ratio: &Interval) -> Stands {
    if comparison.verdict == ComparisonVerdict::TooFewBlocks {
        Stands::TooFew
    } else if ratio.low <= 1.0 && ratio.high >= 1.0 {
        Stands::Equal
    } else {
        Stands::Apart
    }
}
