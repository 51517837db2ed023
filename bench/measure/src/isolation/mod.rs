//! What a handler that fails costs everybody else: the blast radius of a fault, for each architecture.
//!
//! Each cell is a fresh server with four workers, where their number can be set, and 64 victims: some with requests
//! under way, some idle, some that connect after the fault. One further client, the culprit, sends the request with the
//! fault. What became of each victim is written down, and what became of the server is read from its processes.
//!
//! * `victim`: a client that is watched; `watch`: all of them, and the fault; `processes`: those of the server;
//! * `judge`: from what was written down to fates, without a clock and without a server;
//! * `cell`: one cell, from start to end.

mod cell;
mod judge;
mod processes;
mod victim;
mod watch;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use dyno_record::cell::{Cell, Load, Trial};
use dyno_record::isolation::PlantedFault;
use dyno_record::step::Step;

use crate::campaign::{Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::limits::{ISOLATION_WORKERS, VICTIMS};
use crate::order::{self, ExperimentPlan};
use crate::rig::system::System;
use crate::setup::Setup;

/// A cell for each contestant and fault.
pub fn cells(setup: &Setup, faults: &[PlantedFault]) -> Vec<Cell> {
    let one = |contestant: &Contestant, fault: PlantedFault| Cell {
        service: watch::RUNNING.path.to_string(),
        workers: contestant.has_workers.then_some(ISOLATION_WORKERS),
        load: Load::planted(fault, VICTIMS, setup.warm_up_ms, setup.duration_ms),
        ..setup.cell(Step::Isolation, contestant)
    };
    setup
        .contestants
        .iter()
        .flat_map(|contestant| faults.iter().map(move |fault| one(contestant, *fault)))
        .collect()
}

/// The plan of the experiment, fault by fault; there is no pilot.
pub fn plan(setup: &Setup, faults: &[PlantedFault]) -> ExperimentPlan {
    let mut cells = cells(setup, faults);
    cells.sort_by_key(|cell| cell.load.fault);
    let trial = |block| cells.iter().map(move |cell| Trial { cell: cell.clone(), block });
    ExperimentPlan::known(Vec::new(), (0..setup.blocks).flat_map(trial).collect())
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run(
    campaign: &mut Campaign<System>,
    setup: &Setup,
    faults: &[PlantedFault],
) -> Result<(), EndedEarly> {
    leave_no_core_files();
    campaign.measure_by(cell::measure);
    let trials = order::blocks(&cells(setup, faults), 0, setup.blocks, setup.seed);
    campaign.expect(trials.iter().map(|trial| &trial.cell));
    for trial in &trials {
        campaign.measure(trial)?;
    }
    Ok(())
}

/// Servers inherit this: a process that aborts would write all of its memory to the disk, which takes longer than what
/// is watched. Where the system refuses, cells only take longer.
fn leave_no_core_files() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::faulty::with_faults;
    use crate::contestant::own;
    use crate::rig::mock::setup;

    #[test]
    fn each_architecture_meets_each_fault() {
        let contestants: Vec<Contestant> = own::all().unwrap().into_iter().map(with_faults).collect();
        let setup = setup(contestants);
        let cells = cells(&setup, &PlantedFault::ALL);
        assert_eq!(cells.len(), setup.contestants.len() * PlantedFault::ALL.len());
        for contestant in &setup.contestants {
            let name = &contestant.label;
            let own: Vec<&Cell> = cells.iter().filter(|cell| cell.contestant == *name).collect();
            let faults: Vec<_> = own.iter().filter_map(|cell| cell.load.fault).collect();
            assert_eq!(faults, PlantedFault::ALL, "{name}");
            let workers = contestant.has_workers.then_some(ISOLATION_WORKERS);
            assert!(own.iter().all(|cell| cell.workers == workers && cell.load.connections == 64), "{name}");
        }
    }
}
