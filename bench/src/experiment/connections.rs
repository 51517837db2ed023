//! `dyno connections`: what a connection costs, from 10 of them to 10,000.
//!
//! All connections are open; a trickle of requests goes over them, so most are idle at any moment. The rate is the same for
//! every number of connections, so what changes is what holding them costs. A cell that cannot hold its connections is
//! void, and its reason is the wall.

use std::collections::BTreeSet;

use crate::experiment::setup::Setup;
use crate::limits::{CONNECTIONS_RATE_PER_S, WORKERS_LIMIT};
use crate::plan;
use crate::record::audit::Standing;
use crate::record::cell::{Cell, Trial};
use crate::rig::Rig;
use crate::session::{Session, Stop};

/// The only step of the experiment.
pub const CONNECTIONS: &str = "connections";

/// Numbers of connections that are tried, unless others are asked for.
pub const COUNTS: [u32; 7] = [10, 30, 100, 300, 1_000, 3_000, 10_000];

/// One cell for each contestant and number of connections.
pub fn cells(setup: &Setup, counts: &[u32]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for contestant in &setup.contestants {
        for count in counts {
            let mut cell = setup.cell(CONNECTIONS, contestant);
            cell.load.connections = contestant.connections(*count);
            cell.load.rate_per_s = Some(CONNECTIONS_RATE_PER_S);
            cell.workers = contestant.workers(*count).map(|workers| workers.min(WORKERS_LIMIT));
            // One that serves a single connection has the same cell for every count.
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
    }
    cells
}

/// The whole plan.
pub fn trials(setup: &Setup, counts: &[u32]) -> Vec<Trial> {
    plan::blocks(&cells(setup, counts), 0, setup.blocks, setup.seed)
}

/// Runs the experiment. A contestant that hit its wall in an earlier block is not sent against it, or beyond it, again:
/// each attempt may take its time limit.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(session: &mut Session<R>, setup: &Setup, counts: &[u32]) -> Result<(), Stop> {
    session.expect(&cells(setup, counts), setup.blocks);
    let mut walls: BTreeSet<(String, u32)> = BTreeSet::new();
    for trial in trials(setup, counts) {
        let (contestant, count) = (trial.cell.contestant.clone(), trial.cell.load.connections);
        if walls.iter().any(|(walled, wall)| *walled == contestant && *wall <= count) {
            continue;
        }
        if session.measure(&trial)?.audit.standing == Standing::Void {
            walls.insert((contestant, count));
        }
    }
    Ok(())
}
