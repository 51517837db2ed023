//! What stood in front of a request while it waited for the server.

use std::collections::HashMap;

use dyno_analysis::timeline::TimePart;
use dyno_servers::trace::event::TracePoint;

use super::join::TracedRequest;
use super::segment::{Segment, segments};

/// What stood in front of a request in the longest stretch of its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Front {
    /// Nothing that is known.
    Nothing,
    /// So many requests, in the same queue.
    Queue(u64),
    /// The thread or process that it needed did so many other requests, and computed for them for so long, ns.
    Worker {
        /// Other requests.
        requests: u64,
        /// Their services, ns.
        busy_ns: u64,
    },
}

/// Stretches of time, by their begins.
type Stretches = Vec<(u64, u64)>;

/// What all requests together kept busy.
#[derive(Debug)]
pub struct Fronts {
    /// Services of each lane.
    services: HashMap<u16, Stretches>,
    /// All stays in the queue before the workers.
    queue: Stretches,
    /// The longest service and the longest stay, ns.
    longest_ns: u64,
}

impl Fronts {
    /// What these requests kept busy.
    pub fn of(requests: &[TracedRequest]) -> Self {
        let mut services: HashMap<u16, Stretches> = HashMap::new();
        let mut queue = Stretches::new();
        for request in requests {
            if let (Some(begin), Some(end)) =
                (request.passed(TracePoint::Begins), request.passed(TracePoint::Served))
            {
                services.entry(begin.lane).or_default().push((begin.time_ns, end.time_ns));
            }
            queue.extend(stays(request));
        }
        queue.sort_unstable();
        services.values_mut().for_each(|stretches| stretches.sort_unstable());
        let all = services.values().flatten().chain(&queue);
        let longest_ns = all.map(|(from_ns, to_ns)| to_ns.saturating_sub(*from_ns)).max().unwrap_or_default();
        Fronts { services, queue, longest_ns }
    }

    /// The longest stretch of a request between its sending and its answer, and what stood in front of it there.
    pub fn before(&self, request: &TracedRequest) -> (Option<Segment>, Front) {
        let segments = segments(&request.times, &request.marks);
        let Some(longest) = segments.into_iter().max_by_key(|segment| segment.to_ns - segment.from_ns) else {
            return (None, Front::Nothing);
        };
        let front = match (longest.part, longest.lane) {
            (TimePart::Dispatch, _) => self.queued_before(request),
            (
                TimePart::WayIn | TimePart::AcceptQueue | TimePart::Reading | TimePart::HandBack,
                Some(lane),
            ) => self.served_by(lane, &longest),
            _ => Front::Nothing,
        };
        (Some(longest), front)
    }

    /// Requests that were in the queue when this one came.
    fn queued_before(&self, request: &TracedRequest) -> Front {
        let Some((queued_ns, _)) = stays(request).max_by_key(|(from_ns, to_ns)| to_ns - from_ns) else {
            return Front::Nothing;
        };
        let earlier = &self.queue[..self.queue.partition_point(|(from_ns, _)| *from_ns < queued_ns)];
        let oldest_ns = queued_ns.saturating_sub(self.longest_ns);
        let recent = earlier.iter().rev().take_while(|(from_ns, _)| *from_ns >= oldest_ns);
        Front::Queue(recent.filter(|(_, to_ns)| *to_ns > queued_ns).count() as u64)
    }

    /// What the lane did in this stretch.
    fn served_by(&self, lane: u16, stretch: &Segment) -> Front {
        let Some(services) = self.services.get(&lane) else { return Front::Nothing };
        let oldest_ns = stretch.from_ns.saturating_sub(self.longest_ns);
        let begin = services.partition_point(|(from_ns, _)| *from_ns < oldest_ns);
        let end = services.partition_point(|(from_ns, _)| *from_ns < stretch.to_ns);
        let (mut requests, mut busy_ns) = (0, 0);
        for (from_ns, to_ns) in &services[begin..end] {
            let inside = (*to_ns).min(stretch.to_ns).saturating_sub((*from_ns).max(stretch.from_ns));
            requests += u64::from(inside > 0);
            busy_ns += inside;
        }
        if requests == 0 { Front::Nothing } else { Front::Worker { requests, busy_ns } }
    }
}

/// The stays of a request in a queue.
fn stays(request: &TracedRequest) -> impl Iterator<Item = (u64, u64)> {
    let marks = request.marks.iter().enumerate();
    marks.filter(|(_, mark)| mark.point == TracePoint::Queued).filter_map(|(index, queued)| {
        let taken = request.marks[index..].iter().find(|mark| mark.point == TracePoint::Taken)?;
        Some((queued.time_ns, taken.time_ns))
    })
}
