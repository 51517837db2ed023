//! A run under way, as one glance sees it.

/// A glance at a run under way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Glance {
    /// ns since the start; 0 while connections are being opened.
    pub now_ns: u64,
    /// Requests sent, warm-up included, as all up to `recent_p99_ns`.
    pub sent: u64,
    /// Verified answers.
    pub completed: u64,
    /// Failures.
    pub failed: u64,
    /// Requests that wait for a connection.
    pub backlog: u64,
    /// Time for which the busiest thread had work, ns.
    pub busy_ns: u64,
    /// 99th percentile of the total latency in the last interval, ns; the worst of the threads.
    pub recent_p99_ns: u64,
    /// The measured window so far.
    pub window: WindowGlance,
}

/// The measured window so far: what is told of it at its end is counted in the same way.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WindowGlance {
    /// Its length so far, ns.
    pub elapsed_ns: u64,
    /// Verified answers that came in it.
    pub answered: u64,
    /// Verified answers to requests that were due in it.
    pub completed: u64,
    /// Failures of such requests.
    pub failed: u64,
    /// All their total latencies together, ns.
    pub sum_ns: u128,
    /// The longest of them, ns.
    pub max_ns: u64,
    /// What of their latencies was the generator's own lateness, ns.
    pub lag_sum_ns: u128,
}

impl Glance {
    /// Adds another thread's.
    pub fn add(&mut self, other: &Glance) {
        self.now_ns = self.now_ns.max(other.now_ns);
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        self.backlog += other.backlog;
        self.busy_ns = self.busy_ns.max(other.busy_ns);
        self.recent_p99_ns = self.recent_p99_ns.max(other.recent_p99_ns);
        let (mine, others) = (&mut self.window, &other.window);
        mine.elapsed_ns = mine.elapsed_ns.max(others.elapsed_ns);
        mine.answered += others.answered;
        mine.completed += others.completed;
        mine.failed += others.failed;
        mine.sum_ns += others.sum_ns;
        mine.max_ns = mine.max_ns.max(others.max_ns);
        mine.lag_sum_ns += others.lag_sum_ns;
    }
}
