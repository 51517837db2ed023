//! The [queues](super::queue) of a server, each behind a lock, and whether the server stops.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::queue::Queue;
use crate::limits::{QUEUE_ITEMS, QUEUE_WAITERS, QUEUES};

/// The queues of a server whose workers share their memory.
pub struct Queues(Vec<Arc<Line>>);

/// One queue.
pub struct Line(Mutex<State>);

/// What stands behind the lock of a queue.
pub struct State {
    /// The queue.
    pub queue: Queue<Vec<u8>, Waker>,
    /// Nobody waits any more, because the server stops.
    pub is_stopping: bool,
}

impl Line {
    /// Takes the lock. Nobody waits with it.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queues {
    /// Empty ones.
    pub fn new() -> Self {
        let state = || State { queue: Queue::new(QUEUE_ITEMS, QUEUE_WAITERS), is_stopping: false };
        Queues((0..QUEUES).map(|_| Arc::new(Line(Mutex::new(state())))).collect())
    }

    /// The queue of that number.
    pub fn line(&self, number: usize) -> Option<&Arc<Line>> {
        self.0.get(number)
    }

    /// The server stops: all who wait are called.
    pub fn stop(&self) {
        for line in &self.0 {
            let mut state = line.lock();
            state.is_stopping = true;
            let waiting: Vec<_> = state.queue.everybody().cloned().collect();
            drop(state);
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl Default for Queues {
    fn default() -> Self {
        Queues::new()
    }
}
