//! The pilot: one short closed loop with each contestant, from its very first request on.
//!
//! The pilot shows two things that later cells need: how long a fresh process of this contestant takes to become
//! steady (see [`steady`]), and the order of magnitude of its rate. It is used for nothing else.

use crate::campaign::{Campaign, EndedEarly};
use crate::limits::{PILOT_ATTEMPTS, PILOT_TIME_MS, RESTLESS_MS, WARM_UP_LEAST_MS};
use crate::order::{self, ExperimentPlan};
use crate::rig::Rig;
use crate::setup::Setup;
use dyno_record::cell::{Cell, Trial};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_statistics::steady;

/// The cells of the pilot.
pub fn cells(setup: &Setup) -> Vec<Cell> {
    let cell = |contestant| {
        let mut cell = setup.cell(Step::Pilot, contestant);
        cell.load.warm_up_ms = 0;
        cell.load.duration_ms = setup.warm_up_ms.saturating_mul(2).max(PILOT_TIME_MS);
        cell
    };
    setup.contestants.iter().map(cell).collect()
}

/// The pilot in its order, in the case that every contestant is soon steady.
pub fn trials(setup: &Setup) -> Vec<Trial> {
    order::blocks(&cells(setup), 0, 1, setup.seed)
}

/// Runs the pilot, and returns the setup with a warm-up for each contestant: as long as it took to become steady, and
/// no longer than the limit. A warm-up that the user has fixed is kept.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup) -> Result<Setup, EndedEarly> {
    let mut settled = setup.clone();
    let mut cells = cells(setup);
    let attempts = if setup.warm_up_fixed { 1 } else { PILOT_ATTEMPTS };
    for attempt in 0..attempts {
        let mut restless = Vec::new();
        for trial in order::blocks(&cells, attempt, 1, setup.seed) {
            let record = campaign.measure(&trial)?;
            if setup.warm_up_fixed {
                continue;
            }
            let found = warm_up_ms(record, setup.warm_up_ms);
            if found > RESTLESS_MS.min(setup.warm_up_ms.saturating_sub(1)) && has_series(record) {
                restless.push(trial.cell.contestant.clone());
            }
            // Disturbances by the machine make it later, never earlier, so the earliest time is the contestant's own.
            let warm_up_ms = settled.warm_ups_ms.entry(trial.cell.contestant).or_insert(found);
            *warm_up_ms = found.min(*warm_up_ms);
        }
        cells.retain(|cell| restless.contains(&cell.contestant));
    }
    Ok(settled)
}

/// Runs the pilot of `plan`, and returns the trials that follow, now that it is known how long each contestant takes
/// to become steady. In a plan with a common rate, `common_per_s` computes that rate from the pilot's records.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn settle<R: Rig>(
    campaign: &mut Campaign<R>,
    setup: &Setup,
    plan: ExperimentPlan,
    common_per_s: impl FnOnce(&[Record]) -> Option<f64>,
) -> Result<Vec<Trial>, EndedEarly> {
    campaign.expect(plan.cells());
    let settled = run(campaign, setup)?;
    let trials = plan.settle(&settled, common_per_s(campaign.records()));
    campaign.replan(&trials);
    Ok(trials)
}

fn has_series(record: &Record) -> bool {
    record.load.as_ref().is_some_and(|load| !load.series.is_empty())
}

/// Even a pilot that is void shows when the contestant was steady.
fn warm_up_ms(record: &Record, limit_ms: u64) -> u64 {
    let series = record.load.as_ref().map(|load| load.series.as_slice()).unwrap_or_default();
    let rates: Vec<f64> = series.iter().map(|point| point.rate_per_s).collect();
    let until = match steady::warm_up(&rates) {
        None => return limit_ms,
        Some(0) => 0,
        Some(cut) => series[cut - 1].at_ms,
    };
    until.clamp(WARM_UP_LEAST_MS.min(limit_ms), limit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::setup;
    use crate::rig::mock::{Mock, Nature};
    use dyno_record::load::{LoadFigures, Point};

    #[test]
    fn the_warm_up_ends_when_the_rate_is_steady() {
        let mut progress = Silent;
        let mut campaign = Campaign::new(Mock::default(), None, Vec::new(), "m", &mut progress);
        let setup = setup(vec![bare("x", vec!["x".into()])]);
        let mut record =
            campaign.measure(&trials(&setup)[0]).unwrap_or_else(|_| panic!("the mock measures")).clone();
        let point = |number: u64| Point {
            at_ms: number * 10,
            rate_per_s: if number <= 6 { 1_000.0 * number as f64 } else { 9_000.0 + (number % 3) as f64 },
            errors: 0,
            p99_ns: None,
        };
        record.load = Some(LoadFigures { series: (1..=40).map(point).collect(), ..LoadFigures::default() });
        assert_eq!(warm_up_ms(&record, 200), 60);
        assert_eq!(warm_up_ms(&record, 50), 50, "the limit");
        record.load = None;
        assert_eq!(warm_up_ms(&record, 200), 200, "nothing is known");
    }

    /// The warm-up that is found for a contestant that is restless in `restless` pilots, and how many pilots that
    /// took.
    fn piloted(restless: usize) -> (u64, usize) {
        let mut progress = Silent;
        let natures = [("x".to_string(), Nature { restless: Some(restless), ..Nature::default() })];
        let rig = Mock { natures: natures.into(), ..Mock::default() };
        let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
        let setup = setup(vec![bare("x", vec!["x".into()])]);
        let settled = run(&mut campaign, &setup).unwrap_or_else(|_| panic!("the mock measures"));
        (settled.cell(Step::Capacity, &setup.contestants[0]).load.warm_up_ms, campaign.records().len())
    }

    #[test]
    fn who_was_never_steady_is_piloted_again() {
        let limit_ms = setup(Vec::new()).warm_up_ms;
        assert_eq!(piloted(0), (WARM_UP_LEAST_MS, 1));
        assert_eq!(piloted(1), (WARM_UP_LEAST_MS, 2));
        assert_eq!(piloted(2), (WARM_UP_LEAST_MS, 3));
        assert_eq!(piloted(9), (limit_ms, PILOT_ATTEMPTS as usize));
    }

    #[test]
    fn a_fixed_warm_up_stays() {
        let mut progress = Silent;
        let mut campaign = Campaign::new(Mock::default(), None, Vec::new(), "m", &mut progress);
        let fixed = Setup { warm_up_fixed: true, ..setup(vec![bare("x", vec!["x".into()])]) };
        let settled = run(&mut campaign, &fixed).unwrap_or_else(|_| panic!("the mock measures"));
        assert_eq!(settled.cell(Step::Capacity, &fixed.contestants[0]).load.warm_up_ms, fixed.warm_up_ms);
    }
}
