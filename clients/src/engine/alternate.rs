//! Two servers in turn, group by group: between two groups nothing is under way, and whoever measures the servers reads
//! their CPU clocks there.
//!
//! The kernel adds to the clock of a thread what it has used when it leaves its core. Between two groups every thread
//! of both servers sleeps, so all that they have used stands in their clocks, to the nanosecond, and belongs to
//! requests whose number is known. That bursts are shorter than the tick of the scheduler is therefore no obstacle.

use std::sync::Arc;

use crate::books::arrivals::Sample;
use crate::books::bursts::{BurstGroup, GroupOrder};
use crate::books::tally::RunTally;
use crate::engine::live::Live;
use crate::engine::worker::Worker;
use crate::engine::{EngineError, socket};
use crate::limits;
use crate::plan::Plan;
use crate::plan::dispatch::{Dispatcher, RequestSource};

/// Opens the connections of `plan`, which has a rival, and carries out one group after the other, with bursts of
/// `burst_ns`. `between` is called before the first group and after each one, with what came of it; it says how the
/// next one is to be run, or that there is none. Bursts are those of one thread, whatever the plan says.
///
/// # Errors
/// [`EngineError`]; whatever goes wrong with single requests is counted instead.
pub fn run(
    plan: &Plan,
    burst_ns: u64,
    between: &mut dyn FnMut(Option<&BurstGroup>) -> Option<GroupOrder>,
) -> Result<(), EngineError> {
    let plan = Arc::new(Plan { threads: 1, ..plan.clone() });
    plan.check()?;
    let connections = plan.connections + plan.rival.as_ref().map_or(0, |rival| rival.connections);
    socket::allow_descriptors(
        u64::from(connections) + limits::THREAD_DESCRIPTORS + limits::PROCESS_DESCRIPTORS,
    )?;
    let live = Arc::new(Live::new(1));
    // Each group brings its own.
    let nobody = Dispatcher::new(RequestSource::Closed(0), 0, 0, 0, None);
    let tally = RunTally::new(0, u64::MAX, Sample::default());
    let mut worker = Worker::new(plan, live, nobody, tally, 0, connections).map_err(EngineError::Poller)?;
    worker.open_all().map_err(EngineError::Poller)?;
    let mut told = None;
    while let Some(order) = between(told.as_ref()) {
        told = Some(worker.run_group(burst_ns, order).map_err(EngineError::Poller)?);
    }
    worker.network.say_goodbye().map_err(EngineError::Poller)
}
