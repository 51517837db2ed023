//! A plan as it was run, with every default filled in: part of the versioned result (see [`crate::outcome`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::impatience::Impatience;
use crate::plan::placement::Placement;
use crate::plan::share::PlanShare;

/// The plan with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanAsRun {
    /// Where the load went.
    pub url: String,
    /// `plain`, `channel` or `tls`.
    pub transport: String,
    /// Whether the secure transport took whoever answered for the server; absent: it checked who it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub server_unchecked: bool,
    /// Closed loop or open loop.
    pub load: Load,
    /// Connections that the run was allowed to use.
    pub connections: u32,
    /// Threads of the generator.
    pub threads: u32,
    /// Planned length of the measured window; absent when a number of requests was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// Planned number of requests; absent when a duration was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Time at the start that is left out of every number but the series.
    pub warmup_ns: u64,
    /// After so many requests a connection is closed; absent: kept open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_connection: Option<u64>,
    /// A request that is not answered within this time from its sending has failed.
    pub timeout_ns: u64,
    /// How long clients waited, and whether they tried again.
    #[serde(default)]
    pub impatience: Impatience,
    /// Seed of the arrivals and of the mix.
    pub seed: u64,
    /// Most requests that may wait for a connection before the run is ended.
    pub backlog: u64,
    /// Longest stretch before a request is due that the generator spins instead of sleeping.
    pub spin_ns: u64,
    /// On which cores the generator's threads ran, and why there.
    #[serde(default)]
    pub placement: Placement,
    /// The requests of the mix.
    pub mix: Vec<MixEntry>,
    /// The addresses over which connections were spread; empty where there was one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spread_over: Vec<String>,
    /// Which part of the plan was run: then rate, connections, requests and backlog above are those of all parts
    /// together; absent: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PlanShare>,
}

/// Who decides when the next request starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "loop", rename_all = "kebab-case")]
pub enum Load {
    /// The answer to the last one: each connection sends its next request after the answer and a pause.
    Closed {
        /// The pause, in nanoseconds.
        think_ns: u64,
    },
    /// The clock: requests start when the schedule says so, whatever the server does.
    Open {
        /// `constant`, `poisson` or `trace`.
        arrivals: String,
        /// The rate as a list of stretches, in order. Empty for a trace.
        stretches: Vec<Stretch>,
    },
}

/// A stretch of the run in which the rate goes in a straight line from one value to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stretch {
    /// Rate at its start, requests per second.
    pub from_per_s: f64,
    /// Rate at its end, requests per second.
    pub to_per_s: f64,
    /// Its length in nanoseconds.
    pub length_ns: u64,
}

/// One kind of request in the mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MixEntry {
    /// Request method.
    pub method: String,
    /// Request target, as sent.
    pub target: String,
    /// Its share of the requests, relative to the other entries' weights.
    pub weight: f64,
    /// What was checked in each answer: `status`, `same`, `body`.
    pub verified: String,
}
