//! What the blocks of an explanation say: the usual cost of each unit, and how far noise moves what they explain.

use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_statistics::limits::BOOTSTRAP_RESAMPLES;
use dyno_statistics::sample::{median, quantile_of_sorted, sorted};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::explanation::{Explanation, Side, explain};
use crate::limits::PACE_SLOWED;
use crate::unit::{Cost, Unit};

/// Resampling the blocks takes an explanation each time, so it is done less often than where a median is all.
const RESAMPLES: usize = BOOTSTRAP_RESAMPLES / 10;

/// Something that was measured, and how fast the machine was.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// The measurement.
    pub what: T,
    /// The gauge's readings before and after it; absent where nobody looked, or where it does not matter.
    pub pace_ns: Option<[f64; 2]>,
}

/// What was seen in one block.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// The cells.
    pub cells: Vec<Seen<Record>>,
    /// Unit costs; one that could not be measured is missing.
    pub costs: Vec<Seen<(Unit, Cost)>>,
}

/// An explanation, and how far noise moves it.
#[derive(Debug)]
pub struct Explained {
    /// From the medians of all blocks.
    pub explanation: Explanation,
    /// The 90 % interval of the difference, in nanoseconds; absent with one block.
    pub difference_ns: Option<[f64; 2]>,
    /// The 90 % interval of the unexplained share; absent with one block.
    pub unexplained_share: Option<[f64; 2]>,
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

/// Where most readings of the gauge lie close together: a machine with neighbours has two paces, and a median may lie
/// between them.
fn usual(paces: &[f64]) -> (f64, f64) {
    let within =
        |least: f64| paces.iter().filter(|pace| (least..=least * PACE_SLOWED).contains(pace)).count();
    let least = paces.iter().copied().max_by_key(|least| within(*least)).unwrap_or(0.0);
    (least, least * PACE_SLOWED)
}

/// The median cost of a unit over these blocks.
pub fn cost(blocks: &[&Block], unit: Unit) -> Option<Cost> {
    let found: Vec<Cost> = blocks
        .iter()
        .flat_map(|block| &block.costs)
        .filter(|seen| seen.what.0 == unit)
        .map(|seen| seen.what.1)
        .collect();
    let of = |read: fn(&Cost) -> f64| median(&found.iter().map(read).collect::<Vec<_>>());
    Some(Cost {
        ns: of(|cost| cost.ns)?,
        switches: of(|cost| cost.switches)?,
        faults: of(|cost| cost.faults)?,
    })
}

/// What the blocks say of the difference between these two. The seed makes the intervals repeatable.
pub fn findings(blocks: &[Block], sides: [Side; 2], seed: u64) -> Vec<Explained> {
    let of = |blocks: &[&Block]| {
        let cells: Vec<&Record> =
            blocks.iter().flat_map(|block| &block.cells).map(|seen| &seen.what).collect();
        explain(&cells, sides, &|unit| cost(blocks, unit))
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let resampled: Vec<Explanation> = (0..if blocks.len() > 1 { RESAMPLES } else { 0 })
        .flat_map(|_| {
            let drawn: Vec<&Block> =
                blocks.iter().map(|_| &blocks[random.random_range(0..blocks.len())]).collect();
            of(&drawn)
        })
        .collect();
    let interval = |step: Step, read: fn(&Explanation) -> f64| {
        let values: Vec<f64> = resampled.iter().filter(|one| one.step == step).map(read).collect();
        let values = sorted(&values);
        Some([quantile_of_sorted(&values, 0.05)?, quantile_of_sorted(&values, 0.95)?])
    };
    of(&blocks.iter().collect::<Vec<_>>())
        .into_iter()
        .map(|explanation| Explained {
            difference_ns: interval(explanation.step, Explanation::difference_ns),
            unexplained_share: interval(explanation.step, Explanation::unexplained_share),
            explanation,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::usual;

    #[test]
    fn of_two_paces_the_more_frequent_is_the_usual_one() {
        assert_eq!(usual(&[92.0, 93.0, 94.0, 128.0, 129.0]).0, 92.0);
        assert_eq!(usual(&[92.0, 93.0, 126.0, 128.0, 129.0]).0, 126.0);
        assert_eq!(usual(&[]).0, 0.0);
    }
}
