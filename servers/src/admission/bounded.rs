//! At most so many requests before one: what operators set by hand (`worker_connections`, `maxconn`, the queue of a
//! pool).
//!
//! The number means a time only as long as services take what they took when it was chosen. A queue of 4,096 places is
//! four seconds long where a service takes a millisecond, and then its refusals come too late to save anybody.

use super::{Arrival, Controller};
use crate::admission::line::WaitingLine;

/// A bound.
#[derive(Debug)]
pub struct Bounded {
    places: u64,
}

impl Bounded {
    /// At most so many, at least one.
    pub fn new(places: u64) -> Self {
        Bounded { places: places.max(1) }
    }
}

impl Controller for Bounded {
    fn admits(&self, line: &WaitingLine, Arrival { now_ns, waited_ns }: Arrival) -> bool {
        !line.has_before(self.places, now_ns.saturating_sub(waited_ns))
    }

    fn is_stale(&self, _line: &WaitingLine, _arrival: Arrival) -> bool {
        // Who has a place keeps it.
        false
    }
}
