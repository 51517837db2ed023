//! What a new program costs beside an old one, as Markdown for a pull request.

use std::fmt::Write;

use dyno_analysis::difference::Difference;
use dyno_analysis::regression::{Judgement, RegressionVerdict};
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::verdict::Comparison;

use crate::table_cell::cell;
use crate::turns::with_interval;

/// The heading, the table, and `notes` below it, a line each.
pub fn markdown(found: &[Judgement], threshold: f64, notes: &[String]) -> String {
    let mut text = format!("### Dyno: {}\n\n", headline(found));
    text += "| architecture | verdict | CPU of a request, new / old | rate, new / old | instructions / request | instructions / connection |\n";
    text += "|---|---|---:|---:|---:|---:|\n";
    for one in found {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(&one.label),
            verdict(one),
            one.duel.as_ref().map_or_else(absent, |row| ratio(&row.cpu)),
            one.duel.as_ref().map_or_else(absent, |row| match row.is_rate_bound() {
                true => "bound".to_string(),
                false => ratio(&row.rate),
            }),
            counted(one, "instr/request"),
            counted(one, "instr/connect"),
        );
    }
    let _ = writeln!(
        text,
        "\nRatios with 95 % intervals. A regression is decided where a whole interval lies beyond {:.0} % (CPU and rate, both programs in turn by the millisecond on one core) or 1 % (instructions, the kernel's included, in an emulated machine).\n",
        threshold * 100.0
    );
    for one in found {
        if let Some(row) = one.duel.as_ref().filter(|row| row.void > 0) {
            let _ = writeln!(text, "{}: {} void: {}\n", cell(&one.label), row.void, row.reason);
        }
    }
    for note in notes {
        let _ = writeln!(text, "{note}\n");
    }
    text
}

/// The result in one line.
fn headline(found: &[Judgement]) -> String {
    let of = |wanted: RegressionVerdict| -> Vec<&str> {
        let fits = found.iter().filter(|one| one.verdict == wanted);
        fits.map(|one| one.label.as_str()).collect()
    };
    let (worse, void) = (of(RegressionVerdict::Regression), of(RegressionVerdict::Void));
    match (worse.as_slice(), void.as_slice()) {
        ([], []) => "no regression".to_string(),
        ([], void) => format!("nothing is known of {}", void.join(", ")),
        (worse, _) => format!("regression of {}", worse.join(", ")),
    }
}

fn verdict(one: &Judgement) -> String {
    let named = |all: &[(&'static str, Interval)]| -> String {
        let each = all.iter().map(|(name, ratio)| format!("{name} {:+.1} %", (ratio.value - 1.0) * 100.0));
        each.collect::<Vec<_>>().join(", ")
    };
    match one.verdict {
        RegressionVerdict::Regression => format!("**worse**: {}", named(&one.worse)),
        RegressionVerdict::Improvement => format!("better: {}", named(&one.better)),
        RegressionVerdict::NoneSeen => "no difference seen".to_string(),
        RegressionVerdict::Void => "void".to_string(),
    }
}

fn ratio(comparison: &Comparison) -> String {
    comparison.ratio.as_ref().map_or_else(absent, with_interval)
}

fn counted(one: &Judgement, figure: &str) -> String {
    let count = one.counts.iter().find(|count| count.figure == figure);
    count.map_or_else(absent, |Difference { ratio, .. }| format!("{:.4}", ratio.value))
}

fn absent() -> String {
    "–".to_string()
}
