//! What the programs of an experiment report to the program that measures them: one line each, on standard output.
//!
//! A server reports when it is ready and, when it has ended, what each of its workers has done. A generator reports
//! when its load begins. Anybody may write a server against this contract, so readers require no more than what
//! stands here, and ignore all other fields.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// The line by which a generator reports that its load begins: all connections are open, and requests begin to fall
/// due.
pub const STARTED: &str = "started";

/// The line by which a generator that holds its connections reports that its load is over: every request is answered
/// or given up, and the connections stay open until its standard input ends.
pub const OVER: &str = "over";

/// What a generator that lets two servers take turns is asked for, as JSON in its one argument. It says `null` in a
/// line when its connections are open, and then, for each line with an order that it reads, a line with what came of
/// it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnsPlan {
    /// For how long requests of a burst start, in microseconds.
    pub burst_us: u32,
    /// The arguments of the load on each of the servers.
    pub sides: [Vec<String>; 2],
}

/// The first line of a server: `{"ready":true,"address":"127.0.0.1:8080"}`, with any other fields that it wants to
/// add. A server that goes on with fewer workers than it was asked for may say so ([`WorkerCount`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyLine<Details = Nothing, Address = SocketAddr> {
    /// Whether it accepts connections; a line with `false` is no ready line.
    pub ready: bool,
    /// The address on which it accepts them: of TCP in an experiment.
    pub address: Address,
    /// Its other fields.
    #[serde(flatten)]
    pub details: Details,
}

/// The details of a line that has no other fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// How many workers stand and how many were asked for, as `workers` and `workers_asked` of the ready line's field
/// `settings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerCount {
    /// The workers that stand.
    pub standing: u64,
    /// Those that were asked for.
    pub asked: u64,
}

impl WorkerCount {
    /// What a ready line with these other fields says of its workers, if it says both numbers.
    pub fn of(details: &serde_json::Value) -> Option<Self> {
        let number = |name: &str| details.get("settings")?.get(name)?.as_u64();
        Some(WorkerCount { standing: number("workers")?, asked: number("workers_asked")? })
    }
}

/// The last line of a server, if it prints one.
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
    fn a_crew_is_told_by_both_numbers() {
        for (details, crew) in [
            (r#"{"settings":{"workers":3,"workers_asked":4}}"#, Some(WorkerCount { standing: 3, asked: 4 })),
            (r#"{"settings":{"workers":3}}"#, None),
            (r#"{"settings":"many"}"#, None),
            (r#"{"settings":{"workers":"3","workers_asked":4}}"#, None),
            ("{}", None),
        ] {
            assert_eq!(WorkerCount::of(&serde_json::from_str(details).unwrap()), crew, "{details}");
        }
    }

    #[test]
    fn details_stand_beside_the_contract() {
        let details = serde_json::json!({ "pid": 7 });
        let line = ReadyLine { ready: true, address: "127.0.0.1:1".parse::<SocketAddr>().unwrap(), details };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"ready":true,"address":"127.0.0.1:1","pid":7}"#
        );
    }
}
