//! The order in which cells are measured.
//!
//! A block runs each cell once, in a random order of its own. Slow changes of the machine (heat, neighbours on the
//! same host) then fall on all cells of a block alike, and ratios within a block do not contain them.
//!
//! An experiment is planned in two stages. The first is a pilot with every contestant. The second is the order of all
//! trials that follow. This order is fixed before the pilot runs, so that it can be shown and its length be computed;
//! what the pilot finds (the warm-ups, and the common rate where there is one) is filled in afterwards.

use dyno_record::cell::{Cell, Trial};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::setup::Setup;

/// When the rate of a planned trial is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// At once: the cell contains it, or the cell is a closed loop.
    Planned,
    /// After the pilot: it is the rate that all contestants share.
    Common,
}

/// A trial as it is known before the pilot has run.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The trial, with the longest warm-up that the setup allows.
    pub trial: Trial,
    /// Whether its rate is still to be found.
    pub rate: Rate,
}

impl Planned {
    /// A trial whose rate is known already.
    pub fn known(trial: Trial) -> Self {
        Planned { trial, rate: Rate::Planned }
    }

    /// The load in words, for people.
    pub fn load_words(&self) -> String {
        let words = self.trial.cell.load.words();
        match self.rate {
            Rate::Planned => words,
            Rate::Common => words.replacen("closed", "open at the common rate", 1),
        }
    }

    /// The trial with the warm-up that the pilot has found, and at the common rate if it needs that.
    pub fn settle(mut self, settled: &Setup, common_per_s: Option<f64>) -> Trial {
        let cell = &mut self.trial.cell;
        // A warm-up beyond the limit of the setup, such as time to open ten thousand connections, is kept.
        let beyond_ms = cell.load.warm_up_ms - settled.warm_up_ms;
        cell.load.warm_up_ms = settled.warm_up_of_ms(&cell.contestant) + beyond_ms;
        if self.rate == Rate::Common {
            cell.load.rate_per_s = common_per_s;
        }
        self.trial
    }
}

/// All trials of an experiment, before anything is known.
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentPlan {
    /// The pilot, in the case that every contestant is soon steady.
    pub pilot: Vec<Trial>,
    /// The trials that follow, in their order.
    pub order: Vec<Planned>,
}

impl ExperimentPlan {
    /// A plan in which every rate is known.
    pub fn known(pilot: Vec<Trial>, order: Vec<Trial>) -> Self {
        ExperimentPlan { pilot, order: order.into_iter().map(Planned::known).collect() }
    }

    /// All trials, the pilot first.
    pub fn trials(&self) -> impl Iterator<Item = Planned> {
        self.pilot.iter().cloned().map(Planned::known).chain(self.order.iter().cloned())
    }

    /// The cells of all trials.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.pilot.iter().chain(self.order.iter().map(|planned| &planned.trial)).map(|trial| &trial.cell)
    }

    /// The trials after the pilot, now that it is over.
    pub fn settle(self, settled: &Setup, common_per_s: Option<f64>) -> Vec<Trial> {
        self.order.into_iter().map(|planned| planned.settle(settled, common_per_s)).collect()
    }
}

/// All trials of `blocks` blocks, from number `first` on. The order depends only on the seed and the number of the
/// block, so a resumed experiment continues in the same order.
pub fn blocks(cells: &[Cell], first: u32, blocks: u32, seed: u64) -> Vec<Trial> {
    (first..first + blocks)
        .flat_map(|block| {
            let mut order: Vec<Trial> =
                cells.iter().map(|cell| Trial { cell: cell.clone(), block }).collect();
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(u64::from(block) + 1);
            order.shuffle(&mut random);
            order
        })
        .collect()
}

/// Puts the parts of a block into a random order, which depends only on the seed and the number of the block.
pub(crate) fn shuffle<T>(parts: &mut [T], block: u32, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // The blocks of cells have the streams from 1 on, and those of void cells the last ones.
    random.set_stream(u64::MAX / 2 - u64::from(block));
    parts.shuffle(&mut random);
}

#[cfg(test)]
mod tests {
    use dyno_record::cell::{Cores, Load};
    use dyno_record::step::Step;
    use dyno_record::transport::TransportKind;

    use super::*;

    fn cells(names: &[&str]) -> Vec<Cell> {
        names
            .iter()
            .map(|name| Cell {
                step: Step::Capacity,
                contestant: (*name).to_string(),
                service: "/".into(),
                transport: TransportKind::Plain,
                cores: Cores::default(),
                workers: None,
                load: Load::closed(4, 100, 400),
            })
            .collect()
    }

    #[test]
    fn each_block_runs_each_cell_once_in_an_order_of_its_own() {
        let cells = cells(&["a", "b", "c", "d", "e", "f"]);
        let trials = blocks(&cells, 0, 20, 7);
        let mut orders = Vec::new();
        for block in trials.chunks(6) {
            let mut names: Vec<&str> = block.iter().map(|trial| trial.cell.contestant.as_str()).collect();
            orders.push(names.join(""));
            names.sort_unstable();
            assert_eq!(names.join(""), "abcdef");
            assert!(block.iter().all(|trial| trial.block == block[0].block));
        }
        orders.sort_unstable();
        orders.dedup();
        assert!(orders.len() > 15, "orders repeat: {orders:?}");
    }

    #[test]
    fn the_seed_decides_and_a_later_start_continues_the_same_order() {
        let cells = cells(&["a", "b", "c", "d"]);
        assert_eq!(blocks(&cells, 0, 3, 7), blocks(&cells, 0, 3, 7));
        assert_ne!(blocks(&cells, 0, 3, 7), blocks(&cells, 0, 3, 8));
        assert_eq!(blocks(&cells, 0, 3, 7)[8..], blocks(&cells, 2, 1, 7)[..]);
    }
}
