//! Markdown, for issues and pull requests.

use std::fmt::Write;

use crate::outcome::Outcome;
use crate::report::text::plan_line;
use dyno_units::show;
use dyno_units::verdict::Verdict;

/// Percentiles in the table.
const SHOWN: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// The whole as Markdown.
pub fn summary(outcome: &Outcome) -> String {
    let mut out = String::new();
    let word = |verdict: Verdict| match verdict {
        Verdict::Void => "**void**".to_string(),
        other => other.name().to_string(),
    };
    let audit = &outcome.audit;
    let partial = if outcome.partial.is_some() { ", **partial**" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "`{}`: {}\n", outcome.plan.url, plan_line(&outcome.plan));
    let _ = writeln!(
        out,
        "{}{} answers/s, {} answered, {} failed; rate: {}, latencies: {}{partial}\n",
        audit.rate.sign(),
        show::rate(outcome.rates.achieved_per_s),
        show::whole(outcome.counts.completed),
        show::whole(outcome.counts.failed),
        word(audit.rate),
        word(audit.latency)
    );
    if let Some(words) = super::handshakes(&outcome.connections) {
        let _ = writeln!(out, "handshakes: {words}\n");
    }
    for line in super::hosts::lines(outcome) {
        let _ = writeln!(out, "- {line}");
    }
    for finding in &outcome.audit.findings {
        let _ = writeln!(out, "- {} ({})", finding.message, finding.remedy);
    }
    if !outcome.audit.findings.is_empty() {
        out.push('\n');
    }
    out.push_str("| latency | mean |");
    for q in SHOWN {
        let _ = write!(out, " {} |", show::quantile(q));
    }
    out.push_str(" max |\n|---|---:|");
    out.push_str(&"---:|".repeat(SHOWN.len() + 1));
    out.push('\n');
    for (name, d) in super::parts(&outcome.latency) {
        if !super::is_shown(name, d, outcome) {
            continue;
        }
        let _ = write!(out, "| {name} | {} |", show::time(d.mean_ns));
        for q in SHOWN {
            let _ = write!(out, " {} |", d.percentile_ns(q).map_or("–".into(), |ns| show::time(ns as f64)));
        }
        let _ = writeln!(out, " {} |", show::time(d.max_ns as f64));
    }
    out
}
