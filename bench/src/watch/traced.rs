//! Requests as a server's trace tells of them: each step with its time and its worker, read from memory that the server
//! shares, so that nobody waits for a reader.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Instant;

use dyno_clients::engine::clock::monotonic_ns;
use dyno_servers::architecture::{Anatomy, HandOvers};
use dyno_servers::trace::event::{TraceEvent, TracePoint};
use dyno_servers::trace::reader::{LaneEvent, TraceReader};
use dyno_servers::under_way::entry::RequestStage;

use super::machine::{WatchPlace, place_of};
use super::source::{Look, PlaceStep, StepSource};
use crate::limits::{
    WATCH_GONE_REQUESTS, WATCH_KNOWN_REQUESTS, WATCH_SETTLE_NS, WATCH_SHOWN_PER_S, WATCH_TRACED_PER_S,
};

/// The trace of one server.
pub(crate) struct TraceSource {
    reader: TraceReader,
    /// What was read and is too fresh to be told.
    events: Vec<LaneEvent>,
    ways: Ways,
    /// When the events of the last second were counted, and how many requests they began.
    counted: (Instant, u64),
}

/// The ways of the requests that are shown.
struct Ways {
    anatomy: Anatomy,
    /// Where each is.
    known: BTreeMap<u64, WatchPlace>,
    /// The rings of threads and processes that serve, each with a number.
    lanes: BTreeMap<u16, u16>,
    /// Requests that have gone last: a thread that was held up may write of one afterwards.
    gone: VecDeque<u64>,
    /// Of so many requests one is shown.
    one_of: u64,
}

impl TraceSource {
    /// Opens the memory that the server with that anatomy has named.
    ///
    /// # Errors
    /// Why it cannot be read, in words.
    pub(crate) fn open(path: &Path, anatomy: Anatomy) -> Result<Self, String> {
        let reader = TraceReader::open(path).map_err(|error| error.to_string())?;
        reader.set_share(1.0);
        Ok(TraceSource { reader, events: Vec::new(), ways: Ways::new(anatomy), counted: (Instant::now(), 0) })
    }

    /// Keeps the shares where as much is traced as is of use, and as much is shown as can be seen. Connections that are
    /// open stay what they are.
    fn adapt(&mut self, begun: u64) {
        let (since, count) = self.counted;
        let (count, seconds) = (count + begun, since.elapsed().as_secs_f64());
        self.counted = (since, count);
        if seconds >= 1.0 {
            let per_s = count as f64 / seconds;
            self.ways.one_of = (per_s / WATCH_SHOWN_PER_S as f64).ceil().max(1.0) as u64;
            self.reader.set_share((WATCH_TRACED_PER_S as f64 / per_s.max(1.0)).min(1.0));
            self.counted = (Instant::now(), 0);
        }
    }
}

impl Ways {
    fn new(anatomy: Anatomy) -> Self {
        Ways { anatomy, known: BTreeMap::new(), lanes: BTreeMap::new(), gone: VecDeque::new(), one_of: 1 }
    }

    /// Follows the requests through events, which are in the order of their time.
    ///
    /// # Returns
    /// Requests that began, and those of them that are shown.
    fn follow(&mut self, events: &[LaneEvent], into: &mut Vec<PlaceStep>) -> (u64, u64) {
        let (mut begun, mut shown) = (0, 0);
        for LaneEvent { lane, event } in events {
            let request = u64::from(event.connection) << 16 | u64::from(event.request);
            let Some(passed) = passed(event, self.anatomy) else { continue };
            begun += u64::from(event.point == TracePoint::Begins);
            let Some(place) = passed else {
                // With a connection all of its requests are gone.
                let last = if event.point == TracePoint::Closed { request | 0xffff } else { request };
                let first = if event.point == TracePoint::Closed { request & !0xffff } else { request };
                let gone: Vec<u64> = self.known.range(first..=last).map(|(request, _)| *request).collect();
                self.gone.push_back(request);
                if self.gone.len() > WATCH_GONE_REQUESTS {
                    self.gone.pop_front();
                }
                for request in gone {
                    self.known.remove(&request);
                    into.push(PlaceStep { at_ns: event.time_ns, request, place: None, lane: None });
                }
                continue;
            };
            let before = self.known.get(&request).copied();
            if before == Some(place) || before.is_none() && !self.may_begin(request, event.point) {
                continue;
            }
            shown += u64::from(before.is_none());
            self.known.insert(request, place);
            let lane = (place == WatchPlace::Work).then(|| self.lane(*lane));
            into.push(PlaceStep { at_ns: event.time_ns, request, place: Some(place), lane });
        }
        (begun, shown)
    }

    /// Whether a request that is not known yet is one of those that are shown, from its begin on.
    fn may_begin(&self, request: u64, point: TracePoint) -> bool {
        let begins = matches!(
            point,
            TracePoint::Queued
                | TracePoint::Taken
                | TracePoint::FirstOctets
                | TracePoint::Whole
                | TracePoint::Begins
        );
        // Fibonacci's hash (Knuth, The Art of Computer Programming, 3, 6.4): neighbours are told apart.
        let spread = request.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        begins
            && self.known.len() < WATCH_KNOWN_REQUESTS
            && spread.is_multiple_of(self.one_of)
            && !self.gone.contains(&request)
    }

    fn lane(&mut self, ring: u16) -> u16 {
        let next = self.lanes.len() as u16;
        *self.lanes.entry(ring).or_insert(next)
    }
}

/// Where a request is that has passed a point; the inner `None`: it is gone, the outer: the point moves nobody.
fn passed(event: &TraceEvent, anatomy: Anatomy) -> Option<Option<WatchPlace>> {
    let place = match event.point {
        TracePoint::Queued if anatomy.hand_overs == HandOvers::Never => return None,
        TracePoint::Queued => WatchPlace::Queue,
        TracePoint::Taken | TracePoint::Begins => WatchPlace::Work,
        TracePoint::FirstOctets | TracePoint::Whole => place_of(RequestStage::Receiving, anatomy),
        TracePoint::Waits => place_of(RequestStage::Waiting, anatomy),
        TracePoint::Answered => WatchPlace::Write,
        TracePoint::Written | TracePoint::Closed => return Some(None),
        TracePoint::WorkerBorn
        | TracePoint::WorkerGone
        | TracePoint::Accepted
        | TracePoint::Refused
        | TracePoint::Served
        | TracePoint::Resumes => return None,
    };
    Some(Some(place))
}

impl StepSource for TraceSource {
    fn look(&mut self, into: &mut Vec<PlaceStep>) -> Result<Look, String> {
        let until_ns = monotonic_ns().saturating_sub(WATCH_SETTLE_NS);
        let look = self.reader.read(&mut self.events);
        // Lanes meet in their times only, and one is read after the other: what is fresh waits for what others wrote
        // meanwhile.
        self.events.sort_by_key(|one| one.event.time_ns);
        let settled = self.events.partition_point(|one| one.event.time_ns < until_ns);
        let (begun, fresh) = self.ways.follow(&self.events[..settled], into);
        self.events.drain(..settled);
        self.adapt(begun);
        Ok(Look { fresh, missed: look.overtaken })
    }

    fn words(&self) -> &'static str {
        "every step of a traced request"
    }
}

#[cfg(test)]
mod tests {
    use dyno_servers::architectures::ALL;

    use super::*;

    fn event(time_ns: u64, request: u16, point: TracePoint, lane: u16) -> LaneEvent {
        LaneEvent { lane, event: TraceEvent { time_ns, connection: 1, request, detail: 0, point } }
    }

    /// The way of a request that waits, as far as each design notes it.
    fn whole_way() -> Vec<LaneEvent> {
        let points = [
            TracePoint::Accepted,
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
        ];
        points.into_iter().enumerate().map(|(at, point)| event(at as u64, 1, point, 5)).collect()
    }

    #[test]
    fn each_architecture_shows_a_request_on_its_whole_way() {
        for architecture in ALL {
            let (name, anatomy) = (architecture.name, architecture.anatomy);
            let (mut ways, mut steps) = (Ways::new(anatomy), Vec::new());
            assert_eq!(ways.follow(&whole_way(), &mut steps), (1, 1), "{name}");
            let places: Vec<_> = steps.iter().map(|step| step.place).collect();
            assert!(
                places.contains(&Some(WatchPlace::Work)) && places.contains(&Some(WatchPlace::Write)),
                "{name}: {places:?}"
            );
            assert_eq!(places.last(), Some(&None), "{name}: it is gone at the end");
            assert_eq!(
                places.contains(&Some(WatchPlace::Queue)),
                anatomy.hand_overs != HandOvers::Never,
                "{name}"
            );
            let work = steps.iter().filter(|step| step.place == Some(WatchPlace::Work));
            assert!(work.clone().all(|step| step.lane == Some(0)), "{name}: {steps:?}");
            assert!(ways.known.is_empty(), "{name}: nothing is kept of it");
        }
    }

    #[test]
    fn of_many_requests_some_are_shown_and_those_are_whole() {
        let mut ways = Ways::new(ALL[0].anatomy);
        ways.one_of = 10;
        let all = (1..=10_000).flat_map(|request| {
            [TracePoint::FirstOctets, TracePoint::Begins, TracePoint::Answered, TracePoint::Written]
                .map(|point| event(1, request, point, 0))
        });
        let mut steps = Vec::new();
        let (begun, shown) = ways.follow(&all.collect::<Vec<_>>(), &mut steps);
        assert!(begun == 10_000 && (800..1_200).contains(&shown), "{shown}");
        assert_eq!(steps.len() as u64, 3 * shown, "work, write, gone");
        // A thread that was held up writes of a request that has gone: it does not come back.
        steps.clear();
        ways.one_of = 1;
        ways.follow(&[event(1, 10_000, TracePoint::Begins, 1)], &mut steps);
        assert_eq!(steps, []);
        // Whose connection is closed is gone, whatever it was at.
        steps.clear();
        ways.one_of = 1;
        ways.follow(&[event(1, 7, TracePoint::Begins, 0), event(2, 8, TracePoint::Queued, 0)], &mut steps);
        ways.follow(&[event(3, 9, TracePoint::Closed, 0)], &mut steps);
        assert_eq!(
            steps.last().map(|step| (step.request & 0xffff, step.place)),
            Some((7, None)),
            "{steps:?}"
        );
        assert!(ways.known.is_empty());
        // Who is met in the middle of its way is not shown at all.
        steps.clear();
        ways.one_of = 1;
        ways.follow(&[event(1, 1, TracePoint::Answered, 0), event(2, 1, TracePoint::Written, 0)], &mut steps);
        assert_eq!(steps, []);
    }
}
