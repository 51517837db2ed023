//! Two servers in turn over real sockets: whose answers are whose, and what a server that fails does to the other.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use dyno_clients::books::bursts::{BurstGroup, GroupOrder};
use dyno_clients::engine::alternate;
use dyno_clients::outcome::ErrorKind;
use dyno_clients::plan::request::{Expect, ExpectedBody, Request, RequestParts};
use dyno_clients::plan::{Carrier, Length, Plan, SecondServer};

const BURST_NS: u64 = 500_000;

/// What a server has seen.
#[derive(Debug, Default)]
struct Seen {
    requests: AtomicU64,
    /// Requests in hand, at both servers: one of them adds, the other one subtracts.
    balance: AtomicI64,
}

/// A server with a thread for each connection; `answer` gives what it says to the request of that number, and nothing
/// ends the connection.
fn server(seen: Arc<Seen>, answer: impl Fn(u64) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer, seen): (TcpStream, _, _) =
                (stream.unwrap(), answer.clone(), seen.clone());
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let (mut head, mut octets) = (Vec::new(), [0; 4096]);
                while let Ok(count @ 1..) = stream.read(&mut octets) {
                    head.extend_from_slice(&octets[..count]);
                    if head.ends_with(b"\r\n\r\n") {
                        head.clear();
                        let number = seen.requests.fetch_add(1, Ordering::Relaxed);
                        match answer(number) {
                            Some(text) if stream.write_all(text.as_bytes()).is_ok() => {}
                            _ => return,
                        }
                    }
                }
            });
        }
    });
    address
}

fn says(body: &'static str) -> impl Fn(u64) -> Option<String> + Send + Sync + 'static {
    move |_| Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

fn request(body: &[u8]) -> Request {
    let expect = Expect { status: None, body: ExpectedBody::Exactly(body.into()) };
    let parts = RequestParts {
        target: "/".into(),
        authority: "test".into(),
        weight: 1.0,
        expect,
        ..RequestParts::default()
    };
    parts.prepare().unwrap()
}

fn plan(one: SocketAddr, other: SocketAddr, connections: [u32; 2], bodies: [&str; 2]) -> Plan {
    let mut plan = Plan::closed(one, connections[0], Length::Duration(1), request(bodies[0].as_bytes()));
    plan.mix.push(request(bodies[1].as_bytes()));
    plan.rival =
        Some(SecondServer { address: other.into(), transport: Carrier::Plain, connections: connections[1] });
    plan.timeout_ns = 300_000_000;
    plan.spin_ns = 0;
    plan
}

/// So many groups of so many quads.
fn run(plan: &Plan, groups: usize, quads: u32) -> Vec<BurstGroup> {
    let (mut told, mut begun) = (Vec::new(), 0);
    alternate::run(plan, BURST_NS, &mut |group| {
        told.extend(group.cloned());
        begun += 1;
        (begun <= groups).then_some(GroupOrder { quads, b_begins: begun % 2 == 0 })
    })
    .unwrap();
    told
}

#[test]
fn each_answer_is_on_the_account_of_its_server() {
    let (a, b) = (Arc::new(Seen::default()), Arc::new(Seen::default()));
    let addresses = (server(a.clone(), says("aaa")), server(b.clone(), says("bbbbb")));
    for connections in [[4, 4], [1, 6]] {
        let before = [&a, &b].map(|seen| seen.requests.load(Ordering::Relaxed));
        let told = run(&plan(addresses.0, addresses.1, connections, ["aaa", "bbbbb"]), 3, 2);
        assert_eq!(told.len(), 3);
        for (place, seen) in [&a, &b].into_iter().enumerate() {
            let answered: u64 = told.iter().map(|group| group.sides[place].answered).sum();
            assert_eq!(answered, seen.requests.load(Ordering::Relaxed) - before[place], "{told:?}");
            for group in &told {
                let side = &group.sides[place];
                assert_eq!((side.bursts, side.open), (4, connections[place]), "{group:?}");
                assert!(side.failed.is_empty() && side.answered >= 4, "{side:?}");
                assert!(side.active_ns > 0 && side.active_ns <= group.took_ns, "{group:?}");
            }
        }
    }
}

#[test]
fn only_one_server_has_requests_at_a_time() {
    // Each server counts what it has in hand on one balance; were both at work at once, it would show.
    let shared = Arc::new(Seen::default());
    let worst = Arc::new(AtomicI64::new(0));
    let make = |sign: i64, body: &'static str| {
        let (shared, worst) = (shared.clone(), worst.clone());
        server(Arc::new(Seen::default()), move |_| {
            let now = shared.balance.fetch_add(sign, Ordering::SeqCst);
            if now * sign < 0 {
                worst.fetch_add(1, Ordering::SeqCst);
            }
            std::thread::yield_now();
            shared.balance.fetch_sub(sign, Ordering::SeqCst);
            Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
        })
    };
    let (one, other) = (make(1, "a"), make(-1, "b"));
    let told = run(&plan(one, other, [4, 4], ["a", "b"]), 4, 3);
    assert!(told.iter().all(|group| group.sides.iter().all(|side| side.answered > 0)));
    assert_eq!(worst.load(Ordering::SeqCst), 0);
}

#[test]
fn what_one_does_wrong_is_counted_there_and_the_other_goes_on() {
    type Answer = fn(u64) -> Option<String>;
    let wrong: [(&str, ErrorKind, Answer); 3] = [
        ("a wrong body", ErrorKind::Body, |_| Some("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".into())),
        ("a wrong status", ErrorKind::Status, |_| {
            Some("HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\nb".into())
        }),
        ("an end in the middle", ErrorKind::Short, |_| {
            Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nb".into())
        }),
    ];
    for (name, kind, answer) in wrong {
        let good = server(Arc::new(Seen::default()), says("a"));
        // After an answer that promises more than it holds the connection ends.
        let bad = server(Arc::new(Seen::default()), move |number| {
            answer(number).filter(|_| kind != ErrorKind::Short || number % 2 == 0)
        });
        let told = run(&plan(good, bad, [2, 2], ["a", "b"]), 2, 1);
        for group in &told {
            assert!(group.sides[0].failed.is_empty() && group.sides[0].answered > 0, "{name}: {group:?}");
            assert_eq!(group.sides[1].answered, 0, "{name}: {group:?}");
            let failed = &group.sides[1].failed;
            let expected =
                if kind == ErrorKind::Short { !failed.is_empty() } else { failed.contains_key(&kind) };
            assert!(expected, "{name}: {group:?}");
            assert!(group.sides[1].example.is_some(), "{name}");
        }
    }
}

#[test]
fn a_server_that_is_gone_stops_nobody() {
    let good = server(Arc::new(Seen::default()), says("a"));
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let told = run(&plan(good, gone, [2, 2], ["a", "b"]), 2, 2);
    for group in &told {
        assert!(group.sides[0].answered > 0, "{group:?}");
        assert_eq!((group.sides[1].answered, group.sides[1].open), (0, 0), "{group:?}");
        assert!(group.sides[1].failed.contains_key(&ErrorKind::Connect), "{group:?}");
    }
}
