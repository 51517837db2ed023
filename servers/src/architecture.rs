//! What an architecture is: a name, an idea, and a way to run a site.

use std::fmt;
use std::io;

use crate::kit::site::Site;
use crate::limits::{CONNECTION_BYTES, COROUTINE_BYTES, MAX_PROCESSES, PROCESS_BYTES, THREAD_BYTES};
use crate::under_way::urgent::UrgentBy;

/// One server architecture: a row of the table in [`crate::architectures::ALL`].
pub struct Architecture {
    /// What the command line calls it.
    pub name: &'static str,
    /// The idea in one line: which process, thread or loop does what.
    pub idea: &'static str,
    /// The family of designs that it belongs to.
    pub family: Family,
    /// How many connections it serves at the same time.
    pub concurrency: Concurrency,
    /// Facts about its construction, from which its costs are explained.
    pub anatomy: Anatomy,
    /// Where it stops scaling: a reader should know this limit before choosing the architecture.
    pub wall: &'static str,
    /// The options that its chapter reads; any other is refused.
    pub knobs: &'static [Knob],
    /// The default values of the options on a machine with `cores` cores.
    pub defaults: fn(cores: usize) -> Defaults,
    /// The text of its file, from which the book is made: documentation, then code.
    pub source: &'static str,
    /// Serves the site until it is stopped. When it returns, none of its threads and children is left.
    ///
    /// # Errors
    /// The error that made serving impossible: a refused system call at the start, or a listener that broke.
    pub run: fn(&'static Site) -> io::Result<()>,
}

impl fmt::Debug for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Architecture").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The values of a chapter's options when the user sets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// Processes, threads or loops.
    pub workers: usize,
    /// Connections served at once.
    pub max_connections: usize,
    /// Places in the queue between dispatcher and workers.
    pub queue_places: usize,
}

/// What carries a connection.
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

/// How an architecture is made. Explanations, reports and tests read these facts here, so they know a new chapter as
/// soon as it has a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anatomy {
    /// The call by which it learns that there is something to do for a connection.
    pub waits_by: WaitsBy,
    /// What serves connections.
    pub served_by: ServedBy,
    /// What is started for each connection.
    pub started: Started,
    /// How often something is handed over from one thread to another.
    pub hand_overs: HandOvers,
    /// What the workers have in common.
    pub shares: Shares,
}

impl Anatomy {
    /// By what it learns of urgent data.
    pub fn urgent_by(&self) -> UrgentBy {
        match self.waits_by {
            WaitsBy::Blocking => UrgentBy::Signal,
            WaitsBy::Select => UrgentBy::ThirdSet,
            WaitsBy::Poll => UrgentBy::Poll,
            WaitsBy::Epoll => UrgentBy::Epoll,
            WaitsBy::IoUring => UrgentBy::Nothing,
        }
    }
}

/// The call in which an architecture waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsBy {
    /// accept(2), read(2) and write(2) themselves, one connection for each thread or process.
    Blocking,
    /// select(2), for all connections.
    Select,
    /// poll(2), for all connections.
    Poll,
    /// epoll_wait(2), for all connections.
    Epoll,
    /// io_uring_enter(2), for operations that are done.
    IoUring,
}

/// What serves connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServedBy {
    /// The only thread, one connection after the other.
    OnlyThread,
    /// Processes, one connection each at a time.
    Processes,
    /// Kernel threads, one connection each at a time.
    Threads,
    /// Loops, many connections each.
    Loops,
    /// A loop that moves bytes, and a pool of threads that answers.
    LoopAndPool,
    /// User-level threads of one kernel thread.
    Coroutines,
    /// Tasks on the kernel threads of a runtime.
    Tasks,
}

impl ServedBy {
    /// Whether what serves one connection can reach what another has left in memory.
    pub fn shares_memory(self) -> bool {
        match self {
            ServedBy::Processes => false,
            ServedBy::OnlyThread
            | ServedBy::Threads
            | ServedBy::Loops
            | ServedBy::LoopAndPool
            | ServedBy::Coroutines
            | ServedBy::Tasks => true,
        }
    }
}

/// What is started for each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Started {
    /// Nothing.
    Nothing,
    /// A process.
    Process,
    /// A kernel thread.
    Thread,
    /// A user-level thread, with a stack.
    Coroutine,
    /// A task, which has no stack of its own.
    Task,
}

impl Started {
    /// How many threads and processes serve at once, where so many are started in advance.
    pub fn writers(self, workers: usize) -> usize {
        match self {
            Started::Process | Started::Thread => workers.max(MAX_PROCESSES),
            Started::Nothing | Started::Task | Started::Coroutine => workers,
        }
    }

    /// What a connection takes of the budget of memory while it is idle, in bytes.
    pub fn connection_bytes(self) -> usize {
        let started = match self {
            Started::Nothing | Started::Task => 0,
            Started::Process => PROCESS_BYTES,
            Started::Thread => THREAD_BYTES,
            Started::Coroutine => COROUTINE_BYTES,
        };
        started + CONNECTION_BYTES
    }
}

/// How often something is handed over from one thread to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOvers {
    /// Never.
    Never,
    /// Each connection, once.
    PerConnection,
    /// Each request, and its answer back.
    PerRequest,
}

/// What the workers have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shares {
    /// Nothing: there is only one worker.
    Nothing,
    /// The address; each worker has a listening socket of its own.
    Address,
    /// The listening socket.
    Listener,
    /// All memory.
    Memory,
}

/// How many connections are served at the same time. A load test should not open more keep-alive connections than
/// that: each would have to give way to the others after each answer, which is another price than the design's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrency {
    /// One.
    One,
    /// One for each worker.
    PerWorker,
    /// As many as the limits allow.
    Many,
}

/// An option that some chapters read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    /// Processes, threads or loops.
    Workers,
    /// Places in the queue between dispatcher and workers.
    Queue,
    /// The plain or the tuned variant.
    Arm,
    /// Connections served at once.
    MaxConnections,
    /// The limit of tower around the services.
    Tower,
}
