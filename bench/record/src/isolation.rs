//! What a handler that fails costs everybody else: the fault, what became of the connections that were watched, and
//! what became of the server.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A fault that one handler has, or one worker.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PlantedFault {
    /// None: the request is a usual one. Whatever happens to others then, no fault has done it.
    Control,
    /// The handler panics.
    Panic,
    /// The handler ends its process by abort(3), as a failed assertion does in C.
    Abort,
    /// The handler ends its process by exit(3).
    Exit,
    /// The handler's stack overflows.
    Overflow,
    /// The worker that serves a connection is killed by signal 9, from outside.
    Kill,
    /// The handler computes and does not end.
    Spin,
    /// The handler sleeps and does not end: it blocks its thread, where it should have told the server to wait.
    Block,
    /// The handler keeps memory for ever.
    Leak,
}

impl PlantedFault {
    /// All, in the order of the table: the control, what ends a handler, what ends a process, what does not end.
    pub const ALL: [PlantedFault; 9] = [
        PlantedFault::Control,
        PlantedFault::Panic,
        PlantedFault::Abort,
        PlantedFault::Exit,
        PlantedFault::Overflow,
        PlantedFault::Kill,
        PlantedFault::Spin,
        PlantedFault::Block,
        PlantedFault::Leak,
    ];

    /// Its word in records and on the command line.
    pub fn word(self) -> &'static str {
        match self {
            PlantedFault::Control => "control",
            PlantedFault::Panic => "panic",
            PlantedFault::Abort => "abort",
            PlantedFault::Exit => "exit",
            PlantedFault::Overflow => "overflow",
            PlantedFault::Kill => "kill",
            PlantedFault::Spin => "spin",
            PlantedFault::Block => "block",
            PlantedFault::Leak => "leak",
        }
    }

    /// What it is, in a few words.
    pub fn idea(self) -> &'static str {
        match self {
            PlantedFault::Control => "a usual request, for comparison",
            PlantedFault::Panic => "the handler panics",
            PlantedFault::Abort => "the handler calls abort(3)",
            PlantedFault::Exit => "the handler calls exit(3)",
            PlantedFault::Overflow => "the handler's stack overflows",
            PlantedFault::Kill => "signal 9 ends the worker, from outside",
            PlantedFault::Spin => "the handler computes for ever",
            PlantedFault::Block => "the handler sleeps for ever",
            PlantedFault::Leak => "the handler keeps 32 MiB for ever",
        }
    }
}

impl fmt::Display for PlantedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What became of the connections of one kind, each counted once, by the worst that it met after the fault.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VictimFates {
    /// Every request was answered in time.
    pub unharmed: u32,
    /// A request waited beyond the limit for a stall, or was not answered at all by the end.
    pub stalled: u32,
    /// The connection ended under it: in the middle of an exchange, or while it was kept open for the next.
    pub cut: u32,
    /// The server refused it: the connection, or the request with an answer from 500 on.
    pub refused: u32,
}

impl VictimFates {
    /// All that were watched.
    pub fn all(self) -> u32 {
        self.unharmed + self.hurt()
    }

    /// Those that met anything bad.
    pub fn hurt(self) -> u32 {
        self.stalled + self.cut + self.refused
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        VictimFates {
            unharmed: self.unharmed + other.unharmed,
            stalled: self.stalled + other.stalled,
            cut: self.cut + other.cut,
            refused: self.refused + other.refused,
        }
    }
}

/// How the request that carried the fault ended for its own client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CulpritEnd {
    /// With an answer of this status.
    Answered(u16),
    /// The connection ended without an answer.
    Cut,
    /// Not by the end of the watch.
    Silent,
}

/// By what the server is as it was before: read from its processes before and after the fault, from who was served
/// since, and from how the architecture is made.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mending {
    /// Nothing had to be mended: no process ended, and whoever served the fault serves others again.
    NotNeeded,
    /// By its way of working: what was lost served one connection, and each connection gets one of its own.
    PerConnection,
    /// A process that watches over the workers has started another.
    Respawn,
    /// By nothing. The server goes on with what is left: a worker is occupied or gone, or memory is not given back.
    Weakened,
    /// By nothing. Its processes live, and no new client is served.
    Hung,
    /// By nothing. The server has ended.
    Gone,
}

impl Mending {
    /// Whether the server is as it was.
    pub fn is_whole(self) -> bool {
        match self {
            Mending::NotNeeded | Mending::PerConnection | Mending::Respawn => true,
            Mending::Weakened | Mending::Hung | Mending::Gone => false,
        }
    }
}

/// The processes of the server, before the fault and after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProcessFates {
    /// How many there were when the fault was planted, the first one included.
    pub before: u32,
    /// How many there were at the end.
    pub after: u32,
    /// Whether the one that served the culprit has ended.
    pub culprits_ended: bool,
    /// How the first one ended, in words; absent where it lived to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ended: Option<String>,
    /// From the fault until the process that had ended was replaced; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_ns: Option<u64>,
}

/// What a planted fault did to others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct IsolationFigures {
    /// Connections with a request under way when the fault was planted, served or waiting to be.
    pub running: VictimFates,
    /// Connections that were kept open without a request, and asked after the fault.
    pub idle: VictimFates,
    /// Connections that were opened after the fault.
    pub new: VictimFates,
    /// The longest that a request of any of them waited before the fault.
    pub longest_before_ns: u64,
    /// The same after it. A request that was not answered by the end counts with the time until then.
    pub longest_after_ns: u64,
    /// From the fault until new connections were served for good; zero where each was, and absent where none was at
    /// the end.
    pub served_again_ns: Option<u64>,
    /// How the request with the fault ended.
    pub culprit: CulpritEnd,
    /// The server's processes.
    pub processes: ProcessFates,
    /// By how many bytes the server's own memory was larger at the end; absent where that was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_bytes: Option<u64>,
    /// By what the server is as it was before.
    pub mending: Mending,
    /// How long was watched after the fault.
    pub watched_ns: u64,
}

impl IsolationFigures {
    /// All victims together.
    pub fn victims(&self) -> VictimFates {
        self.running.plus(self.idle).plus(self.new)
    }

    /// Share of the victims that met anything bad.
    pub fn hurt_share(&self) -> f64 {
        let victims = self.victims();
        f64::from(victims.hurt()) / f64::from(victims.all().max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_the_command_line_are_those_of_the_records() {
        for fault in PlantedFault::ALL {
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.word());
        }
    }

    #[test]
    fn every_victim_counts_once() {
        let fates = VictimFates { unharmed: 5, stalled: 1, cut: 2, refused: 4 };
        assert_eq!((fates.all(), fates.hurt()), (12, 7));
        assert_eq!(fates.plus(VictimFates { cut: 3, ..VictimFates::default() }).all(), 15);
    }
}
