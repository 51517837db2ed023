//! What programs that take part in an experiment say to the one that measures them: a line each, on standard output.
//!
//! A server says when it is ready and, when it has ended, what each of its workers has done. A generator says when
//! its load begins. Servers are written against this by anybody, so readers ask for no more than stands here, and
//! pass over what stands beside it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The line by which a generator says that its load begins: all connections are open, and requests begin to fall due.
pub const STARTED: &str = "started";

/// The first line of a server: `{"ready":true,"address":"127.0.0.1:8080"}`, and beside it what else it wants to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyLine<Details = Nothing> {
    /// Whether it takes connections; a line that says no is no ready line.
    pub ready: bool,
    /// Where it takes them.
    pub address: SocketAddr,
    /// What else it tells.
    #[serde(flatten)]
    pub details: Details,
}

/// A line that tells no more than it must.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// The last line of a server, if it tells one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TallyLine {
    /// What each worker has done.
    pub workers: Vec<WorkerLine>,
}

/// What one worker has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerLine {
    /// Requests that it has answered.
    pub requests: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_the_contract_is_passed_over() {
        let line: ReadyLine =
            serde_json::from_str(r#"{"ready":true,"address":"127.0.0.1:1","pid":7}"#).unwrap();
        assert_eq!(line.address, "127.0.0.1:1".parse().unwrap());
        let line: TallyLine =
            serde_json::from_str(r#"{"name":"x","workers":[{"requests":3,"faults":1}],"total":{}}"#).unwrap();
        assert_eq!(line.workers, [WorkerLine { requests: 3 }]);
        assert!(serde_json::from_str::<ReadyLine>(r#"{"ready":true}"#).is_err());
    }

    #[test]
    fn details_stand_beside_the_contract() {
        let details = serde_json::json!({ "pid": 7 });
        let line = ReadyLine { ready: true, address: "127.0.0.1:1".parse().unwrap(), details };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"ready":true,"address":"127.0.0.1:1","pid":7}"#
        );
    }
}
