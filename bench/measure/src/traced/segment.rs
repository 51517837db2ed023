//! A timeline as stretches, each of one part of the latency.

use dyno_analysis::timeline::{PartsNs, TimePart};
use dyno_clients::books::requests::RequestTimes;
use dyno_servers::trace::event::TracePoint;

/// A point that a request has passed in its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceMark {
    /// When, on CLOCK_MONOTONIC, ns.
    pub time_ns: u64,
    /// Where.
    pub point: TracePoint,
    /// Which thread or process has noted it.
    pub lane: u16,
    /// What else it has noted; of [`TracePoint::Answered`] the status.
    pub detail: u16,
}

/// A stretch of one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Which part.
    pub part: TimePart,
    /// When it began.
    pub from_ns: u64,
    /// When it ended.
    pub to_ns: u64,
    /// The lane of the point that ended it; `None`: the generator has.
    pub lane: Option<u16>,
}

/// Where a request is after the points that it has passed.
#[derive(Debug, Clone, Copy)]
struct Place {
    part: TimePart,
    /// Where it was before it stood in a queue.
    before: Option<TimePart>,
}

impl Place {
    fn pass(&mut self, point: TracePoint) {
        self.part = match point {
            TracePoint::Accepted => TimePart::Dispatch,
            TracePoint::Queued => {
                self.before.get_or_insert(self.part);
                TimePart::Dispatch
            }
            // A worker may take a connection up in the middle of an answer.
            TracePoint::Taken => match self.before.take() {
                Some(part @ (TimePart::Writing | TimePart::HandBack | TimePart::BackEnd)) => part,
                Some(_) | None => TimePart::Reading,
            },
            TracePoint::FirstOctets | TracePoint::Whole => TimePart::Reading,
            TracePoint::Begins => TimePart::Service,
            TracePoint::Served | TracePoint::Resumes => TimePart::HandBack,
            TracePoint::Waits => TimePart::BackEnd,
            TracePoint::Answered => TimePart::Writing,
            TracePoint::Written => TimePart::WayBack,
            TracePoint::WorkerBorn | TracePoint::WorkerGone | TracePoint::Refused | TracePoint::Closed => {
                self.part
            }
        };
    }
}

/// The stretches from the sending of a request to the end of its answer, without gaps. `marks` are in the order of
/// time.
///
/// What a server notes after the generator has read the answer, because it was held up between its call and its look
/// at the clock, counts as noted when the answer was read.
pub fn segments(times: &RequestTimes, marks: &[TraceMark]) -> Vec<Segment> {
    let (sent_ns, received_ns) = (times.sent_ns, times.received_ns);
    let mut place = Place { part: TimePart::WayIn, before: None };
    let (early, marks) = marks.split_at(marks.partition_point(|mark| mark.time_ns < sent_ns));
    early.iter().for_each(|mark| place.pass(mark.point));
    if place.part != TimePart::Dispatch {
        let is_new = marks.iter().any(|mark| mark.point == TracePoint::Accepted);
        place.part = if is_new { TimePart::AcceptQueue } else { TimePart::WayIn };
    }
    let mut segments = Vec::with_capacity(marks.len() + 1);
    let mut from_ns = sent_ns;
    for mark in marks {
        let to_ns = mark.time_ns.clamp(from_ns, received_ns);
        segments.push(Segment { part: place.part, from_ns, to_ns, lane: Some(mark.lane) });
        place.pass(mark.point);
        from_ns = to_ns;
    }
    segments.push(Segment { part: place.part, from_ns, to_ns: received_ns, lane: None });
    segments
}

/// The parts of the latency. They add up to the time from the intended start to the end of the answer, to the
/// nanosecond.
pub fn parts(times: &RequestTimes, segments: &[Segment]) -> PartsNs {
    let mut parts = PartsNs::default();
    parts.add(TimePart::Connection, times.split.wait_ns);
    parts.add(TimePart::Generator, times.split.lag_ns);
    for segment in segments {
        parts.add(segment.part, segment.to_ns - segment.from_ns);
    }
    parts.shift(TimePart::WayBack, TimePart::Generator, times.split.reading_ns);
    parts
}
