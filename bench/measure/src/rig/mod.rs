//! What the runner needs of the world: a clock, contestants, a generator and probes.
//!
//! The runner decides what happens in which order; a rig does it. [`system`] does it with processes, and the tests of
//! the runner with a clock and servers that exist in memory alone.

use std::time::Duration;

use crate::probe::figures::Reading;
use crate::probe::pace::Beats;
use dyno_record::audit::Law;
use dyno_record::cell::Cell;
use dyno_record::load::LoadFigures;
use dyno_record::server::Memory;

pub mod mock;
pub mod outcome;
pub mod process;
pub mod system;

/// What kept a cell from being measured; the cell is void, the experiment goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFault {
    /// Which side of the agreement was broken.
    pub law: Law,
    /// How, in words.
    pub words: String,
}

impl CellFault {
    /// The contestant broke its contract.
    pub fn contract(words: impl Into<String>) -> Self {
        CellFault { law: Law::Contract, words: words.into() }
    }

    /// The generator gave no figures.
    pub fn generator(words: impl Into<String>) -> Self {
        CellFault { law: Law::GeneratorRan, words: words.into() }
    }
}

/// What the generator gave back.
#[derive(Debug, Clone, Default)]
pub struct Drive {
    /// Its figures for the measured window.
    pub figures: LoadFigures,
    /// Its right answers over time.
    pub answers: Answers,
    /// Looks at the cores of both sides meanwhile.
    pub beats: Vec<Beats>,
}

/// Right answers over time, from the first request that was due, warm-up included.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Length of an interval.
    pub interval: Duration,
    /// Answers in each.
    pub counts: Vec<u64>,
}

impl Answers {
    /// How many came within `time` from the first request; within an interval they are taken to come evenly.
    pub fn until(&self, time: Duration) -> f64 {
        let intervals = time.as_secs_f64() / self.interval.as_secs_f64().max(1e-9);
        let whole = self.counts.iter().take(intervals as usize).sum::<u64>() as f64;
        let next = self.counts.get(intervals as usize).copied().unwrap_or_default();
        whole + next as f64 * intervals.fract()
    }
}

/// What a contestant told when it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Farewell {
    /// Requests served by each worker; empty when it does not tell.
    pub requests_by_worker: Vec<u64>,
}

/// The world of the runner.
pub trait Rig {
    /// A contestant that runs.
    type Server;
    /// A generator that runs.
    type Generator;

    /// Time since some instant.
    fn now(&self) -> Duration;
    /// Milliseconds since 1970.
    fn unix_ms(&self) -> u64;
    /// Lets time pass.
    fn sleep(&mut self, time: Duration);
    /// Whether the user wants to stop.
    fn interrupted(&self) -> bool;

    /// Starts the contestant of a cell and waits until it is ready.
    ///
    /// # Errors
    /// When it does not start, or not in time.
    fn start(&mut self, cell: &Cell) -> Result<Self::Server, CellFault>;
    /// Samples what has been used so far.
    fn sample(&mut self, server: &Self::Server, generator: Option<&Self::Generator>) -> Reading;
    /// CPU time of the contestant's processes that `sampled` knows, and when it was read. It takes next to no time,
    /// so it may be read where latencies are measured.
    fn cpu(&mut self, server: &Self::Server, sampled: &Reading) -> (Duration, Duration);
    /// Samples memory, which takes longer.
    fn memory(&mut self, server: &Self::Server) -> Memory;
    /// Lets time pass, and counts the contestant's running threads now and then.
    fn watch(&mut self, server: &Self::Server, time: Duration) -> Vec<usize>;
    /// Starts the load of a cell, and returns when its connections are open and its first request is about to be due,
    /// in [`START_LEAD`](crate::limits::START_LEAD).
    ///
    /// # Errors
    /// When the generator cannot be started.
    fn begin(&mut self, server: &Self::Server, cell: &Cell) -> Result<Self::Generator, CellFault>;
    /// Waits for the load to end.
    ///
    /// # Errors
    /// When the generator fails or hangs.
    fn finish(&mut self, generator: Self::Generator, cell: &Cell) -> Result<Drive, CellFault>;
    /// Ends a contestant.
    ///
    /// # Errors
    /// When it had to be killed, or ended badly.
    fn stop(&mut self, server: Self::Server) -> Result<Farewell, CellFault>;
}
