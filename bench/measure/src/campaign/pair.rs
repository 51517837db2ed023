//! Two contestants that take turns: measured together, known together, repeated together.

use std::time::Duration;

use super::{Campaign, EndedEarly, expected_time};
use crate::bout;
use crate::limits::{REPEAT_PASSES, REPEAT_SHARE};
use crate::rig::bout::{DuelRig, SIDES, Toss};
use dyno_record::cell::Trial;
use dyno_record::measured::Record;
use dyno_units::verdict::Verdict;

impl<R: DuelRig> Campaign<'_, R> {
    /// Measures a pair, unless both of it are known.
    ///
    /// # Errors
    /// When the user interrupts, or a record cannot be written.
    pub fn measure_pair(&mut self, pair: &[Trial; SIDES], toss: Toss) -> Result<(), EndedEarly> {
        let known = pair.each_ref().map(|trial| self.known.remove(&trial.key()));
        let (records, known_before) = match known {
            [Some(one), Some(other)] if !self.rig.interrupted() => ([one, other], true),
            _ => (self.take_pair(pair, toss)?, false),
        };
        for record in records {
            self.finish(&record, known_before);
            self.records.push(record);
        }
        Ok(())
    }

    /// Measures each pair again that the machine or the generator made void, until every pair counts, or the
    /// [passes](REPEAT_PASSES) or the [time](REPEAT_SHARE) for that are used up. `toss` decides anew for a pass and the
    /// place of a pair.
    ///
    /// # Errors
    /// When the user interrupts, or a record cannot be written.
    pub fn repeat_void_pairs(&mut self, toss: impl Fn(u32, usize) -> Toss) -> Result<(), EndedEarly> {
        let whole: Duration = self.records.iter().map(|record| expected_time(&record.trial.cell)).sum();
        let mut budget = whole.mul_f64(REPEAT_SHARE);
        for pass in 0..REPEAT_PASSES {
            for place in (0..self.records.len()).step_by(SIDES) {
                let both = &self.records[place..place + SIDES];
                let time: Duration = both.iter().map(|record| expected_time(&record.trial.cell)).sum();
                if !is_repeatable(both) || time > budget {
                    continue;
                }
                budget -= time;
                let pair = [both[0].trial.clone(), both[1].trial.clone()];
                self.expect_time(time / SIDES as u32, SIDES as u32);
                for (number, record) in self.take_pair(&pair, toss(pass, place))?.into_iter().enumerate() {
                    self.finish(&record, false);
                    self.records[place + number] = record;
                }
            }
        }
        Ok(())
    }

    fn take_pair(&mut self, pair: &[Trial; SIDES], toss: Toss) -> Result<[Record; SIDES], EndedEarly> {
        if self.rig.interrupted() {
            return Err(EndedEarly::Interrupted);
        }
        self.progress.begin(&pair[0], self.done, self.planned_trials, self.planned);
        let records = bout::measure(&mut self.rig, pair, toss, self.done as u64, &self.machine_id)
            .ok_or(EndedEarly::Interrupted)?;
        if let Some(store) = &mut self.store {
            for record in &records {
                store.append(record).map_err(EndedEarly::Broken)?;
            }
        }
        Ok(records)
    }
}

/// Whether another try may count: one is void, and neither has reached a limit of its own.
fn is_repeatable(both: &[Record]) -> bool {
    both.iter().any(|record| record.audit.verdict == Verdict::Void)
        && both.iter().all(|record| record.audit.wall().is_none())
}
