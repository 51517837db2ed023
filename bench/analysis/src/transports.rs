//! What security costs: each contestant behind a secure transport against the same one in plain. Differences and
//! shares are those of the medians that the table shows.

use dyno_record::transport::TransportKind;

use crate::comparison::{Model, Row};
use crate::figure::RowFigure;
use dyno_statistics::bootstrap::Interval;

/// What a transport costs one contestant.
#[derive(Debug, Clone)]
pub struct Price {
    /// Whom.
    pub contestant: String,
    /// Behind which transport.
    pub transport: TransportKind,
    /// CPU of the server per request at capacity, above plain, in nanoseconds.
    pub cpu_ns: Option<Interval>,
    /// New connections a second, each with its handshake and one request.
    pub handshakes_per_s: RowFigure,
    /// The same for one core of the server that does nothing else, by its CPU for each, as if the client took nothing.
    pub handshakes_per_core_s: Option<Interval>,
    /// 99th percentile of the time from the call to connect until a request may be sent, under that load, in
    /// nanoseconds.
    pub handshake_p99_ns: RowFigure,
    /// Octets of a handshake on the wire, both ways.
    pub handshake_octets: RowFigure,
    /// CPU of the server per handshake, above a plain connection, in nanoseconds.
    pub handshake_cpu_ns: Option<Interval>,
    /// The same of the generator, which is the client, in nanoseconds.
    pub client_handshake_cpu_ns: Option<Interval>,
    /// Capacity over lasting connections, as a share of plain.
    pub capacity_share: Option<Interval>,
    /// Memory per lasting connection, above plain, in bytes.
    pub memory_bytes: Option<Interval>,
}

/// How many a second there are of what takes so many nanoseconds; the ends change places.
fn rate_of(ns: Interval) -> Option<Interval> {
    let per_s = |ns: f64| 1e9 / ns;
    (ns.low > 0.0).then(|| Interval {
        value: per_s(ns.value),
        low: per_s(ns.high),
        high: per_s(ns.low),
        ..ns
    })
}

/// The prices of all secure rows whose plain sibling took part.
pub fn prices(model: &Model) -> Vec<Price> {
    let of = |row: &Row| {
        let plain = model.rows.iter().find(|other| row.transport.label_behind(&other.label) == row.label)?;
        let seed = model.header.seed;
        let above = |read: fn(&Row) -> &RowFigure| read(row).above(read(plain), seed);
        Some(Price {
            contestant: plain.label.clone(),
            transport: row.transport,
            cpu_ns: above(|row| &row.cpu_at_capacity_ns),
            handshakes_per_s: row.connect.clone(),
            handshakes_per_core_s: row.cpu_at_connect_ns.interval.and_then(rate_of),
            handshake_p99_ns: row.connect_p99_ns.clone(),
            handshake_octets: row.handshake_octets.clone(),
            handshake_cpu_ns: above(|row| &row.cpu_at_connect_ns),
            client_handshake_cpu_ns: above(|row| &row.client_cpu_at_connect_ns),
            capacity_share: row.capacity.ratio_to(&plain.capacity, seed),
            memory_bytes: above(|row| &row.memory_per_connection),
        })
    };
    model.rows.iter().filter(|row| row.transport.is_secure()).filter_map(of).collect()
}
