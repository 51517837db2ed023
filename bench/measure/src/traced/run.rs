//! A server that writes a trace, and the load on it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use dyno_clients::engine::live::Live;
use dyno_clients::engine::{self, EngineError};
use dyno_clients::outcome::Outcome;
use dyno_clients::plan::Plan;
use dyno_clients::verdict::judge::judge;
use dyno_servers::trace::reader::{LaneEvent, TraceMemoryError, TraceReader};

use super::join::{JoinedTrace, join};
use crate::contestant::Contestant;
use crate::contestant::options::{ServeOption, words};
use crate::limits::{TRACE_EVENTS_MAX, TRACE_REQUESTS_MAX};
use crate::rig::process::Running;
use crate::rig::{CellFault, Farewell};

/// Why there is no trace.
#[derive(Debug, thiserror::Error)]
pub enum TracedError {
    /// The server did not start.
    #[error("{}", .0.words)]
    Server(CellFault),
    /// It has not told where its trace is.
    #[error("{0} writes no trace: only Dyno's own architectures do")]
    NoTrace(String),
    /// Its memory cannot be read.
    #[error("the memory of the trace: {0}")]
    Memory(#[from] TraceMemoryError),
    /// The load could not be made.
    #[error(transparent)]
    Load(#[from] EngineError),
    /// Server and generator do not see one clock.
    #[error(
        "the clocks of server and generator do not agree: {contradictions} of {requests} requests were answered before \
         they were sent"
    )]
    Clocks {
        /// Requests whose times contradict each other.
        contradictions: u64,
        /// Requests of which both sides are known.
        requests: u64,
    },
}

/// A server that writes down what becomes of requests.
#[derive(Debug)]
pub struct TracedServer {
    /// The server.
    pub running: Running,
    /// Reads its trace.
    pub reader: TraceReader,
}

impl TracedServer {
    /// Starts one of Dyno's own architectures, which traces every connection.
    ///
    /// # Errors
    /// When it does not start, or its trace cannot be read.
    pub fn start(
        contestant: &Contestant,
        extra: &[String],
        cores: &[usize],
        directory: &Path,
    ) -> Result<Self, TracedError> {
        if !contestant.own {
            return Err(TracedError::NoTrace(contestant.label.clone()));
        }
        let mut options = words(&[ServeOption::Trace]);
        options.extend_from_slice(extra);
        let running =
            Running::start(contestant, &options, cores, false, directory).map_err(TracedError::Server)?;
        let path = running.trace().ok_or_else(|| TracedError::NoTrace(contestant.label.clone()))?;
        Ok(TracedServer { reader: TraceReader::open(Path::new(&path))?, running })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it had died before, or has to be killed.
    pub fn stop(self) -> Result<Farewell, TracedError> {
        self.running.stop().map_err(TracedError::Server)
    }
}

/// What is not in the timelines, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceLosses {
    /// Events that were overwritten before they were read.
    pub overtaken_events: u64,
    /// Events that were dropped because there were too many to keep, the oldest first.
    pub dropped_events: u64,
    /// Answered requests that were dropped for the same reason.
    pub dropped_requests: u64,
    /// Connections that no lane was free for.
    pub missed_connections: u64,
}

/// What came of a traced load.
#[derive(Debug)]
pub struct TracedRun {
    /// What the generator says.
    pub outcome: Outcome,
    /// Both sides of each request.
    pub joined: JoinedTrace,
    /// What is missing.
    pub losses: TraceLosses,
}

/// Loads a traced server as `plan` says. `is_stopped` is asked some ten times a second whether to end early.
///
/// # Errors
/// When no load can be made, or the two sides do not see one clock.
pub fn load(
    plan: &Arc<Plan>,
    reader: &mut TraceReader,
    is_stopped: &dyn Fn() -> bool,
) -> Result<TracedRun, TracedError> {
    let live = Arc::new(Live::new(plan.threads).with_requests(TRACE_REQUESTS_MAX));
    let mut kept = EventStore::default();
    let measured = engine::run(plan, &live, &mut |_| {
        if is_stopped() {
            live.stop();
        }
        kept.fetch(reader);
    })?;
    kept.fetch(reader);
    let (requests, dropped_requests) = live.take_requests();
    let first_ns = requests.iter().map(|request| request.intended_ns).min().unwrap_or_default();
    let joined = join(kept.events.into(), &requests, first_ns + plan.warmup_ns);
    let joined_requests = joined.requests.len() as u64;
    if joined.contradictions > joined_requests / CONTRADICTIONS_ONE_IN {
        let (contradictions, requests) = (joined.contradictions, joined_requests);
        return Err(TracedError::Clocks { contradictions, requests });
    }
    let losses = TraceLosses {
        overtaken_events: kept.overtaken,
        dropped_events: kept.dropped,
        dropped_requests,
        missed_connections: reader.missed(),
    };
    Ok(TracedRun { outcome: judge(plan, &measured, |_| None), joined, losses })
}

/// Where more than one request in so many contradicts itself, it is the clocks.
const CONTRADICTIONS_ONE_IN: u64 = 100;

/// The events that were read, within a bound.
#[derive(Debug, Default)]
struct EventStore {
    events: VecDeque<LaneEvent>,
    fresh: Vec<LaneEvent>,
    overtaken: u64,
    dropped: u64,
}

impl EventStore {
    fn fetch(&mut self, reader: &mut TraceReader) {
        self.overtaken += reader.read(&mut self.fresh).overtaken;
        self.keep(TRACE_EVENTS_MAX);
    }

    fn keep(&mut self, most: usize) {
        self.events.extend(self.fresh.drain(..));
        let too_many = self.events.len().saturating_sub(most);
        self.events.drain(..too_many);
        self.dropped += too_many as u64;
    }
}

#[cfg(test)]
mod tests {
    use dyno_servers::trace::event::{TraceEvent, TracePoint};

    use super::*;

    #[test]
    fn a_trace_that_is_too_large_loses_its_oldest_events_and_says_so() {
        let event = |time_ns| {
            let event =
                TraceEvent { time_ns, connection: 1, request: 1, detail: 0, point: TracePoint::Whole };
            LaneEvent { lane: 0, event }
        };
        let mut store = EventStore::default();
        for times in [0..3, 3..7] {
            store.fresh.extend(times.map(event));
            store.keep(4);
        }
        let left: Vec<u64> = store.events.iter().map(|event| event.event.time_ns).collect();
        assert_eq!((left, store.dropped), (vec![3, 4, 5, 6], 3));
    }
}
