//! What all experiments have in common.

use dyno_record::step::Step;
use std::collections::BTreeMap;

use crate::contestant::Contestant;
use crate::place::Placement;
use dyno_record::cell::{Cell, Cores, Load};

/// What all experiments have in common.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The contestants.
    pub contestants: Vec<Contestant>,
    /// Path of the service.
    pub service: String,
    /// Cores of both sides.
    pub cores: Cores,
    /// How cores are placed where the user names none; then steps may have others than these.
    pub placement: Option<Placement>,
    /// Lasting connections, for contestants that serve so many.
    pub connections: u32,
    /// Blocks.
    pub blocks: u32,
    /// Longest time left out at the start of a cell.
    pub warm_up_ms: u64,
    /// Whether it is always that long, whether the contestant is steady or not.
    pub warm_up_fixed: bool,
    /// The warm-ups that the pilot has found, by label.
    pub warm_ups_ms: BTreeMap<String, u64>,
    /// Time measured in a cell.
    pub duration_ms: u64,
    /// Seed of the order.
    pub seed: u64,
}

impl Setup {
    /// A cell for one contestant, closed loop with lasting connections unless changed.
    pub fn cell(&self, step: Step, contestant: &Contestant) -> Cell {
        let connections = contestant.connections(self.connections);
        Cell {
            step,
            contestant: contestant.label.clone(),
            service: contestant.path.as_ref().unwrap_or(&self.service).clone(),
            transport: contestant.transport,
            cores: self.cores.clone(),
            workers: contestant.workers(connections),
            load: Load::closed(connections, self.warm_up_of_ms(&contestant.label), self.duration_ms),
        }
    }

    /// How long a contestant is loaded before it is measured: as long as the pilot has found, and before the pilot
    /// the limit.
    pub fn warm_up_of_ms(&self, label: &str) -> u64 {
        self.warm_ups_ms.get(label).copied().unwrap_or(self.warm_up_ms)
    }
}

/// Rounds down to two significant digits, so that a rate looks like one that a person chose.
pub fn round_rate(rate: f64) -> f64 {
    let scale = 10f64.powf(rate.max(1.0).log10().floor() - 1.0);
    ((rate / scale).floor() * scale).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_a_path_of_its_own_is_asked_for_that() {
        let of = |path: Option<&str>| Contestant {
            path: path.map(String::from),
            ..crate::contestant::foreign::bare("x", vec!["x".into()])
        };
        let setup = crate::rig::mock::setup(vec![of(None), of(Some("/api"))]);
        let asked = |contestant| setup.cell(Step::Capacity, contestant).service;
        assert_eq!(asked(&setup.contestants[0]), setup.service);
        assert_eq!(asked(&setup.contestants[1]), "/api");
    }

    #[test]
    fn rates_become_round() {
        assert_eq!(round_rate(12_345.0), 12_000.0);
        assert_eq!(round_rate(987.0), 980.0);
        assert_eq!(round_rate(0.3), 1.0);
    }
}
