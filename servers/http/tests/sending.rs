//! The sending side: persistence, HEAD, large bodies, sources, pipelining, draining.

mod support;
#[path = "support/wire.rs"]
mod wire;

use dyno_http::connection::Want;
use dyno_http::fault::Fault;
use dyno_http::limits::Limits;
use dyno_http::response::{Body, Response, Source};
use dyno_http::status::Status;
use std::io;
use std::sync::Arc;
use support::{Harness, call, limits};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

/// One request, one answer of the service's choice; what went out, as text.
fn exchange(request: &[u8], response: Response) -> (String, Harness) {
    let mut harness = Harness::new(limits());
    harness.connection.receive(request, harness.now);
    assert!(harness.connection.next_request().is_some());
    harness.connection.respond(response, &support::date(), harness.now);
    harness.drive();
    (harness.text(), harness)
}

fn owned(length: usize) -> Response {
    Response::new(Status::OK, "", Body::Owned(pattern(length)))
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn a_client_is_reassured_only_while_it_waits_and_knows_how_to_read_on() {
    let get10 = b"GET / HTTP/1.0\r\n\r\n".as_slice();
    for (request, is_told) in [(GET, true), (get10, false)] {
        let mut harness = Harness::new(limits());
        assert!(!harness.connection.reassure(harness.now), "nothing was asked");
        harness.connection.receive(request, harness.now);
        assert!(harness.connection.next_request().is_some());
        assert_eq!(harness.connection.reassure(harness.now), is_told);
        harness.connection.respond(owned(1), &support::date(), harness.now);
        assert!(!harness.connection.reassure(harness.now), "it has its answer");
        harness.drive();
        assert_eq!(harness.text().starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"), is_told);
    }
}

#[test]
fn heads_of_answers() {
    let ok = || Response::text(Status::OK, "hi");
    let get10 = b"GET / HTTP/1.0\r\n\r\n".as_slice();
    let keep10 = b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n".as_slice();
    let close = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n".as_slice();
    let head = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice();
    let text = "Content-Type: text/plain; charset=utf-8\r\n";
    let rows = [
        (GET, ok(), format!("200 OK\r\n{DATE}{text}Content-Length: 2\r\n\r\nhi")),
        (get10, ok(), format!("200 OK\r\n{DATE}{text}Content-Length: 2\r\nConnection: close\r\n\r\nhi")),
        (
            keep10,
            ok(),
            format!("200 OK\r\n{DATE}{text}Content-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"),
        ),
        (close, ok(), format!("200 OK\r\n{DATE}{text}Content-Length: 2\r\nConnection: close\r\n\r\nhi")),
        (
            GET,
            ok().closing(),
            format!("200 OK\r\n{DATE}{text}Content-Length: 2\r\nConnection: close\r\n\r\nhi"),
        ),
        (head, ok(), format!("200 OK\r\n{DATE}{text}Content-Length: 2\r\n\r\n")),
        (GET, Response::new(Status::NO_CONTENT, "", Body::Empty), format!("204 No Content\r\n{DATE}\r\n")),
        (
            GET,
            Response::new(Status::NOT_MODIFIED, "", Body::Static(b"x")).with("ETag", "\"1\""),
            format!("304 Not Modified\r\n{DATE}ETag: \"1\"\r\n\r\n"),
        ),
        (
            GET,
            Response::new(Status(299), "", Body::Empty),
            format!("299 \r\n{DATE}Content-Length: 0\r\n\r\n"),
        ),
    ];
    for (request, response, expected) in rows {
        let last = response.close || expected.contains("Connection: close");
        let (text, harness) = exchange(request, response);
        assert_eq!(text, format!("HTTP/1.1 {expected}"));
        assert_eq!(harness.ended, last, "{expected}");
    }
}

#[test]
fn a_refused_head_request_is_told_the_length_alone() {
    let mut harness = Harness::new(limits());
    harness.feed(b"HEAD / HTTP/1.1\r\n\r\n");
    let text = harness.text();
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\nDate: Sun, 06 Nov 1994"), "{text}");
    assert!(text.ends_with("Connection: close\r\n\r\n"), "{text}");
}

#[test]
fn bodies_of_every_kind_and_size_arrive_whole() {
    let limits = limits();
    let sizes = [0, 1, limits.copy_octets, limits.copy_octets + 1, limits.source_octets + 1, 300_000];
    for size in sizes {
        let shared: Arc<[u8]> = pattern(size + 20).into();
        let fixed: &'static [u8] = Vec::leak(pattern(size));
        let rows = [
            (Body::Owned(pattern(size)), pattern(size)),
            (Body::Static(fixed), fixed.to_vec()),
            (Body::Shared(Arc::clone(&shared), 10..10 + size), shared[10..10 + size].to_vec()),
            (
                Body::Source(Box::new(Drip { octets: pattern(size), at: 0, most: 1_000, fails_at: None })),
                pattern(size),
            ),
        ];
        for (body, expected) in rows {
            let (_, mut harness) = exchange(GET, Response::new(Status::OK, "", body));
            // The connection goes on behind a body of any kind.
            harness.feed(GET);
            let answers = wire::answers(&harness.output, &["GET".into(), "GET".into()], false).unwrap();
            assert_eq!(answers.len(), 2);
            assert!(answers[0].body == expected, "a body of {size} octets");
            assert_eq!(answers[1].body, b"Hello, world!");
        }
    }
}

#[test]
fn a_small_answer_is_one_piece_and_a_large_one_is_two() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(&GET.repeat(2), harness.now);
    harness.answer(|_| owned(limits().copy_octets));
    assert!(harness.connection.pending_parts()[1].is_empty(), "two small answers share one buffer");
    harness.drive();
    harness.connection.receive(GET, harness.now);
    harness.answer(|_| owned(limits().copy_octets + 1));
    let [head, body] = harness.connection.pending_parts();
    assert!(head.ends_with(b"\r\n\r\n") && body.len() == limits().copy_octets + 1);
    let both = head.len() + body.len();
    harness.connection.advance(both, harness.now);
    assert_eq!(harness.connection.want(), Want::Read);
}

/// A source that gives a few octets at a time, and may fail.
struct Drip {
    octets: Vec<u8>,
    at: usize,
    most: usize,
    fails_at: Option<usize>,
}

impl Source for Drip {
    fn remaining(&self) -> u64 {
        (self.octets.len() - self.at) as u64
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.fails_at.is_some_and(|at| self.at >= at) {
            return Err(io::Error::other("the disk is gone"));
        }
        let count = into.len().min(self.most).min(self.octets.len() - self.at);
        into[..count].copy_from_slice(&self.octets[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[test]
fn a_source_that_fails_leaves_a_truncated_answer() {
    let drip = Drip { octets: pattern(10_000), at: 0, most: 1_000, fails_at: Some(5_000) };
    let (_, harness) = exchange(GET, Response::new(Status::OK, "", Body::Source(Box::new(drip))));
    assert_eq!((harness.connection.want(), harness.connection.fault()), (Want::Close, None));
    assert!(
        wire::answers(&harness.output, &["GET".into()], false).is_err_and(|error| error == "incomplete body")
    );
}

#[test]
fn a_peer_that_never_reads_is_stopped_by_count() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(&GET.repeat(1_000), harness.now);
    harness.answer(call);
    assert_eq!(harness.records.len(), usize::from(limits().pipelined_answers));
    assert_eq!(harness.connection.want(), Want::Write);
    assert!(harness.connection.next_request().is_none());
    harness.drive();
    assert_eq!(harness.records.len(), 1_000);
}

#[test]
fn a_peer_that_never_reads_is_stopped_by_octets_and_by_a_large_body() {
    for (size, most) in [(10_000, limits().unsent_octets / 10_000 + 1), (20_000, 1)] {
        let mut harness = Harness::new(limits());
        harness.connection.receive(&GET.repeat(50), harness.now);
        harness.answer(|_| owned(size));
        assert_eq!(harness.records.len(), most, "answers of {size} octets");
    }
}

#[test]
fn octets_ahead_of_the_request_in_hand_fill_the_connection() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(GET, harness.now);
    assert!(harness.connection.next_request().is_some());
    harness.connection.receive(&vec![b'x'; limits().unread_octets - 1], harness.now);
    assert!(!harness.connection.is_full());
    harness.connection.receive(b"x", harness.now);
    assert!(harness.connection.is_full());
}

#[test]
fn half_close_still_gets_every_answer_and_the_last_says_so() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(&GET.repeat(3), harness.now);
    harness.connection.receive_eof(harness.now);
    harness.drive();
    assert_eq!(harness.records.len(), 3);
    assert_eq!(harness.text().matches("Connection: close").count(), 1);
    assert_eq!((harness.connection.want(), harness.connection.fault()), (Want::Close, None));
}

#[test]
fn an_end_inside_a_request_is_the_peers_fault_and_gets_no_answer() {
    for partial in
        ["G", "GET / HTTP/1.1\r\n\r", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab"]
    {
        let mut harness = Harness::new(limits());
        harness.feed(partial.as_bytes());
        harness.end();
        assert_eq!(harness.connection.want(), Want::Close, "{partial:?}");
        assert!(harness.output.is_empty());
        assert_eq!(harness.connection.fault(), Some(Fault::Truncated), "{partial:?}");
    }
}

#[test]
fn draining_closes_an_idle_connection_after_a_grace() {
    let mut harness = Harness::new(limits());
    harness.connection.finish(harness.now);
    assert_eq!(harness.connection.want(), Want::Read);
    let end = harness.now + limits().drain_grace;
    assert_eq!(harness.connection.deadline(), Some(end));
    harness.connection.finish(end);
    assert_eq!(harness.connection.deadline(), Some(end), "asking twice grants no second grace");
    harness.connection.handle_deadline(end);
    assert_eq!((harness.connection.want(), harness.connection.fault()), (Want::Close, None));
}

#[test]
fn a_request_that_comes_during_the_grace_is_the_last() {
    let mut harness = Harness::new(limits());
    harness.connection.finish(harness.now);
    harness.feed(GET);
    assert!(harness.text().contains("\r\nConnection: close\r\n"));
    assert_eq!(harness.connection.want(), Want::Linger);
}

#[test]
fn draining_answers_all_requests_that_have_arrived() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(&GET.repeat(3), harness.now);
    harness.connection.finish(harness.now);
    harness.drive();
    let text = harness.text();
    assert_eq!(text.matches("HTTP/1.1 200").count(), 3, "{text}");
    assert_eq!(text.matches("Connection: close").count(), 1, "{text}");
    assert_eq!(harness.connection.want(), Want::Linger);
}

#[test]
fn draining_lets_a_request_finish_and_says_close() {
    for cut in 1..GET.len() {
        let mut harness = Harness::new(limits());
        harness.feed(&GET[..cut]);
        harness.connection.finish(harness.now);
        harness.feed(&GET[cut..]);
        assert!(harness.text().contains("\r\nConnection: close\r\n"), "cut at {cut}");
        // The client did not know, so it may have sent more.
        assert_eq!(harness.connection.want(), Want::Linger);
    }
}

#[test]
fn draining_while_an_answer_is_written_ends_a_grace_behind_it() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(GET, harness.now);
    harness.answer(call);
    harness.connection.finish(harness.now);
    harness.drive();
    assert_eq!((harness.status(), harness.connection.want()), (200, Want::Read));
    harness.connection.handle_deadline(harness.now + limits().drain_grace);
    assert_eq!(harness.connection.want(), Want::Close);
}

#[test]
fn a_client_that_announced_the_end_is_closed_without_lingering() {
    let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut harness = Harness::new(limits());
    harness.feed(request);
    assert_eq!(harness.connection.want(), Want::Close);
    // Unless it sent more all the same.
    let mut harness = Harness::new(limits());
    harness.feed(&[request, GET].concat());
    assert_eq!((harness.records.len(), harness.connection.want()), (1, Want::Linger));
}

#[test]
fn permission_to_send_the_body_is_given_once_and_only_if_it_is_waited_for() {
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ";
    let rows = [
        (format!("{head}5\r\n\r\n"), Some("HTTP/1.1 100 Continue\r\n\r\n")),
        (format!("{head}5\r\n\r\nh"), Some("")),
        (format!("{head}0\r\n\r\n"), None),
        (format!("{head}9999999\r\n\r\n"), Some("HTTP/1.1 413 ")),
    ];
    for (request, expected) in rows {
        let mut harness = Harness::new(limits());
        harness.feed(request.as_bytes());
        match expected {
            Some("") => assert_eq!(harness.text(), ""),
            Some(start) => assert!(harness.text().starts_with(start), "{}", harness.text()),
            None => assert_eq!(harness.status(), 200),
        }
    }
}

#[test]
fn an_unknown_expectation_is_refused_even_beside_a_known_one() {
    let mut harness = Harness::new(limits());
    harness.feed(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!((harness.status(), harness.connection.fault()), (417, Some(Fault::UnknownExpectation)));
}

#[test]
fn every_limit_refuses_at_its_own_octet() {
    let small = || Limits { head_octets: 200, target_octets: 50, fields: 3, body_octets: 10, ..limits() };
    let get = |target: usize, filler: usize| {
        format!("GET /{} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "t".repeat(target - 1), "f".repeat(filler))
    };
    let post = |length: usize| {
        format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{}", "b".repeat(length))
    };
    let chunk = |length: usize| {
        format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n",
            "b".repeat(length)
        )
    };
    let fields = |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(count - 1));
    let fixed = get(1, 0).len() - 1;
    let rows = [
        (get(50, 0), 404),
        (get(51, 0), 414),
        (get(1, 200 - fixed - 1), 200),
        (get(1, 200 - fixed), 431),
        (fields(3), 200),
        (fields(4), 431),
        (post(10), 200),
        (post(11), 413),
        (chunk(10), 200),
        (chunk(11), 413),
    ];
    for (request, expected) in rows {
        for piece in [1, 7, request.len()] {
            let mut harness = Harness::new(small());
            request.as_bytes().chunks(piece).for_each(|octets| harness.feed(octets));
            assert_eq!(harness.status(), expected, "{request:?} in pieces of {piece}");
        }
    }
}

#[test]
#[should_panic(expected = "respond without a request")]
fn an_answer_without_a_request_is_our_misuse() {
    let mut harness = Harness::new(limits());
    harness.connection.respond(owned(1), &support::date(), harness.now);
}
