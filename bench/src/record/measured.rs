//! One line of the records: a cell that is done.

use serde::{Deserialize, Serialize};

use crate::record::audit::{Audit, Standing};
use crate::record::cell::Trial;
use crate::record::load::LoadFigures;
use crate::record::pace::{CorePace, Factors};
use crate::record::server::{MachineFigures, ServerFigures};

/// A cell that is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Record {
    /// Version of the schema.
    pub schema: u32,
    /// What was measured, in which block.
    pub trial: Trial,
    /// Running number in the order in which cells were measured, from 0.
    pub turn: u64,
    /// When it began, in milliseconds since 1970.
    pub began_unix_ms: u64,
    /// How long it took, start and stop included.
    pub took_ms: u64,
    /// Digest of the machine that it was measured on, as in the header.
    pub machine_id: String,
    /// What the generator saw; absent when it gave nothing.
    pub load: Option<LoadFigures>,
    /// What the contestant cost; absent when it did not start.
    pub server: Option<ServerFigures>,
    /// What the whole machine did.
    pub machine: Option<MachineFigures>,
    /// At which pace the cores of both sides ran; empty where they were not looked at.
    #[serde(default)]
    pub pace: Vec<CorePace>,
    /// Whether it may be believed.
    pub audit: Audit,
    /// What brings its figures to full pace, once all cells are known; no part of the record.
    #[serde(skip)]
    pub factors: Option<Factors>,
}

impl Record {
    /// The generator's figures, unless the cell is void.
    pub fn counted(&self) -> Option<&LoadFigures> {
        if self.audit.standing == Standing::Void { None } else { self.load.as_ref() }
    }

    /// Right answers a second, unless the cell is void.
    pub fn rate_as_measured_per_s(&self) -> Option<f64> {
        Some(self.counted()?.rate_per_s)
    }

    /// Right answers a second with the cores at their full pace, unless the cell is void.
    pub fn rate_per_s(&self) -> Option<f64> {
        Some(self.rate_as_measured_per_s()? * self.factors.map_or(1.0, |factors| factors.rate))
    }

    /// CPU of the contestant per right answer with the cores at their full pace, in nanoseconds, unless the cell is void.
    pub fn cpu_per_request_ns(&self) -> Option<f64> {
        Some(self.cpu_as_measured_ns()? * self.factors.map_or(1.0, |factors| factors.cpu))
    }

    /// CPU of the contestant per right answer, in nanoseconds, unless the cell is void.
    pub fn cpu_as_measured_ns(&self) -> Option<f64> {
        let rate = self.counted()?.rate_per_s;
        let cores = self.server.as_ref()?.cores_used;
        (rate > 0.0).then(|| cores * 1e9 / rate)
    }
}
