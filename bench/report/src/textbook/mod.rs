//! The claims of textbooks with their verdicts: for the terminal, and as a page.

mod page;
mod ruler;

use std::fmt::Write;

use dyno_record::textbook::{
    ClaimFinding, ClaimSource, ClaimUnit, ClaimVerdict, ClaimedQuantity, TextbookRun,
};
use dyno_units::paint::{Paint, Tone};
use dyno_units::show;
use dyno_units::text::wrap_parts;

pub use page::html;

/// Columns of a terminal.
const COLUMNS: usize = 80;

const INDENT: &str = "  ";

/// All findings in lines of 80 columns.
pub fn terminal(run: &TextbookRun, paint: Paint) -> String {
    let mut text = String::new();
    let mut group = "";
    for finding in &run.findings {
        if finding.group != group {
            group = &finding.group;
            let _ = writeln!(text, "{}{}", if text.is_empty() { "" } else { "\n" }, paint.bold(group));
        }
        text += &entry(finding, paint);
    }
    text + "\n" + &paragraph("", &summary(&run.findings))
}

fn entry(finding: &ClaimFinding, paint: Paint) -> String {
    let tone = match finding.verdict {
        ClaimVerdict::Holds => Tone::Good,
        ClaimVerdict::DoesNotHold => Tone::Bad,
        ClaimVerdict::NotDecided => Tone::Doubt,
    };
    let words = finding.verdict.words();
    let room = COLUMNS - INDENT.len() - finding.name.len() - words.len();
    let mut text =
        format!("{INDENT}{}{:room$}{}\n", paint.bold(&finding.name), "", paint.verdict(tone, words));
    for words in [finding.says.clone(), source(&finding.source), measured(finding), finding.because.clone()] {
        if !words.is_empty() {
            text += &paragraph("    ", &words);
        }
    }
    text
}

fn paragraph(indent: &str, words: &str) -> String {
    let words: Vec<&str> = words.split_whitespace().collect();
    wrap_parts(indent, &words, " ", COLUMNS) + "\n"
}

/// Who says so.
fn source(source: &ClaimSource) -> String {
    let place = if source.place.is_empty() { String::new() } else { format!(", {}", source.place) };
    format!("{}: {}{place}", source.author, source.work)
}

/// Both figures, the quantity with its interval, and what is claimed of it.
fn measured(finding: &ClaimFinding) -> String {
    let mut words = figures(finding).join(", ");
    if let Some(estimate) = finding.estimate {
        let (value, low, high) =
            (shown(finding, estimate.value), shown(finding, estimate.low), shown(finding, estimate.high));
        let interval = if low == high { String::new() } else { format!(" ({low} to {high})") };
        let _ = write!(words, "; {value}{interval}, claimed {}", claimed(finding));
    }
    words
}

/// The medians of the figures, in words.
fn figures(finding: &ClaimFinding) -> Vec<String> {
    let figure = |of: &str, unit, median: Option<f64>| {
        format!("{of} {}", median.map_or("-".to_string(), |median| in_unit(unit, median)))
    };
    finding.figures.iter().map(|one| figure(&one.of, one.unit, one.median)).collect()
}

/// A value of the claimed quantity.
fn shown(finding: &ClaimFinding, value: f64) -> String {
    match (finding.claimed.of, finding.figures.first()) {
        (ClaimedQuantity::Ratio, _) => show::ratio(value),
        (ClaimedQuantity::First, Some(figure)) => in_unit(figure.unit, value),
        (ClaimedQuantity::First, None) => show::three(value),
    }
}

fn in_unit(unit: ClaimUnit, value: f64) -> String {
    match unit {
        ClaimUnit::Ns => show::time(value),
        ClaimUnit::Bytes => show::bytes(value),
        ClaimUnit::PerS => format!("{}/s", show::rate(value)),
        ClaimUnit::Share => show::share(value),
        ClaimUnit::Count => show::three(value),
    }
}

/// The claimed range in words.
fn claimed(finding: &ClaimFinding) -> String {
    match (finding.claimed.least, finding.claimed.most) {
        (Some(least), Some(most)) => format!("{} to {}", shown(finding, least), shown(finding, most)),
        (Some(least), None) => format!("{} at least", shown(finding, least)),
        (None, Some(most)) => format!("{} at most", shown(finding, most)),
        (None, None) => "anything".to_string(),
    }
}

/// How many claims have which verdict.
fn summary(findings: &[ClaimFinding]) -> String {
    let counts = ClaimVerdict::ALL.map(|verdict| {
        let count = findings.iter().filter(|finding| finding.verdict == verdict).count();
        format!("{count} {}", plural(verdict, count))
    });
    format!(
        "{}: {}. A claim holds when the whole 95 % interval of its quantity lies in what is claimed, and does not when all of it lies outside.",
        show::count(findings.len(), "claim"),
        counts.join(", "),
    )
}

fn plural(verdict: ClaimVerdict, count: usize) -> &'static str {
    match (verdict, count) {
        (verdict, 1) => verdict.words(),
        (ClaimVerdict::Holds, _) => "hold",
        (ClaimVerdict::DoesNotHold, _) => "do not hold here",
        (ClaimVerdict::NotDecided, _) => "not decided",
    }
}
