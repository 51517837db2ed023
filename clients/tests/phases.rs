//! The order of a run's phases as a mock contestant sees it: connect, warm-up, window, drain, goodbye. It writes down
//! what happens to it, and answers when the test wants it to; nobody sleeps.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use dyno_clients::engine::live::Live;
use dyno_clients::outcome::Outcome;
use dyno_clients::plan::pacer::Arrivals;
use dyno_clients::plan::profile;
use dyno_clients::plan::request::RequestParts;
use dyno_clients::plan::{Length, Pace, Plan};
use dyno_clients::run::run;

const MS: u64 = 1_000_000;
const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// What happens to a contestant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Accepted,
    Asked,
    Answered,
    /// The client has closed its side, with nothing left unread.
    Left,
    /// The connection was torn down.
    Reset,
}

use Event::{Accepted, Answered, Asked, Left, Reset};

/// The log of all connections, in the order in which things happened.
#[derive(Default)]
struct Log {
    events: Mutex<Vec<(usize, Event)>>,
    news: Condvar,
}

impl Log {
    fn write(&self, connection: usize, event: Event) -> usize {
        let mut events = self.events.lock().unwrap();
        events.push((connection, event));
        self.news.notify_all();
        events.iter().filter(|one| one.1 == event).count()
    }

    /// Waits until one of `which` has happened `times` times in all.
    fn wait_for(&self, which: &[Event], times: usize) -> Vec<(usize, Event)> {
        let events = self.events.lock().unwrap();
        let patience = std::time::Duration::from_secs(20);
        let too_few = |events: &mut Vec<(usize, Event)>| {
            events.iter().filter(|one| which.contains(&one.1)).count() < times
        };
        let (events, waited) = self.news.wait_timeout_while(events, patience, too_few).unwrap();
        assert!(!waited.timed_out(), "{which:?} did not happen {times} times: {events:?}");
        events.clone()
    }

    /// What happened, once `connections` have ended.
    fn finished(&self, connections: usize) -> Vec<(usize, Event)> {
        self.wait_for(&[Left, Reset], connections)
    }
}

/// A contestant. `hold` says for the n-th request of the run how many requests must have come before it is answered.
fn contestant(hold: fn(usize) -> usize) -> (SocketAddr, Arc<Log>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let log = Arc::new(Log::default());
    let shared = log.clone();
    std::thread::spawn(move || {
        for (connection, stream) in listener.incoming().enumerate() {
            let (stream, log) = (stream.unwrap(), shared.clone());
            log.write(connection, Accepted);
            std::thread::spawn(move || serve(stream, connection, &log, hold));
        }
    });
    (address, log)
}

fn serve(mut stream: TcpStream, connection: usize, log: &Log, hold: fn(usize) -> usize) {
    let _ = stream.set_nodelay(true);
    let mut octets = [0; 4096];
    loop {
        // A request is sent in one piece, and its answer is waited for: each read is one request.
        match stream.read(&mut octets) {
            Ok(0) => {
                log.write(connection, Left);
                return;
            }
            Ok(count) => assert!(octets[..count].ends_with(b"\r\n\r\n")),
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(_) => {
                log.write(connection, Reset);
                return;
            }
        }
        let number = log.write(connection, Asked);
        log.wait_for(&[Asked], hold(number));
        log.write(connection, Answered);
        if stream.write_all(HELLO).is_err() {
            log.write(connection, Reset);
            return;
        }
    }
}

fn plan(address: SocketAddr, length: Length, rate: Option<&str>) -> Plan {
    let request =
        RequestParts { target: "/".into(), authority: "test".into(), weight: 1.0, ..RequestParts::default() };
    let mut plan = Plan::closed(address, 4, length, request.prepare().unwrap());
    plan.spin_ns = 0;
    if let Some(rate) = rate {
        let stretches = profile::parse(rate, 60_000 * MS).unwrap();
        plan.pace = Pace::Open { arrivals: Arrivals::Constant, stretches };
    }
    plan
}

fn go(plan: Plan) -> Outcome {
    let live = Arc::new(Live::new(plan.threads));
    run(&Arc::new(plan), &live, &mut |_| {}).unwrap()
}

fn positions(events: &[(usize, Event)], event: Event) -> Vec<usize> {
    (0..events.len()).filter(|&i| events[i].1 == event).collect()
}

#[test]
fn connect_warm_up_window_drain_and_goodbye_come_in_this_order() {
    // 20 requests of warm-up and 40 that are measured, one each 5 ms. The last three answers are held back until the
    // last request has come, when no further one falls due.
    let (address, log) = contestant(|number| if number > 57 { 60 } else { 0 });
    let mut plan = plan(address, Length::Duration(200 * MS), Some("200"));
    plan.warmup_ns = 100 * MS;
    let outcome = go(plan);
    let events = log.finished(4);
    let [accepted, asked, answered, left] =
        [Accepted, Asked, Answered, Left].map(|event| positions(&events, event));
    assert_eq!([accepted.len(), asked.len(), answered.len(), left.len()], [4, 60, 60, 4], "{events:?}");
    assert!(accepted[3] < asked[0], "every connection stands before the first request: {events:?}");
    assert!(asked[59] < answered[57], "three answers come in the drain: {events:?}");
    assert!(answered[59] < left[0], "nobody leaves before the last answer: {events:?}");
    let c = &outcome.counts;
    assert_eq!((c.intended, c.sent, c.completed, c.failed), (40, 40, 40, 0));
    let open = &outcome.connections;
    assert_eq!((open.planned, open.open_max, open.open_at_end, open.opened), (4, 4, 4, 4));
}

#[test]
fn each_connection_is_asked_and_answered_in_turn() {
    let (address, log) = contestant(|_| 0);
    let outcome = go(plan(address, Length::Requests(200), None));
    assert_eq!((outcome.counts.completed, outcome.counts.failed), (200, 0));
    let mut states: HashMap<usize, Event> = HashMap::new();
    for (connection, event) in log.finished(4) {
        let before = states.insert(connection, event);
        let in_turn = match event {
            Accepted => before.is_none(),
            Asked => matches!(before, Some(Accepted | Answered)),
            Answered => before == Some(Asked),
            Left => before == Some(Answered),
            Reset => false,
        };
        assert!(in_turn, "{event:?} after {before:?}");
    }
}

#[test]
fn a_connection_for_each_request_is_opened_when_it_falls_due() {
    let (address, log) = contestant(|_| 0);
    let mut plan = plan(address, Length::Requests(12), Some("500"));
    plan.requests_per_connection = Some(1);
    let outcome = go(plan);
    assert_eq!((outcome.counts.completed, outcome.connections.opened), (12, 12));
    // The first is the knock at the door, which asks for nothing.
    let events = log.finished(13);
    for connection in 0..13 {
        let its: Vec<Event> = events.iter().filter(|e| e.0 == connection).map(|e| e.1).collect();
        let expected =
            if connection == 0 { vec![Accepted, Left] } else { vec![Accepted, Asked, Answered, Left] };
        assert_eq!(its, expected, "connection {connection}");
    }
}

#[test]
fn an_early_end_stops_asking_and_leaves() {
    let (address, log) = contestant(|_| 0);
    let live = Arc::new(Live::new(1));
    let stopper = live.clone();
    let plan = plan(address, Length::Duration(600_000 * MS), Some("1k"));
    let outcome = run(&Arc::new(plan), &live, &mut move |glance| {
        if glance.completed >= 20 {
            stopper.stop();
        }
    });
    let events = log.finished(4);
    assert!(outcome.unwrap().counts.completed >= 20);
    // What was under way on another connection may be seen after the first has left, and no more than that.
    let first_left = events.iter().position(|one| matches!(one.1, Left | Reset)).unwrap();
    let later = positions(&events, Asked).into_iter().filter(|&i| i > first_left).count();
    assert!(later <= 3, "{events:?}");
}
