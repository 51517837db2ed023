//! Clients that do not wait for ever, over real sockets: what they give up, what is refused, what they try again, and
//! what the books and the audit make of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dyno_clients::engine::clock::monotonic_ns;
use dyno_clients::engine::live::Live;
use dyno_clients::outcome::verdict::Doubt;
use dyno_clients::outcome::{ErrorKind, Outcome};
use dyno_clients::plan::impatience::Impatience;
use dyno_clients::plan::pacer::Arrivals;
use dyno_clients::plan::request::{Expect, ExpectedBody, Request, RequestParts};
use dyno_clients::plan::{Length, Pace, Plan, profile};
use dyno_clients::run::run;
use dyno_units::verdict::Verdict;

const MS: u64 = 1_000_000;
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BUSY: &str = "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 5\r\n\r\nbusy\n";

/// How long `/slow` takes: longer than any patience here.
const SLOW: Duration = Duration::from_millis(400);

/// What a server has seen.
#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    heads: Mutex<Vec<(u64, String)>>,
}

/// A server with a thread for each connection that does what the path says.
fn server() -> (SocketAddr, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
    let told = seen.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            told.connections.fetch_add(1, Relaxed);
            let told = told.clone();
            thread::spawn(move || serve(stream, &told));
        }
    });
    (address, seen)
}

fn serve(mut stream: TcpStream, told: &Seen) {
    let _ = stream.set_nodelay(true);
    let (mut head, mut octets) = (String::new(), [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut octets) {
        head += std::str::from_utf8(&octets[..count]).unwrap();
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        told.heads.lock().unwrap().push((monotonic_ns(), head.clone()));
        if head.starts_with("GET /slow ") {
            thread::sleep(SLOW);
        }
        let answer = if head.starts_with("GET /busy ") { BUSY } else { HELLO };
        head.clear();
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn request(target: &str) -> Request {
    let expect = Expect { status: None, body: ExpectedBody::Exactly(b"hello".as_slice().into()) };
    let (target, authority) = (target.into(), "test".into());
    RequestParts { target, authority, weight: 1.0, expect, ..RequestParts::default() }.prepare().unwrap()
}

fn plan(address: SocketAddr, targets: &[&str], rate: &str, requests: u64) -> Plan {
    let mut plan = Plan::closed(address, 64, Length::Requests(requests), request("/"));
    plan.mix = targets.iter().map(|target| request(target)).collect();
    let stretches = profile::parse(rate, 600_000 * MS).unwrap();
    plan.pace = Pace::Open { arrivals: Arrivals::Poisson, stretches };
    plan.spin_ns = 0;
    plan.impatience.patience_ns = Some(150 * MS);
    plan
}

fn go(plan: Plan) -> Outcome {
    let live = Arc::new(Live::new(plan.threads));
    run(&Arc::new(plan), &live, &mut |_| {}).unwrap()
}

fn kinds(outcome: &Outcome) -> Vec<ErrorKind> {
    outcome.errors.iter().map(|error| error.kind).collect()
}

#[test]
fn what_is_given_up_and_what_is_refused_are_outcomes_and_no_errors() {
    for threads in [1, 3] {
        let (address, seen) = server();
        let mut plan = plan(address, &["/", "/slow", "/busy"], "300", 240);
        plan.threads = threads;
        let outcome = go(plan);
        let (counts, found) = (&outcome.counts, outcome.impatient.as_ref().unwrap());
        assert_eq!(kinds(&outcome), [ErrorKind::Abandoned, ErrorKind::Refused], "{:?}", outcome.errors);
        assert_eq!((counts.intended, counts.sent, counts.completed + counts.failed), (240, 240, 240));
        assert_eq!(found.abandoned + found.refused, counts.failed);
        assert!(found.abandoned > 40 && found.refused > 40 && found.abandoned_unsent == 0, "{found:?}");
        assert!(found.good > 40 && found.good <= counts.completed, "{found:?}");
        assert!(found.good_per_s > 0.0 && found.good_per_s <= outcome.rates.offered_per_s);
        // Each client that gave up has closed its connection, and the next one has opened another.
        let opened = seen.connections.load(Relaxed);
        assert!(opened > 64 && opened <= 64 + found.abandoned, "{opened} for {found:?}");
        assert!(outcome.latency.total.max_ns < SLOW.as_nanos() as u64);
        let figures = &outcome.audit.figures;
        let off = (figures.in_system_mean / figures.in_system_predicted - 1.0).abs();
        assert!(off < 0.01, "Little's law: {figures:?}");
        let errors = |doubt: &Doubt| matches!(doubt, Doubt::Errors { .. } | Doubt::ErrorsOverLimit { .. });
        assert!(!outcome.audit.findings.iter().any(|finding| errors(&finding.doubt)));
    }
}

#[test]
fn without_patience_a_503_is_an_error() {
    let (address, _) = server();
    let mut plan = plan(address, &["/busy"], "400", 20);
    plan.impatience = Impatience::default();
    let outcome = go(plan);
    assert_eq!((kinds(&outcome), outcome.impatient), (vec![ErrorKind::Status], None));
    assert_eq!(outcome.audit.verdict, Verdict::Void);
}

#[test]
fn where_everybody_is_refused_the_rate_is_zero_and_that_is_a_figure() {
    let (address, _) = server();
    let outcome = go(plan(address, &["/busy"], "400", 40));
    assert_eq!(outcome.impatient.as_ref().unwrap().refused, 40);
    assert_eq!((outcome.audit.rate < Verdict::Void, outcome.audit.latency), (true, Verdict::Void));
}

#[test]
fn who_is_refused_comes_back_as_often_as_planned_and_each_time_later() {
    let (address, seen) = server();
    let mut plan = plan(address, &["/busy"], "400", 40);
    plan.impatience = Impatience { retries: 2, backoff_ns: 20 * MS, ..plan.impatience };
    let outcome = go(plan);
    let found = outcome.impatient.as_ref().unwrap();
    assert_eq!((found.refused, found.retried, outcome.counts.sent), (120, 80, 120), "{found:?}");
    assert_eq!(seen.heads.lock().unwrap().len(), 120);
    let planned = outcome.audit.figures.arrivals.iter().find(|test| test.which == "intended");
    assert!(planned.is_none_or(|test| test.gaps < 40), "retries are no sample of the schedule: {planned:?}");
}

#[test]
fn a_retry_that_is_served_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // The first request of each connection is refused, and the others are served.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let (mut stream, mut octets) = (stream, [0; 4096]);
                let mut answer = BUSY;
                while let Ok(1..) = stream.read(&mut octets) {
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                    answer = HELLO;
                }
            });
        }
    });
    let mut plan = plan(address, &["/"], "400", 80);
    plan.connections = 4;
    plan.impatience = Impatience { retries: 3, backoff_ns: 20 * MS, ..plan.impatience };
    let outcome = go(plan);
    let found = outcome.impatient.as_ref().unwrap();
    assert_eq!((found.refused, found.retried), (4, 4), "{found:?}");
    assert_eq!(outcome.counts.completed, 80, "nobody was lost: {:?}", outcome.errors);
}

#[test]
fn what_never_left_the_client_is_told_as_such() {
    let (address, seen) = server();
    // All are due within a millisecond, so most are given up while the only connection is being opened anew.
    let mut plan = plan(address, &["/slow"], "100000", 60);
    plan.connections = 1;
    let outcome = go(plan);
    let found = outcome.impatient.as_ref().unwrap();
    assert!(found.abandoned == 60 && found.abandoned_unsent > 20, "{found:?}");
    assert_eq!((outcome.counts.intended, outcome.counts.sent), (60, 60 - found.abandoned_unsent));
    assert!(seen.heads.lock().unwrap().len() as u64 <= outcome.counts.sent);
    let kept = outcome.audit.findings.iter().find(|f| matches!(f.doubt, Doubt::KeptFromServer { .. }));
    assert!(kept.is_some_and(|f| f.remedy.contains("more connections")), "{:?}", outcome.audit.findings);
}

#[test]
fn the_server_is_told_when_each_request_was_due() {
    let (address, seen) = server();
    let mut plan = plan(address, &["/"], "400", 40);
    plan.mix = plan.mix.into_iter().map(Request::telling_due).collect();
    plan.impatience.tells_due = true;
    let before_ns = monotonic_ns();
    let outcome = go(plan);
    assert_eq!(outcome.counts.completed, 40, "{:?}", outcome.errors);
    let heads = seen.heads.lock().unwrap();
    let told = |head: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix("Dyno-Due: "))?;
        (line.len() == 20).then(|| line.parse::<u64>().ok())?
    };
    let mut dues: Vec<u64> = Vec::new();
    for (seen_ns, head) in heads.iter() {
        let due_ns = told(head).unwrap_or_else(|| panic!("{head}"));
        assert!(before_ns < due_ns && due_ns <= *seen_ns, "due {due_ns}, seen {seen_ns}");
        dues.push(due_ns);
    }
    dues.sort_unstable();
    dues.dedup();
    assert_eq!(dues.len(), 40, "each has a time of its own");
}

#[test]
fn a_plan_of_clients_that_cannot_be_is_refused() {
    let (address, _) = server();
    let mut plan = plan(address, &["/"], "400", 40);
    plan.impatience.patience_ns = Some(0);
    assert!(plan.check().unwrap_err().to_string().contains("patience"));
    plan.impatience = Impatience { retries: 1, ..Impatience::default() };
    plan.check().unwrap();
    plan.pace = Pace::Closed { think_ns: 0 };
    assert!(plan.check().unwrap_err().to_string().contains("give a rate"));
}
