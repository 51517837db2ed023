//! A start at a time of day, on which several hosts can agree without speaking with one another.
//!
//! The system's clock is read once, beside the monotonic one, by which everything else goes: what steps or slews it
//! during the run moves no request. The readings before and after the run tell by how much it moved.

use std::time::Duration;

use nix::time::ClockId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::engine::clock::monotonic_ns;
use crate::limits::{
    APPOINTED_LEAD_NS, APPOINTED_LEAD_PER_CONNECTION_NS, CLOCK_READINGS, START_LEAD_NS, WATCH,
};

/// When a run starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTime {
    /// As soon as its connections are open.
    WhenReady,
    /// At this time of the system's clock, ns since 1970-01-01 UTC.
    Appointed(u64),
}

/// The system's clock beside the monotonic one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockReading {
    /// The system's clock, ns since 1970-01-01 UTC.
    pub unix_ns: u64,
    /// The monotonic clock at the same time, ns.
    pub monotonic_ns: u64,
    /// How far apart the two may have been read, ns, to either side.
    pub error_ns: u64,
}

impl ClockReading {
    /// Reads both clocks: the closest of several readings.
    pub fn now() -> Self {
        let one = |_| {
            let before_ns = monotonic_ns();
            let unix_ns = unix_ns();
            let error_ns = (monotonic_ns() - before_ns) / 2;
            ClockReading { unix_ns, monotonic_ns: before_ns + error_ns, error_ns }
        };
        let closest = (0..CLOCK_READINGS).map(one).min_by_key(|reading| reading.error_ns);
        closest.unwrap_or_else(|| one(0))
    }

    /// A time of the system's clock on the monotonic one; `Err`: by how much it has passed when the clocks were read.
    fn monotonic_of(self, unix_ns: u64) -> Result<u64, u64> {
        match unix_ns.checked_sub(self.unix_ns) {
            Some(ahead_ns) => Ok(self.monotonic_ns.saturating_add(ahead_ns)),
            None => Err(self.unix_ns - unix_ns),
        }
    }

    /// A time of the monotonic clock on the system's clock.
    pub fn unix_ns_of(self, monotonic_ns: u64) -> u64 {
        (self.unix_ns + monotonic_ns).saturating_sub(self.monotonic_ns)
    }

    /// By how much the system's clock has gone ahead of the monotonic one since an earlier reading, ns.
    pub fn moved_since(self, earlier: ClockReading) -> i64 {
        let unix_ns = self.unix_ns as i128 - earlier.unix_ns as i128;
        let monotonic_ns = self.monotonic_ns as i128 - earlier.monotonic_ns as i128;
        i64::try_from(unix_ns - monotonic_ns).unwrap_or(i64::MAX)
    }
}

/// The system's clock, ns since 1970; 0 where it stands before that.
fn unix_ns() -> u64 {
    ClockId::CLOCK_REALTIME.now().map_or(0, |now| {
        u64::try_from(now.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap_or(0)
    })
}

impl StartTime {
    /// Waits until the connections are to be opened, so that none idles for long. `look` is called some ten times a
    /// second and tells whether to go on waiting.
    pub(super) fn await_opening(self, connections: u64, look: &mut dyn FnMut() -> bool) {
        let StartTime::Appointed(unix_ns) = self else { return };
        let lead_ns = APPOINTED_LEAD_NS + connections * APPOINTED_LEAD_PER_CONNECTION_NS;
        if let Ok(start_ns) = ClockReading::now().monotonic_of(unix_ns) {
            wait_until(start_ns.saturating_sub(lead_ns), look);
        }
    }

    /// Waits until shortly before the start, and gives its time on the monotonic clock. Who is told not to go on
    /// waiting starts at once.
    ///
    /// # Errors
    /// By how much the start has passed, ns.
    pub(super) fn await_start(self, look: &mut dyn FnMut() -> bool) -> Result<u64, u64> {
        let soon = || monotonic_ns() + START_LEAD_NS;
        let StartTime::Appointed(unix_ns) = self else { return Ok(soon()) };
        let start_ns = ClockReading::now().monotonic_of(unix_ns)?;
        if start_ns < soon() {
            return Err(soon() - start_ns);
        }
        if wait_until(start_ns - START_LEAD_NS, look) { Ok(start_ns) } else { Ok(soon()) }
    }
}

/// `false`: it was told not to go on.
fn wait_until(until_ns: u64, look: &mut dyn FnMut() -> bool) -> bool {
    loop {
        let left_ns = until_ns.saturating_sub(monotonic_ns());
        if left_ns == 0 {
            return true;
        }
        if !look() {
            return false;
        }
        std::thread::sleep(Duration::from_nanos(left_ns).min(WATCH));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_are_read_together_and_their_drift_is_told() {
        let reading = ClockReading::now();
        assert!(reading.unix_ns > 1_600_000_000_000_000_000 && reading.error_ns < 1_000_000_000);
        assert_eq!(reading.monotonic_of(reading.unix_ns + 5), Ok(reading.monotonic_ns + 5));
        assert_eq!(reading.monotonic_of(reading.unix_ns - 7), Err(7));
        let later = ClockReading {
            unix_ns: reading.unix_ns + 1_000,
            monotonic_ns: reading.monotonic_ns + 900,
            error_ns: 0,
        };
        assert_eq!((later.moved_since(reading), reading.moved_since(later)), (100, -100));
    }

    #[test]
    fn an_appointment_is_kept_missed_or_given_up() {
        let start = StartTime::Appointed(unix_ns() + 60_000_000);
        let start_ns = start.await_start(&mut || true).unwrap();
        assert!(start_ns.abs_diff(monotonic_ns()) < 2_000_000_000);
        assert!(
            StartTime::Appointed(unix_ns() - 1_000_000).await_start(&mut || true).unwrap_err() > 1_000_000
        );
        let far = StartTime::Appointed(unix_ns() + 3_600_000_000_000);
        far.await_opening(10, &mut || false);
        assert!(far.await_start(&mut || false).unwrap() < monotonic_ns() + 1_000_000_000);
        assert!(StartTime::WhenReady.await_start(&mut || false).is_ok());
    }
}
