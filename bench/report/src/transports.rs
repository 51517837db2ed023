//! The cost of security, in words and tables.

use std::fmt::Write;

use crate::table_cell::{cell, figure};
use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::transports::{Price, prices};
use dyno_record::transport::TransportKind;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::sample::median;
use dyno_units::show;

/// Names of the columns.
pub(crate) const COLUMNS: [&str; 11] = [
    "architecture",
    "transport",
    "CPU / request, above plain",
    "capacity, of plain",
    "memory / connection, above plain",
    "handshakes /s",
    "/s and core of the server",
    "p99 to connect",
    "CPU / handshake, above plain",
    "the client's, above plain",
    "octets / handshake",
];

/// The cells of a row, as text.
pub(crate) fn texts(price: &Price) -> [String; COLUMNS.len()] {
    let interval = |interval: Option<Interval>, shown: fn(f64) -> String| {
        interval.map_or("–".to_string(), |found| {
            format!("{} ({} to {})", shown(found.value), shown(found.low), shown(found.high))
        })
    };
    let sized = |figure: &RowFigure, shown: fn(f64) -> String| match figure.value() {
        Some(value) if figure.at_least => format!("≥ {}", shown(value)),
        Some(value) => shown(value),
        None if figure.void > 0 => "void".to_string(),
        None => "–".to_string(),
    };
    [
        price.contestant.clone(),
        price.transport.to_string(),
        interval(price.cpu_ns, show::time),
        interval(price.capacity_share, show::share),
        interval(price.memory_bytes, show::bytes),
        sized(&price.handshakes_per_s, show::rate),
        interval(price.handshakes_per_core_s, show::rate),
        sized(&price.handshake_p99_ns, show::time),
        interval(price.handshake_cpu_ns, show::time),
        interval(price.client_handshake_cpu_ns, show::time),
        sized(&price.handshake_octets, octets),
    ]
}

fn octets(count: f64) -> String {
    format!("{count:.0}")
}

/// Two tables for a terminal of 80 columns: what security costs requests, and handshakes; empty without any.
pub(crate) fn terminal(model: &Model) -> String {
    let prices = prices(model);
    let mut text = String::new();
    if prices.is_empty() {
        return text;
    }
    let name = |price: &Price| price.contestant.chars().take(21).collect::<String>();
    let shown = |interval: Option<Interval>, shown: fn(f64) -> String| {
        interval.map_or("-".to_string(), |interval| shown(interval.value).replace(' ', ""))
    };
    let heads = [["above plain", "", "CPU per", "capa-", "memory"], ["", "", "request", "city", "per conn."]];
    for [label, transport, cpu, capacity, memory] in heads {
        let _ = writeln!(text, "{label:<21} {transport:<7} {cpu:>8} {capacity:>8} {memory:>10}");
    }
    for price in &prices {
        let _ = writeln!(
            text,
            "{:<21} {:<7} {:>8} {:>8} {:>10}",
            name(price),
            price.transport,
            shown(price.cpu_ns, show::time),
            shown(price.capacity_share, show::share),
            shown(price.memory_bytes, show::bytes),
        );
    }
    let _ = writeln!(text);
    let heads = [
        ["handshakes", "", "seen", "a core's", "p99 to", "CPU above", "client's", "octets"],
        ["", "", "per s", "per s", "connect", "plain", "above", "each"],
    ];
    for [label, transport, seen, core, p99, cpu, client, octets] in heads {
        let _ = writeln!(
            text,
            "{label:<21} {transport:<7} {seen:>7} {core:>8} {p99:>7} {cpu:>9} {client:>8} {octets:>6}"
        );
    }
    for price in &prices {
        let _ = writeln!(
            text,
            "{:<21} {:<7} {:>7} {:>8} {:>7} {:>9} {:>8} {:>6}",
            name(price),
            price.transport,
            figure(&price.handshakes_per_s, show::rate),
            shown(price.handshakes_per_core_s, show::rate),
            figure(&price.handshake_p99_ns, show::time).replace(' ', ""),
            shown(price.handshake_cpu_ns, show::time),
            shown(price.client_handshake_cpu_ns, show::time),
            figure(&price.handshake_octets, octets),
        );
    }
    let _ = writeln!(text);
    text
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

/// The subject of its sentence; plaintext, to which all are compared, has none.
fn said(transport: TransportKind) -> Option<&'static str> {
    match transport {
        TransportKind::Plain => None,
        TransportKind::Channel => Some("Dyno's channel"),
        TransportKind::Hybrid => Some("The channel with ML-KEM-768 beside X25519"),
        TransportKind::Resumed => Some("The channel, when sessions are resumed by tickets,"),
        TransportKind::Tls => Some("TLS 1.3"),
    }
}

/// A sentence for each transport: the median over its contestants.
pub(crate) fn sentences(model: &Model) -> Vec<String> {
    let prices = prices(model);
    let middle = |transport: TransportKind, read: fn(&Price) -> Option<f64>| {
        let values: Vec<f64> =
            prices.iter().filter(|price| price.transport == transport).filter_map(read).collect();
        median(&values)
    };
    let named = TransportKind::ALL.into_iter().filter_map(|transport| Some((transport, said(transport)?)));
    named
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
