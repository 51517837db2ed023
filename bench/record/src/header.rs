//! The first line of the records: the settings of the experiment, and the machine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::experiment::Experiment;

/// The settings of the experiment, and the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Header {
    /// Version of the schema.
    pub schema: u32,
    /// The experiment.
    pub experiment: Experiment,
    /// The command line that started it.
    pub command: Vec<String>,
    /// The settings in the words of the program's options, by which an experiment is continued. Programs that only
    /// read results do not need them. Older records have only the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Map<String, Value>>,
    /// Seed of the order and of the load.
    pub seed: u64,
    /// Blocks that were planned.
    pub blocks: u32,
    /// When it began, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// The relative difference that matters.
    pub threshold: f64,
    /// The limit that a good rate keeps, in a curve. Older records have it among the settings alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<RateLimit>,
    /// Rounds of the work loop behind `/compute` that make a microsecond, the same for all of Dyno's own servers. In
    /// older records each server measured its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_rounds_per_us: Option<u64>,
    /// The contestants, in the order in which they were given.
    pub contestants: Vec<ContestantLine>,
    /// The machine.
    pub environment: Environment,
    /// The duration of the least possible exchange on this machine.
    pub floor: Option<Floor>,
}

/// The condition under which a rate still counts as good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RateLimit {
    /// Highest 99th percentile.
    pub p99_ns: u64,
    /// Share of the requests that may fail, and of the rate that may be missed.
    pub missed: f64,
}

impl RateLimit {
    /// The limit when nothing else is asked for: a delay that a person does not notice in a page of ten requests, and
    /// one request in a thousand.
    pub const USUAL: RateLimit = RateLimit { p99_ns: 10_000_000, missed: 0.001 };
}

/// The family whose only member is the baseline.
const BASELINE_FAMILY: &str = "iterative";

/// A contestant as the report shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ContestantLine {
    /// Label, unique in the experiment.
    pub label: String,
    /// One line on what it is.
    pub idea: String,
    /// `processes`, `threads`, `events`, `foreign` ...
    pub family: String,
    /// The command line that starts it.
    pub command: Vec<String>,
}

/// The kind of probe with which this version measures; it rises with every change that moves figures.
///
/// | kind | what it did in the measured window |
/// |---|---|
/// | 1 | it sampled the process tree and the machine twice, which lowered rates by 2 to 5 %, more for designs with many processes or threads |
/// | 2 | it reads clocks, some tens of microseconds at three instants |
pub const PROBE: u32 = 2;

/// The kind of probe of records that tell none.
pub const PROBE_OLDEST: u32 = 1;

impl ContestantLine {
    /// Whether it is the baseline that all others are compared with: the simplest server, which serves one connection
    /// at a time.
    pub fn is_baseline(&self) -> bool {
        self.family == BASELINE_FAMILY
    }
}

/// The machine, and the settings that may change a measurement on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Environment {
    /// Digest of everything that makes results comparable: processor, cores, kernel.
    pub machine_id: String,
    /// Processor.
    pub processor: String,
    /// Cores that are on line.
    pub cores: usize,
    /// Cores that share an execution unit with another (SMT), as sets.
    pub siblings: Vec<Vec<usize>>,
    /// Memory of the machine.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
    /// Operating system.
    pub system: String,
    /// Hypervisor, where one is known.
    pub hypervisor: Option<String>,
    /// Container, where one is known.
    pub container: Option<String>,
    /// Governor of core 0, where there is one.
    pub governor: Option<String>,
    /// Version of this program.
    pub dyno: String,
    /// Digests of the builds of this program that measured: a header line names its own, and who reads a file gets
    /// those of all its header lines. Empty in older records.
    #[serde(default)]
    pub programs: Vec<String>,
    /// The kinds of probe that read what servers cost: a header line names its own, and who reads a file gets those
    /// of all its header lines. Absent in records of the first kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<u32>,
    /// Whether this program was built with optimization.
    pub optimized: bool,
    /// Kernel settings that matter, by name.
    pub settings: BTreeMap<String, String>,
}

/// The machine's floor: the round trip that no server on it can beat.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Floor {
    /// Loopback round trip of one byte over TCP, both ends on one core, median.
    pub same_core_ns: Option<u64>,
    /// The same across two cores, both ends sleeping until woken.
    pub across_cores_ns: Option<u64>,
    /// The same across two cores, both ends spinning.
    pub spinning_ns: Option<u64>,
    /// Waking a sleeping thread on another core: half of a sleeping round trip less half of a spinning one.
    pub wake_up_ns: Option<u64>,
    /// Reading the clock.
    pub clock_ns: Option<u64>,
    /// What one costs of each step of which the contestants are made; empty where nobody asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unit_costs: Vec<UnitPrice>,
}

/// What one of a step costs of which architectures are made, and what it contains of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct UnitPrice {
    /// The step, such as `fork` or `hand-over`.
    pub unit: String,
    /// Time, in nanoseconds.
    pub ns: f64,
    /// Context switches in it.
    pub switches: f64,
    /// Page faults without input or output in it.
    pub faults: f64,
}
