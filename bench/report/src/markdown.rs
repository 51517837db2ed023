//! The table for a README.

use std::fmt::Write;

use crate::opening::{self, Opening};
use crate::table_cell::cell;
use crate::transports;
use crate::words;
use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_units::show;

/// The results as Markdown, with machine, kernel and date.
pub(crate) fn render(model: &Model, opening: Option<&Opening>) -> String {
    let header = &model.header;
    let mut text = opening::markdown(opening);
    let rate = model
        .rate_per_s
        .map_or_else(|| "the common rate".to_string(), |rate| format!("{}/s", show::rate(rate)));
    let _ = writeln!(
        text,
        "| architecture | capacity, requests/s | p50 at {rate} | p99 at {rate} | CPU per connection | connections/s, seen | CPU per request | memory |"
    );
    let _ = writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|");
    for row in &model.rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            cell(&row.label),
            with_interval(&row.capacity, show::rate),
            plain(&row.p50_ns, show::time),
            plain(&row.p99_ns, show::time),
            with_interval(&row.cpu_at_connect_ns, show::time),
            plain(&row.connect, show::rate),
            plain(&row.cpu_at_capacity_ns, show::time),
            plain(&row.memory, show::bytes),
        );
    }
    let _ = writeln!(
        text,
        "\nMedians of {}, with 95 % intervals; ≥ where the server was not the bottleneck. {}, {}.\n",
        model.basis(),
        words::measured(header),
        header.environment.system,
    );
    text += &transports::markdown(model);
    for paragraph in words::paragraphs(model) {
        let _ = writeln!(text, "{paragraph}\n");
    }
    text
}

fn plain(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    match figure.value() {
        Some(value) => format!("{}{}", if figure.at_least { "≥ " } else { "" }, shown(value)),
        None => figure.sign().unwrap_or("–").to_string(),
    }
}

fn with_interval(figure: &RowFigure, shown: fn(f64) -> String) -> String {
    match figure.interval {
        Some(interval) => {
            format!("{} ({}–{})", plain(figure, shown), shown(interval.low), shown(interval.high))
        }
        None => plain(figure, shown),
    }
}
