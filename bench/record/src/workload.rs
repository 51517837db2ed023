//! The workloads: services under loads in which architectures part.
//!
//! Each row is what one kind of service asks of a server, as small as it can be: what is asked for, by how many
//! clients, over which transport, and where a design fails. Measurement and reports read the same rows. A
//! workload that is a path alone is made from it ([`Workload::of_path`]).

use std::borrow::Cow;

use crate::transport::TransportKind;

/// A service under a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its name: in options, in records, at the head of a column.
    pub name: Cow<'static, str>,
    /// What it stands for, in one line.
    pub idea: Cow<'static, str>,
    /// The path that is asked for.
    pub service: Cow<'static, str>,
    /// What the clients do.
    pub clients: Clients,
    /// The transport that carries it.
    pub transport: TransportKind,
    /// What fills up as its closed loop goes on.
    pub fills: Fills,
    /// What makes a design fail.
    pub wall: &'static str,
}

/// What the clients of a workload do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clients {
    /// Connections that carry requests.
    pub connections: u32,
    /// Requests after which a connection is closed; absent for never.
    pub requests_per_connection: Option<u32>,
    /// Length of the body that each request carries, in bytes; absent for none.
    pub body_bytes: Option<u32>,
    /// Clients beside them that send a request slowly; absent for none.
    pub slow: Option<u32>,
}

/// What fills up as the closed loop of a workload goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fills {
    /// The server: its rate is a capacity, and latencies are taken at a rate that it can answer.
    Server,
    /// The clients: all of them wait, and a server that holds them has time to spare. Its latencies are those
    /// that the clients see.
    Clients,
}

/// A request is given up after this time, in milliseconds: whoever lets clients wait for longer than a second has
/// jammed, and a cell that waits for the rest of ten thousand requests would take minutes.
pub const PATIENCE_MS: u64 = 1_000;

/// The path below which the files of the workloads lie, and their sizes in bytes: a small one fits one read and one
/// write of any design, and a large one several socket buffers.
pub const FILES: [(&str, u32); 2] = [("/files/small", 4 * 1024), ("/files/large", 256 * 1024)];

/// Connections of a usual workload: as many as a pool has workers, so that none waits for a worker.
const USUAL: Clients =
    Clients { connections: 64, requests_per_connection: None, body_bytes: None, slow: None };

/// Connections where each carries one request: enough to keep the accept queue filled, few enough to leave most of it
/// empty.
const EACH: Clients = Clients { connections: 16, requests_per_connection: Some(1), ..USUAL };

/// Of large bodies fewer are under way: sixty-four would measure the memory of the machine.
const LARGE: Clients = Clients { connections: 16, ..USUAL };

/// A workload of plain requests under the usual load.
fn plain(name: &'static str, service: &'static str, idea: &'static str) -> Workload {
    Workload {
        name: name.into(),
        idea: idea.into(),
        service: service.into(),
        clients: USUAL,
        transport: TransportKind::Plain,
        fills: Fills::Server,
        wall: "requests that fail",
    }
}

/// All workloads, in the order of the report.
pub fn all() -> [Workload; 13] {
    [
        plain("hello", "/", "a few bytes over lasting connections: what scheduling alone costs"),
        plain("json", "/json", "an object that is written for each request"),
        plain("compute", "/compute/200", "200 µs of CPU work for each request"),
        Workload {
            clients: Clients { connections: 256, ..USUAL },
            fills: Fills::Clients,
            wall: "requests that stand behind those that wait",
            ..plain("wait", "/wait/5000", "256 clients, and each request waits 5 ms for a back end")
        },
        plain(
            "mix",
            "/mix",
            "heavy-tailed: 5 µs to 5 ms of CPU, and one request in four waits for a back end",
        ),
        plain("small", FILES[0].0, "a file of 4 KiB"),
        Workload { clients: LARGE, ..plain("large", FILES[1].0, "a file of 256 KiB") },
        Workload {
            clients: Clients { body_bytes: Some(32 * 1024), ..LARGE },
            ..plain("upload", "/echo", "a body of 32 KiB that is sent and given back")
        },
        Workload { clients: EACH, ..plain("connect", "/", "a new connection for each request") },
        Workload {
            clients: EACH,
            transport: TransportKind::Channel,
            ..plain("channel", "/", "a handshake of Dyno's channel for each request")
        },
        Workload {
            clients: EACH,
            transport: TransportKind::Tls,
            ..plain("tls", "/", "a handshake of TLS 1.3 for each request")
        },
        Workload {
            clients: Clients { connections: 32, slow: Some(96), ..USUAL },
            wall: "clients that get no answer because slow ones hold what serves",
            ..plain("slow", "/", "32 clients beside 96 that send a request byte by byte")
        },
        Workload {
            clients: Clients { connections: 2_000, ..USUAL },
            wall: "connections that are not held, and requests that are not answered within a second",
            ..plain("held", "/wait/20000", "2,000 clients at once, and each request waits 20 ms")
        },
    ]
}

impl Workload {
    /// The workload of that name.
    pub fn named(name: &str) -> Option<Workload> {
        all().into_iter().find(|workload| workload.name == name)
    }

    /// A path under the usual load.
    pub fn of_path(path: &str) -> Workload {
        let fills = if path.starts_with("/wait/") { Fills::Clients } else { Fills::Server };
        Workload {
            name: Cow::Owned(path.to_string()),
            idea: Cow::Owned(format!("{path} over lasting connections")),
            service: Cow::Owned(path.to_string()),
            fills,
            clients: USUAL,
            transport: TransportKind::Plain,
            wall: "requests that fail",
        }
    }

    /// The workload of that name, or of that path.
    pub fn of(word: &str) -> Option<Workload> {
        if word.starts_with('/') { Some(Workload::of_path(word)) } else { Workload::named(word) }
    }

    /// What its costs are per.
    pub fn unit(&self) -> &'static str {
        if self.clients.requests_per_connection == Some(1) { "connection" } else { "request" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_fit_the_head_of_a_column() {
        let all = all();
        for (place, workload) in all.iter().enumerate() {
            assert!(workload.name.len() <= 7 && workload.name.is_ascii(), "{}", workload.name);
            assert!(all[..place].iter().all(|other| other.name != workload.name), "{}", workload.name);
            assert_eq!(Workload::of(&workload.name).as_ref(), Some(workload));
        }
        assert_eq!(Workload::of("nonesuch"), None);
    }

    #[test]
    fn a_path_is_a_workload_under_the_usual_load() {
        let path = Workload::of("/compute/50").unwrap();
        assert_eq!((path.clients, path.fills, path.unit()), (USUAL, Fills::Server, "request"));
        assert_eq!(Workload::of("/wait/1000").unwrap().fills, Fills::Clients);
    }
}
