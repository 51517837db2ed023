//! `dyno waiting`: whom requests that wait stop, what they take, and how soon they are let go.
//!
//! Three cells for each contestant, each on a server of its own:
//!
//! | step | what happens | what is seen |
//! |---|---|---|
//! | `waiting-jam` | 0, 1, 2, 4 ... requests wait | whether others are served, and the number that stops them |
//! | `waiting-held` | many wait, and nothing else happens | memory and CPU of a waiter |
//! | `waiting-left` | one waits and leaves, again and again | how soon the server lets go, after FIN and after reset |
//!
//! Pools have few workers while they are jammed, so that their number is reached, and enough of them while waiters are
//! held, so that each of these really waits.

use crate::campaign::{Campaign, EndedEarly};
use crate::contestant::{AtOnce, Contestant};
use crate::limits::{WAITERS_HELD, WAITERS_MOST, WAITERS_SPARE_WORKERS, WAITING_WORKERS};
use crate::order::{self, ExperimentPlan};
use crate::rig::Rig;
use crate::setup::Setup;
use dyno_record::cell::{Cell, Load};
use dyno_record::step::Step;

/// The service that each contestant must have, short enough for a look at it.
pub const SERVICE: &str = "/wait/1000";

/// How long each kind of cell usually takes, in milliseconds: one that is jammed waits some times for others who
/// stand still.
const USUAL_MS: [(Step, u64); 3] =
    [(Step::WaitingJam, 1_500), (Step::WaitingHeld, 700), (Step::WaitingLeft, 700)];

/// The cells of all contestants.
pub fn cells(setup: &Setup) -> Vec<Cell> {
    let each =
        |contestant: &Contestant| USUAL_MS.map(|(step, usual_ms)| cell(setup, contestant, step, usual_ms));
    setup.contestants.iter().flat_map(each).collect()
}

fn cell(setup: &Setup, contestant: &Contestant, step: Step, usual_ms: u64) -> Cell {
    let (waiting, workers) = match step {
        Step::WaitingHeld => {
            let held = if contestant.concurrency == AtOnce::One { 1 } else { WAITERS_HELD };
            (held, contestant.workers(held + WAITERS_SPARE_WORKERS))
        }
        Step::WaitingLeft => (1, contestant.has_workers.then_some(WAITING_WORKERS)),
        _ => (WAITERS_MOST, contestant.has_workers.then_some(WAITING_WORKERS)),
    };
    Cell {
        workers,
        load: Load { waiting: Some(waiting), ..Load::closed(waiting, 0, usual_ms) },
        ..setup.cell(step, contestant)
    }
}

/// The plan of the experiment: there is no pilot, since nothing has to become steady.
pub fn plan(setup: &Setup) -> ExperimentPlan {
    ExperimentPlan::known(Vec::new(), order::blocks(&cells(setup), 0, setup.blocks, setup.seed))
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup) -> Result<(), EndedEarly> {
    let plan = plan(setup);
    campaign.expect(plan.cells());
    for planned in plan.order {
        campaign.measure(&planned.trial)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Silent;
    use crate::contestant::foreign::bare;
    use crate::contestant::own;
    use crate::rig::mock::{Mock, Nature, setup};

    #[test]
    fn each_architecture_is_seen_in_three_ways() {
        let setup = setup(own::all().unwrap());
        let cells = cells(&setup);
        assert_eq!(cells.len(), 3 * setup.contestants.len());
        for (contestant, cells) in setup.contestants.iter().zip(cells.chunks(3)) {
            let name = &contestant.label;
            assert!(cells.iter().all(|cell| cell.contestant == *name && cell.step.waits()), "{name}");
            let [jam, held, left] = cells else { panic!("{name}") };
            assert_eq!(jam.load.waiting, Some(WAITERS_MOST), "{name}");
            assert_eq!(jam.workers, contestant.has_workers.then_some(WAITING_WORKERS), "{name}");
            assert_eq!(left.workers, jam.workers, "{name}");
            // Whoever needs a worker for each waiter has one more than there are waiters.
            if contestant.concurrency == AtOnce::Workers && contestant.has_workers {
                assert!(held.workers > held.load.waiting, "{name}: {held:?}");
            }
        }
    }

    #[test]
    fn planted_servers_are_seen_as_they_are_and_one_that_does_not_start_is_void() {
        let names = ["loop", "pool", "broken"];
        let natures = [
            ("pool".to_string(), Nature { jams_at: Some(4), ..Nature::default() }),
            ("broken".to_string(), Nature { starts: false, ..Nature::default() }),
        ];
        let mut progress = Silent;
        let mock = Mock { natures: natures.into(), ..Mock::default() };
        let mut campaign = Campaign::new(mock, None, Vec::new(), "m", &mut progress);
        let setup = setup(names.map(|name| bare(name, vec![name.into()])).into());
        run(&mut campaign, &setup).unwrap_or_else(|_| panic!("the mock measures"));
        assert_eq!(campaign.records().len(), 3 * 3 * setup.blocks as usize);
        for record in campaign.records() {
            let cell = &record.trial.cell;
            let figures = record.waiting();
            assert_eq!(figures.is_none(), cell.contestant == "broken", "{record:?}");
            let Some(figures) = figures else { continue };
            let jams_at = (cell.contestant == "pool").then_some(4);
            match cell.step {
                Step::WaitingJam => assert_eq!(figures.stopped_by, jams_at, "{cell:?}"),
                Step::WaitingHeld => assert!(figures.held.is_some(), "{cell:?}"),
                _ => assert!(!figures.released_fin_ns.is_empty(), "{cell:?}"),
            }
        }
    }
}
