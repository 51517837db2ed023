//! What whoever joins requests and connections says: send on this one, or wait.

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send a request on this connection, now.
    Send(Order),
    /// Nothing before this time, unless a connection becomes free.
    Wait(u64),
    /// No further request falls due. Those that wait for a connection are still sent when one becomes free.
    Over,
    /// More requests wait for a connection than the bound allows.
    Overflow,
    /// The client of this request has given it up before a connection was free; to be asked again.
    GiveUp(DueRequest),
}

/// A request that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DueRequest {
    /// When it was due, ns from the start of the run.
    pub intended_ns: u64,
    /// How often it was tried before.
    pub attempt: u8,
}

/// A request and the connection that shall carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The connection's number.
    pub slot: u32,
    /// When the plan wanted the request to start, ns from the start of the run.
    pub intended_ns: u64,
    /// Since when the connection was free.
    pub free_ns: u64,
    /// How often the request was tried before.
    pub attempt: u8,
}
