//! The account that a server prints when it ends.

use serde::Deserialize;

/// The counts of one worker, or of all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Requests answered by a service.
    pub requests: u64,
    /// Octets read from the wire.
    pub received_bytes: u64,
    /// Octets written to the wire.
    pub sent_bytes: u64,
    /// Connections and requests turned away with a 503.
    pub refused: u64,
    /// Services that panicked, and workers that died.
    pub faults: u64,
    /// Connections ended because the peer broke a rule.
    pub peer_faults: u64,
    /// Requests that the policy, or the owner of a file, did not allow.
    pub denied: u64,
}

/// The budget of memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryCounts {
    /// What connections may hold together.
    pub budget_bytes: u64,
    /// The most that they have held.
    pub peak_bytes: u64,
    /// How often there was too little.
    pub refused: u64,
}

/// The last line of a server.
#[derive(Debug, Clone, Deserialize)]
pub struct Tallies {
    /// The architecture.
    pub name: String,
    /// Each worker's counts.
    pub workers: Vec<Counts>,
    /// Their sum.
    pub total: Counts,
    /// How often accepting had to pause because descriptors or memory had run out.
    pub exhausted: u64,
    /// The budget of memory.
    pub memory: MemoryCounts,
}

impl Tallies {
    /// The sum over the workers, made here.
    pub fn sum(&self) -> Counts {
        self.workers.iter().fold(Counts::default(), |sum, one| Counts {
            connections: sum.connections + one.connections,
            requests: sum.requests + one.requests,
            received_bytes: sum.received_bytes + one.received_bytes,
            sent_bytes: sum.sent_bytes + one.sent_bytes,
            refused: sum.refused + one.refused,
            faults: sum.faults + one.faults,
            peer_faults: sum.peer_faults + one.peer_faults,
            denied: sum.denied + one.denied,
        })
    }
}
