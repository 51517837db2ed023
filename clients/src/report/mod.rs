//! Writing an outcome down: one format, one file. JSON needs none: it is the outcome itself.

pub mod csv;
pub mod hlog;
pub mod hosts;
mod impatience;
pub mod markdown;
pub mod plain;
mod steps;
pub mod text;

use crate::outcome::{Connections, Distribution, Latency, Outcome};
use dyno_units::show;

/// The handshakes of a secure transport in words; `None` where there were none.
fn handshakes(connections: &Connections) -> Option<String> {
    let octets = connections.octets_per_handshake()?;
    let (opened, resumed) = (show::whole(connections.opened), show::whole(connections.resumed));
    Some(format!("{opened} made, {resumed} of them resumed · {octets:.0} octets each"))
}

/// Whether a part has a row of its own in a table: the time to connect is another population and is shown where
/// it is part of the load; late reading is shown where there was any.
fn is_shown(name: &str, part: &Distribution, outcome: &Outcome) -> bool {
    match name {
        "connect" => part.count > 0 && outcome.plan.requests_per_connection.is_some(),
        "reading" => part.max_ns > 0,
        _ => part.count > 0,
    }
}

/// The parts of the latency in the order in which they are shown.
pub fn parts(latency: &Latency) -> [(&'static str, &Distribution); 6] {
    [
        ("total", &latency.total),
        ("response", &latency.response),
        ("wait", &latency.wait),
        ("lag", &latency.lag),
        ("reading", &latency.reading),
        ("connect", &latency.connect),
    ]
}
