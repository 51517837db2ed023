//! `dyno curve`: offered load from idle, past the critical point to twice that, and back down.
//!
//! ```text
//! capacity   one closed loop                            -> where to look
//! search     open loops, bracket and halve, then repeat -> the critical point: the highest rate within the limit
//! curve      open loops at shares of it, in blocks, each with a fresh server
//! sweep      one server, up and down again in steps     -> is the way back the way up?
//! spike      one server, half load, twice the critical point, half load  -> time until normal again
//! search     again, where the blocks have refuted what the search had found
//! ```

use std::time::Duration;

use crate::campaign::{self, Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::experiment::pilot;
use crate::limits::{
    CELL_OVERHEAD, PILOT_TIME_MS, SEARCH_AGAIN_CELLS, SEARCH_AGAIN_ROUNDS, SEARCH_CELLS, SEARCH_CELLS_USUAL,
};
use crate::order;
use crate::rig::Rig;
use crate::setup::{Setup, round_rate};
use dyno_analysis::critical::RateEvidence;
use dyno_record::cell::{Cell, Trial};
use dyno_record::experiment::{CURVE_SHARES, SPIKE_SHARES, SWEEP_SHARES};
use dyno_record::header::RateLimit;
use dyno_record::step::Step;

/// Finds the critical point of each contestant and draws its curve.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup, limit: RateLimit) -> Result<(), EndedEarly> {
    campaign.expect(&pilot::cells(setup));
    for contestant in &setup.contestants {
        let cell = campaign::expected_time(&setup.cell(Step::Curve, contestant));
        campaign.expect_time(cell, 1 + SEARCH_CELLS_USUAL + CURVE_SHARES.len() as u32 * setup.blocks);
        for shares in [SWEEP_SHARES.len(), SPIKE_SHARES.len()] {
            campaign.expect_time(stepped_time(setup, shares), 1);
        }
    }
    let setup = &pilot::run(campaign, setup)?;
    let mut searches = Vec::new();
    let mut points = Vec::new();
    for contestant in &setup.contestants {
        let closed = Trial { cell: setup.cell(Step::Capacity, contestant), block: 0 };
        let record = campaign.measure(&closed)?;
        // Where to look is an order of magnitude, which a cell that the machine disturbed tells as well.
        let load = record.load.as_ref().filter(|_| record.audit.wall().is_none());
        let capacity = load.map(|load| load.rate_per_s);
        let Some(capacity) = capacity.filter(|rate| *rate > 0.0) else {
            continue;
        };
        let search = Search { setup, contestant, limit, hint: capacity * 0.8 };
        let center = search.go_on(campaign, SEARCH_CELLS)?.center(search.hint);
        // The critical point itself is not rounded again: cells at the same rate are evidence together.
        let rate = |share: f64| if share == 1.0 { center } else { round_rate(center * share) };
        points.extend(CURVE_SHARES.map(|share| at(setup, Step::Curve, contestant, rate(share))));
        for (name, shares) in [(Step::CurveSweep, SWEEP_SHARES.as_slice()), (Step::CurveSpike, &SPIKE_SHARES)]
        {
            let cell = stepped(setup, contestant, name, shares, center);
            campaign.measure(&Trial { cell, block: 0 })?;
        }
        searches.push(search);
    }
    let trials = order::blocks(&points, 0, setup.blocks, setup.seed);
    campaign.replan(&trials);
    for trial in trials {
        campaign.measure(&trial)?;
    }
    search_again(campaign, &searches, points)
}

/// Goes on with the searches whose end the blocks have refuted, and measures the curve where they end now.
fn search_again<R: Rig>(
    campaign: &mut Campaign<R>,
    searches: &[Search],
    mut points: Vec<Cell>,
) -> Result<(), EndedEarly> {
    for _ in 0..SEARCH_AGAIN_ROUNDS {
        let mut moved = Vec::new();
        for search in searches {
            let found = search.go_on(campaign, SEARCH_AGAIN_CELLS)?.bracket().confirmed;
            let point = found.map(|it| at(search.setup, Step::Curve, search.contestant, it.rate_per_s));
            moved.extend(point.filter(|point| !points.contains(point)));
        }
        let Some(search) = searches.first().filter(|_| !moved.is_empty()) else { break };
        let trials = order::blocks(&moved, 0, search.setup.blocks, search.setup.seed);
        for trial in &trials {
            campaign.expect_time(campaign::expected_time(&trial.cell), 1);
        }
        for trial in trials {
            campaign.measure(&trial)?;
        }
        points.extend(moved);
    }
    Ok(())
}

/// The time that one contestant usually takes.
pub fn expected_time(setup: &Setup) -> Duration {
    let cell = Duration::from_millis(setup.warm_up_ms + setup.duration_ms) + CELL_OVERHEAD;
    let pilot = Duration::from_millis(PILOT_TIME_MS.max(setup.warm_up_ms * 2)) + CELL_OVERHEAD;
    pilot
        + cell * (1 + SEARCH_CELLS_USUAL + CURVE_SHARES.len() as u32 * setup.blocks)
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

/// The search for the critical point of one contestant.
struct Search<'a> {
    setup: &'a Setup,
    contestant: &'a Contestant,
    limit: RateLimit,
    /// The rate at which it begins.
    hint: f64,
}

impl Search<'_> {
    /// Measures what the evidence asks for, until it asks for nothing or so many cells are used up.
    fn go_on<R: Rig>(&self, campaign: &mut Campaign<R>, cells: u32) -> Result<RateEvidence, EndedEarly> {
        for _ in 0..cells {
            let Some(rate) = self.evidence(campaign).next(self.hint) else { break };
            let cell = at(self.setup, Step::CurveSearch, self.contestant, rate);
            // A repeat of a cell differs from the others in the number of its block.
            let block = campaign.records().iter().filter(|record| record.trial.cell == cell).count() as u32;
            campaign.measure(&Trial { cell, block })?;
        }
        Ok(self.evidence(campaign))
    }

    fn evidence<R: Rig>(&self, campaign: &Campaign<R>) -> RateEvidence {
        RateEvidence::of(campaign.records(), &self.contestant.label, self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::setup;
    use crate::rig::mock::{Mock, Nature};
    use dyno_analysis::critical::RateStanding;

    const LIMIT: RateLimit = RateLimit::USUAL;

    fn campaign(nature: Nature, luck: u64, progress: &mut Silent) -> Campaign<'_, Mock> {
        let natures = [("x".to_string(), nature)].into();
        Campaign::new(Mock { natures, luck, ..Mock::default() }, None, Vec::new(), "m", progress)
    }

    #[test]
    fn the_search_brackets_the_critical_point() {
        let setup = Setup { blocks: 1, ..setup(vec![bare("x", vec!["x".into()])]) };
        for capacity_per_s in [900.0, 12_345.0, 80_000.0] {
            let mut progress = Silent;
            let mut campaign = campaign(Nature { capacity_per_s, ..Nature::default() }, 0, &mut progress);
            // A hint that is wrong, as one from a closed loop may be.
            let contestant = &setup.contestants[0];
            let search = Search { setup: &setup, contestant, limit: LIMIT, hint: capacity_per_s * 0.56 };
            let found = search.go_on(&mut campaign, SEARCH_CELLS).unwrap().bracket();
            let (low, high) = (found.confirmed.unwrap(), found.beyond.unwrap());
            assert!(low.rate_per_s <= capacity_per_s && low.rate_per_s >= capacity_per_s * 0.95, "{low:?}");
            assert!(high.rate_per_s > capacity_per_s && high.standing() == RateStanding::Refuted, "{high:?}");
            assert!(campaign.records().len() <= SEARCH_CELLS_USUAL as usize + 2);
        }
    }

    #[test]
    fn a_search_begins_although_the_machine_disturbed_the_closed_loop() {
        let setup = setup(vec![bare("x", vec!["x".into()])]);
        // The pilot is the first start, the closed loop the second.
        let rig = Mock { disturbed: vec![2], ..Mock::default() };
        let mut progress = Silent;
        let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut campaign, &setup, LIMIT).unwrap();
        let closed = campaign.records().iter().find(|record| record.trial.cell.step == Step::Capacity);
        assert!(closed.unwrap().counted().is_none(), "it was disturbed");
        let found = RateEvidence::of(campaign.records(), "x", LIMIT).bracket().confirmed;
        assert!(found.is_some_and(|rate| (9_400.0..=10_000.0).contains(&rate.rate_per_s)), "{found:?}");
    }

    /// The whole experiment with servers whose cells miss the limit now and then, and others that keep it by luck.
    #[test]
    fn a_critical_point_is_never_one_that_its_own_cells_refute() {
        let mut near = 0;
        for seed in 0..40 {
            let nature = Nature { unlucky: 0.08, lucky: 0.3, ..Nature::default() };
            let setup = Setup { seed, ..setup(vec![bare("x", vec!["x".into()])]) };
            let mut progress = Silent;
            let mut campaign = campaign(nature, seed, &mut progress);
            run(&mut campaign, &setup, LIMIT).unwrap();
            let evidence = RateEvidence::of(campaign.records(), "x", LIMIT);
            let Some(found) = evidence.bracket().confirmed else { continue };
            assert_eq!(found.standing(), RateStanding::Confirmed, "seed {seed}");
            let drawn =
                |cell: &Cell| cell.step == Step::Curve && cell.load.rate_per_s == Some(found.rate_per_s);
            let drawn = campaign.records().iter().filter(|record| drawn(&record.trial.cell)).count();
            near += usize::from((8_500.0..=11_000.0).contains(&found.rate_per_s) && drawn >= 3);
        }
        assert!(near >= 34, "{near} of 40 are near the truth, and lie on the curve");
    }
}
