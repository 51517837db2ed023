//! A load that several hosts make together: each writes what it has measured to a file, and whoever has all files makes
//! one result of them.
//!
//! | to read about | open |
//! |---|---|
//! | which share of a plan a host has | [`crate::plan::share`], [`crate::plan::pacer`] |
//! | how all start at one time | [`crate::engine::appointment`] |
//! | what is known of a host's clock | [`clock`], [`server_clock`] |
//! | what stands in a file, and what is refused | this module, [`read`] |
//! | how files become one result | [`merge`] |
//! | what is doubtful about parts | `doubts.rs` |

pub mod clock;
mod doubts;
pub mod merge;
mod merged_part;
pub mod read;
pub mod server_clock;

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::appointment::ClockReading;
use crate::engine::measured::Measured;
use crate::outcome::parts::ClockTold;
use crate::outcome::verdict::Audit;
use crate::plan::Plan;
use crate::plan::terms::Terms;

/// Version of the types in a file of a part, as written to [`LoadPart::part_schema`]. A reader reads this one alone.
pub const PART_SCHEMA: u32 = 1;

/// What one host has measured, whole: its histograms can be added to those of others without loss.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LoadPart {
    /// [`PART_SCHEMA`] of the program that wrote this.
    pub part_schema: u32,
    /// Name and version of that program. The schedule is a matter of the program, too, so all parts have the same.
    pub program: String,
    /// The plan of all parts together, and in it which part this is.
    pub terms: Terms,
    /// When the first request of the schedule was due, by the clock of each host, ns since 1970-01-01 UTC.
    pub start_unix_ns: u64,
    /// The name of the host.
    pub host: String,
    /// The identifier of its boot: parts with the same have the same clock.
    pub boot: String,
    /// Its clock.
    pub clock: PartClock,
    /// What was measured. Times are ns from the start.
    pub measured: Measured,
    /// What the part's own checks found.
    pub audit: Audit,
}

/// The clock of a host before and after its part of the load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartClock {
    /// Before the start.
    pub before: ClockReading,
    /// After the end.
    pub after: ClockReading,
    /// What is known of it.
    pub told: ClockTold,
}

impl LoadPart {
    /// The part that a plan has brought on this host.
    pub fn new(plan: &Plan, start_unix_ns: u64, clock: PartClock, measured: Measured, audit: Audit) -> Self {
        LoadPart {
            part_schema: PART_SCHEMA,
            program: program(),
            terms: Terms::of(plan),
            start_unix_ns,
            host: host(),
            boot: boot(),
            clock,
            measured,
            audit,
        }
    }
}

/// Name and version of this program.
fn program() -> String {
    format!("dyno {}", env!("CARGO_PKG_VERSION"))
}

/// The name of this host; empty where it has none.
fn host() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

/// The identifier of this boot of the kernel (random(4)); empty where the kernel does not tell.
fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}
