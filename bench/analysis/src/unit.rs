//! The single steps of which architectures are made, and what one of each costs.
//!
//! What a wake-up costs in a loaded server, among many sleepers whose caches have gone cold, differs from what it
//! costs between two threads that take turns, so both are here, as units of their own.

/// A step of which architectures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A process forked that answers a request and ends.
    Fork,
    /// A page that a parent and its child share, written to.
    PageCopy,
    /// A switch between two processes: another page table, and cold entries of the translation buffer after it.
    ProcessSwitch,
    /// A switch from one thread to another and what goes with it: going to sleep on a descriptor, being woken. Caches
    /// stay warm, as they do where few take turns.
    Switch,
    /// A thread's life.
    Spawn,
    /// A message to another thread that sleeps until it comes.
    HandOver,
    /// A page of memory touched for the first time.
    PageFault,
    /// A system call that does next to nothing.
    SystemCall,
    /// A connection's life, seen by the one who accepts.
    Accept,
    /// One of many processes woken for a request on its lasting connection.
    WakeOneOfManyProcesses,
    /// One of many threads woken for a request on its lasting connection.
    WakeOneOfMany,
    /// A connection that epoll reports as ready.
    Event,
    /// A process woken for a new connection, in accept or recv.
    WakeProcessForConnection,
    /// A thread woken for a new connection, in accept or recv.
    WakeForConnection,
    /// A connection for one request through epoll: added, reported, taken out again, and the empty accept queue found
    /// empty.
    WatchConnection,
    /// A connection through a queue from the thread that accepts to one of the workers.
    QueueConnection,
    /// A thread started for each connection, beyond waking one of the workers.
    SpawnForConnection,
    /// A request answered by a pool of workers, beyond one answered by the epoll loop itself, where nobody sleeps:
    /// copied, queued, answered, and its response queued for the loop.
    CallPool,
    /// A context switch in such a pool and what goes with it: a worker or the loop sleeps or yields, and is woken.
    WakePool,
    /// A request answered by a pool, where each connection has one request; its switches are part of it.
    CallPoolForConnection,
    /// A request answered by one of many tasks that its runtime wakes, beyond one answered by an epoll loop itself.
    WakeTask,
    /// A task for a connection with one request, beyond an epoll loop: started on another thread, watched there.
    TaskForConnection,
    /// A request answered by one of many coroutines, beyond one answered by the epoll loop that resumes it.
    ResumeCoroutine,
    /// A coroutine for a connection with one request, beyond an epoll loop.
    CoroutineForConnection,
    /// An answer to a client that sleeps, beyond one to a client that is awake.
    WakeClient,
}

impl Unit {
    /// All of them, in the order in which they are measured: first what leaves a process as small as it is, so that a
    /// fork does not copy what later measurements have left behind.
    pub const ALL: [Unit; 25] = [
        Unit::Fork,
        Unit::PageCopy,
        Unit::ProcessSwitch,
        Unit::Switch,
        Unit::Spawn,
        Unit::HandOver,
        Unit::PageFault,
        Unit::SystemCall,
        Unit::Accept,
        Unit::WakeOneOfManyProcesses,
        Unit::WakeOneOfMany,
        Unit::Event,
        Unit::WakeProcessForConnection,
        Unit::WakeForConnection,
        Unit::WatchConnection,
        Unit::QueueConnection,
        Unit::SpawnForConnection,
        Unit::CallPool,
        Unit::WakePool,
        Unit::CallPoolForConnection,
        Unit::WakeTask,
        Unit::TaskForConnection,
        Unit::ResumeCoroutine,
        Unit::CoroutineForConnection,
        Unit::WakeClient,
    ];

    /// Its name, as benchmarks print it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Fork => "fork",
            Unit::PageCopy => "page-copy",
            Unit::ProcessSwitch => "process-switch",
            Unit::Switch => "switch",
            Unit::Spawn => "spawn",
            Unit::HandOver => "hand-over",
            Unit::PageFault => "page-fault",
            Unit::SystemCall => "system-call",
            Unit::Accept => "accept",
            Unit::WakeOneOfManyProcesses => "wake-one-of-many-processes",
            Unit::WakeOneOfMany => "wake-one-of-many",
            Unit::Event => "event",
            Unit::WakeProcessForConnection => "wake-process-for-connection",
            Unit::WakeForConnection => "wake-for-connection",
            Unit::WatchConnection => "watch-connection",
            Unit::QueueConnection => "queue-connection",
            Unit::SpawnForConnection => "spawn-for-connection",
            Unit::CallPool => "call-pool",
            Unit::WakePool => "wake-pool",
            Unit::CallPoolForConnection => "call-pool-for-connection",
            Unit::WakeTask => "wake-task",
            Unit::TaskForConnection => "task-for-connection",
            Unit::ResumeCoroutine => "resume-coroutine",
            Unit::CoroutineForConnection => "coroutine-for-connection",
            Unit::WakeClient => "wake-client",
        }
    }

    /// What one of it is, for people.
    pub fn what(self) -> &'static str {
        match self {
            Unit::Fork => "a process forked that answers a request and ends",
            Unit::PageCopy => "a page copied after a fork, when written to",
            Unit::ProcessSwitch => "a switch between two processes, the same way",
            Unit::Switch => "a switch between two threads: to sleep, woken by a byte",
            Unit::Spawn => "a thread started and joined",
            Unit::HandOver => "a message through a queue to a worker that sleeps",
            Unit::PageFault => "a page touched for the first time",
            Unit::SystemCall => "a system call that does next to nothing",
            Unit::Accept => "a connection opened, accepted and closed, both ends",
            Unit::WakeOneOfManyProcesses => "one of 64 processes woken for a request",
            Unit::WakeOneOfMany => "one of 64 threads woken for a request",
            Unit::Event => "a ready connection reported by epoll, 64 at a time",
            Unit::WakeProcessForConnection => "one of 16 processes woken for a connection, the same way",
            Unit::WakeForConnection => "one of 16 threads woken for a connection, in accept or recv",
            Unit::WatchConnection => "a connection watched by epoll, from accept to close",
            Unit::QueueConnection => "a connection passed through a queue to one of 16 threads",
            Unit::SpawnForConnection => "a thread started for a connection, beyond waking one of 16",
            Unit::CallPool => "a request answered by a pool that is awake, beyond a loop's",
            Unit::WakePool => "a switch between a loop and its pool: yield, sleep, wake-up",
            Unit::CallPoolForConnection => "a new connection answered by a pool, beyond one by a loop",
            Unit::WakeTask => "a request answered by one of 64 tasks, beyond one by a loop",
            Unit::TaskForConnection => "a task for a new connection, beyond a turn of a loop",
            Unit::ResumeCoroutine => "a request by one of 64 coroutines, beyond one by a loop",
            Unit::CoroutineForConnection => "a coroutine for a new connection, beyond a turn of a loop",
            Unit::WakeClient => "a client on another core woken by an answer",
        }
    }
}

/// What one of a step costs, and what it contains of other steps, so that these are not counted twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Time, in nanoseconds.
    pub ns: f64,
    /// Context switches in it.
    pub switches: f64,
    /// Page faults without input or output in it.
    pub faults: f64,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<&str> = Unit::ALL.iter().map(|unit| unit.name()).collect();
        assert_eq!(names.len(), Unit::ALL.len());
    }
}
