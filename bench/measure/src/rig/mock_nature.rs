//! What contestants of the mock rig are like.

use std::time::Duration;

/// The properties of a contestant of the mock rig.
#[derive(Debug, Clone)]
pub struct Nature {
    /// Most requests a second that it answers with its cores.
    pub capacity_per_s: f64,
    /// Share of its capacity that it still answers when more is offered.
    pub past: f64,
    /// For how long it is slow after more was offered than it can answer; `None`: for ever.
    pub slow_for: Option<Duration>,
    /// Share of its cores that it uses when loaded to the full.
    pub saturates_at: f64,
    /// Whether it starts at all.
    pub starts: bool,
    /// How many of four workers stand.
    pub workers: u64,
    /// Answers with wrong bodies in each window.
    pub wrong_bodies: u64,
    /// How late the generator sends.
    pub lag_ns: u64,
    /// CPU that other programs use meanwhile, in cores.
    pub others: f64,
    /// CPU that threads of the kernel use for the load, in cores.
    pub kernel_threads: f64,
    /// The account of its control group, as a multiple of the time by its clocks; absent where it has no group.
    pub group_account: Option<f64>,
    /// CPU that the end of its process tells of beyond that of its clocks, which may be less than none.
    pub life_beyond: f64,
    /// CPU that it uses for what it has read, on a whole core, after its load is over.
    pub works_on: Duration,
    /// Whether its threads end with their connections.
    pub threads_end: bool,
    /// How long it takes to read everything about it.
    pub reading_takes: Duration,
    /// Share by which its rate falls in intervals in which something is read; absent where it has no series.
    pub watched_fall: Option<f64>,
    /// CPU that it uses in addition to its requests, from so long after the start of the load on, in cores.
    pub moonlights: Option<(Duration, f64)>,
    /// Share of each tenth of a second, at its end, in which the cores are slowed; absent where they are not sampled.
    pub slowed_share: Option<f64>,
    /// How often a second a CPU quota stops it; absent where there is no quota.
    pub throttled_per_s: Option<u64>,
    /// Share of its open loops that miss a limit although it keeps up.
    pub unlucky: f64,
    /// Share of its open loops up to a tenth past its capacity that keep a limit all the same.
    pub lucky: f64,
    /// In how many of its loads the rate climbs to the end, before it is steady from the start; absent where a pilot
    /// shows nothing.
    pub restless: Option<usize>,
    /// Requests that wait and stop everybody else; absent where none do.
    pub jams_at: Option<u32>,
}

impl Default for Nature {
    fn default() -> Self {
        Nature {
            capacity_per_s: 10_000.0,
            past: 1.0,
            slow_for: Some(Duration::ZERO),
            saturates_at: 0.99,
            starts: true,
            workers: 4,
            wrong_bodies: 0,
            lag_ns: 0,
            others: 0.0,
            kernel_threads: 0.0,
            group_account: None,
            life_beyond: 0.0,
            works_on: Duration::ZERO,
            threads_end: false,
            reading_takes: Duration::ZERO,
            watched_fall: None,
            moonlights: None,
            slowed_share: None,
            throttled_per_s: None,
            unlucky: 0.0,
            lucky: 0.0,
            restless: None,
            jams_at: None,
        }
    }
}
