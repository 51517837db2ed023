use dyno_analysis::timeline::TimePart::{self, *};
use dyno_clients::books::requests::RequestTimes;
use dyno_clients::books::split::Split;
use dyno_servers::trace::event::{TraceEvent, TracePoint};
use dyno_servers::trace::reader::LaneEvent;
use proptest::prelude::*;

use super::front::{Front, Fronts};
use super::join::join;
use super::segment::{TraceMark, parts, segments};

fn mark(time_ns: u64, point: TracePoint) -> TraceMark {
    TraceMark { time_ns, point, lane: 0, detail: 0 }
}

/// A request that was due at 100 and sent at 110, and whose answer was read at 1,000.
fn times() -> RequestTimes {
    RequestTimes {
        intended_ns: 100,
        sent_ns: 110,
        received_ns: 1_000,
        split: Split::new(100, 104, 110, 1_000),
        port: 7,
        octet: 1,
        number: 1,
        status: 200,
    }
}

/// What it is, its marks, and the parts that come of them.
type DesignCase = (&'static str, &'static [(u64, TracePoint)], &'static [(TimePart, u64)]);

#[test]
fn each_design_has_its_parts() {
    use TracePoint::*;
    let client = [(Connection, 4), (Generator, 6)];
    let cases: [DesignCase; 5] = [
        (
            "a loop",
            &[
                (20, Accepted),
                (21, Taken),
                (200, Whole),
                (210, Begins),
                (260, Served),
                (265, Answered),
                (300, Written),
            ],
            &[(WayIn, 90), (Reading, 10), (Service, 50), (HandBack, 5), (Writing, 35), (WayBack, 700)],
        ),
        (
            "a pool behind a loop",
            &[
                (200, FirstOctets),
                (205, Whole),
                (210, Queued),
                (400, Taken),
                (410, Begins),
                (460, Served),
                (500, Answered),
                (530, Written),
            ],
            &[
                (WayIn, 90),
                (Reading, 20),
                (Dispatch, 190),
                (Service, 50),
                (HandBack, 40),
                (Writing, 30),
                (WayBack, 470),
            ],
        ),
        (
            "a new connection, and a worker that is born for it",
            &[
                (150, Accepted),
                (350, Taken),
                (360, Whole),
                (361, Begins),
                (371, Served),
                (372, Answered),
                (373, Written),
            ],
            &[
                (AcceptQueue, 40),
                (Dispatch, 200),
                (Reading, 11),
                (Service, 10),
                (HandBack, 1),
                (Writing, 1),
                (WayBack, 627),
            ],
        ),
        (
            "a back end, and an answer that is read before it is noted",
            &[
                (200, Whole),
                (210, Begins),
                (220, Served),
                (230, Waits),
                (830, Resumes),
                (840, Answered),
                (1_200, Written),
            ],
            &[(WayIn, 90), (Reading, 10), (Service, 10), (HandBack, 20), (BackEnd, 600), (Writing, 160)],
        ),
        (
            "queued before it was sent, and again in the middle of its answer",
            &[
                (50, Queued),
                (300, Taken),
                (310, Whole),
                (311, Begins),
                (312, Served),
                (313, Answered),
                (400, Queued),
                (450, Taken),
                (500, Written),
            ],
            &[(Dispatch, 240), (Reading, 11), (Service, 1), (HandBack, 1), (Writing, 137), (WayBack, 500)],
        ),
    ];
    for (name, marks, wanted) in cases {
        let marks: Vec<TraceMark> = marks.iter().map(|(time_ns, point)| mark(*time_ns, *point)).collect();
        let found = parts(&times(), &segments(&times(), &marks));
        for part in TimePart::ALL {
            let ns = client.iter().chain(wanted).find(|(one, _)| *one == part).map_or(0, |(_, ns)| *ns);
            assert_eq!(found.of(part), ns, "{name}: {part:?}");
        }
        assert_eq!(found.total_ns(), 900, "{name}");
    }
}

proptest! {
    #[test]
    fn the_parts_of_a_request_add_up_to_the_nanosecond(
        intended_ns in 0u64..1 << 40,
        gaps in prop::array::uniform3(0u64..1 << 30),
        disturbed in prop::array::uniform2(0u64..1 << 31),
        mut marks in prop::collection::vec((0u64..1 << 41, 0..TracePoint::ALL.len()), 0..14),
    ) {
        let [free, lag, response] = gaps;
        let (sent_ns, received_ns) = (intended_ns + free + lag, intended_ns + free + lag + response);
        let split = Split::new(intended_ns, intended_ns + free, sent_ns, received_ns);
        let split = split.disturbed(disturbed[0], disturbed[1]);
        let times = RequestTimes { intended_ns, sent_ns, received_ns, split, ..times() };
        marks.sort_unstable();
        let marks: Vec<TraceMark> = marks.iter().map(|(at, point)| mark(*at, TracePoint::ALL[*point])).collect();
        let segments = segments(&times, &marks);
        prop_assert_eq!(segments[0].from_ns, sent_ns);
        prop_assert!(segments.windows(2).all(|pair| pair[0].to_ns == pair[1].from_ns));
        prop_assert_eq!(parts(&times, &segments).total_ns(), received_ns - intended_ns);
    }
}

fn event(lane: u16, time_ns: u64, connection: u32, request: u16, point: TracePoint) -> LaneEvent {
    LaneEvent { lane, event: TraceEvent { time_ns, connection, request, detail: 0, point } }
}

/// All that a loop writes of a request.
fn served(connection: u32, request: u16, at_ns: u64) -> Vec<LaneEvent> {
    let points = [
        TracePoint::Whole,
        TracePoint::Begins,
        TracePoint::Served,
        TracePoint::Answered,
        TracePoint::Written,
    ];
    points.iter().zip(at_ns..).map(|(point, at_ns)| event(0, at_ns, connection, request, *point)).collect()
}

fn request(port: u16, number: u64, sent_ns: u64) -> RequestTimes {
    let (intended_ns, received_ns) = (sent_ns, sent_ns + 100);
    RequestTimes {
        intended_ns,
        sent_ns,
        received_ns,
        split: Split::new(intended_ns, 0, sent_ns, received_ns),
        port,
        octet: 0,
        number,
        status: 200,
    }
}

#[test]
fn a_request_is_found_by_the_port_of_its_connection_and_its_number() {
    // Port 9 is used again by a second connection, and a connection carries more requests than the number has bits.
    let mut events = vec![event(0, 5, 1, 9, TracePoint::Accepted), event(0, 600, 2, 9, TracePoint::Accepted)];
    let numbers = [(1u64, 10u64), (30_000, 200), (60_000, 300), (70_000, 400)];
    events.extend(numbers.iter().flat_map(|(number, at_ns)| served(1, *number as u16, at_ns + 20)));
    events.extend(served(2, 1, 720));
    let mut requests: Vec<_> = numbers.iter().map(|(number, at_ns)| request(9, *number, *at_ns)).collect();
    requests.push(request(9, 1, 700));
    let joined = join(events.clone(), &requests, 0);
    assert_eq!((joined.requests.len(), joined.unjoined, joined.contradictions), (5, 0, 0));
    let connections: Vec<(u32, u64)> =
        joined.requests.iter().map(|request| (request.connection, request.times.number)).collect();
    assert!(connections.contains(&(2, 1)) && connections.contains(&(1, 70_000)), "{connections:?}");
    // What was not due in the measured time, what nobody has seen, and of what a part was overtaken.
    assert_eq!(join(events.clone(), &requests, 300).requests.len(), 3);
    assert_eq!(join(events.clone(), &[request(8, 1, 10), request(9, 2, 10)], 0).unjoined, 2);
    events.retain(|one| one.event.point != TracePoint::Whole);
    assert_eq!(join(events, &requests, 0).unjoined, 5);
}

#[test]
fn clocks_that_are_not_one_are_seen() {
    let events: Vec<_> =
        [event(0, 5, 1, 9, TracePoint::Accepted)].into_iter().chain(served(1, 1, 5_000)).collect();
    assert_eq!(join(events, &[request(9, 1, 10)], 0).contradictions, 1);
}

#[test]
fn workers_are_known_by_their_lanes_and_lives() {
    let events = vec![
        event(3, 10, 77, 42, TracePoint::WorkerBorn),
        event(3, 20, 77, 42, TracePoint::WorkerGone),
        event(3, 30, 78, 43, TracePoint::WorkerBorn),
    ];
    let workers = join(events, &[], 0).workers;
    let lives: Vec<_> =
        workers.iter().map(|one| (one.process, one.thread, one.born_ns, one.gone_ns)).collect();
    assert_eq!(lives, [(42, 77, 10, Some(20)), (43, 78, 30, None)]);
}

#[test]
fn what_stood_in_front_is_counted() {
    // One connection's service holds the loop from 20 to 90; another request comes at 30 and is read at 95.
    let mut events = vec![event(0, 1, 1, 9, TracePoint::Accepted), event(0, 2, 2, 8, TracePoint::Accepted)];
    events.extend([1, 2].map(|connection| event(0, 3, connection, 1, TracePoint::Taken)));
    events.extend(
        [
            (15, TracePoint::Whole),
            (20, TracePoint::Begins),
            (90, TracePoint::Served),
            (91, TracePoint::Answered),
        ]
        .map(|(at, point)| event(0, at, 1, 1, point)),
    );
    events.extend(served(2, 1, 95));
    let joined = join(events, &[request(9, 1, 10), request(8, 1, 30)], 0);
    let fronts = Fronts::of(&joined.requests);
    let second = joined.requests.iter().find(|one| one.connection == 2).unwrap();
    let (longest, front) = fronts.before(second);
    assert_eq!(longest.unwrap().part, WayIn);
    assert_eq!(front, Front::Worker { requests: 1, busy_ns: 60 });
    // Two stand in the queue when the third comes.
    let mut events = Vec::new();
    for (connection, queued, taken) in [(1u32, 20, 60), (2, 21, 70), (3, 22, 95)] {
        events.push(event(0, 1, connection, 10 + connection as u16, TracePoint::Accepted));
        events.push(event(0, queued - 5, connection, 1, TracePoint::Whole));
        events.push(event(0, queued, connection, 1, TracePoint::Queued));
        events.push(event(1, taken, connection, 1, TracePoint::Taken));
        events.push(event(1, taken + 1, connection, 1, TracePoint::Answered));
    }
    let joined = join(events, &[11, 12, 13].map(|port| request(port, 1, 10)), 0);
    let fronts = Fronts::of(&joined.requests);
    let third = joined.requests.iter().find(|one| one.connection == 3).unwrap();
    assert_eq!(fronts.before(third).1, Front::Queue(2));
}
