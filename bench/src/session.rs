//! An experiment while it runs: measures what is not known yet, writes it down, tells how far it is.

use std::collections::HashMap;
use std::time::Duration;

use crate::exit::Failure;
use crate::record::audit::Standing;
use crate::record::cell::{Cell, Trial};
use crate::record::measured::Record;
use crate::record::store::Store;
use crate::rig::Rig;
use crate::runner;

/// Why an experiment ended before its time.
#[derive(Debug)]
pub enum Stop {
    /// The user wanted it.
    Interrupted,
    /// It cannot go on.
    Broken(Failure),
}

/// Who is told how far the experiment is.
pub trait Progress {
    /// A trial is about to be measured; `left` is the time that the experiment still needs.
    fn begin(&mut self, trial: &Trial, done: usize, planned: usize, left: Duration);
    /// A trial has been measured, or was known already.
    fn end(&mut self, record: &Record, known_before: bool);
}

/// An experiment while it runs.
pub struct Session<'a, R: Rig> {
    rig: R,
    store: Option<Store>,
    known: HashMap<String, Record>,
    records: Vec<Record>,
    machine_id: String,
    progress: &'a mut dyn Progress,
    planned: Duration,
    planned_trials: usize,
}

impl<'a, R: Rig> Session<'a, R> {
    /// A session that writes to `store` and measures nothing again that is in `known`.
    ///
    /// A trial that was void is measured again: what spoilt it may be gone.
    pub fn new(
        rig: R,
        store: Option<Store>,
        known: Vec<Record>,
        machine_id: &str,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let known = known
            .into_iter()
            .filter(|record| record.audit.standing != Standing::Void)
            .map(|record| (record.trial.key(), record))
            .collect();
        Session {
            rig,
            store,
            known,
            records: Vec::new(),
            machine_id: machine_id.to_string(),
            progress,
            planned: Duration::ZERO,
            planned_trials: 0,
        }
    }

    /// Says that these cells will be measured `blocks` times, for the time left.
    pub fn expect(&mut self, cells: &[Cell], blocks: u32) {
        self.planned += cells.iter().map(expected_time).sum::<Duration>() * blocks;
        self.planned_trials += cells.len() * blocks as usize;
    }

    /// Says that these cells are all that is left, when more is known than at the start.
    pub fn replan(&mut self, left: &[Cell]) {
        self.planned = left.iter().map(expected_time).sum();
        self.planned_trials = self.records.len() + left.len();
    }

    /// Measures a trial, unless it is known.
    ///
    /// # Errors
    /// When the user interrupts, or the record cannot be written.
    pub fn measure(&mut self, trial: &Trial) -> Result<&Record, Stop> {
        if self.rig.interrupted() {
            return Err(Stop::Interrupted);
        }
        let expected = expected_time(&trial.cell);
        let known = self.known.remove(&trial.key());
        let known_before = known.is_some();
        let record = match known {
            Some(record) => record,
            None => {
                self.progress.begin(trial, self.records.len(), self.planned_trials, self.planned);
                let turn = self.records.len() as u64;
                let record =
                    runner::measure(&mut self.rig, trial, turn, &self.machine_id).ok_or(Stop::Interrupted)?;
                if let Some(store) = &mut self.store {
                    store.append(&record).map_err(Stop::Broken)?;
                }
                record
            }
        };
        self.planned = self.planned.saturating_sub(expected);
        self.progress.end(&record, known_before);
        self.records.push(record);
        Ok(&self.records[self.records.len() - 1])
    }

    /// Says that a trial that was expected will not be measured.
    pub fn skip(&mut self, trial: &Trial) {
        self.planned = self.planned.saturating_sub(expected_time(&trial.cell));
        self.planned_trials = self.planned_trials.saturating_sub(1);
    }

    /// Everything measured so far, in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// What a cell takes, start and stop included.
pub fn expected_time(cell: &Cell) -> Duration {
    Duration::from_millis(cell.load.warm_up_ms + cell.load.duration_ms) + crate::limits::CELL_OVERHEAD
}

/// Tells nobody.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&mut self, _trial: &Trial, _done: usize, _planned: usize, _left: Duration) {}
    fn end(&mut self, _record: &Record, _known_before: bool) {}
}

#[cfg(test)]
mod tests;
