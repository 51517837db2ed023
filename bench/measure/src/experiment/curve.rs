//! `dyno curve`: offered load from idle, past the critical point to twice that, and back down.
//!
//! ```text
//! capacity   one closed loop                            -> where to look
//! search     open loops, bracket and halve              -> the critical point: the highest rate within the limit
//! curve      open loops at shares of it, in blocks, each with a fresh server
//! sweep      one server, up and down again in steps     -> is the way back the way up?
//! spike      one server, half load, twice the critical point, half load  -> time until normal again
//! ```

use std::time::Duration;

use crate::campaign::{self, Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::experiment::pilot;
use crate::limits::{BRACKET, CELL_OVERHEAD, PILOT_TIME_MS, SEARCH_STEPS};
use crate::order;
use crate::rig::Rig;
use crate::setup::{Setup, round_rate};
use dyno_record::cell::{Cell, Trial};
use dyno_record::experiment::{CURVE_SHARES, SPIKE_SHARES, SWEEP_SHARES};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_units::verdict::Verdict;

/// The condition under which a rate still counts as good.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Limit {
    /// Highest 99th percentile.
    pub p99_ns: u64,
    /// Share of the requests that may fail, and of the rate that may be missed.
    pub missed: f64,
}

/// Whether a cell keeps the limit.
pub fn keeps(record: &Record, limit: Limit) -> bool {
    record.counted().is_some_and(|load| {
        let offered = load.offered_per_s.unwrap_or(load.rate_per_s);
        // Poisson arrivals scatter: in a window of n arrivals the rate is off by about one part in the square root of
        // n.
        let chance = 3.0 / (offered * load.seconds).max(1.0).sqrt();
        load.total.at_ns(99.0).is_some_and(|p99| p99 <= limit.p99_ns)
            && load.error_share() <= limit.missed
            && load.rate_per_s >= offered * (1.0 - limit.missed - chance)
    })
}

/// Finds the critical point of each contestant and draws its curve.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup, limit: Limit) -> Result<(), EndedEarly> {
    campaign.expect(&pilot::cells(setup));
    for contestant in &setup.contestants {
        let cell = campaign::expected_time(&setup.cell(Step::Curve, contestant));
        campaign.expect_time(cell, 1 + SEARCH_STEPS + CURVE_SHARES.len() as u32 * setup.blocks);
        for shares in [SWEEP_SHARES.len(), SPIKE_SHARES.len()] {
            campaign.expect_time(stepped_time(setup, shares), 1);
        }
    }
    let setup = &pilot::run(campaign, setup)?;
    let mut points = Vec::new();
    for contestant in &setup.contestants {
        let closed = Trial { cell: setup.cell(Step::Capacity, contestant), block: 0 };
        let capacity = campaign.measure(&closed)?.counted().map(|load| load.rate_per_s);
        let Some(capacity) = capacity.filter(|rate| *rate > 0.0) else {
            continue;
        };
        let critical = search(campaign, setup, contestant, capacity, limit)?;
        let step = |share: f64| at(setup, Step::Curve, contestant, round_rate(critical * share));
        points.extend(CURVE_SHARES.map(step));
        for (name, shares) in [(Step::CurveSweep, SWEEP_SHARES.as_slice()), (Step::CurveSpike, &SPIKE_SHARES)]
        {
            let cell = stepped(setup, contestant, name, shares, critical);
            campaign.measure(&Trial { cell, block: 0 })?;
        }
    }
    for trial in order::blocks(&points, 0, setup.blocks, setup.seed) {
        campaign.measure(&trial)?;
    }
    Ok(())
}

/// The time that one contestant takes, at most.
pub fn expected_time(setup: &Setup) -> Duration {
    let cell = Duration::from_millis(setup.warm_up_ms + setup.duration_ms) + CELL_OVERHEAD;
    let pilot = Duration::from_millis(PILOT_TIME_MS.max(setup.warm_up_ms * 2)) + CELL_OVERHEAD;
    pilot
        + cell * (1 + SEARCH_STEPS + CURVE_SHARES.len() as u32 * setup.blocks)
        + stepped_time(setup, SWEEP_SHARES.len())
        + stepped_time(setup, SPIKE_SHARES.len())
}

/// The time that a cell of so many steps takes.
fn stepped_time(setup: &Setup, steps: usize) -> Duration {
    Duration::from_millis(setup.duration_ms / 2) * steps as u32 + CELL_OVERHEAD
}

fn at(setup: &Setup, step: Step, contestant: &Contestant, rate_per_s: f64) -> Cell {
    let mut cell = setup.cell(step, contestant);
    cell.load.rate_per_s = Some(rate_per_s);
    cell
}

fn stepped(setup: &Setup, contestant: &Contestant, step: Step, shares: &[f64], critical: f64) -> Cell {
    let mut cell = at(setup, step, contestant, round_rate(critical * shares[0]));
    let length_ms = setup.duration_ms / 2;
    cell.load.steps = shares.iter().map(|share| round_rate(critical * share)).collect();
    cell.load.duration_ms = length_ms * shares.len() as u64;
    cell.load.warm_up_ms = 0;
    cell
}

/// Finds the highest rate that keeps the limit, to within the bracket: it doubles or halves the rate until a good and
/// a bad rate are known, then halves the gap between them (geometrically).
fn search<R: Rig>(
    campaign: &mut Campaign<R>,
    setup: &Setup,
    contestant: &Contestant,
    capacity: f64,
    limit: Limit,
) -> Result<f64, EndedEarly> {
    let (mut good, mut bad) = (None::<f64>, None::<f64>);
    let mut next = capacity * 0.8;
    for step in 0..SEARCH_STEPS {
        let rate = round3(next);
        let trial = Trial { cell: at(setup, Step::CurveSearch, contestant, rate), block: step };
        let record = campaign.measure(&trial)?;
        // A cell that the machine made void says nothing of the rate; it is tried once more.
        let record = if record.audit.verdict == Verdict::Void && record.load.is_some() {
            campaign.measure(&Trial { cell: trial.cell.clone(), block: step + SEARCH_STEPS })?
        } else {
            record
        };
        if keeps(record, limit) {
            good = Some(rate);
        } else {
            bad = Some(rate);
        }
        next = match (good, bad) {
            (Some(good), Some(bad)) if bad / good <= 1.0 + BRACKET => break,
            (Some(good), Some(bad)) => (good * bad).sqrt(),
            (Some(good), None) => good * 1.25,
            (None, Some(bad)) => bad * 0.6,
            (None, None) => break,
        };
    }
    Ok(good.unwrap_or_else(|| bad.unwrap_or(capacity) * 0.5))
}

/// Rounds to three significant digits, which are enough for the width of the bracket.
fn round3(rate: f64) -> f64 {
    let scale = 10f64.powf(rate.max(1.0).log10().floor() - 2.0);
    ((rate / scale).round() * scale).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::setup;
    use crate::rig::mock::{Mock, Nature};

    #[test]
    fn the_search_brackets_the_critical_point() {
        let setup = Setup { blocks: 1, ..setup(vec![bare("x", vec!["x".into()])]) };
        for capacity in [900.0, 12_345.0, 80_000.0] {
            let natures =
                [("x".to_string(), Nature { capacity_per_s: capacity, ..Nature::default() })].into();
            let mut progress = Silent;
            let rig = Mock { natures, ..Mock::default() };
            let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
            // A hint that is wrong, as one from a closed loop may be.
            let limit = Limit { p99_ns: 10_000_000, missed: 0.001 };
            let found = search(&mut campaign, &setup, &setup.contestants[0], capacity * 0.7, limit).unwrap();
            assert!(found <= capacity * 1.001 && found >= capacity * 0.95, "{found} of {capacity}");
            assert!(campaign.records().len() <= SEARCH_STEPS as usize);
        }
    }
}
