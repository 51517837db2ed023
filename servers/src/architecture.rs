//! What an architecture is: a name, an idea, and a way to run a site.

use std::fmt;
use std::io;

use crate::kit::site::Site;

/// One server architecture: a row of the table in [`crate::architectures::ALL`].
pub struct Architecture {
    /// What the command line calls it.
    pub name: &'static str,
    /// The idea in one line: who runs what.
    pub idea: &'static str,
    /// Its kin.
    pub family: Family,
    /// How many connections it serves at the same time.
    pub concurrency: Concurrency,
    /// Where it ends: the wall that a reader should know before choosing it.
    pub wall: &'static str,
    /// The options that its chapter reads; any other is refused.
    pub knobs: &'static [Knob],
    /// What the options are when nobody sets them, on so many cores.
    pub defaults: fn(cores: usize) -> Defaults,
    /// Serves the site until it is stopped. When it returns, no thread and no child of it is left.
    ///
    /// # Errors
    /// What made serving impossible: a refused system call at the start, or a listener that broke.
    pub run: fn(&'static Site) -> io::Result<()>,
}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Architecture").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The options of a chapter when nobody sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Processes, threads or loops.
    pub workers: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// Places between dispatcher and workers.
    pub queue_places: usize,
}

/// Who carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// One thread, one connection at a time.
    Iterative,
    /// Processes.
    Processes,
    /// Kernel threads.
    Threads,
    /// A loop over ready descriptors.
    Readiness,
    /// A loop that moves bytes, and a pool that computes.
    Hybrid,
    /// User-level threads or tasks.
    Tasks,
    /// A loop over completed operations.
    Completion,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Family::Iterative => "iterative",
            Family::Processes => "processes",
            Family::Threads => "threads",
            Family::Readiness => "readiness",
            Family::Hybrid => "hybrid",
            Family::Tasks => "tasks",
            Family::Completion => "completion",
        })
    }
}

/// How many connections are served at the same time. Load must not open more keep-alive connections than that, or
/// the others wait in the backlog for as long as the first ones stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// One.
    One,
    /// One for each worker.
    PerWorker,
    /// As many as the limits allow.
    Many,
}

/// An option of `dyno serve` that some chapters read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// `--workers`: processes, threads or loops.
    Workers,
    /// `--queue`: places between dispatcher and workers.
    Queue,
    /// `--arm`: the plain or the tuned variant.
    Arm,
    /// `--max-connections`: connections served at once.
    MaxConnections,
}

impl fmt::Display for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Knob::Workers => "--workers",
            Knob::Queue => "--queue",
            Knob::Arm => "--arm",
            Knob::MaxConnections => "--max-connections",
        })
    }
}
