//! Servers under load for a claim: audited cells, as those of an experiment.

use std::collections::BTreeMap;

use dyno_analysis::textbook::TrialRounds;
use dyno_record::cell::{Cell, Trial};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::transport::TransportKind;
use dyno_statistics::limits::LEAST_BLOCKS_FOR_A_VERDICT;

use super::claim::{Effort, TrialError};
use super::standing::Design;
use crate::contestant::own::compute_rounds_per_us;
use crate::contestant::{Contestant, label_apart};
use crate::limits::WARM_UP_LEAST_MS;
use crate::place::Placement;
use crate::rig::system::System;
use crate::runner;
use crate::setup::Setup;

/// Time measured in a cell, as in a comparison: a thousand requests with a connection each.
const MEASURED_MS: u64 = 160;

/// How often a cell is measured at most while its audit finds it void: what disturbs a cell is often over at the next.
const TRIES: u32 = 3;

/// Connections of the generator.
const CONNECTIONS: u32 = 16;

/// Servers that are loaded in turn.
pub(super) struct Bench {
    rig: System,
    setup: Setup,
    turn: u64,
    /// Why the last void cell was void.
    void: String,
}

impl Bench {
    /// A bench for these designs and transports, which are asked for `service`.
    pub(super) fn new(
        effort: &Effort,
        sides: &[(Design, TransportKind)],
        service: &str,
    ) -> Result<Self, TrialError> {
        let mut contestants = Vec::new();
        for (design, transport) in sides {
            contestants.push(Contestant { transport: *transport, ..design.contestant()? });
        }
        label_apart(&mut contestants);
        let cores = Placement::here().halves();
        if cores.shared() {
            return Err(TrialError::OneCore);
        }
        std::fs::create_dir_all(effort.directory.join("work"))?;
        let mut rig = System::new(&contestants, &cores, &effort.directory, 1)?.for_answers();
        if service.starts_with("/compute") {
            rig.give_rounds(compute_rounds_per_us());
        }
        let setup = Setup {
            contestants,
            service: service.to_string(),
            cores,
            placement: None,
            connections: CONNECTIONS,
            blocks: effort.rounds,
            warm_up_ms: WARM_UP_LEAST_MS,
            warm_up_fixed: true,
            warm_ups_ms: BTreeMap::new(),
            duration_ms: MEASURED_MS,
            seed: 1,
        };
        Ok(Bench { rig, setup, turn: 0, void: String::new() })
    }

    /// A closed loop on a side, over lasting connections or with one for each request.
    pub(super) fn closed(&mut self, side: usize, step: Step) -> Result<Record, TrialError> {
        let mut cell = self.cell(side, step);
        if step == Step::Connect {
            cell.load.requests_per_connection = Some(1);
        }
        self.measure(cell)
    }

    /// An open loop at a rate that the server need not reach.
    pub(super) fn open(&mut self, side: usize, rate_per_s: f64) -> Result<Record, TrialError> {
        let mut cell = self.cell(side, Step::Curve);
        cell.load.rate_per_s = Some(rate_per_s);
        self.measure(cell)
    }

    fn cell(&self, side: usize, step: Step) -> Cell {
        self.setup.cell(step, &self.setup.contestants[side])
    }

    fn measure(&mut self, cell: Cell) -> Result<Record, TrialError> {
        let trial = Trial { cell, block: 0 };
        let mut tries = 0;
        loop {
            (self.turn, tries) = (self.turn + 1, tries + 1);
            let record =
                runner::measure(&mut self.rig, &trial, self.turn, "").ok_or(TrialError::Interrupted)?;
            if record.counts() || tries == TRIES {
                return Ok(record);
            }
            self.void = record.audit.reason().to_string();
        }
    }

    /// The rounds, if enough of them have both figures.
    ///
    /// # Errors
    /// When too many cells were void, with the reason of the last one.
    pub(super) fn end(self, rounds: TrialRounds) -> Result<TrialRounds, TrialError> {
        let both = rounds.first.iter().zip(&rounds.second);
        let usable = both.filter(|(one, other)| one.is_finite() && other.is_finite()).count();
        if usable < LEAST_BLOCKS_FOR_A_VERDICT {
            return Err(TrialError::Void { usable, all: rounds.first.len(), reason: self.void });
        }
        Ok(rounds)
    }
}

/// CPU per request; a void cell has no figure.
pub(super) fn cpu_ns(record: &Record) -> f64 {
    record.cpu_as_measured_ns().unwrap_or(f64::NAN)
}

/// Answers a second; a void cell has no figure.
pub(super) fn rate_per_s(record: &Record) -> f64 {
    record.rate_as_measured_per_s().unwrap_or(f64::NAN)
}
