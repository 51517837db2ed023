//! In which order cells are measured.
//!
//! A block runs each cell once, in an order of its own. What the machine does slowly (heat, neighbours on the same host)
//! then falls on all cells of a block alike, and ratios within a block do not see it.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::record::cell::{Cell, Trial};

/// All trials of `blocks` blocks, from number `first` on. The order follows from the seed and the number of the block
/// alone, so that a resumed experiment continues the same one.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::cell::{Cores, Load};

    pub fn cells(names: &[&str]) -> Vec<Cell> {
        names
            .iter()
            .map(|name| Cell {
                step: "capacity".into(),
                contestant: (*name).to_string(),
                service: "/".into(),
                transport: "plain".into(),
                cores: Cores::default(),
                workers: None,
                load: Load {
                    connections: 4,
                    idle_connections: 0,
                    rate_per_s: None,
                    steps: Vec::new(),
                    requests_per_connection: None,
                    warm_up_ms: 100,
                    duration_ms: 400,
                },
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
