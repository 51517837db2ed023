//! What could not be done within a time is refused before anything is done for it.
//!
//! Its client will have given up, so the work would be lost. How long it takes until its turn comes is known: it has
//! waited for so long already, and what is in hand before it keeps the cores at work for so long
//! ([`work_ns`](crate::admission::line::WaitingLine::work_ns)). Its own service does not count: who asks for more
//! than the time allows is served where nobody else waits.

use std::time::Duration;

use super::{Arrival, Controller};
use crate::admission::line::WaitingLine;

/// The longest wait.
#[derive(Debug)]
pub struct Deadline {
    age_ns: u64,
}

impl Deadline {
    /// At most so long.
    pub fn new(age: Duration) -> Self {
        Deadline { age_ns: age.as_nanos() as u64 }
    }
}

impl Controller for Deadline {
    fn admits(&self, line: &WaitingLine, arrival: Arrival) -> bool {
        // Where threads share a core, those that come after it hold it up as well: as many as those before it.
        arrival.waited_ns + 2 * line.work_ns() <= self.age_ns
    }

    fn is_stale(&self, _line: &WaitingLine, arrival: Arrival) -> bool {
        arrival.waited_ns > self.age_ns
    }
}
