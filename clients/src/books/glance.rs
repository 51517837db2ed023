//! A run under way, as one glance sees it.

/// A glance at a run under way, warm-up included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Glance {
    /// ns since the start; 0 while connections are being opened.
    pub now_ns: u64,
    /// Requests sent.
    pub sent: u64,
    /// Verified answers.
    pub completed: u64,
    /// Failures.
    pub failed: u64,
    /// Requests that wait for a connection.
    pub backlog: u64,
    /// 99th percentile of the total latency in the last interval, ns; the worst of the threads.
    pub recent_p99_ns: u64,
}
