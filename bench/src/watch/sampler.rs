//! The thread that looks at a server while it is watched: at its requests 25 times a second, at what it uses less
//! often.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use dyno_clients::engine::clock::monotonic_ns;
use serde_json::json;

use super::gauges::{Gauges, TreeMeter, accept_queue};
use super::hub::Hub;
use super::source::{Look, PlaceStep, StepSource};
use crate::limits::{
    WATCH_LOOK, WATCH_LOOKS_PER_CPU, WATCH_LOOKS_PER_MEMORY, WATCH_LOOKS_PER_QUEUE, WATCH_STEPS,
};
use crate::load::news::NewsLine;

/// The latest that is known of a server and its load, for whoever tells it.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) news: NewsLine,
    pub(crate) gauges: Gauges,
    /// Requests that were seen so far.
    pub(crate) seen: u64,
    /// Why none can be seen.
    pub(crate) blind: Option<String>,
}

/// A board that several threads write.
pub(crate) type SharedBoard = Arc<Mutex<Board>>;

/// Does something with a board. A thread that has panicked leaves figures on it, which are figures still.
pub(crate) fn with<T>(board: &SharedBoard, act: impl FnOnce(&mut Board) -> T) -> T {
    act(&mut board.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What is looked at.
pub(crate) struct LookedAt {
    /// The first design, or the second.
    pub(crate) side: usize,
    pub(crate) process: i32,
    pub(crate) address: SocketAddr,
    pub(crate) source: Box<dyn StepSource>,
}

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Sampler {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Begins to look.
    pub(crate) fn start(watched: LookedAt, board: SharedBoard, hub: Arc<Hub>) -> Self {
        let ends = Arc::new(AtomicBool::new(false));
        let ended = ends.clone();
        let thread = thread::spawn(move || look(watched, &board, &hub, &ended));
        Sampler { ends, thread: Some(thread) }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.ends.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(mut watched: LookedAt, board: &SharedBoard, hub: &Hub, ended: &AtomicBool) {
    let (mut meter, mut gauges) = (TreeMeter::of(watched.process), Gauges::default());
    let mut steps: Vec<PlaceStep> = Vec::new();
    let mut next = Instant::now();
    for count in 0u32.. {
        if ended.load(Relaxed) {
            return;
        }
        if count.is_multiple_of(WATCH_LOOKS_PER_QUEUE) {
            gauges.accept_queue = accept_queue(&watched.address);
        }
        if count.is_multiple_of(WATCH_LOOKS_PER_CPU) {
            meter.look(&mut gauges);
        }
        if count.is_multiple_of(WATCH_LOOKS_PER_MEMORY) {
            meter.weigh(&mut gauges);
        }
        // Also while nobody watches: whoever comes then is not told of what is long over.
        let looked = watched.source.look(&mut steps);
        let Look { fresh, missed } = looked.as_ref().copied().unwrap_or_default();
        with(board, |board| {
            board.gauges = gauges.clone();
            board.seen += fresh;
            board.blind = looked.err();
        });
        if hub.is_watched() {
            tell(&watched, &steps, missed, hub);
        }
        steps.clear();
        next += WATCH_LOOK;
        let now = Instant::now();
        // A look that took long is not made up for by looks in a row.
        next = next.max(now);
        thread::sleep(next - now);
    }
}

/// Tells the steps in messages of a bounded size, one at least: by its time a page knows the clock of the server.
fn tell(watched: &LookedAt, steps: &[PlaceStep], missed: u64, hub: &Hub) {
    let mut left = steps;
    loop {
        let (now, rest) = left.split_at(left.len().min(WATCH_STEPS));
        let now_us = monotonic_ns() / 1_000;
        hub.tell("steps", &json!({ "side": watched.side, "now_us": now_us, "steps": now, "missed": missed }));
        left = rest;
        if left.is_empty() {
            return;
        }
    }
}
