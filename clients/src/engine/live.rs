//! What the threads of a run tell while it goes on, and how they are told to end it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Shared by the threads of a run and whoever watches it.
#[derive(Debug)]
pub struct Live {
    stop: AtomicBool,
    started: AtomicBool,
    glances: Vec<Mutex<Glance>>,
}

impl Live {
    /// For `threads` threads.
    pub fn new(threads: u32) -> Self {
        Live {
            stop: AtomicBool::new(false),
            started: AtomicBool::new(false),
            glances: (0..threads).map(|_| Mutex::default()).collect(),
        }
    }

    /// All connections are open, the transport's handshakes done: the run starts within
    /// [`START_LEAD_NS`](crate::limits::START_LEAD_NS).
    pub fn start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    /// Whether that is so.
    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Ends the run early; what was measured until then is told.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether it shall end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A thread's news.
    pub fn publish(&self, thread: u32, glance: Glance) {
        if let Ok(mut mine) = self.glances[thread as usize].lock() {
            *mine = glance;
        }
    }

    /// The threads' news, added up.
    pub fn glance(&self) -> Glance {
        let mut sum = Glance::default();
        for glance in &self.glances {
            let Ok(one) = glance.lock() else { continue };
            sum.now_ns = sum.now_ns.max(one.now_ns);
            sum.sent += one.sent;
            sum.completed += one.completed;
            sum.failed += one.failed;
            sum.backlog += one.backlog;
            sum.recent_p99_ns = sum.recent_p99_ns.max(one.recent_p99_ns);
        }
        sum
    }
}
