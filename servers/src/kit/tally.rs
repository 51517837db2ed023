//! Counts per worker in memory that forked workers share.
//!
//! Each worker has a cache line of its own, so counting causes no traffic between cores. The sum over the workers is
//! the total of the server, and the spread shows how evenly a design distributes its work.

use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::limits::EXHAUSTED_TOLD_EVERY;
use crate::shared::{Shared, Zeroed};

/// One worker's counts.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Tally {
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Requests answered by a service.
    pub requests: AtomicU64,
    /// Bytes read from the wire.
    pub received_bytes: AtomicU64,
    /// Bytes written to the wire.
    pub sent_bytes: AtomicU64,
    /// Connections and requests refused with a 503 because a limit was reached.
    pub refused: AtomicU64,
    /// Services that panicked, and workers that died.
    pub faults: AtomicU64,
    /// Connections ended because the peer broke a rule of the protocol or was too slow.
    pub peer_faults: AtomicU64,
    /// Requests that the policy, or the owner of a file, did not allow.
    pub denied: AtomicU64,
}

impl Tally {
    /// Adds to one of the counts.
    pub fn add(count: &AtomicU64, more: u64) {
        count.fetch_add(more, Relaxed);
    }

    fn write_json(&self, json: &mut String) {
        let fields: [(&str, &AtomicU64); 8] = [
            ("connections", &self.connections),
            ("requests", &self.requests),
            ("received_bytes", &self.received_bytes),
            ("sent_bytes", &self.sent_bytes),
            ("refused", &self.refused),
            ("faults", &self.faults),
            ("peer_faults", &self.peer_faults),
            ("denied", &self.denied),
        ];
        for (index, (name, count)) in fields.iter().enumerate() {
            let comma = if index == 0 { "{" } else { "," };
            let _ = write!(json, "{comma}\"{name}\":{}", count.load(Relaxed));
        }
        json.push('}');
    }

    fn merge(&self, other: &Tally) {
        Tally::add(&self.connections, other.connections.load(Relaxed));
        Tally::add(&self.requests, other.requests.load(Relaxed));
        Tally::add(&self.received_bytes, other.received_bytes.load(Relaxed));
        Tally::add(&self.sent_bytes, other.sent_bytes.load(Relaxed));
        Tally::add(&self.refused, other.refused.load(Relaxed));
        Tally::add(&self.faults, other.faults.load(Relaxed));
        Tally::add(&self.peer_faults, other.peer_faults.load(Relaxed));
        Tally::add(&self.denied, other.denied.load(Relaxed));
    }
}

// SAFETY: it is made of atomics alone.
unsafe impl Zeroed for Tally {}

/// The counts of all workers, shared with children that are forked later.
#[derive(Debug)]
pub struct Tallies {
    workers: Shared<Tally>,
    exhaustion: Shared<Exhaustion>,
}

/// How often accepting had to pause, for the server as a whole.
#[derive(Debug, Default)]
struct Exhaustion {
    pauses: AtomicU64,
    /// When standard error was told of it last, in seconds since 1970.
    told_at_s: AtomicU64,
}

// SAFETY: it is made of atomics alone.
unsafe impl Zeroed for Exhaustion {}

impl Tallies {
    /// Zeroed counts for `workers` workers, at least one.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new(workers: usize) -> io::Result<Self> {
        Ok(Tallies { workers: Shared::new(workers)?, exhaustion: Shared::new(1)? })
    }

    /// Counts a pause of accepting because descriptors or memory have run out.
    ///
    /// # Returns
    /// How many there were, when standard error is to be told at `now_s` seconds since 1970: the first time, and then
    /// at most once in [`EXHAUSTED_TOLD_EVERY`], whichever process of the server has to pause.
    pub fn pause(&self, now_s: u64) -> Option<u64> {
        let Exhaustion { pauses, told_at_s } = &self.exhaustion[0];
        let count = pauses.fetch_add(1, Relaxed) + 1;
        let told_at = told_at_s.load(Relaxed);
        let is_due = now_s >= told_at.saturating_add(EXHAUSTED_TOLD_EVERY.as_secs());
        // Of several that come at once, one tells.
        let tells = is_due && told_at_s.compare_exchange(told_at, now_s, Relaxed, Relaxed).is_ok();
        tells.then_some(count)
    }

    /// The counts of each worker.
    pub fn workers(&self) -> &[Tally] {
        &self.workers
    }

    /// The counts of worker `index`. If there are more workers than tallies, several workers share one.
    pub fn of(&self, index: usize) -> &Tally {
        &self.workers[index % self.workers.len()]
    }

    /// The counts as one JSON object: the server's name, its workers, their sum, and how often accepting had to pause.
    pub fn to_json(&self, name: &str) -> String {
        let total = Tally::default();
        let mut json = format!("{{\"name\":\"{name}\",\"workers\":[");
        for (index, tally) in self.workers().iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            tally.write_json(&mut json);
            total.merge(tally);
        }
        json.push_str("],\"total\":");
        total.write_json(&mut json);
        let _ = write!(json, ",\"exhausted\":{}}}", self.exhaustion[0].pauses.load(Relaxed));
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_counted_and_one_in_a_minute_is_told() {
        let tallies = Tallies::new(1).unwrap();
        let times_and_told = [
            (1_000, Some(1)),
            (1_000, None),
            (1_059, None),
            (1_060, Some(4)),
            (1_061, None),
            (9_000, Some(6)),
        ];
        for (now_s, told) in times_and_told {
            assert_eq!(tallies.pause(now_s), told, "at {now_s} s");
        }
        assert!(tallies.to_json("x").ends_with(",\"exhausted\":6}"), "{}", tallies.to_json("x"));
    }
}
