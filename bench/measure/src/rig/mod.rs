//! What the runner needs from outside: a clock, contestants, a generator and probes.
//!
//! The runner decides what happens in which order, and a rig does it. [`system`] does it with processes; the tests of
//! the runner use a clock and servers that exist only in memory.

use std::time::Duration;

use crate::probe::figures::Reading;
use crate::probe::glance::CpuGlance;
use crate::probe::pace::Beats;
use dyno_record::audit::{Finding, Law};
use dyno_record::cell::Cell;
use dyno_record::contract::WorkerCount;
use dyno_record::load::LoadFigures;
use dyno_record::server::Memory;
use dyno_record::waiting::WaitingFigures;
use dyno_units::verdict::Verdict;

mod arguments;
pub mod bout;
mod generator;
mod group;
mod idle;
pub(crate) mod lines;
pub(crate) mod material;
pub mod mock;
mod mock_nature;
mod mock_turns;
pub mod outcome;
pub mod process;
pub mod slow;
pub mod system;
pub mod transport;
mod turns;
pub mod waiting;

/// The reason why a cell could not be measured. The cell is void, and the experiment goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellFault {
    /// The law that was broken.
    pub law: Law,
    /// How it was broken, in words.
    pub words: String,
}

impl CellFault {
    /// The contestant broke its contract.
    pub fn contract(words: impl Into<String>) -> Self {
        CellFault { law: Law::Contract, words: words.into() }
    }

    /// What it says of the cell.
    pub(crate) fn finding(self) -> Finding {
        Finding { law: self.law, verdict: Verdict::Void, latency: Verdict::Sound, words: self.words }
    }

    /// The generator gave no figures.
    pub fn generator(words: impl Into<String>) -> Self {
        CellFault { law: Law::GeneratorRan, words: words.into() }
    }
}

/// The results of a load.
#[derive(Debug, Clone, Default)]
pub struct Drive {
    /// The generator's figures for the measured window.
    pub figures: LoadFigures,
    /// Its right answers over time.
    pub answers: Answers,
    /// Samples of the cores of both sides during the load.
    pub beats: Vec<Beats>,
}

/// Right answers over time, from the first due request on, warm-up included.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// Length of an interval.
    pub interval: Duration,
    /// Answers in each.
    pub counts: Vec<u64>,
}

impl Answers {
    /// How many answers came within `time` from the first request; within an interval they are assumed to come
    /// evenly.
    pub fn until(&self, time: Duration) -> f64 {
        let intervals = time.as_secs_f64() / self.interval.as_secs_f64().max(1e-9);
        let whole = self.counts.iter().take(intervals as usize).sum::<u64>() as f64;
        let next = self.counts.get(intervals as usize).copied().unwrap_or_default();
        whole + next as f64 * intervals.fract()
    }
}

/// What is known of a contestant when it has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Farewell {
    /// Requests served by each worker; empty when the contestant does not report them.
    pub requests_by_worker: Vec<u64>,
    /// What it said of its workers when it was ready.
    pub crew: Option<WorkerCount>,
    /// CPU time over the whole life of its first process and of those that this one has waited for, as the kernel
    /// tells it to who waits for the end of a process (wait4(2)).
    pub cpu_whole_life: Option<Duration>,
}

/// Everything that the runner needs from outside.
pub trait Rig {
    /// A running contestant.
    type Server;
    /// A running generator.
    type Generator;

    /// Time since some instant.
    fn now(&self) -> Duration;
    /// Cores of the machine that may be used.
    fn cores(&self) -> usize;
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
    /// Reads everything that was used so far, which takes some milliseconds of the generator's core.
    fn sample(&mut self, server: &Self::Server, generator: Option<&Self::Generator>) -> Reading;
    /// Reads the CPU time of both sides. The call takes almost no time, so it is all that is allowed while a cell is
    /// timed. Of the contestant it knows the processes of `known`, and with a control group all.
    fn glance(
        &mut self,
        server: &Self::Server,
        generator: Option<&Self::Generator>,
        known: &Reading,
    ) -> CpuGlance;
    /// Samples memory, which takes longer.
    fn memory(&mut self, server: &Self::Server) -> Memory;
    /// Lets time pass, and counts the contestant's running threads at intervals.
    fn watch(&mut self, server: &Self::Server, time: Duration) -> Vec<usize>;
    /// Starts the load of a cell. Returns when the connections are open, so that the first request is due in
    /// [`START_LEAD`](crate::limits::START_LEAD).
    ///
    /// # Errors
    /// When the generator cannot be started.
    fn begin(&mut self, server: &Self::Server, cell: &Cell) -> Result<Self::Generator, CellFault>;
    /// Waits until the last request of the load is answered or given up. The connections stay open, so that threads
    /// and processes that serve one each are still there.
    fn await_over(&mut self, generator: &mut Self::Generator, cell: &Cell);
    /// Lets the generator close its connections and end.
    ///
    /// # Errors
    /// When the generator fails or hangs.
    fn finish(&mut self, generator: Self::Generator, cell: &Cell) -> Result<Drive, CellFault>;
    /// Lets requests wait, as the step of the cell says, and sees what they do.
    ///
    /// # Errors
    /// When the contestant answers nobody, or does not let go of those who have left.
    fn wait(&mut self, server: &Self::Server, cell: &Cell) -> Result<WaitingFigures, CellFault>;
    /// Ends a contestant.
    ///
    /// # Errors
    /// When it had to be killed, or ended badly.
    fn stop(&mut self, server: Self::Server) -> Result<Farewell, CellFault>;
}
