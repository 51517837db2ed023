//! The cost of security, in words and tables.

use std::fmt::Write;

use crate::table_cell::cell;
use dyno_analysis::comparison::Model;
use dyno_analysis::transports::{Price, prices};
use dyno_record::transport::TransportKind;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::sample::median;
use dyno_units::show;

/// Names of the columns.
pub(crate) const COLUMNS: [&str; 8] = [
    "architecture",
    "transport",
    "CPU / request, above plain",
    "capacity, of plain",
    "handshakes /s",
    "CPU / handshake, above plain",
    "the client's, above plain",
    "memory / connection, above plain",
];

/// The cells of a row, as text.
pub(crate) fn texts(price: &Price) -> [String; 8] {
    let interval = |interval: Option<Interval>, shown: fn(f64) -> String| {
        interval.map_or("–".to_string(), |found| {
            format!("{} ({} to {})", shown(found.value), shown(found.low), shown(found.high))
        })
    };
    let handshakes = match price.handshakes_per_s.value() {
        Some(value) if price.handshakes_per_s.at_least => format!("≥ {}", show::rate(value)),
        Some(value) => show::rate(value),
        None if price.handshakes_per_s.void > 0 => "void".to_string(),
        None => "–".to_string(),
    };
    [
        price.contestant.clone(),
        price.transport.to_string(),
        interval(price.cpu_ns, show::time),
        interval(price.capacity_share, show::share),
        handshakes,
        interval(price.handshake_cpu_ns, show::time),
        interval(price.client_handshake_cpu_ns, show::time),
        interval(price.memory_bytes, show::bytes),
    ]
}

/// As Markdown; empty when nothing ran behind a secure transport.
pub(crate) fn markdown(model: &Model) -> String {
    let prices = prices(model);
    let mut text = String::new();
    if prices.is_empty() {
        return text;
    }
    let _ = writeln!(text, "| {} |\n|---|---|{}", COLUMNS.join(" | "), "---:|".repeat(COLUMNS.len() - 2));
    for price in &prices {
        let _ = writeln!(text, "| {} |", texts(price).map(|text| cell(&text)).join(" | "));
    }
    text.push('\n');
    text
}

/// A sentence for each transport: the median over its contestants.
pub(crate) fn sentences(model: &Model) -> Vec<String> {
    let prices = prices(model);
    let middle = |transport: TransportKind, read: fn(&Price) -> Option<f64>| {
        let values: Vec<f64> =
            prices.iter().filter(|price| price.transport == transport).filter_map(read).collect();
        median(&values)
    };
    [(TransportKind::Channel, "Dyno's channel"), (TransportKind::Tls, "TLS 1.3")]
        .into_iter()
        .filter_map(|(transport, name)| {
            let cpu = middle(transport, |price| Some(price.cpu_ns?.value))?;
            let share = middle(transport, |price| Some(price.capacity_share?.value))?;
            let mut words = format!(
                "{name} adds {} of CPU to a request and leaves {} of the plain capacity (medians over {})",
                show::time(cpu),
                show::share(share),
                show::count(
                    prices.iter().filter(|price| price.transport == transport).count(),
                    "architecture"
                )
            );
            if let Some(handshake) = middle(transport, |price| Some(price.handshake_cpu_ns?.value)) {
                let _ = write!(words, "; a handshake costs the server {}", show::time(handshake));
            }
            Some(words + ".")
        })
        .collect()
}
