//! What is measured: a combination of contestant, service, transport, cores and load.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::isolation::PlantedFault;
use crate::quota::CpuQuota;
use crate::step::Step;
use crate::transport::TransportKind;

/// One combination of contestant, service, transport, cores and load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cell {
    /// The purpose of the cell within its experiment.
    pub step: Step,
    /// Label of the contestant, unique in its experiment; the second `epoll` is `epoll#2`.
    pub contestant: String,
    /// Path of the service.
    pub service: String,
    /// The transport that carries its requests.
    pub transport: TransportKind,
    /// Cores of both sides.
    pub cores: Cores,
    /// Number of workers of the contestant, where it has workers.
    pub workers: Option<u32>,
    /// What the generator does.
    pub load: Load,
}

/// Which cores each side may use; empty means any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cores {
    /// The contestant's.
    pub server: Vec<usize>,
    /// The generator's.
    pub generator: Vec<usize>,
}

impl Cores {
    /// The cores of both sides, each once.
    pub fn both(&self) -> Vec<usize> {
        let mut both = [self.server.as_slice(), &self.generator].concat();
        both.sort_unstable();
        both.dedup();
        both
    }

    /// Whether a core belongs to both sides.
    pub fn shared(&self) -> bool {
        self.server.is_empty()
            || self.generator.is_empty()
            || self.server.iter().any(|core| self.generator.contains(core))
    }
}

/// What the generator does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Load {
    /// Connections that carry requests.
    pub connections: u32,
    /// Connections that are open in addition and carry no requests.
    #[serde(default)]
    pub idle_connections: u32,
    /// Rate of an open loop; absent for a closed loop.
    pub rate_per_s: Option<f64>,
    /// Rates of equal length, one after the other, instead of one rate; empty for one rate.
    #[serde(default)]
    pub steps: Vec<f64>,
    /// Requests after which a connection is closed and opened anew; absent for never.
    pub requests_per_connection: Option<u32>,
    /// Time left out at the start.
    pub warm_up_ms: u64,
    /// Time measured; zero where a number of requests is asked for instead.
    pub duration_ms: u64,
    /// Number of requests instead of a time: a load of so many, and one of twice as many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// The fault that is planted after the warm-up, while all other connections are watched; absent in every experiment
    /// but that of isolation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<PlantedFault>,
    /// From when a request is due until its client gives it up; absent for clients that wait for the timeout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_ms: Option<u64>,
    /// How often a request that was refused or given up is tried again; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u8>,
    /// Whether the server is told when a request was due.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tells_due: bool,
    /// The load comes in bursts that take turns with those on another contestant; absent where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turns: Option<InTurn>,
    /// Name of the [workload](crate::workload) that it belongs to; absent in experiments with one load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Length of the body that each request carries, in bytes; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_bytes: Option<u32>,
    /// Clients beside these connections that send a request slowly and never end it; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_connections: Option<u32>,
    /// A request that is not answered within this time has failed, in milliseconds; absent: the generator's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Requests that wait, at most: no generator loads the server then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u32>,
    /// What the control group of the contestant may use of its cores meanwhile; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<CpuQuota>,
}

/// Bursts that take turns with those on another contestant. Requests start for so long; a burst ends when the last of
/// them is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InTurn {
    /// Label of the other contestant.
    pub against: String,
    /// For how long requests of a burst start, in microseconds.
    pub burst_us: u32,
}

impl Cell {
    /// Whether memory is sampled under load. It is not where latency at a rate is the purpose, because sampling would
    /// add to it.
    pub fn wants_memory(&self) -> bool {
        self.load.rate_per_s.is_none() || self.step.holds_connections()
    }
}

/// The path of a service that waits, up to its time in microseconds.
const WAIT_PATH: &str = "/wait/";

impl Cell {
    /// The wait that its path asks for: no right answer takes less, whoever gives it. `None` where it asks for none.
    pub fn wait_ns(&self) -> Option<u64> {
        let micros = self.service.strip_prefix(WAIT_PATH)?.split(['?', '/']).next()?;
        micros.parse::<u64>().ok()?.checked_mul(1_000)
    }
}

impl Load {
    /// Clients beside the connections that carry requests: idle ones, and slow ones.
    pub fn beside(&self) -> u32 {
        self.idle_connections + self.slow_connections.unwrap_or(0)
    }

    /// A closed loop over lasting connections.
    pub fn closed(connections: u32, warm_up_ms: u64, duration_ms: u64) -> Self {
        Load {
            connections,
            idle_connections: 0,
            rate_per_s: None,
            steps: Vec::new(),
            requests_per_connection: None,
            warm_up_ms,
            duration_ms,
            requests: None,
            fault: None,
            patience_ms: None,
            retries: None,
            tells_due: false,
            turns: None,
            workload: None,
            body_bytes: None,
            slow_connections: None,
            timeout_ms: None,
            waiting: None,
            quota: None,
        }
    }

    /// A fault among `victims` connections that are watched.
    pub fn planted(fault: PlantedFault, victims: u32, warm_up_ms: u64, duration_ms: u64) -> Self {
        Load { fault: Some(fault), ..Load::closed(victims, warm_up_ms, duration_ms) }
    }

    /// A closed loop of `requests` requests, and one of twice as many.
    pub fn counted(connections: u32, requests: u64) -> Self {
        Load { requests: Some(requests), ..Load::closed(connections, 0, 0) }
    }

    /// The load in words, for people: `closed, 64 connections`.
    pub fn words(&self) -> String {
        if let Some(waiting) = self.waiting {
            return format!("{waiting} that wait");
        }
        if let Some(fault) = self.fault {
            return format!("{fault} among {} connections", self.connections);
        }
        let mut words = match self.rate_per_s {
            Some(_) if !self.steps.is_empty() => format!("open in {} steps", self.steps.len()),
            Some(rate) => format!("open at {rate:.0}/s"),
            None => "closed".to_string(),
        };
        if let Some(requests) = self.requests {
            let _ = write!(words, ", {requests} requests and {}", 2 * requests);
        }
        if let Some(turns) = &self.turns {
            let _ = write!(words, " in turn with {}", turns.against);
        }
        let plural = if self.connections == 1 { "" } else { "s" };
        let _ = write!(words, ", {} connection{plural}", self.connections);
        if self.idle_connections > 0 {
            let _ = write!(words, " and {} idle", self.idle_connections);
        }
        if let Some(patience_ms) = self.patience_ms {
            let _ = write!(words, ", patience {patience_ms} ms");
        }
        if let Some(retries) = self.retries {
            let _ = write!(words, ", {retries} retries");
        }
        if let Some(slow) = self.slow_connections {
            let _ = write!(words, " beside {slow} slow");
        }
        if let Some(quota) = self.quota {
            let _ = write!(words, ", {quota}");
        }
        if let Some(bytes) = self.body_bytes {
            let _ = write!(words, ", {bytes} bytes sent with each request");
        }
        if let Some(requests) = self.requests_per_connection {
            let _ = write!(words, ", {requests} request{} each", if requests == 1 { "" } else { "s" });
        }
        words
    }
}

/// A cell in a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Trial {
    /// The cell.
    pub cell: Cell,
    /// Number of the block, from 0.
    pub block: u32,
}

impl Trial {
    /// The key by which a resumed experiment finds the trial: all fields, as the records write them. A field that is
    /// added later becomes a part of the key without being named here.
    ///
    /// # Panics
    /// Never: numbers and texts can always be written.
    pub fn key(&self) -> String {
        serde_json::to_string(self).expect("a trial consists of numbers and words")
    }
}
