//! CSV: a heading and one row a run, so that rows of several runs can be put below each other (RFC 4180).

use crate::books::histogram::QUANTILES;
use crate::outcome::Outcome;
use crate::plan::as_run::Load;
use dyno_units::show;
use dyno_units::verdict::Verdict;

/// The heading, without line end.
pub fn heading() -> String {
    let mut columns: Vec<String> = [
        "url",
        "transport",
        "loop",
        "connections",
        "threads",
        "verdict",
        "partial",
        "window_ns",
        "offered_per_s",
        "achieved_per_s",
        "completed",
        "failed",
        "generator_busy_share",
        "cpu_per_request_ns",
        "lag_p50_ns",
        "lag_p99_ns",
        "rate_verdict",
        "latency_verdict",
        "own_p50_ns",
        "own_p99_ns",
    ]
    .map(String::from)
    .to_vec();
    for part in ["total", "response"] {
        columns.extend([format!("{part}_min_ns"), format!("{part}_mean_ns")]);
        columns.extend(QUANTILES.iter().map(|&q| format!("{part}_{}_ns", show::quantile(q))));
        columns.push(format!("{part}_max_ns"));
    }
    columns.join(",")
}

/// One run's row, without line end. What was not measured is empty.
pub fn row(outcome: &Outcome) -> String {
    let verdict = |verdict: Verdict| verdict.name().replace(' ', "-");
    let audit = &outcome.audit;
    let mut cells = vec![
        quoted(&outcome.plan.url),
        outcome.plan.transport.clone(),
        match &outcome.plan.load {
            Load::Closed { .. } => "closed".into(),
            Load::Open { arrivals, .. } => format!("open {arrivals}"),
        },
        outcome.plan.connections.to_string(),
        outcome.plan.threads.to_string(),
        verdict(audit.verdict),
        outcome.partial.is_some().to_string(),
        outcome.window_ns.to_string(),
        format!("{:.3}", outcome.rates.offered_per_s),
        format!("{:.3}", outcome.rates.achieved_per_s),
        outcome.counts.completed.to_string(),
        outcome.counts.failed.to_string(),
        format!("{:.4}", outcome.generator.busy_share),
        format!("{:.1}", outcome.generator.cpu_per_request_ns),
        audit.figures.lag_p50_ns.to_string(),
        audit.figures.lag_p99_ns.to_string(),
        verdict(audit.rate),
        verdict(audit.latency),
        audit.figures.own_p50_ns.to_string(),
        audit.figures.own_p99_ns.to_string(),
    ];
    for d in [&outcome.latency.total, &outcome.latency.response] {
        let told = |value: String| if d.count == 0 { String::new() } else { value };
        cells.push(told(d.min_ns.to_string()));
        cells.push(told(format!("{:.1}", d.mean_ns)));
        cells
            .extend(QUANTILES.iter().map(|&q| d.percentile_ns(q).map_or(String::new(), |ns| ns.to_string())));
        cells.push(told(d.max_ns.to_string()));
    }
    cells.join(",")
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}
