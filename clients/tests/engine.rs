//! The engine over real sockets: each way in which a server can behave, and what the books must say of it.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use dyno_clients::engine::live::Live;
use dyno_clients::outcome::verdict::Doubt;
use dyno_clients::outcome::{ErrorKind, Outcome, Partial};
use dyno_clients::plan::pacer::Arrivals;
use dyno_clients::plan::profile;
use dyno_clients::plan::request::{Expect, ExpectedBody, Request, RequestParts};
use dyno_clients::plan::{Length, Pace, Plan};
use dyno_clients::run::run;
use dyno_units::verdict::Verdict;

const MS: u64 = 1_000_000;

/// A server with a thread for each connection, which ends with its clients. `serve` gets the connection after each
/// request and says whether to go on.
fn server(serve: impl Fn(&mut TcpStream, u64) -> bool + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, serve) = (stream.unwrap(), serve.clone());
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let (mut head, mut octet, mut number) = (Vec::new(), [0; 4096], 0);
                while let Ok(count @ 1..) = stream.read(&mut octet) {
                    head.extend_from_slice(&octet[..count]);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        number += 1;
                        if !serve(&mut stream, number) {
                            return;
                        }
                    }
                }
            });
        }
    });
    address
}

fn says(text: &'static str) -> impl Fn(&mut TcpStream, u64) -> bool + Send + Sync + 'static {
    move |stream, _| stream.write_all(text.as_bytes()).is_ok()
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn request(body: &[u8]) -> Request {
    let expect = Expect { status: None, body: ExpectedBody::Exactly(body.into()) };
    RequestParts {
        target: "/".into(),
        authority: "test".into(),
        weight: 1.0,
        expect,
        ..RequestParts::default()
    }
    .prepare()
    .unwrap()
}

fn plan(address: SocketAddr, requests: u64) -> Plan {
    let mut plan = Plan::closed(address, 4, Length::Requests(requests), request(b"hello"));
    plan.timeout_ns = 300 * MS;
    plan.spin_ns = 0;
    plan
}

fn go(plan: Plan) -> Outcome {
    let live = Arc::new(Live::new(plan.threads));
    run(&Arc::new(plan), &live, &mut |_| {}).unwrap()
}

fn errors(outcome: &Outcome) -> Vec<(ErrorKind, u64)> {
    outcome.errors.iter().map(|e| (e.kind, e.count)).collect()
}

#[test]
fn a_closed_loop_sends_what_was_planned_and_the_books_agree() {
    for threads in [1, 3] {
        let mut plan = plan(server(says(HELLO)), 1_000);
        plan.threads = threads;
        let outcome = go(plan);
        let c = &outcome.counts;
        assert_eq!((c.sent, c.completed, c.failed, c.intended), (1_000, 1_000, 0, 1_000));
        assert_eq!(outcome.latency.total.count, 1_000);
        let l = &outcome.latency;
        assert_eq!(l.wait.max_ns, 0, "nothing waits for a connection in a closed loop");
        let parts = l.lag.mean_ns + l.response.mean_ns + l.reading.mean_ns;
        assert!((parts - l.total.mean_ns).abs() < 1e-3, "exact sums");
        assert_eq!(outcome.series.intervals.iter().map(|i| i.completed).sum::<u64>(), 1_000);
        assert_eq!(outcome.connections.open_max, 4);
        assert_eq!(c.received_octets, 1_000 * HELLO.len() as u64);
    }
}

#[test]
fn an_open_loop_keeps_its_number_and_the_parts_add_up() {
    let mut plan = plan(server(says(HELLO)), 500);
    let stretches = profile::parse("2k", 60_000 * MS).unwrap();
    plan.pace = Pace::Open { arrivals: Arrivals::Poisson, stretches };
    let outcome = go(plan);
    let l = &outcome.latency;
    assert_eq!((outcome.counts.completed, l.lag.count, l.wait.count), (500, 500, 500));
    let parts = l.wait.mean_ns + l.lag.mean_ns + l.response.mean_ns + l.reading.mean_ns;
    assert!((parts - l.total.mean_ns).abs() < 1.0, "exact sums: {parts} {}", l.total.mean_ns);
    assert!(outcome.audit.figures.arrivals.iter().any(|t| t.which == "intended" && t.passed));
}

#[test]
fn requests_wait_for_a_connection_and_the_wait_is_told() {
    let slow = |stream: &mut TcpStream, _| {
        std::thread::sleep(std::time::Duration::from_millis(5));
        stream.write_all(HELLO.as_bytes()).is_ok()
    };
    let mut plan = plan(server(slow), 100);
    plan.connections = 1;
    plan.timeout_ns = 10_000 * MS;
    plan.pace =
        Pace::Open { arrivals: Arrivals::Constant, stretches: profile::parse("1k", 60_000 * MS).unwrap() };
    let outcome = go(plan);
    // One connection at 5 ms and more each: the last of a hundred waits for at least 99 answers of 5 ms, less
    // the 99 ms at which it falls due.
    assert!(outcome.latency.wait.max_ns > 390 * MS, "{}", outcome.latency.wait.max_ns);
    assert!(outcome.counts.waited >= 98 && outcome.counts.backlog_max > 50);
    assert!(outcome.latency.response.max_ns < outcome.latency.total.max_ns);
}

#[test]
fn a_full_backlog_ends_the_run_with_a_verdict() {
    let mut plan = plan(server(|_, _| true), 1_000_000);
    plan.pace =
        Pace::Open { arrivals: Arrivals::Constant, stretches: profile::parse("100k", 60_000 * MS).unwrap() };
    plan.backlog = 100;
    let outcome = go(plan);
    assert_eq!(outcome.partial, Some(Partial::Backlog));
    assert_eq!(outcome.audit.verdict, Verdict::Void);
    assert!(
        outcome.audit.findings.iter().any(|f| matches!(f.doubt, Doubt::BacklogOverflow { backlog: 100, .. }))
    );
}

#[test]
fn every_failure_is_counted_as_what_it_is() {
    type Serve = Box<dyn Fn(&mut TcpStream, u64) -> bool + Send + Sync>;
    let cases: Vec<(ErrorKind, Serve)> = vec![
        (ErrorKind::Status, Box::new(says("HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\nhello"))),
        (ErrorKind::Body, Box::new(says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellO"))),
        (ErrorKind::Body, Box::new(says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell"))),
        (ErrorKind::Body, Box::new(says("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!"))),
        (ErrorKind::Protocol, Box::new(says("SSH-2.0-OpenSSH_9.9\r\n"))),
        (ErrorKind::Protocol, Box::new(says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloextra"))),
        (ErrorKind::Short, Box::new(|_, _| false)),
        (ErrorKind::Short, Box::new(|s, _| s.write_all(&HELLO.as_bytes()[..30]).is_err())),
        (ErrorKind::Timeout, Box::new(|s, _| s.write_all(&HELLO.as_bytes()[..30]).is_ok())),
        (ErrorKind::Timeout, Box::new(|_, _| true)),
    ];
    for (kind, serve) in cases {
        let outcome = go(plan(server(serve), 8));
        assert_eq!(errors(&outcome), [(kind, 8)], "{:?}", outcome.errors);
        assert_eq!((outcome.counts.completed, outcome.counts.failed, outcome.counts.sent), (0, 8, 8));
        assert_eq!(outcome.audit.verdict, Verdict::Void);
        assert_eq!(outcome.latency.total.count, 0);
    }
}

#[test]
fn answers_in_pieces_in_chunks_and_until_the_close_are_read() {
    let pieces = |stream: &mut TcpStream, _: u64| {
        HELLO.as_bytes().chunks(7).all(|piece| stream.write_all(piece).is_ok())
    };
    assert_eq!(go(plan(server(pieces), 40)).counts.completed, 40);
    let chunks =
        says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    assert_eq!(go(plan(server(chunks), 40)).counts.completed, 40);
    let until_close = |stream: &mut TcpStream, _: u64| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello");
        false
    };
    let outcome = go(plan(server(until_close), 40));
    assert_eq!((outcome.counts.completed, outcome.counts.failed), (40, 0));
    assert!(outcome.connections.opened >= 40);
}

#[test]
fn connections_last_as_long_as_planned_and_a_server_may_end_them_too() {
    let mut single = plan(server(says(HELLO)), 60);
    single.requests_per_connection = Some(1);
    let outcome = go(single);
    assert_eq!((outcome.counts.completed, outcome.connections.opened), (60, 60));
    assert_eq!(outcome.latency.connect.count, 60);
    for field in [("Connection", "close"), ("connection", "foo, CLOSE")] {
        let mut asked = plan(server(says(HELLO)), 60);
        let headers = vec![(field.0.to_string(), field.1.to_string())];
        let expect = asked.mix[0].expect.clone();
        let parts =
            RequestParts { target: "/".into(), headers, weight: 1.0, expect, ..RequestParts::default() };
        asked.mix = vec![parts.prepare().unwrap()];
        let outcome = go(asked);
        assert_eq!((outcome.counts.completed, outcome.connections.opened), (60, 60), "{field:?}");
        assert_eq!(outcome.plan.requests_per_connection, Some(1), "{field:?}");
    }
    let mut some = plan(server(says(HELLO)), 60);
    some.requests_per_connection = Some(5);
    // Twelve if they share evenly; each of the four may end with a part of its five.
    assert!((12..=15).contains(&go(some).connections.opened));
    // Every third answer ends the connection, as the server announces.
    let polite = |stream: &mut TcpStream, number: u64| {
        let last = number == 3;
        let close = if last { "Connection: close\r\n" } else { "" };
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\n{close}Content-Length: 5\r\n\r\nhello").as_bytes())
            .is_ok()
            && !last
    };
    let outcome = go(plan(server(polite), 60));
    assert_eq!((outcome.counts.completed, outcome.counts.failed), (60, 0));
}

/// A server that is full answers before it is asked, and closes: the next connection of the slot may have its answer
/// before the generator knows that it stands.
#[test]
fn a_server_that_refuses_at_once_is_counted_right() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let refusal =
                "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(refusal.as_bytes());
        }
    });
    let mut refused = plan(address, 5_000);
    refused.connections = 16;
    let outcome = go(refused);
    let counts = &outcome.counts;
    assert_eq!((counts.completed, counts.failed), (0, 5_000), "{:?}", outcome.errors);
    let connections = &outcome.connections;
    assert!(connections.open_max <= 16, "{connections:?}");
    assert!(connections.opened + connections.failed >= 5_000, "{connections:?}");
}

#[test]
fn a_head_without_a_length_leaves_its_connection_open() {
    let mut heads = plan(server(says("HTTP/1.1 200 OK\r\n\r\n")), 100);
    let method = "HEAD".into();
    let parts = RequestParts { method, target: "/".into(), weight: 1.0, ..RequestParts::default() };
    heads.mix = vec![parts.prepare().unwrap()];
    let outcome = go(heads);
    assert_eq!((outcome.counts.completed, outcome.connections.opened), (100, 4));
}

#[test]
fn a_mix_is_sent_by_weight_and_each_answer_is_checked() {
    let mut plan = plan(server(says(HELLO)), 2_000);
    let mut other = request(b"other");
    other.weight = 3.0;
    plan.mix.push(other);
    let outcome = go(plan);
    let share = outcome.counts.failed as f64 / 2_000.0;
    assert!((share - 0.75).abs() < 0.05, "three of four get an answer that is not theirs: {share}");
    assert_eq!(errors(&outcome).len(), 1);
}

#[test]
fn connections_that_come_and_go_have_many_source_addresses() {
    let sources = Arc::new(Mutex::new(HashSet::new()));
    let seen = sources.clone();
    let address = server(move |stream, _| {
        seen.lock().unwrap().insert(stream.peer_addr().unwrap().ip());
        stream.write_all(HELLO.as_bytes()).is_ok()
    });
    let mut single = plan(address, 300);
    single.requests_per_connection = Some(1);
    assert_eq!(go(single).counts.completed, 300);
    let seen = std::mem::take(&mut *sources.lock().unwrap());
    assert_eq!(seen.len(), 256, "each address in turn");
    assert!(seen.iter().all(IpAddr::is_loopback));
    assert_eq!(go(plan(address, 300)).counts.completed, 300);
    assert_eq!(sources.lock().unwrap().len(), 1, "kept connections need no more than one");
}

#[test]
fn nobody_there_is_an_error_and_not_a_run() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let live = Arc::new(Live::new(1));
    let refused = run(&Arc::new(plan(address, 10)), &live, &mut |_| {}).unwrap_err();
    assert!(refused.to_string().contains("refused"), "{refused}");
}

#[test]
fn an_early_end_tells_what_was_measured() {
    let mut plan = plan(server(says(HELLO)), 1);
    plan.length = Length::Duration(60_000 * MS);
    let live = Arc::new(Live::new(1));
    let stopper = live.clone();
    let outcome = run(&Arc::new(plan), &live, &mut move |glance| {
        if glance.completed > 100 {
            stopper.stop();
        }
    })
    .unwrap();
    assert_eq!(outcome.partial, Some(Partial::Interrupted));
    assert!(outcome.counts.completed > 100 && outcome.counts.failed == 0);
    assert!(outcome.window_ns < 30_000 * MS, "{}", outcome.window_ns);
}

#[test]
fn a_result_comes_back_from_json_unchanged() {
    let outcome = go(plan(server(says(HELLO)), 200));
    let json = serde_json::to_string(&outcome).unwrap();
    assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
}
