//! An experiment while it runs: it measures what is not known yet, writes the records, and reports its progress.

use std::collections::HashMap;
use std::time::Duration;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::limits::{REPEAT_PASSES, REPEAT_SHARE};
use crate::rig::Rig;
use crate::runner;
use dyno_record::cell::{Cell, Trial};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::{Store, StoreError};
use dyno_units::verdict::Verdict;

mod pair;

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

/// Measures one trial: the rig, the trial, its turn, and the digest of the machine. `None`: the user interrupted it.
pub type MeasureTrial<R> = fn(&mut R, &Trial, u64, &str) -> Option<Record>;

/// An experiment while it runs.
pub struct Campaign<'a, R: Rig> {
    rig: R,
    measure: MeasureTrial<R>,
    store: Option<Store>,
    known: HashMap<String, Record>,
    records: Vec<Record>,
    machine_id: String,
    progress: &'a mut dyn CampaignProgress,
    planned: Duration,
    planned_trials: usize,
    /// Trials that are measured or known, repeats included.
    done: usize,
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
            .filter(|record| record.audit.verdict != Verdict::Void)
            .map(|record| (record.trial.key(), record))
            .collect();
        Campaign {
            rig,
            measure: runner::measure,
            store,
            known,
            records: Vec::new(),
            machine_id: machine_id.to_string(),
            progress,
            planned: Duration::ZERO,
            planned_trials: 0,
            done: 0,
        }
    }

    /// From now on trials are measured by `measure` instead of under a load.
    pub(crate) fn measure_by(&mut self, measure: MeasureTrial<R>) {
        self.measure = measure;
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
        self.planned_trials = self.done + left.len();
    }

    /// Measures a trial, unless it is known.
    ///
    /// # Errors
    /// When the user interrupts, or the record cannot be written.
    pub fn measure(&mut self, trial: &Trial) -> Result<&Record, EndedEarly> {
        let known = self.known.remove(&trial.key());
        let known_before = known.is_some();
        let record = match known {
            Some(record) if !self.rig.interrupted() => record,
            _ => self.take(trial)?,
        };
        self.finish(&record, known_before);
        self.records.push(record);
        Ok(&self.records[self.records.len() - 1])
    }

    /// Measures each trial again that the machine or the generator made void, in random order, and again what is void
    /// still: until every trial counts, or the [passes](REPEAT_PASSES) or the [time](REPEAT_SHARE) for that are used
    /// up. A trial in which the contestant reached its own limit would end in the same way, so it stays as it is.
    ///
    /// # Errors
    /// When the user interrupts, or a record cannot be written.
    pub fn repeat_void(&mut self, seed: u64) -> Result<(), EndedEarly> {
        let whole: Duration = self.records.iter().map(|record| expected_time(&record.trial.cell)).sum();
        let mut budget = whole.mul_f64(REPEAT_SHARE);
        for pass in 0..REPEAT_PASSES {
            let mut void: Vec<usize> =
                (0..self.records.len()).filter(|place| may_be_repeated(&self.records[*place])).collect();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            // The blocks of the order have the streams from 1 on.
            random.set_stream(u64::MAX - u64::from(pass));
            void.shuffle(&mut random);
            void.retain(|place| {
                let time = expected_time(&self.records[*place].trial.cell);
                let fits = time <= budget;
                budget = budget.saturating_sub(if fits { time } else { Duration::ZERO });
                fits
            });
            for place in &void {
                self.expect_time(expected_time(&self.records[*place].trial.cell), 1);
            }
            for place in void {
                let trial = self.records[place].trial.clone();
                let record = self.take(&trial)?;
                self.finish(&record, false);
                self.records[place] = record;
            }
        }
        Ok(())
    }

    /// Measures a trial and writes its record.
    fn take(&mut self, trial: &Trial) -> Result<Record, EndedEarly> {
        if self.rig.interrupted() {
            return Err(EndedEarly::Interrupted);
        }
        self.progress.begin(trial, self.done, self.planned_trials, self.planned);
        let record = (self.measure)(&mut self.rig, trial, self.done as u64, &self.machine_id)
            .ok_or(EndedEarly::Interrupted)?;
        if let Some(store) = &mut self.store {
            store.append(&record).map_err(EndedEarly::Broken)?;
        }
        Ok(record)
    }

    /// Takes a record into account that is measured or known.
    fn finish(&mut self, record: &Record, known_before: bool) {
        self.planned = self.planned.saturating_sub(expected_time(&record.trial.cell));
        self.done += 1;
        self.progress.end(record, known_before);
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

/// Whether another try may count: the trial is void, not by the contestant's own limit, and others depend on it. A
/// pilot and a step of a search have done their duty when they are over, and two that take turns are repeated together.
fn may_be_repeated(record: &Record) -> bool {
    let over = matches!(record.trial.cell.step, Step::Pilot | Step::CurveSearch | Step::Duel);
    record.audit.verdict == Verdict::Void && record.audit.wall().is_none() && !over
}

/// How long a cell takes, start and stop included.
pub fn expected_time(cell: &Cell) -> Duration {
    let load = Duration::from_millis(cell.load.warm_up_ms + cell.load.duration_ms);
    // The time of two that take turns is the time of both.
    let share = if cell.load.turns.is_some() { 2 } else { 1 };
    load / share + crate::limits::CELL_OVERHEAD
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
