//! An experiment while it runs: it measures what is not known yet, writes the records, and reports its progress.

use std::collections::HashMap;
use std::time::Duration;

use crate::rig::Rig;
use crate::runner;
use dyno_record::audit::Standing;
use dyno_record::cell::{Cell, Trial};
use dyno_record::measured::Record;
use dyno_record::store::{Store, StoreError};

/// Why an experiment ended before its time.
#[derive(Debug)]
pub enum EndedEarly {
    /// The user interrupted it.
    Interrupted,
    /// It cannot go on.
    Broken(StoreError),
}

/// Receives the progress of an experiment.
pub trait CampaignProgress {
    /// A trial is about to be measured; `left` is the time that the experiment still needs.
    fn begin(&mut self, trial: &Trial, done: usize, planned: usize, left: Duration);
    /// A trial has been measured, or was known already.
    fn end(&mut self, record: &Record, known_before: bool);
}

/// An experiment while it runs.
pub struct Campaign<'a, R: Rig> {
    rig: R,
    store: Option<Store>,
    known: HashMap<String, Record>,
    records: Vec<Record>,
    machine_id: String,
    progress: &'a mut dyn CampaignProgress,
    planned: Duration,
    planned_trials: usize,
}

impl<'a, R: Rig> Campaign<'a, R> {
    /// A campaign that writes to `store` and measures nothing again that is in `known`.
    ///
    /// A trial that was void is measured again: the cause may be gone.
    pub fn new(
        rig: R,
        store: Option<Store>,
        known: Vec<Record>,
        machine_id: &str,
        progress: &'a mut dyn CampaignProgress,
    ) -> Self {
        let known = known
            .into_iter()
            .filter(|record| record.audit.standing != Standing::Void)
            .map(|record| (record.trial.key(), record))
            .collect();
        Campaign {
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

    /// Adds the time of these cells to the time left.
    pub fn expect<'c>(&mut self, cells: impl IntoIterator<Item = &'c Cell>) {
        for cell in cells {
            self.expect_time(expected_time(cell), 1);
        }
    }

    /// Adds the time of so many trials that take `each`, for cells that are not known yet.
    pub fn expect_time(&mut self, each: Duration, trials: u32) {
        self.planned += each * trials;
        self.planned_trials += trials as usize;
    }

    /// Replaces the time left by that of these trials, once more is known than at the start.
    pub fn replan(&mut self, left: &[Trial]) {
        self.planned = left.iter().map(|trial| expected_time(&trial.cell)).sum();
        self.planned_trials = self.records.len() + left.len();
    }

    /// Measures a trial, unless it is known.
    ///
    /// # Errors
    /// When the user interrupts, or the record cannot be written.
    pub fn measure(&mut self, trial: &Trial) -> Result<&Record, EndedEarly> {
        if self.rig.interrupted() {
            return Err(EndedEarly::Interrupted);
        }
        let expected = expected_time(&trial.cell);
        let known = self.known.remove(&trial.key());
        let known_before = known.is_some();
        let record = match known {
            Some(record) => record,
            None => {
                self.progress.begin(trial, self.records.len(), self.planned_trials, self.planned);
                let turn = self.records.len() as u64;
                let record = runner::measure(&mut self.rig, trial, turn, &self.machine_id)
                    .ok_or(EndedEarly::Interrupted)?;
                if let Some(store) = &mut self.store {
                    store.append(&record).map_err(EndedEarly::Broken)?;
                }
                record
            }
        };
        self.planned = self.planned.saturating_sub(expected);
        self.progress.end(&record, known_before);
        self.records.push(record);
        Ok(&self.records[self.records.len() - 1])
    }

    /// Takes a trial that was expected, but will not be measured, out of the time left.
    pub fn skip(&mut self, trial: &Trial) {
        self.planned = self.planned.saturating_sub(expected_time(&trial.cell));
        self.planned_trials = self.planned_trials.saturating_sub(1);
    }

    /// Everything measured so far, in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }
}

/// How long a cell takes, start and stop included.
pub fn expected_time(cell: &Cell) -> Duration {
    Duration::from_millis(cell.load.warm_up_ms + cell.load.duration_ms) + crate::limits::CELL_OVERHEAD
}

/// Reports no progress.
#[derive(Debug, Default)]
pub struct Silent;

impl CampaignProgress for Silent {
    fn begin(&mut self, _trial: &Trial, _done: usize, _planned: usize, _left: Duration) {}
    fn end(&mut self, _record: &Record, _known_before: bool) {}
}

#[cfg(test)]
mod tests;
