//! An event: a point, when a request passed it, and which request it was, in two words of eight bytes.
//!
//! | word | bits | what |
//! |---|---|---|
//! | 0 | 64 | CLOCK_MONOTONIC, ns |
//! | 1 | 63..32 | the connection: its number since the start of the server, from 1 |
//! | 1 | 31..16 | the request: its number on its connection, from 1, in 16 bits |
//! | 1 | 15..6 | what else there is to say, see [`TracePoint`] |
//! | 1 | 5..0 | the point |

use std::fmt;

/// A place in the way of a request through a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TracePoint {
    /// A thread or a process begins to write; says who it is ([`TraceEvent::worker`]).
    WorkerBorn = 1,
    /// It ends.
    WorkerGone = 2,
    /// A connection was accepted; says whose it is ([`TraceEvent::peer`]).
    Accepted = 3,
    /// A connection is refused before anything of it was read.
    Refused = 4,
    /// A request, or a connection with it, stands in a queue before a worker.
    Queued = 5,
    /// A worker has taken it: out of the queue, or, of a new connection, wherever it begins to be served.
    Taken = 6,
    /// A part of the request has been read.
    FirstOctets = 7,
    /// It has been read completely, its body included.
    Whole = 8,
    /// Its service begins.
    Begins = 9,
    /// The service has returned: an answer, or what to wait for.
    Served = 10,
    /// It waits for a modelled back end, or for others.
    Waits = 11,
    /// It waits no more.
    Resumes = 12,
    /// Its answer is given to the connection; the detail is the status.
    Answered = 13,
    /// The kernel has taken the last octet of the answer.
    Written = 14,
    /// The connection is closed.
    Closed = 15,
}

impl TracePoint {
    /// All of them, by their numbers.
    pub const ALL: [TracePoint; 15] = [
        TracePoint::WorkerBorn,
        TracePoint::WorkerGone,
        TracePoint::Accepted,
        TracePoint::Refused,
        TracePoint::Queued,
        TracePoint::Taken,
        TracePoint::FirstOctets,
        TracePoint::Whole,
        TracePoint::Begins,
        TracePoint::Served,
        TracePoint::Waits,
        TracePoint::Resumes,
        TracePoint::Answered,
        TracePoint::Written,
        TracePoint::Closed,
    ];

    /// What it is called outside.
    pub fn name(self) -> &'static str {
        match self {
            TracePoint::WorkerBorn => "worker-born",
            TracePoint::WorkerGone => "worker-gone",
            TracePoint::Accepted => "accepted",
            TracePoint::Refused => "refused",
            TracePoint::Queued => "queued",
            TracePoint::Taken => "taken",
            TracePoint::FirstOctets => "first-octets",
            TracePoint::Whole => "whole",
            TracePoint::Begins => "begins",
            TracePoint::Served => "served",
            TracePoint::Waits => "waits",
            TracePoint::Resumes => "resumes",
            TracePoint::Answered => "answered",
            TracePoint::Written => "written",
            TracePoint::Closed => "closed",
        }
    }

    fn of(number: u64) -> Option<TracePoint> {
        TracePoint::ALL.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
    }
}

impl fmt::Display for TracePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceEvent {
    /// When, on CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Which connection; of the birth and the end of a worker, its thread.
    pub connection: u32,
    /// Which request of it, from 1, in 16 bits.
    pub request: u16,
    /// What else there is to say, in ten bits.
    pub detail: u16,
    /// Where.
    pub point: TracePoint,
}

const DETAIL_BITS: u32 = 10;
const POINT_BITS: u32 = 6;
const DETAIL_MOST: u16 = (1 << DETAIL_BITS) - 1;

impl TraceEvent {
    /// As it lies in memory.
    pub fn words(self) -> [u64; 2] {
        let low = u64::from(self.detail & DETAIL_MOST) << POINT_BITS | self.point as u64;
        [self.time_ns, u64::from(self.connection) << 32 | u64::from(self.request) << 16 | low]
    }

    /// What lies in memory; `None`: it is no event.
    pub fn of(words: [u64; 2]) -> Option<Self> {
        let [time_ns, word] = words;
        let point = TracePoint::of(word & ((1 << POINT_BITS) - 1))?;
        let detail = (word >> POINT_BITS) as u16 & DETAIL_MOST;
        Some(TraceEvent {
            time_ns,
            connection: (word >> 32) as u32,
            request: (word >> 16) as u16,
            detail,
            point,
        })
    }

    /// The birth or the end of a worker: the thread of the process.
    pub(super) fn of_worker(point: TracePoint, time_ns: u64, process: u32, thread: u32) -> Self {
        let (request, detail) = (process as u16, (process >> 16) as u16 & DETAIL_MOST);
        TraceEvent { time_ns, connection: thread, request, detail, point }
    }

    /// Which process and which thread of it begins to write or ends; `None`: this is another point.
    pub fn worker(&self) -> Option<(u32, u32)> {
        let is_worker = matches!(self.point, TracePoint::WorkerBorn | TracePoint::WorkerGone);
        is_worker.then(|| (u32::from(self.detail) << 16 | u32::from(self.request), self.connection))
    }

    /// The port of the client whose connection was accepted, and the last octet of its address; `None`: this is
    /// another point. Both are 0 on a Unix socket.
    pub fn peer(&self) -> Option<(u16, u8)> {
        (self.point == TracePoint::Accepted).then_some((self.request, self.detail as u8))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_event_is_what_was_written(
            time_ns: u64, connection: u32, request: u16, detail in 0..=DETAIL_MOST, point in 0..TracePoint::ALL.len(),
        ) {
            let event = TraceEvent { time_ns, connection, request, detail, point: TracePoint::ALL[point] };
            prop_assert_eq!(TraceEvent::of(event.words()), Some(event));
        }

        #[test]
        fn whatever_lies_in_memory_can_be_looked_at(words: [u64; 2]) {
            if let Some(event) = TraceEvent::of(words) {
                prop_assert_eq!(event.words(), words);
            }
        }
    }

    #[test]
    fn workers_and_peers_are_named() {
        let born = TraceEvent::of_worker(TracePoint::WorkerBorn, 1, 4_194_303, 77);
        assert_eq!(TraceEvent::of(born.words()).unwrap().worker(), Some((4_194_303, 77)));
        assert_eq!(born.peer(), None);
        let accepted =
            TraceEvent { time_ns: 1, connection: 2, request: 40_000, detail: 9, point: TracePoint::Accepted };
        assert_eq!((accepted.peer(), accepted.worker()), (Some((40_000, 9)), None));
        for (index, point) in TracePoint::ALL.into_iter().enumerate() {
            assert_eq!(point as usize, index + 1, "{point}");
        }
        assert_eq!(TraceEvent::of([0, 0]), None, "memory that nobody has written");
    }
}
