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
use dyno_record::cell::{Cell, Cores, Trial};
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
    let mut by_need = ByNeed::new(setup);
    for mut trial in pilot::settle(campaign, setup, plan, common_per_s)? {
        by_need.place(&mut trial.cell, campaign.records());
        campaign.measure(&trial)?;
    }
    Ok(())
}

/// Gives the cells of each step cores by what the cells before them have shown: the pilot for lasting connections, the
/// counted cells for those with a connection each. All contestants of a step have the same cores.
struct ByNeed<'a> {
    setup: &'a Setup,
    found: BTreeMap<Step, Option<Cores>>,
}

impl<'a> ByNeed<'a> {
    fn new(setup: &'a Setup) -> Self {
        ByNeed { setup, found: BTreeMap::new() }
    }

    fn place(&mut self, cell: &mut Cell, records: &[Record]) {
        let shown_by = match cell.step {
            Step::Capacity | Step::Latency => Step::Pilot,
            Step::Connect => Step::Counts,
            _ => return,
        };
        let placement = self.setup.placement.as_ref();
        let found =
            self.found.entry(shown_by).or_insert_with(|| placement?.by_need(need(records, shown_by)?));
        if let Some(cores) = found {
            cell.cores = cores.clone();
        }
    }
}

/// What a request costs the generator, as a multiple of what it costs the server: the most of all contestants, so that
/// the generator is the bottleneck of none.
fn need(records: &[Record], step: Step) -> Option<f64> {
    needed(records.iter().filter(|record| record.trial.cell.step == step))
}

/// The same of some records.
pub(super) fn needed<'a>(records: impl Iterator<Item = &'a Record>) -> Option<f64> {
    let one = |record: &Record| {
        let (load, server) = (record.counted()?, record.server.as_ref()?);
        let generator = load.generator_busy_share? * record.trial.cell.cores.generator.len() as f64;
        (server.cores_used > 0.0).then_some(generator / server.cores_used)
    };
    records.filter_map(one).reduce(f64::max)
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
    use crate::place::Placement;
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
    fn cores_are_split_by_need_from_four_on() {
        let cores_of = |cpus: &[usize], user: Option<Cores>| {
            let mut progress = Silent;
            // The generator is half busy on its cores, the server uses one: each server core takes twice as many.
            let mut campaign = Campaign::new(Mock::default(), None, Vec::new(), "m", &mut progress);
            let placement = Placement::flat(cpus);
            let cores = user.clone().unwrap_or_else(|| placement.halves());
            let placement = user.is_none().then_some(placement);
            run(&mut campaign, &Setup { cores, placement, ..two() }, ROUNDS, None).unwrap();
            let steps = [Step::Pilot, Step::Counts, Step::Capacity, Step::Latency, Step::Connect];
            steps.map(|step| {
                let cells = campaign.records().iter().map(|record| &record.trial.cell);
                let mut sizes: Vec<(usize, usize)> = cells
                    .filter(|cell| cell.step == step)
                    .map(|cell| (cell.cores.server.len(), cell.cores.generator.len()))
                    .collect();
                sizes.dedup();
                sizes
            })
        };
        assert_eq!(cores_of(&[0, 1], None), [(); 5].map(|()| vec![(1, 1)]));
        assert_eq!(cores_of(&[0, 1, 2], None), [(); 5].map(|()| vec![(1, 2)]));
        let [pilot, counts, measured @ ..] = cores_of(&[0, 1, 2, 3, 4, 5, 6, 7], None);
        assert_eq!([pilot, counts], [(); 2].map(|()| vec![(4, 4)]));
        let [capacity, latency, connect] = measured.each_ref().map(|sizes| sizes[0]);
        assert_eq!((capacity, capacity), (latency, connect));
        assert!(measured.iter().all(|sizes| sizes.len() == 1), "all contestants alike: {measured:?}");
        assert_eq!(capacity, (2, 6));
        // What the user names stays.
        let user = Cores { server: vec![0], generator: vec![1, 2, 3] };
        assert_eq!(cores_of(&[0, 1, 2, 3], Some(user)), [(); 5].map(|()| vec![(1, 3)]));
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
