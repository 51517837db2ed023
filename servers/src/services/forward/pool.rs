//! Idle connections to the backends, for the next requests.
//!
//! A process has its own: connections cannot be shared with forked workers, who begin without any.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::link::Link;
use crate::limits::{FORWARD_IDLE_LINKS, FORWARD_IDLE_TIME};

/// Idle connections, for each backend the one that was used last at the end.
#[derive(Debug)]
pub(super) struct Pool(Vec<Mutex<Vec<(Instant, Link)>>>);

impl Pool {
    /// None, for so many backends.
    pub(super) fn new(backends: usize) -> Pool {
        Pool((0..backends).map(|_| Mutex::default()).collect())
    }

    /// A connection to a backend that was used less than `age` ago, and is usable.
    pub(super) fn take(&self, backend: usize, age: Duration, now: Instant) -> Option<Link> {
        loop {
            // Closing one is a system call, so it is dropped without the lock.
            let (since, link) = self.lock(backend).pop()?;
            if now.saturating_duration_since(since) < age && link.is_usable() {
                return Some(link);
            }
        }
    }

    /// Keeps a connection, and ends those that were not needed for long.
    pub(super) fn put(&self, backend: usize, mut link: Link, now: Instant) {
        link.is_reused = true;
        let mut idle = self.lock(backend);
        let is_old =
            |(since, _): &(Instant, Link)| now.saturating_duration_since(*since) >= FORWARD_IDLE_TIME;
        let surplus = (idle.len() + 1).saturating_sub(FORWARD_IDLE_LINKS);
        let old = idle.iter().take_while(|entry| is_old(entry)).count().max(surplus);
        let ended: Vec<_> = idle.drain(..old).collect();
        idle.push((now, link));
        drop(idle);
        drop(ended);
    }

    fn lock(&self, backend: usize) -> MutexGuard<'_, Vec<(Instant, Link)>> {
        self.0[backend].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
