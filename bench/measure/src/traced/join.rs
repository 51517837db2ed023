//! Joins what both sides have written down: a connection by the port of the client, a request by its number on it.

use std::collections::HashMap;

use dyno_analysis::timeline::PartsNs;
use dyno_clients::books::requests::RequestTimes;
use dyno_servers::trace::event::TracePoint;
use dyno_servers::trace::reader::LaneEvent;

use super::segment::{TraceMark, parts, segments};

/// A request of which both sides are known.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedRequest {
    /// The generator's side.
    pub times: RequestTimes,
    /// The connection, as the server counts them.
    pub connection: u32,
    /// The server's side, in the order of time.
    pub marks: Vec<TraceMark>,
    /// Where its time went.
    pub parts: PartsNs,
}

impl TracedRequest {
    /// When it passed a point first.
    pub fn passed(&self, point: TracePoint) -> Option<&TraceMark> {
        self.marks.iter().find(|mark| mark.point == point)
    }
}

/// A thread or process that has written into a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneWorker {
    /// The lane.
    pub lane: u16,
    /// Its process.
    pub process: u32,
    /// Its thread.
    pub thread: u32,
    /// When it began to write.
    pub born_ns: u64,
    /// When it ended; `None`: nobody has seen that.
    pub gone_ns: Option<u64>,
}

/// Both sides together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JoinedTrace {
    /// The requests of which both sides are known, by their latency, the fastest first.
    pub requests: Vec<TracedRequest>,
    /// Answered requests of which the server's side is not there, or not whole.
    pub unjoined: u64,
    /// Who has written, in the order of their births.
    pub workers: Vec<LaneWorker>,
    /// Requests whose times contradict each other: read before they were due, or answered after the answer was there.
    pub contradictions: u64,
}

/// What the server has written of one connection.
#[derive(Debug, Default)]
struct ServerSide {
    accepted: Option<TraceMark>,
    /// The number of the last event's request, not cut to 16 bits.
    last: u64,
    requests: HashMap<u64, Vec<TraceMark>>,
}

impl ServerSide {
    /// The whole number of a request, of which the event has the lower 16 bits.
    fn number(&mut self, low: u16) -> u64 {
        let step = i64::from(low.wrapping_sub(self.last as u16).cast_signed());
        self.last = self.last.saturating_add_signed(step);
        self.last
    }
}

/// Joins the events of a server, in any order, and the requests of its generator that were due from `from_ns` on.
pub fn join(mut events: Vec<LaneEvent>, requests: &[RequestTimes], from_ns: u64) -> JoinedTrace {
    events.sort_by_key(|event| event.event.time_ns);
    let mut joined = JoinedTrace::default();
    let mut sides: HashMap<u32, ServerSide> = HashMap::new();
    // The connections of a port, in the order of their acceptance.
    let mut ports: HashMap<(u16, u8), Vec<(u64, u32)>> = HashMap::new();
    for LaneEvent { lane, event } in events {
        let mark = TraceMark { time_ns: event.time_ns, point: event.point, lane, detail: event.detail };
        if let Some((process, thread)) = event.worker() {
            note_worker(&mut joined.workers, mark, process, thread);
            continue;
        }
        let side = sides.entry(event.connection).or_default();
        if let Some(peer) = event.peer() {
            side.accepted = Some(mark);
            ports.entry(peer).or_default().push((event.time_ns, event.connection));
            continue;
        }
        let number = side.number(event.request);
        side.requests.entry(number).or_default().push(mark);
    }
    for times in requests.iter().filter(|times| times.intended_ns >= from_ns) {
        let found = connection_of(&ports, times).and_then(|connection| {
            let side = sides.get_mut(&connection)?;
            let accepted = side.accepted.filter(|_| times.number == 1);
            let marks = side.requests.remove(&times.number)?;
            Some((connection, accepted.into_iter().chain(marks).collect::<Vec<TraceMark>>()))
        });
        let is_whole = |marks: &[TraceMark]| {
            [TracePoint::Whole, TracePoint::Answered]
                .iter()
                .all(|point| marks.iter().any(|mark| mark.point == *point))
        };
        match found {
            Some((connection, marks)) if is_whole(&marks) => {
                joined.contradictions += u64::from(contradicts(times, &marks));
                let parts = parts(times, &segments(times, &marks));
                joined.requests.push(TracedRequest { times: *times, connection, marks, parts });
            }
            Some(_) | None => joined.unjoined += 1,
        }
    }
    joined.requests.sort_by_key(|request| request.parts.total_ns());
    joined
}

fn note_worker(workers: &mut Vec<LaneWorker>, mark: TraceMark, process: u32, thread: u32) {
    if mark.point == TracePoint::WorkerBorn {
        let (lane, born_ns) = (mark.lane, mark.time_ns);
        return workers.push(LaneWorker { lane, process, thread, born_ns, gone_ns: None });
    }
    if let Some(worker) = workers.iter_mut().rev().find(|worker| worker.lane == mark.lane) {
        worker.gone_ns = Some(mark.time_ns);
    }
}

/// The connection on which a request was sent: the last one of its port that was accepted before it was answered.
fn connection_of(ports: &HashMap<(u16, u8), Vec<(u64, u32)>>, times: &RequestTimes) -> Option<u32> {
    let accepted = ports.get(&(times.port, times.octet))?;
    let before = accepted.partition_point(|(accepted_ns, _)| *accepted_ns <= times.received_ns);
    Some(accepted[before.checked_sub(1)?].1)
}

/// Whether the two clocks cannot be one.
fn contradicts(times: &RequestTimes, marks: &[TraceMark]) -> bool {
    marks.iter().any(|mark| match mark.point {
        TracePoint::Whole | TracePoint::Begins => mark.time_ns < times.intended_ns,
        TracePoint::Answered => mark.time_ns > times.received_ns,
        _ => false,
    })
}
