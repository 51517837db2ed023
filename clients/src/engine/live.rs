//! What the threads of a run tell while it goes on, and how they are told to end it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::books::glance::Glance;

/// Shared by the threads of a run and whoever watches it.
#[derive(Debug)]
pub struct Live {
    stop: AtomicBool,
    started: AtomicBool,
    over: AtomicBool,
    glances: Vec<Mutex<Glance>>,
}

impl Live {
    /// For `threads` threads.
    pub fn new(threads: u32) -> Self {
        Live {
            stop: AtomicBool::new(false),
            started: AtomicBool::new(false),
            over: AtomicBool::new(false),
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

    /// The last request is answered or given up, on every thread; the connections are still open.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether that is so.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
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
