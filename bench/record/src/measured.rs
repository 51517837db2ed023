//! One line of the records: a cell that is done.

use dyno_units::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::SCHEMA;
use crate::audit::Audit;
use crate::cell::Trial;
use crate::instructions::InstructionFigures;
use crate::isolation::IsolationFigures;
use crate::load::LoadFigures;
use crate::pace::CorePace;
use crate::server::{MachineFigures, ServerFigures};
use crate::waiting::WaitingFigures;

/// A cell that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Record {
    /// Version of the schema.
    pub schema: u32,
    /// The cell that was measured, and its block.
    pub trial: Trial,
    /// Running number in the order in which cells were measured, from 0.
    pub turn: u64,
    /// When it began, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// How long it took, start and stop included.
    pub took_ms: u64,
    /// Digest of the machine that it was measured on, as in the header.
    pub machine_id: String,
    /// What the generator measured; absent when it gave no result.
    pub load: Option<LoadFigures>,
    /// The cost of the requests for the contestant; absent when it did not start.
    pub server: Option<ServerFigures>,
    /// The figures of the whole machine.
    pub machine: Option<MachineFigures>,
    /// What was counted in an emulated machine; absent in every other experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<InstructionFigures>,
    /// What was seen while requests waited; absent in every other experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingFigures>,
    /// What a planted fault did to others; absent in every other experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<IsolationFigures>,
    /// At which pace the cores of both sides ran; empty where they were not sampled.
    #[serde(default)]
    pub pace: Vec<CorePace>,
    /// Whether the result may be believed.
    pub audit: Audit,
}

impl Record {
    /// The record of a trial of which nothing is known yet.
    pub fn new(trial: Trial, machine_id: &str) -> Self {
        Record {
            schema: SCHEMA,
            trial,
            turn: 0,
            began_unix_ms: 0,
            took_ms: 0,
            machine_id: machine_id.to_string(),
            load: None,
            server: None,
            machine: None,
            instructions: None,
            waiting: None,
            isolation: None,
            pace: Vec::new(),
            audit: Audit::of(Vec::new()),
        }
    }

    /// The generator's figures, unless the cell is void.
    pub fn counted(&self) -> Option<&LoadFigures> {
        if self.audit.verdict == Verdict::Void { None } else { self.load.as_ref() }
    }

    /// The same, unless its latencies are void.
    pub fn latencies(&self) -> Option<&LoadFigures> {
        self.counted().filter(|_| self.audit.latency != Verdict::Void)
    }

    /// What was counted in an emulated machine, unless the cell is void.
    pub fn instructions(&self) -> Option<&InstructionFigures> {
        if self.audit.verdict == Verdict::Void { None } else { self.instructions.as_ref() }
    }

    /// What a planted fault did to others, unless the cell is void.
    pub fn isolation(&self) -> Option<&IsolationFigures> {
        if self.audit.verdict == Verdict::Void { None } else { self.isolation.as_ref() }
    }

    /// What was seen while requests waited, unless the cell is void.
    pub fn waiting(&self) -> Option<&WaitingFigures> {
        if self.audit.verdict == Verdict::Void { None } else { self.waiting.as_ref() }
    }

    /// Whether it holds figures of any kind that count.
    pub fn counts(&self) -> bool {
        self.counted().is_some()
            || self.instructions().is_some()
            || self.waiting().is_some()
            || self.isolation().is_some()
    }

    /// Right answers a second, unless the cell is void.
    pub fn rate_as_measured_per_s(&self) -> Option<f64> {
        Some(self.counted()?.rate_per_s)
    }

    /// CPU of the contestant per right answer, in nanoseconds, unless the cell is void.
    pub fn cpu_as_measured_ns(&self) -> Option<f64> {
        let rate = self.counted()?.rate_per_s;
        let cores = self.server.as_ref()?.cores_used;
        (rate > 0.0).then(|| cores * 1e9 / rate)
    }
}
