//! `dyno explain`: two contestants and the unit costs of what they do, in turns.
//!
//! ```text
//! block 1   in random order, for each of the two:
//!             capacity   closed loop, lasting connections
//!             connect    closed loop, a connection per request
//!           and then each unit cost, once
//! block 2   ... in another order, and so on; every fourth block the same cells under the kernel's counters as well
//! ```
//!
//! A machine whose speed changes (clock, neighbours on the same host) then changes costs and prices alike.

use crate::experiment::compare::{CAPACITY, CONNECT, COUNTS};
use crate::experiment::pilot::PILOT;
use crate::experiment::setup::Setup;
use crate::explanation::{Explanation, explain};
use crate::limits::{BOOTSTRAP_RESAMPLES, CONNECT_CONNECTIONS, PACE_SLOWED};
use crate::plan;
use crate::record::cell::{Cell, Trial};
use crate::record::measured::Record;
use crate::rig::Rig;
use crate::session::{Session, Stop};
use crate::statistics::sample::{median, quantile_of_sorted, sorted};
use crate::unit_costs::{Cost, Unit};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One block in how many is counted too: counts change little from cell to cell, so a few are enough.
const COUNTED_EVERY: u32 = 4;

/// Resampling the blocks takes an explanation each time, so it is done less often than where a median is all.
const RESAMPLES: usize = BOOTSTRAP_RESAMPLES / 10;

/// Something that was measured, and how fast the machine was.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// It.
    pub what: T,
    /// The gauge's readings before and after it; absent where nobody looked, or where it does not matter.
    pub pace_ns: Option<[f64; 2]>,
}

/// What was seen in one block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The cells.
    pub cells: Vec<Seen<Record>>,
    /// Unit costs by name; one that could not be measured is missing.
    pub costs: Vec<Seen<(&'static str, Cost)>>,
}

/// An explanation, and how far noise moves it.
#[derive(Debug)]
pub struct Finding {
    /// From the medians of all blocks.
    pub explanation: Explanation,
    /// The 90 % interval of the difference, in nanoseconds; absent with one block.
    pub difference_ns: Option<[f64; 2]>,
    /// The 90 % interval of the unexplained share; absent with one block.
    pub unexplained_share: Option<[f64; 2]>,
}

/// The cells of a block.
pub fn trials(setup: &Setup, block: u32) -> Vec<Trial> {
    let lasting = |step| setup.contestants.iter().map(move |one| setup.cell(step, one));
    let each = |step: &'static str| {
        lasting(step).zip(&setup.contestants).map(|(mut cell, contestant): (Cell, _)| {
            cell.load.connections = setup.connections.min(CONNECT_CONNECTIONS);
            cell.workers = contestant.workers(cell.load.connections);
            cell.load.requests_per_connection = Some(1);
            cell
        })
    };
    let mut cells: Vec<Cell> = lasting(CAPACITY).chain(each(CONNECT)).collect();
    if block.is_multiple_of(COUNTED_EVERY) {
        cells.extend(lasting(PILOT).chain(each(COUNTS)));
    }
    plan::blocks(&cells, block, 1, setup.seed)
}

/// How the world is asked.
pub struct Probes<'a> {
    /// Measures a unit cost; one that cannot be had is left out.
    pub price: &'a mut dyn FnMut(&Unit) -> Option<Cost>,
    /// Tells how long the same piece of work takes now, in nanoseconds.
    pub pace_ns: &'a mut dyn FnMut() -> Option<f64>,
}

/// Runs all blocks.
///
/// # Errors
/// When the user interrupts.
pub fn run<R: Rig>(
    session: &mut Session<R>,
    setup: &Setup,
    units: &[Unit],
    probes: &mut Probes,
) -> Result<Vec<Block>, Stop> {
    let planned: Vec<Cell> =
        (0..setup.blocks).flat_map(|block| trials(setup, block)).map(|trial| trial.cell).collect();
    session.expect(&planned, 1);
    let mut blocks = Vec::new();
    for number in 0..setup.blocks {
        let mut block = Block::default();
        let mut before = (probes.pace_ns)();
        let mut pace = |probes: &mut Probes| {
            let after = (probes.pace_ns)();
            let both = before.zip(after).map(|(before, after)| [before, after]);
            before = after;
            both
        };
        for trial in trials(setup, number) {
            let what = session.measure(&trial)?.clone();
            // A count is the same on a slow machine.
            let pace_ns = pace(probes).filter(|_| !what.trial.cell.is_counted());
            block.cells.push(Seen { what, pace_ns });
        }
        for unit in units {
            let found = (probes.price)(unit);
            let pace_ns = pace(probes);
            block.costs.extend(found.map(|cost| Seen { what: (unit.name, cost), pace_ns }));
        }
        blocks.push(block);
    }
    Ok(blocks)
}

/// Leaves out what was measured while the machine was slower or faster than usual: a neighbour's work is no reason.
///
/// # Returns
/// How many measurements were left out, and of how many.
pub fn keep_usual(blocks: &mut [Block]) -> (usize, usize) {
    let count = |blocks: &[Block]| blocks.iter().map(|block| block.cells.len() + block.costs.len()).sum();
    let all = count(blocks);
    let of_cells = blocks.iter().flat_map(|block| &block.cells).map(|seen| seen.pace_ns);
    let of_costs = blocks.iter().flat_map(|block| &block.costs).map(|seen| seen.pace_ns);
    let paces: Vec<f64> = of_cells.chain(of_costs).flatten().flatten().collect();
    let (least, most) = usual(&sorted(&paces));
    let is_usual = |pace_ns: Option<[f64; 2]>| {
        pace_ns.is_none_or(|both| both.iter().all(|one| (least..=most).contains(one)))
    };
    for block in &mut *blocks {
        block.cells.retain(|seen| is_usual(seen.pace_ns));
        block.costs.retain(|seen| is_usual(seen.pace_ns));
    }
    (all - count(blocks), all)
}

/// Where most readings of the gauge lie close together: a machine with neighbours has two paces, and a median may lie between them.
fn usual(paces: &[f64]) -> (f64, f64) {
    let within =
        |least: f64| paces.iter().filter(|pace| (least..=least * PACE_SLOWED).contains(pace)).count();
    let least = paces.iter().copied().max_by_key(|least| within(*least)).unwrap_or(0.0);
    (least, least * PACE_SLOWED)
}

/// The median cost of a unit over these blocks.
pub fn cost(blocks: &[&Block], unit: &Unit) -> Option<Cost> {
    let found: Vec<Cost> = blocks
        .iter()
        .flat_map(|block| &block.costs)
        .filter(|seen| seen.what.0 == unit.name)
        .map(|seen| seen.what.1)
        .collect();
    let of = |read: fn(&Cost) -> f64| median(&found.iter().map(read).collect::<Vec<_>>());
    (!found.is_empty()).then(|| Cost {
        ns: of(|cost| cost.ns),
        switches: of(|cost| cost.switches),
        faults: of(|cost| cost.faults),
    })
}

/// What the blocks say of the difference between these two. The seed makes the intervals repeatable.
pub fn findings(blocks: &[Block], names: [&str; 2], seed: u64) -> Vec<Finding> {
    let of = |blocks: &[&Block]| {
        let cells: Vec<&Record> =
            blocks.iter().flat_map(|block| &block.cells).map(|seen| &seen.what).collect();
        explain(&cells, names, &|unit| cost(blocks, unit))
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let resampled: Vec<Explanation> = (0..if blocks.len() > 1 { RESAMPLES } else { 0 })
        .flat_map(|_| {
            let drawn: Vec<&Block> =
                blocks.iter().map(|_| &blocks[random.random_range(0..blocks.len())]).collect();
            of(&drawn)
        })
        .collect();
    let interval = |step: &str, read: fn(&Explanation) -> f64| {
        let values: Vec<f64> = resampled.iter().filter(|one| one.step == step).map(read).collect();
        let values = sorted(&values);
        (!values.is_empty()).then(|| [0.05, 0.95].map(|end| quantile_of_sorted(&values, end)))
    };
    of(&blocks.iter().collect::<Vec<_>>())
        .into_iter()
        .map(|explanation| Finding {
            difference_ns: interval(explanation.step, Explanation::difference_ns),
            unexplained_share: interval(explanation.step, Explanation::unexplained_share),
            explanation,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::foreign::bare;
    use crate::experiment::setup::tests::setup;
    use crate::rig::mock::Mock;
    use crate::session::Silent;
    use crate::unit_costs::{CALL, ROUSE};

    fn measured(paces: &[f64]) -> Vec<Block> {
        let setup = Setup { blocks: 5, ..setup(["x", "y"].map(|name| bare(name, vec![name.into()])).into()) };
        let mut progress = Silent;
        let mut session = Session::new(Mock::default(), None, Vec::new(), "m", &mut progress);
        let mut paces = paces.iter().copied().cycle();
        let mut prices = (1..).map(f64::from);
        let mut price = |unit: &Unit| {
            let ns = prices.next()?;
            (unit.name == CALL.name).then_some(Cost { ns, switches: 0.0, faults: 0.0 })
        };
        let mut probes = Probes { price: &mut price, pace_ns: &mut || paces.next() };
        run(&mut session, &setup, &[CALL, ROUSE], &mut probes).unwrap_or_else(|_| panic!("the mock measures"))
    }

    #[test]
    fn a_block_holds_both_loads_of_both_and_each_price_that_is_to_be_had() {
        let blocks = measured(&[100.0]);
        let cells: Vec<usize> = blocks.iter().map(|block| block.cells.len()).collect();
        assert_eq!(cells, [8, 4, 4, 4, 8], "every fourth is counted as well");
        assert!(blocks.iter().all(|block| block.costs.len() == 1));
        // Each block asks for two prices, and gets the first: 1, 3, 5, 7 and 9.
        let all: Vec<&Block> = blocks.iter().collect();
        assert_eq!(cost(&all, &CALL).map(|cost| cost.ns), Some(5.0));
        assert_eq!(cost(&all, &ROUSE), None);
    }

    #[test]
    fn what_was_measured_at_another_pace_is_left_out_but_counts_stay() {
        let mut blocks = measured(&[100.0]);
        let pace = |one, other| Some([one, other]);
        blocks[0].cells.iter_mut().for_each(|seen| {
            seen.pace_ns = if seen.what.trial.cell.is_counted() { None } else { pace(100.0, 150.0) };
        });
        blocks[1].costs[0].pace_ns = pace(80.0, 100.0);
        blocks[2].costs[0].pace_ns = pace(100.0, 115.0);
        let (left_out, all) = keep_usual(&mut blocks);
        assert_eq!((left_out, all), (5, 33));
        assert_eq!(blocks[0].cells.len(), 4);
        assert!(blocks[0].cells.iter().all(|seen| seen.what.trial.cell.is_counted()));
        assert_eq!((blocks[1].costs.len(), blocks[2].costs.len()), (0, 1));
    }

    #[test]
    fn of_two_paces_the_more_frequent_is_the_usual_one() {
        assert_eq!(usual(&[92.0, 93.0, 94.0, 128.0, 129.0]).0, 92.0);
        assert_eq!(usual(&[92.0, 93.0, 126.0, 128.0, 129.0]).0, 126.0);
        assert_eq!(usual(&[]).0, 0.0);
    }

    #[test]
    fn intervals_hold_the_figure_and_one_block_has_none() {
        let blocks = measured(&[100.0]);
        for finding in findings(&blocks, ["x", "y"], 7) {
            let [low, high] = finding.difference_ns.unwrap();
            assert!((low..=high).contains(&finding.explanation.difference_ns()), "{finding:?}");
        }
        let found = findings(&blocks[..1], ["x", "y"], 7);
        assert!(!found.is_empty() && found.iter().all(|finding| finding.unexplained_share.is_none()));
    }
}
