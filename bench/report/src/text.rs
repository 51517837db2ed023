//! The table for a terminal of 80 columns.

use std::fmt::Write;

use crate::table_cell::figure;
use crate::transports;
use crate::words;
use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_units::show;
use dyno_units::text::wrap;

/// Table and verdict.
pub(crate) fn render(model: &Model) -> String {
    let mut text = String::new();
    let rate = model.rate_per_s.map(|rate| format!("{}/s", show::rate(rate))).unwrap_or_default();
    let _ = writeln!(text);
    let heads = [
        ["", "capacity", "p50 at", "p99 at", "connect", "connect", "CPU", "memory"],
        ["", "per s", &rate, &rate, "µs/conn", "per s", "µs/req", "MiB"],
    ];
    for [label, capacity, p50, p99, connect, seen, cpu, memory] in heads {
        let _ = writeln!(
            text,
            "{label:<21} {capacity:>8} {p50:>8} {p99:>8} {connect:>8} {seen:>8} {cpu:>6} {memory:>6}"
        );
    }
    let mut order: Vec<_> = model.rows.iter().collect();
    order.sort_by(|a, b| {
        let value = |figure: &RowFigure| figure.value().unwrap_or(f64::NEG_INFINITY);
        value(&b.capacity).total_cmp(&value(&a.capacity))
    });
    for row in order {
        let _ = writeln!(
            text,
            "{:<21} {:>8} {:>8} {:>8} {:>8} {:>8} {:>6} {:>6}",
            row.label.chars().take(21).collect::<String>(),
            figure(&row.capacity, show::rate),
            figure(&row.p50_ns, |ns| show::time(ns).replace(' ', "")),
            figure(&row.p99_ns, |ns| show::time(ns).replace(' ', "")),
            figure(&row.cpu_at_connect_ns, |ns| show::three(ns / 1e3)),
            figure(&row.connect, show::rate),
            figure(&row.cpu_at_capacity_ns, |ns| show::three(ns / 1e3)),
            figure(&row.memory, |bytes| show::three(bytes / 1_048_576.0)),
        );
    }
    let _ = writeln!(text);
    if model.rows.iter().any(|row| row.capacity.at_least || row.connect.at_least) {
        let _ = writeln!(text, ">  at least: the server was not the bottleneck");
    }
    text += &transports::terminal(model);
    for paragraph in words::paragraphs(model) {
        let _ = writeln!(text, "{}", wrap(&paragraph, 80));
    }
    text
}
