//! The kinds of parts of which the CPU of a request is made.

/// A kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CostPart {
    /// Processes and threads that are started and end.
    Started,
    /// Sleeping and being woken.
    Switches,
    /// Work that goes to a queue, a pool, a task or a coroutine.
    HandOvers,
    /// Being told what is ready.
    Events,
    /// Memory that is touched for the first time, or copied.
    PageFaults,
    /// Clients that sleep until their answer comes.
    ClientsWoken,
    /// Entering the kernel.
    SystemCalls,
}

impl CostPart {
    /// All of them, in the order in which they are drawn.
    pub const ALL: [CostPart; 7] = [
        CostPart::Started,
        CostPart::Switches,
        CostPart::HandOvers,
        CostPart::Events,
        CostPart::PageFaults,
        CostPart::ClientsWoken,
        CostPart::SystemCalls,
    ];

    /// Its name, in one word.
    pub fn name(self) -> &'static str {
        match self {
            CostPart::Started => "started",
            CostPart::Switches => "switches",
            CostPart::HandOvers => "hand-overs",
            CostPart::Events => "events",
            CostPart::PageFaults => "page-faults",
            CostPart::ClientsWoken => "clients-woken",
            CostPart::SystemCalls => "system-calls",
        }
    }

    /// What it is, for people.
    pub fn what(self) -> &'static str {
        match self {
            CostPart::Started => "processes and threads started",
            CostPart::Switches => "context switches",
            CostPart::HandOvers => "queues, pools, tasks and coroutines",
            CostPart::Events => "being told what is ready",
            CostPart::PageFaults => "page faults",
            CostPart::ClientsWoken => "clients woken",
            CostPart::SystemCalls => "entering the kernel",
        }
    }
}
