//! What security costs: each contestant behind a secure transport against the same one in plain, block by block.

use std::fmt::Write;

use crate::report::model::{Measured, Model, Row};
use crate::show;
use crate::statistics::bootstrap::{Interval, bca};
use crate::statistics::sample::median;

/// What a transport costs one contestant.
#[derive(Debug, Clone)]
pub struct Price {
    /// Whom.
    pub contestant: String,
    /// `channel` or `tls`.
    pub transport: String,
    /// CPU of the server per request at capacity, above plain, in nanoseconds.
    pub cpu_ns: Option<Interval>,
    /// New connections a second, each with its handshake and one request.
    pub handshakes_per_s: Measured,
    /// CPU of the server per handshake, above a plain connection, in nanoseconds.
    pub handshake_cpu_ns: Option<Interval>,
    /// Capacity over lasting connections, as a share of plain.
    pub capacity_share: Option<Interval>,
    /// Memory per lasting connection, above plain, in bytes.
    pub memory_bytes: Option<Interval>,
}

/// The prices of all secure rows whose plain sibling took part.
pub fn prices(model: &Model) -> Vec<Price> {
    let of = |row: &Row| {
        let (contestant, transport) = row.label.rsplit_once('+')?;
        let plain = model.rows.iter().find(|other| other.label == contestant)?;
        let seed = model.header.seed;
        let above =
            |read: fn(&Row) -> &Measured| paired(read(row), read(plain), |one, other| one - other, seed);
        Some(Price {
            contestant: contestant.to_string(),
            transport: transport.to_string(),
            cpu_ns: above(|row| &row.cpu_at_capacity_ns),
            handshakes_per_s: row.connect.clone(),
            handshake_cpu_ns: above(|row| &row.cpu_at_connect_ns),
            capacity_share: paired(&row.capacity, &plain.capacity, |one, other| one / other, seed),
            memory_bytes: above(|row| &row.memory_per_connection),
        })
    };
    model.rows.iter().filter_map(of).collect()
}

fn paired(one: &Measured, other: &Measured, join: fn(f64, f64) -> f64, seed: u64) -> Option<Interval> {
    let values: Vec<f64> = one
        .by_block
        .iter()
        .filter_map(|(block, value)| Some(join(*value, *other.by_block.get(block)?)))
        .collect();
    (!values.is_empty()).then(|| bca(&values, median, 0.95, seed))
}

/// Names of the columns.
pub const COLUMNS: [&str; 7] = [
    "architecture",
    "transport",
    "CPU / request, above plain",
    "capacity, of plain",
    "handshakes /s",
    "CPU / handshake, above plain",
    "memory / connection, above plain",
];

/// The cells of a row, as text.
pub fn texts(price: &Price) -> [String; 7] {
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
        price.transport.clone(),
        interval(price.cpu_ns, show::time),
        interval(price.capacity_share, show::share),
        handshakes,
        interval(price.handshake_cpu_ns, show::time),
        interval(price.memory_bytes, show::bytes),
    ]
}

/// As Markdown; empty when nothing ran behind a secure transport.
pub fn markdown(model: &Model) -> String {
    let prices = prices(model);
    let mut text = String::new();
    if prices.is_empty() {
        return text;
    }
    let _ = writeln!(text, "| {} |\n|---|---|{}", COLUMNS.join(" | "), "---:|".repeat(COLUMNS.len() - 2));
    for price in &prices {
        let _ = writeln!(text, "| {} |", texts(price).join(" | "));
    }
    text.push('\n');
    text
}

/// A sentence for each transport: the median over its contestants.
pub fn sentences(model: &Model) -> Vec<String> {
    let prices = prices(model);
    let middle = |transport: &str, read: fn(&Price) -> Option<f64>| {
        let values: Vec<f64> =
            prices.iter().filter(|price| price.transport == transport).filter_map(read).collect();
        (!values.is_empty()).then(|| median(&values))
    };
    [("channel", "Dyno's channel"), ("tls", "TLS 1.3")]
        .into_iter()
        .filter_map(|(transport, name)| {
            let cpu = middle(transport, |price| Some(price.cpu_ns?.value))?;
            let share = middle(transport, |price| Some(price.capacity_share?.value))?;
            let mut words = format!(
                "{name} adds {} of CPU to a request and leaves {} of the plain capacity (medians over {} architectures)",
                show::time(cpu),
                show::share(share),
                prices.iter().filter(|price| price.transport == transport).count()
            );
            if let Some(handshake) = middle(transport, |price| Some(price.handshake_cpu_ns?.value)) {
                let _ = write!(words, "; a handshake costs the server {}", show::time(handshake));
            }
            Some(words + ".")
        })
        .collect()
}
