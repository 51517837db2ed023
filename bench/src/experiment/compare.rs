//! `dyno compare`: capacity, latency at a common rate, and connections a second, side by side.
//!
//! ```text
//! pilot     one short closed loop each                -> the common rate: half of what the slowest can do
//! counts    one with a connection per request each    -> switches, faults and calls, which are not counted while timing
//! block 1   for each contestant, in random order:  capacity   closed loop, lasting connections
//!                                                  latency    open loop at the common rate
//!                                                  connect    closed loop, a connection per request
//! block 2   ... in another order, and so on
//! ```

use crate::contestant::Contestant;
use crate::experiment::pilot::{self, PILOT};
use crate::experiment::setup::{Setup, round_rate};
use crate::limits::{COMMON_RATE_SHARE, CONNECT_CONNECTIONS};
use crate::plan;
use crate::record::cell::{Cell, Trial};
use crate::record::measured::Record;
use crate::rig::Rig;
use crate::session::{Session, Stop};

/// Closed loop with lasting connections.
pub const CAPACITY: &str = "capacity";
/// Open loop at the common rate.
pub const LATENCY: &str = "latency";
/// A connection per request, once, under the kernel's counters.
pub const COUNTS: &str = "counts";
/// A connection per request.
pub const CONNECT: &str = "connect";

/// The cells of a block, at this common rate.
pub fn cells(setup: &Setup, rate_per_s: f64) -> Vec<Cell> {
    let mut cells = Vec::new();
    for contestant in &setup.contestants {
        cells.push(setup.cell(CAPACITY, contestant));
        let mut latency = setup.cell(LATENCY, contestant);
        latency.load.rate_per_s = Some(rate_per_s);
        cells.push(latency);
        cells.push(connect(setup, CONNECT, contestant));
    }
    cells
}

fn connect(setup: &Setup, step: &str, contestant: &Contestant) -> Cell {
    let mut cell = setup.cell(step, contestant);
    cell.load.connections = setup.connections.min(CONNECT_CONNECTIONS);
    cell.workers = contestant.workers(cell.load.connections);
    cell.load.requests_per_connection = Some(1);
    cell
}

/// Cells that are counted and not timed; lasting connections are counted in the pilot.
pub fn counts(setup: &Setup) -> Vec<Cell> {
    setup.contestants.iter().map(|contestant| connect(setup, COUNTS, contestant)).collect()
}

/// Runs the experiment. `rate_per_s` is the common rate, found out by the pilot when absent.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(session: &mut Session<R>, setup: &Setup, rate_per_s: Option<f64>) -> Result<(), Stop> {
    session.expect(&pilot::cells(setup), 1);
    session.expect(&counts(setup), 1);
    // The rate does not change the time that a cell takes, so any will do to tell the time left.
    session.expect(&cells(setup, 1.0), setup.blocks);
    let setup = &pilot::run(session, setup)?;
    for trial in plan::blocks(&counts(setup), 0, 1, setup.seed) {
        session.measure(&trial)?;
    }
    let rate = rate_per_s.unwrap_or_else(|| common_rate(session.records()));
    for trial in plan::blocks(&cells(setup, rate), 0, setup.blocks, setup.seed) {
        session.measure(&trial)?;
    }
    Ok(())
}

/// A share of what the slowest contestant reached in the pilot: low enough for everyone, high enough to be work.
fn common_rate(records: &[Record]) -> f64 {
    let slowest = records
        .iter()
        .filter(|record| record.trial.cell.step == PILOT)
        // Even a pilot that is void tells the order of size, and that is all that is wanted of it.
        .filter_map(|record| record.load.as_ref().map(|load| load.rate_per_s))
        .filter(|rate| *rate > 0.0)
        .fold(f64::INFINITY, f64::min);
    round_rate(if slowest.is_finite() { slowest * COMMON_RATE_SHARE } else { 1.0 })
}

/// How many trials the experiment has, and how long it takes.
pub fn trials(setup: &Setup) -> Vec<Trial> {
    let mut trials = pilot::trials(setup);
    trials.extend(plan::blocks(&counts(setup), 0, 1, setup.seed));
    trials.extend(plan::blocks(&cells(setup, 1.0), 0, setup.blocks, setup.seed));
    trials
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::foreign::bare;
    use crate::experiment::setup::tests::setup;
    use crate::rig::mock::{Mock, Nature};
    use crate::session::Silent;

    fn two() -> Setup {
        setup(vec![bare("slow", vec!["x".into()]), bare("fast", vec!["x".into()])])
    }

    #[test]
    fn the_common_rate_is_half_of_the_slowest_and_each_block_has_three_steps() {
        let mut progress = Silent;
        let natures = [
            ("slow".to_string(), Nature { capacity_per_s: 2_222.0, ..Nature::default() }),
            ("fast".to_string(), Nature::default()),
        ];
        let rig = Mock { natures: natures.into(), ..Mock::default() };
        let mut session = Session::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut session, &two(), None).unwrap();
        let records = session.records();
        assert_eq!(records.len(), 2 + 2 + 3 * 6);
        assert_eq!(records.len(), trials(&two()).len());
        let rates: Vec<f64> = records.iter().filter_map(|record| record.trial.cell.load.rate_per_s).collect();
        assert_eq!(rates, vec![1_100.0; 6]);
    }

    #[test]
    fn one_that_never_starts_does_not_set_the_rate() {
        let mut progress = Silent;
        let natures = [("slow".to_string(), Nature { starts: false, ..Nature::default() })];
        let rig = Mock { natures: natures.into(), ..Mock::default() };
        let mut session = Session::new(rig, None, Vec::new(), "m", &mut progress);
        run(&mut session, &two(), None).unwrap();
        let rate = session.records().iter().find_map(|record| record.trial.cell.load.rate_per_s);
        assert_eq!(rate, Some(5_000.0));
    }
}
