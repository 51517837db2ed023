//! `dyno connections`: what a connection costs, from 10 of them to 10,000.
//!
//! Connections are held in two ways: all of them carry a trickle of requests, or ten carry it and the others are idle
//! (Banga and Druschel, "Measuring the capacity of a Web server under realistic loads", World Wide Web 2 (1999): on a
//! wide network most connections are idle, and a server may pay for them all the same). The rate is the same for
//! every number of connections, so differences show what it costs to hold them. A cell that cannot hold its
//! connections is void, and its reason names the limit; a cell that the machine disturbed shows no limit.

use dyno_record::step::Step;
use std::collections::BTreeSet;

use crate::campaign::{Campaign, EndedEarly};
use crate::experiment::pilot;
use crate::limits::{ACTIVE_CONNECTIONS, CONNECTIONS_RATE_PER_S, WARM_UP_PER_CONNECTION_US, WORKERS_LIMIT};
use crate::order::{self, ExperimentPlan};
use crate::rig::Rig;
use crate::setup::Setup;
use dyno_record::cell::Cell;

/// Numbers of connections that are tried, unless others are asked for.
pub const COUNTS: [u32; 7] = [10, 30, 100, 300, 1_000, 3_000, 10_000];

/// Two cells for each contestant and number of connections: all active, and mostly idle.
pub fn cells(setup: &Setup, counts: &[u32]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for contestant in &setup.contestants {
        for count in counts {
            let mut cell = setup.cell(Step::Connections, contestant);
            cell.load.connections = contestant.connections(*count);
            cell.load.rate_per_s = Some(CONNECTIONS_RATE_PER_S);
            cell.load.warm_up_ms += u64::from(cell.load.connections) * WARM_UP_PER_CONNECTION_US / 1000;
            cell.workers = contestant.workers(*count).map(|workers| workers.min(WORKERS_LIMIT));
            // A contestant that serves a single connection has the same cell for every number, and holds no idle
            // connection.
            let mut idle = Cell { step: Step::ConnectionsIdle, ..cell.clone() };
            idle.load.connections = cell.load.connections.min(ACTIVE_CONNECTIONS);
            idle.load.idle_connections = cell.load.connections - idle.load.connections;
            if !cells.contains(&cell) {
                cells.push(cell);
            }
            if idle.load.idle_connections > 0 {
                cells.push(idle);
            }
        }
    }
    cells
}

/// The plan of the experiment.
pub fn plan(setup: &Setup, counts: &[u32]) -> ExperimentPlan {
    ExperimentPlan::known(
        pilot::trials(setup),
        order::blocks(&cells(setup, counts), 0, setup.blocks, setup.seed),
    )
}

/// Runs the experiment. A contestant that reached its limit in an earlier block is not measured again with that
/// number of connections or more, because each attempt may take the full time limit.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup, counts: &[u32]) -> Result<(), EndedEarly> {
    let trials = pilot::settle(campaign, setup, plan(setup, counts), |_| None)?;
    let mut walls: BTreeSet<(String, Step, u32)> = BTreeSet::new();
    for trial in trials {
        let cell = &trial.cell;
        let (contestant, step) = (cell.contestant.clone(), cell.step);
        let count = cell.load.connections + cell.load.idle_connections;
        if walls.iter().any(|(who, how, wall)| *who == contestant && *how == step && *wall <= count) {
            campaign.skip(&trial);
            continue;
        }
        if campaign.measure(&trial)?.audit.wall().is_some() {
            walls.insert((contestant, step, count));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::rig::mock::setup;
    use crate::rig::mock::{Mock, Nature};
    use dyno_units::verdict::Verdict;

    #[test]
    fn each_number_is_held_active_and_mostly_idle() {
        let cells = cells(&setup(vec![bare("x", vec!["x".into()])]), &[10, 1_000]);
        let loads: Vec<(Step, u32, u32)> =
            cells.iter().map(|cell| (cell.step, cell.load.connections, cell.load.idle_connections)).collect();
        assert_eq!(
            loads,
            [(Step::Connections, 10, 0), (Step::Connections, 1_000, 0), (Step::ConnectionsIdle, 10, 990)]
        );
    }

    #[test]
    fn nobody_is_sent_against_a_wall_twice() {
        let natures = [("x".to_string(), Nature { starts: false, ..Nature::default() })].into();
        let mut progress = Silent;
        let mut campaign =
            Campaign::new(Mock { natures, ..Mock::default() }, None, Vec::new(), "m", &mut progress);
        let setup = setup(vec![bare("x", vec!["x".into()])]);
        run(&mut campaign, &setup, &[1_000]).unwrap_or_else(|_| panic!("the mock measures"));
        assert_eq!(campaign.records().len(), 1 + 2, "a pilot, and each way once in three blocks");
    }

    #[test]
    fn a_busy_machine_is_no_wall() {
        let natures = [("x".to_string(), Nature { others: 1.0, ..Nature::default() })].into();
        let mut progress = Silent;
        let mut campaign =
            Campaign::new(Mock { natures, ..Mock::default() }, None, Vec::new(), "m", &mut progress);
        let setup = setup(vec![bare("x", vec!["x".into()])]);
        run(&mut campaign, &setup, &[100, 1_000]).unwrap_or_else(|_| panic!("the mock measures"));
        let void = campaign.records().iter().filter(|record| record.audit.verdict == Verdict::Void);
        assert!(void.count() > 6, "the machine spoils them");
        assert_eq!(campaign.records().len(), 1 + 4 * 3, "and each is tried in each block");
    }
}
