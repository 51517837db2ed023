//! What becomes of requests when backends fail, answer wrongly, or are not there.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use dyno_tests::backend::{Backend, Does, Saw};
use dyno_tests::limits::ANSWER;
use dyno_tests::process::wait_until;
use dyno_tests::rows::Row;
use dyno_tests::suite::{Outcome, ensure};
use dyno_tests::wire::{Client, get, get_once};
use nix::sys::signal::Signal;
use socket2::{Domain, Socket, Type};

use crate::passing::{ask, connect, dyno, is_hello, post, tier};

/// An address on which nobody listens, and which nobody else gets as long as the socket lives.
pub(crate) fn nobody() -> Result<(SocketAddr, Socket), String> {
    let bind = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
        let address = socket.local_addr()?.as_socket().ok_or(std::io::ErrorKind::AddrNotAvailable)?;
        Ok((address, socket))
    };
    bind().map_err(|error: std::io::Error| error.to_string())
}

pub(crate) fn broken_answers(row: &Row) -> Outcome {
    let cases: [(&str, &str); 7] = [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "are both given",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi!",
            "Content-Length is given twice",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: a\r\n b\r\n\r\nhi", "folded"),
        ("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "bare LF"),
        ("HTTP/1.1 OK\r\nContent-Length: 2\r\n\r\nhi", "status line"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nhi", "held whole"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhi\r\n0\r\n\r\n", "chunked coding"),
    ];
    let backends: Vec<_> = cases
        .iter()
        .map(|(answer, _)| Backend::start(Does::Says(answer.as_bytes().into())))
        .collect::<Result<_, _>>()?;
    let well = [
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1\r\no\r\n0\r\n\r\n", "hello"),
        ("HTTP/1.1 203 Else\r\nX-A: b\r\n\r\nuntil the end", "until the end"),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"),
    ];
    let good: Vec<_> = well
        .iter()
        .map(|(answer, _)| Backend::start(Does::Says(answer.as_bytes().into())))
        .collect::<Result<_, _>>()?;
    let routes: Vec<_> =
        backends.iter().enumerate().map(|(at, backend)| format!("/bad{at}={}", backend.address)).collect();
    let more: Vec<_> =
        good.iter().enumerate().map(|(at, backend)| format!("/good{at}={}", backend.address)).collect();
    let all: Vec<&str> = routes.iter().chain(&more).map(String::as_str).collect();
    let server = tier(row, &all, &[])?;
    for (at, (answer, rule)) in cases.iter().enumerate() {
        let refused = ask(&server, "GET", &get(&format!("/bad{at}")))?;
        ensure(refused.status == 502 && refused.text().contains(rule), || {
            format!("{answer:?}: {refused:?}")
        })?;
        ensure(backends[at].seen().len() == 1, || format!("{answer:?}: it was asked again"))?;
    }
    for (at, (answer, body)) in well.iter().enumerate() {
        for _ in 0..2 {
            let passed = ask(&server, "GET", &get(&format!("/good{at}")))?;
            ensure(passed.text() == *body && passed.status < 300, || format!("{answer:?}: {passed:?}"))?;
        }
    }
    server.stop_well()?;
    Ok(())
}

pub(crate) fn leaving(row: &Row) -> Outcome {
    let backend = Backend::start(Does::Waits)?;
    let server = tier(row, &[&format!("/={}", backend.address)], &[])?;
    let mut client = connect(&server)?;
    client.send(get("/"));
    ensure(matches!(backend.next()?, Saw::Request(_)), || "no request".into())?;
    drop(client);
    let gone = backend.next()?;
    ensure(gone == Saw::Gone, || format!("{gone:?} instead of the end of the connection"))?;
    server.stop_well()?;
    Ok(())
}

/// Two backends that end each connection without an answer: what may be sent again goes to both, what may not goes to
/// one.
pub(crate) fn sent_again(row: &Row) -> Outcome {
    for (method, request, asked) in [
        ("POST", post("/", "once"), 1),
        ("PATCH", "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 1),
        ("GET", get("/"), 2),
        ("PUT", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".to_owned(), 2),
    ] {
        let (one, other) = (Backend::start(Does::Hangs)?, Backend::start(Does::Hangs)?);
        let server = tier(row, &[&format!("/={},{}", one.address, other.address)], &[])?;
        let answer = ask(&server, method, &request)?;
        ensure(answer.status == 502 && answer.text().contains("without an answer"), || {
            format!("{method}: {answer:?}")
        })?;
        let seen = [one.seen().len(), other.seen().len()];
        ensure(seen.iter().sum::<usize>() == asked && seen.iter().all(|count| *count <= 1), || {
            format!("{method} arrived so often: {seen:?}")
        })?;
        server.stop_well()?;
    }
    Ok(())
}

pub(crate) fn all_down(row: &Row) -> Outcome {
    let ((one, listener), (other, _other)) = (nobody()?, nobody()?);
    let server = tier(row, &[&format!("/={one},{other}")], &["--dispatch", "least"])?;
    let first = ask(&server, "POST", &post("/", "x"))?;
    ensure(first.status == 502 && first.text().contains("refused"), || format!("first: {first:?}"))?;
    // Who fails at once is known to be down; within its second nobody is asked again.
    let since = Instant::now();
    let second = ask(&server, "GET", &get("/"))?;
    let is_told =
        second.status == 503 && second.field("retry-after").is_some_and(|value| value.parse::<u64>().is_ok());
    ensure(is_told || since.elapsed() > Duration::from_millis(900), || format!("second: {second:?}"))?;
    // One of them listens again, and is found.
    listener.listen(16)?;
    let listener: TcpListener = listener.into();
    thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nup again");
        }
    });
    let found =
        wait_until(ANSWER, || get_once(server.address, "/").is_ok_and(|answer| answer.text() == "up again"));
    ensure(found.is_some(), || "it is not found again".into())?;
    server.stop_well()?;
    Ok(())
}

/// A backend that takes connections and never answers is found by a probe, before a client finds it.
pub(crate) fn hangs(row: &Row) -> Outcome {
    let (well, hangs) = (dyno()?, Backend::start(Does::Waits)?);
    let route = format!("/={},{}", well.address, hangs.address);
    let server = tier(row, &[&route], &["--health", "/json?x"])?;
    // The first probe gives up, and the second comes when what the first has seen was noted.
    let seen = [hangs.next()?, hangs.next()?, hangs.next()?];
    let is_probe = |saw: &Saw| matches!(saw, Saw::Request(text) if text.starts_with("GET /json?x HTTP/1.1"));
    let probes = seen.iter().filter(|saw| is_probe(saw)).count();
    ensure(probes == 2 && seen.contains(&Saw::Gone), || format!("{seen:?}"))?;
    for _ in 0..6 {
        is_hello(&ask(&server, "GET", &get("/"))?)?;
    }
    server.stop_well()?;
    Ok(())
}

/// Backends are killed while clients ask. No GET fails, and no POST arrives twice.
pub(crate) fn killed(row: &Row) -> Outcome {
    let (requests, clients) = (60, row.clients(6));
    let (steady, doomed, scribe, victim) =
        (dyno()?, dyno()?, Backend::start(Does::Mirrors)?, Backend::start(Does::Mirrors)?);
    let gets = format!("/={},{}", steady.address, doomed.address);
    let posts = format!("/posts={},{}", scribe.address, victim.address);
    let server = tier(row, &[&gets, &posts], &["--dispatch", "p2c"])?;
    let done = AtomicUsize::new(0);
    let outcome: Result<(), String> = thread::scope(|scope| {
        let each = |number: usize| {
            let (done, address) = (&done, server.address);
            move || -> Result<(), String> {
                let mut client = Client::connect(address).map_err(|error| error.to_string())?;
                for at in 0..requests {
                    let answer = client.get("/").map_err(|error| format!("GET {at}: {error}"))?;
                    is_hello(&answer).map_err(|_| format!("GET {at}: {answer:?}"))?;
                    client.send(post("/posts", &format!("id-{number}-{at}.")));
                    let answer = client.response("POST").map_err(|error| format!("POST {at}: {error}"))?;
                    // One that was under way at who was killed may be lost, and its client is told.
                    let is_told = [200, 502, 503].contains(&answer.status);
                    ensure(is_told, || format!("{answer:?}"))
                        .map_err(|_| format!("POST {at}: {answer:?}"))?;
                    done.fetch_add(1, SeqCst);
                }
                Ok(())
            }
        };
        let running: Vec<_> = (0..clients).map(|number| scope.spawn(each(number))).collect();
        let is_begun = || {
            done.load(SeqCst) >= requests * clients / 4
                || running.iter().any(thread::ScopedJoinHandle::is_finished)
        };
        wait_until(ANSWER, is_begun);
        doomed.signal(Signal::SIGKILL);
        victim.kill();
        running
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| "a client panicked".to_owned())?)
    });
    outcome?;
    let seen: Vec<_> = [scribe.seen(), victim.seen()].concat();
    let mut ids: Vec<_> = seen
        .iter()
        .filter_map(|saw| {
            if let Saw::Request(text) = saw { text.rsplit("\r\n").next().map(str::to_owned) } else { None }
        })
        .collect();
    let arrived = ids.len();
    ids.sort();
    ids.dedup();
    ensure(ids.len() == arrived, || format!("{} of {arrived} POSTs arrived twice", arrived - ids.len()))?;
    ensure(arrived * 10 >= requests * clients * 9, || format!("only {arrived} POSTs arrived"))?;
    server.stop_well()?;
    Ok(())
}
