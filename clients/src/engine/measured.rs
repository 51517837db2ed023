//! What the engine brings home, and how the parts of several threads or hosts become one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::absence::Absence;
use crate::books::tally::RunTally;
use crate::engine::usage::Meter;
use crate::outcome::{Connections, Partial};

/// The joined books and the generator's own needs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// The joined books.
    pub tally: RunTally,
    /// Length of the measured window, ns.
    pub window_ns: u64,
    /// Why the run ended early.
    pub partial: Option<Partial>,
    /// When it was ended early, ns from the start.
    pub ended_ns: u64,
    /// What each thread used over the window.
    pub meters: Vec<Meter>,
    /// Connections.
    pub connections: Connections,
    /// When the first request was due, ms since 1970.
    pub started_unix_ms: u64,
    /// How long threads stood still although they had something to do.
    pub absence: Absence,
    /// Periods in which the process ran out of its CPU quota.
    pub throttled_periods: u64,
    /// Hosts that have made the load together.
    pub hosts: u32,
}

impl Measured {
    /// Adds what others have measured at the same time, under the same plan. The window is to be closed afterwards.
    pub fn add(&mut self, other: Measured) {
        self.tally.merge(other.tally);
        self.meters.extend(other.meters);
        // One thread's overflow stops the others: it is the reason, their interruption is not.
        if other.partial == Some(Partial::Backlog) || self.partial.is_none() {
            self.partial = other.partial;
        }
        self.ended_ns = self.ended_ns.max(other.ended_ns);
        self.started_unix_ms = self.started_unix_ms.min(other.started_unix_ms);
        self.absence = self.absence.max(other.absence);
        self.throttled_periods += other.throttled_periods;
        let (mine, others) = (&mut self.connections, other.connections);
        mine.planned += others.planned;
        mine.open_max += others.open_max;
        mine.open_at_end += others.open_at_end;
        mine.opened += others.opened;
        mine.resumed += others.resumed;
        mine.handshake_octets += others.handshake_octets;
        mine.failed += others.failed;
    }

    /// Closes the window of a plan with this warm-up, whose last request may fall due at `end_ns`; `None`: when the
    /// last of a number of requests has come to its end.
    pub fn close(&mut self, warmup_ns: u64, end_ns: Option<u64>) {
        let end_ns = match (self.partial, end_ns) {
            (Some(_), planned) => self.ended_ns.min(planned.unwrap_or(u64::MAX)),
            (None, Some(planned)) => planned,
            (None, None) => self.tally.last_done_ns,
        };
        self.window_ns = end_ns.saturating_sub(warmup_ns);
    }
}
