//! What the threads of a run tell while it goes on, and how they are told to end it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::books::coarse::Coarse;
use crate::books::glance::Glance;
use crate::books::requests::{RequestLog, RequestTimes};

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
    /// The requests that were answered; `None`: nobody wants to know.
    requests: Option<Mutex<RequestLog>>,
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
            requests: None,
        }
    }

    /// The same, and the threads tell of each answered request, of which the last `most` are kept until somebody
    /// [takes](Live::take_requests) them.
    #[must_use]
    pub fn with_requests(self, most: usize) -> Self {
        Live { requests: Some(Mutex::new(RequestLog::new(most))), ..self }
    }

    /// Whether the threads tell of each request.
    pub(super) fn wants_requests(&self) -> bool {
        self.requests.is_some()
    }

    /// Requests that a thread has had answered.
    pub(super) fn tell_requests(&self, answered: &mut Vec<RequestTimes>) {
        if let Some(mut log) = self.requests.as_ref().and_then(|log| log.lock().ok()) {
            log.extend(answered.drain(..));
        }
    }

    /// Takes the requests that were answered, in no order, and tells how many were forgotten because nobody took them.
    pub fn take_requests(&self) -> (Vec<RequestTimes>, u64) {
        let log = self.requests.as_ref().and_then(|log| log.lock().ok());
        log.map(|mut log| log.take()).unwrap_or_default()
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
