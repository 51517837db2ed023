//! What the threads of a run tell while it goes on, and how they are told to end it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::books::coarse::Coarse;
use crate::books::glance::Glance;

/// What a thread has told of itself.
#[derive(Debug, Default)]
struct Told {
    glance: Glance,
    latencies: Coarse,
}

/// Shared by the threads of a run and whoever watches it.
#[derive(Debug)]
pub struct Live {
    stop: AtomicBool,
    started: AtomicBool,
    over: AtomicBool,
    aborted: AtomicBool,
    told: Vec<Mutex<Told>>,
}

impl Live {
    /// For `threads` threads.
    pub fn new(threads: u32) -> Self {
        Live {
            stop: AtomicBool::new(false),
            started: AtomicBool::new(false),
            over: AtomicBool::new(false),
            aborted: AtomicBool::new(false),
            told: (0..threads).map(|_| Mutex::default()).collect(),
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

    /// Ends the run early because a condition for that has come true.
    pub fn abort(&self) {
        self.aborted.store(true, Ordering::Relaxed);
        self.stop();
    }

    /// Whether it ends for that reason.
    pub fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }

    /// Whether it shall end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// A thread's news.
    pub fn publish(&self, thread: u32, glance: Glance, latencies: &Coarse) {
        if let Ok(mut mine) = self.told[thread as usize].lock() {
            mine.glance = glance;
            mine.latencies.clone_from(latencies);
        }
    }

    /// The threads' news, added up.
    pub fn glance(&self) -> Glance {
        let mut sum = Glance::default();
        for one in self.told.iter().filter_map(|told| told.lock().ok()) {
            sum.add(&one.glance);
        }
        sum
    }

    /// The total latencies of the measured window so far.
    pub fn latencies(&self) -> Coarse {
        let mut sum = Coarse::default();
        for one in self.told.iter().filter_map(|told| told.lock().ok()) {
            sum.merge(&one.latencies);
        }
        sum
    }
}
