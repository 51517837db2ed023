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
//! If the speed of the machine changes (clock, neighbours on the same host), costs and prices then change alike.

use crate::campaign::{Campaign, EndedEarly};
use crate::limits::CONNECT_CONNECTIONS;
use crate::order;
use crate::rig::Rig;
use crate::setup::Setup;
use dyno_analysis::explanation::blocks::{Block, Seen};
use dyno_analysis::unit::{Cost, Unit};
use dyno_record::cell::{Cell, Trial};
use dyno_record::step::Step;

/// Of so many blocks one is also counted: counts change little from cell to cell, so a few blocks are enough.
const COUNTED_EVERY: u32 = 4;

/// The cells of a block.
pub fn trials(setup: &Setup, block: u32) -> Vec<Trial> {
    let lasting = |step| setup.contestants.iter().map(move |one| setup.cell(step, one));
    let each = |step: Step| {
        lasting(step).zip(&setup.contestants).map(|(mut cell, contestant): (Cell, _)| {
            cell.load.connections = setup.connections.min(CONNECT_CONNECTIONS);
            cell.workers = contestant.workers(cell.load.connections);
            cell.load.requests_per_connection = Some(1);
            cell
        })
    };
    let mut cells: Vec<Cell> = lasting(Step::Capacity).chain(each(Step::Connect)).collect();
    if block.is_multiple_of(COUNTED_EVERY) {
        cells.extend(lasting(Step::Pilot).chain(each(Step::Counts)));
    }
    order::blocks(&cells, block, 1, setup.seed)
}

/// How the experiment measures the machine.
pub struct Probes<'a> {
    /// Measures a unit cost; `None` when it cannot be measured.
    pub price: &'a mut dyn FnMut(Unit) -> Option<Cost>,
    /// Measures how long the same piece of work takes now, in nanoseconds.
    pub pace_ns: &'a mut dyn FnMut() -> Option<f64>,
}

/// Runs all blocks.
///
/// # Errors
/// When the user interrupts.
pub fn run<R: Rig>(
    campaign: &mut Campaign<R>,
    setup: &Setup,
    units: &[Unit],
    probes: &mut Probes,
) -> Result<Vec<Block>, EndedEarly> {
    let planned: Vec<Cell> =
        (0..setup.blocks).flat_map(|block| trials(setup, block)).map(|trial| trial.cell).collect();
    campaign.expect(&planned);
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
            let what = campaign.measure(&trial)?.clone();
            // A count does not depend on the speed of the machine.
            let pace_ns = pace(probes).filter(|_| !what.trial.cell.step.is_counted());
            block.cells.push(Seen { what, pace_ns });
        }
        for &unit in units {
            let found = (probes.price)(unit);
            let pace_ns = pace(probes);
            block.costs.extend(found.map(|cost| Seen { what: (unit, cost), pace_ns }));
        }
        blocks.push(block);
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::Mock;
    use crate::rig::mock::setup;
    use dyno_analysis::explanation::Side;
    use dyno_analysis::explanation::blocks::{cost, findings, keep_usual};
    use dyno_analysis::explanation::build::Build;

    fn sides() -> [Side<'static>; 2] {
        ["x", "y"].map(|name| Side { name, build: Build::UNKNOWN })
    }

    fn measured(paces: &[f64]) -> Vec<Block> {
        let setup = Setup { blocks: 5, ..setup(["x", "y"].map(|name| bare(name, vec![name.into()])).into()) };
        let mut progress = Silent;
        let mut campaign = Campaign::new(Mock::default(), None, Vec::new(), "m", &mut progress);
        let mut paces = paces.iter().copied().cycle();
        let mut prices = (1..).map(f64::from);
        let mut price = |unit: Unit| {
            let ns = prices.next()?;
            (unit == Unit::SystemCall).then_some(Cost { ns, switches: 0.0, faults: 0.0 })
        };
        let mut probes = Probes { price: &mut price, pace_ns: &mut || paces.next() };
        run(&mut campaign, &setup, &[Unit::SystemCall, Unit::WakeClient], &mut probes)
            .unwrap_or_else(|_| panic!("the mock measures"))
    }

    #[test]
    fn a_block_holds_both_loads_of_both_and_each_price_that_is_to_be_had() {
        let blocks = measured(&[100.0]);
        let cells: Vec<usize> = blocks.iter().map(|block| block.cells.len()).collect();
        assert_eq!(cells, [8, 4, 4, 4, 8], "every fourth is counted as well");
        assert!(blocks.iter().all(|block| block.costs.len() == 1));
        // Each block asks for two prices, and gets the first of them: 1, 3, 5, 7 and 9.
        let all: Vec<&Block> = blocks.iter().collect();
        assert_eq!(cost(&all, Unit::SystemCall).map(|cost| cost.ns), Some(5.0));
        assert_eq!(cost(&all, Unit::WakeClient), None);
    }

    #[test]
    fn what_was_measured_at_another_pace_is_left_out_but_counts_stay() {
        let mut blocks = measured(&[100.0]);
        let pace = |one, other| Some([one, other]);
        blocks[0].cells.iter_mut().for_each(|seen| {
            seen.pace_ns = if seen.what.trial.cell.step.is_counted() { None } else { pace(100.0, 150.0) };
        });
        blocks[1].costs[0].pace_ns = pace(80.0, 100.0);
        blocks[2].costs[0].pace_ns = pace(100.0, 115.0);
        let (left_out, all) = keep_usual(&mut blocks);
        assert_eq!((left_out, all), (5, 33));
        assert_eq!(blocks[0].cells.len(), 4);
        assert!(blocks[0].cells.iter().all(|seen| seen.what.trial.cell.step.is_counted()));
        assert_eq!((blocks[1].costs.len(), blocks[2].costs.len()), (0, 1));
    }

    #[test]
    fn intervals_hold_the_figure_and_one_block_has_none() {
        let blocks = measured(&[100.0]);
        for finding in findings(&blocks, sides(), 7) {
            let [low, high] = finding.difference_ns.unwrap();
            assert!((low..=high).contains(&finding.explanation.difference_ns()), "{finding:?}");
        }
        let found = findings(&blocks[..1], sides(), 7);
        assert!(!found.is_empty() && found.iter().all(|finding| finding.unexplained_share.is_none()));
    }
}
