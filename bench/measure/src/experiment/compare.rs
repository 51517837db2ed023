//! `dyno compare`: capacity, latency at a common rate, and connections a second, side by side.
//!
//! ```text
//! pilot     one short closed loop each                -> the common rate: half of what the slowest can do
//! counts    one with a connection per request each    -> switches, faults and calls, not counted while timing
//! block 1   rounds, each over all contestants in random order:
//!             capacity   closed loop, lasting connections        short cells, several rounds
//!             connect    closed loop, a connection per request   short cells, several rounds
//!             latency    open loop at the common rate            long cells, one round
//! block 2   ... in another order, and so on
//! ```
//!
//! One cell gives a rate after a moment, but that moment may be a bad one. Where the machine's speed changes every
//! second or so (neighbours on the same host), cells of 160 ms and of 600 ms scatter alike, and only their number
//! helps. A high percentile, however, needs many requests in one cell. So rates are taken from many short cells, and
//! percentiles from few long ones.

use dyno_record::step::Step;
use std::collections::BTreeMap;

use crate::campaign::{Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::experiment::pilot;
use crate::limits::{COMMON_RATE_SHARE, CONNECT_CONNECTIONS};
use crate::order::{self, ExperimentPlan, Planned, Rate};
use crate::rig::Rig;
use crate::setup::{Setup, round_rate};
use dyno_record::cell::{Cell, Trial};
use dyno_record::measured::Record;

/// How often a block measures each rate, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rounds {
    /// Rounds of capacity in a block.
    pub capacity: u32,
    /// Rounds of connections in a block.
    pub connect: u32,
    /// Time measured in a cell of either, in milliseconds.
    pub duration_ms: u64,
}

/// The trials after the pilot: first the counts, then the blocks. A rate that the user gave is known now, the common
/// rate only after the pilot.
fn order(setup: &Setup, rounds: Rounds, rate_per_s: Option<f64>) -> Vec<Planned> {
    let mut planned: Vec<Planned> = counts(setup).into_iter().map(Planned::known).collect();
    let short = Setup { duration_ms: rounds.duration_ms, ..setup.clone() };
    let latency = |contestant| {
        let mut cell = setup.cell(Step::Latency, contestant);
        cell.load.rate_per_s = rate_per_s;
        cell
    };
    let every = setup.contestants.iter();
    let kinds: [(Vec<Cell>, u32); 3] = [
        (every.clone().map(|contestant| short.cell(Step::Capacity, contestant)).collect(), rounds.capacity),
        (
            every.clone().map(|contestant| connect(&short, Step::Connect, contestant)).collect(),
            rounds.connect,
        ),
        (every.map(latency).collect(), 1),
    ];
    let turns = rounds.capacity.max(rounds.connect).max(1);
    for block in 0..setup.blocks {
        for turn in 0..turns {
            for (kind, (cells, times)) in kinds.iter().enumerate() {
                // The cells of each kind are spread over the block as evenly as possible.
                let (before, after) = (turn * times / turns, (turn + 1) * times / turns);
                let seed = setup.seed.wrapping_add(kind as u64);
                let trials = order::blocks(cells, block * times + before, after - before, seed);
                planned.extend(trials.into_iter().map(|trial| {
                    let waits = trial.cell.step == Step::Latency && rate_per_s.is_none();
                    Planned { trial, rate: if waits { Rate::Common } else { Rate::Planned } }
                }));
            }
        }
    }
    planned
}

fn connect(setup: &Setup, step: Step, contestant: &Contestant) -> Cell {
    let mut cell = setup.cell(step, contestant);
    cell.load.connections = setup.connections.min(CONNECT_CONNECTIONS);
    cell.workers = contestant.workers(cell.load.connections);
    cell.load.requests_per_connection = Some(1);
    cell
}

/// Trials whose events are counted and that are not timed; events of lasting connections are counted in the pilot.
fn counts(setup: &Setup) -> Vec<Trial> {
    let cells: Vec<Cell> =
        setup.contestants.iter().map(|contestant| connect(setup, Step::Counts, contestant)).collect();
    order::blocks(&cells, 0, 1, setup.seed)
}

/// The plan of the experiment. `rate_per_s` is the common rate; when it is absent, the pilot finds it.
pub fn plan(setup: &Setup, rounds: Rounds, rate_per_s: Option<f64>) -> ExperimentPlan {
    ExperimentPlan { pilot: pilot::trials(setup), order: order(setup, rounds, rate_per_s) }
}

/// Runs the experiment. `rate_per_s` is the common rate; when it is absent, the pilot finds it.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(
    campaign: &mut Campaign<R>,
    setup: &Setup,
    rounds: Rounds,
    rate_per_s: Option<f64>,
) -> Result<(), EndedEarly> {
    let plan = plan(setup, rounds, rate_per_s);
    let common_per_s = |records: &[Record]| Some(rate_per_s.unwrap_or_else(|| common_rate(records)));
    for trial in pilot::settle(campaign, setup, plan, common_per_s)? {
        campaign.measure(&trial)?;
    }
    Ok(())
}

/// A share of what the slowest contestant reached in its best pilot: low enough for every contestant, high enough to
/// be work.
fn common_rate(records: &[Record]) -> f64 {
    let mut best: BTreeMap<&str, f64> = BTreeMap::new();
    for record in records.iter().filter(|record| record.trial.cell.step == Step::Pilot) {
        // Even a pilot that is void shows the order of magnitude, and no more is needed here.
        let rate = record.load.as_ref().map_or(0.0, |load| load.rate_per_s);
        let known = best.entry(&record.trial.cell.contestant).or_default();
        *known = rate.max(*known);
    }
    let slowest = best.into_values().filter(|rate| *rate > 0.0).fold(f64::INFINITY, f64::min);
    round_rate(if slowest.is_finite() { slowest * COMMON_RATE_SHARE } else { 1.0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::setup;
    use crate::rig::mock::{Mock, Nature};

    fn two() -> Setup {
        setup(vec![bare("slow", vec!["x".into()]), bare("fast", vec!["x".into()])])
    }

    const ROUNDS: Rounds = Rounds { capacity: 2, connect: 1, duration_ms: 100 };

    #[test]
    fn a_block_takes_rates_often_and_latencies_once() {
        let order = order(&two(), ROUNDS, Some(1_000.0));
        let trials: Vec<Trial> = order.into_iter().map(|planned| planned.trial).skip(2).collect();
        let of = |step: Step, contestant: &str| -> Vec<u32> {
            let both = |trial: &&Trial| trial.cell.step == step && trial.cell.contestant == contestant;
            trials.iter().filter(both).map(|trial| trial.block).collect()
        };
        assert_eq!(of(Step::Capacity, "slow"), [0, 1, 2, 3, 4, 5]);
        assert_eq!(of(Step::Connect, "fast"), [0, 1, 2]);
        assert_eq!(of(Step::Latency, "slow"), [0, 1, 2]);
        let durations = |step: Step| {
            trials.iter().find(|trial| trial.cell.step == step).map(|trial| trial.cell.load.duration_ms)
        };
        assert_eq!(
            (durations(Step::Capacity), durations(Step::Latency)),
            (Some(100), Some(two().duration_ms))
        );
        // The two contestants of a round are measured one after the other, so that a ratio is taken within moments.
        assert!(
            trials
                .chunks(2)
                .all(|pair| pair[0].cell.step == pair[1].cell.step && pair[0].block == pair[1].block)
        );
    }

    #[test]
    fn the_common_rate_is_half_of_the_slowest() {
        let mut progress = Silent;
        let natures = [
            ("slow".to_string(), Nature { capacity_per_s: 2_222.0, ..Nature::default() }),
            ("fast".to_string(), Nature::default()),
        ];
        let rig = Mock { natures: natures.into(), ..Mock::default() };
        let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut campaign, &two(), ROUNDS, None).unwrap();
        let records = campaign.records();
        assert_eq!(records.len(), 2 + 2 + 3 * 2 * (2 + 1 + 1));
        assert_eq!(records.len(), plan(&two(), ROUNDS, None).cells().count());
        let rates: Vec<f64> = records.iter().filter_map(|record| record.trial.cell.load.rate_per_s).collect();
        assert_eq!(rates, vec![1_100.0; 6]);
    }

    #[test]
    fn one_that_never_starts_does_not_set_the_rate() {
        let mut progress = Silent;
        let natures = [("slow".to_string(), Nature { starts: false, ..Nature::default() })];
        let rig = Mock { natures: natures.into(), ..Mock::default() };
        let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut campaign, &two(), ROUNDS, None).unwrap();
        let rate = campaign.records().iter().find_map(|record| record.trial.cell.load.rate_per_s);
        assert_eq!(rate, Some(5_000.0));
    }
}
