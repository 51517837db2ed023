//! Bodies that are taken in parts: bounded memory, one clock, and a refusal before anything is taken.

mod support;

use dyno_http::connection::{Connection, Want};
use dyno_http::fault::Fault;
use dyno_http::limits::Limits;
use dyno_http::response::Response;
use dyno_http::status::Status;
use std::sync::Arc;
use std::time::Duration;
use support::{Harness, base, date, limits};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn put(fields: &str) -> String {
    format!("PUT /big HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// A connection that was told of a body with these fields, and whose offer is open.
fn offered(fields: &str) -> Connection {
    let mut connection = Connection::new(Arc::new(limits()), base());
    connection.offer_bodies();
    connection.receive(put(fields).as_bytes(), base());
    assert_eq!(connection.want(), Want::Offer);
    assert_eq!(connection.offered().map(|request| request.target().path.to_owned()).as_deref(), Some("/big"));
    connection
}

fn text(connection: &Connection) -> String {
    String::from_utf8_lossy(connection.pending()).into_owned()
}

#[test]
fn a_body_larger_than_any_buffer_takes_a_bounded_one() {
    const PIECE: usize = 8 << 10;
    const PIECES: usize = 2_048;
    let chunk = [format!("{PIECE:x}\r\n").as_bytes(), &[b'x'; PIECE], b"\r\n"].concat();
    let rows = [
        (format!("Content-Length: {}\r\n", PIECE * PIECES), vec![b'x'; PIECE], ""),
        ("Transfer-Encoding: chunked\r\n".into(), chunk, "0\r\n\r\n"),
    ];
    for (fields, piece, end) in rows {
        let mut connection = offered(&fields);
        connection.take_in_parts(u64::MAX, base());
        let (mut taken, mut most_held) = (0, 0);
        let mut take = |connection: &mut Connection| {
            while let Some(part) = connection.part() {
                taken += part.len();
                connection.part_taken(base());
            }
            most_held = most_held.max(connection.held_octets());
        };
        for _ in 0..PIECES {
            connection.receive(&piece, base());
            take(&mut connection);
        }
        connection.receive(end.as_bytes(), base());
        connection.receive(GET.as_bytes(), base());
        take(&mut connection);
        assert_eq!(taken, PIECE * PIECES, "{fields}");
        let bound = 2 * (Limits::default().part_octets + PIECE);
        assert!(most_held <= bound, "{fields}: {most_held} octets held");
        // The request is whole now, has no body any more, and the one behind it is there.
        let paths = std::iter::from_fn(|| {
            let path = connection.next_request().map(|request| {
                assert!(request.body().is_empty());
                request.target().path.to_owned()
            })?;
            connection.respond(Response::text(Status::OK, "ok"), &date(), base());
            Some(path)
        });
        assert_eq!(paths.collect::<Vec<_>>(), ["/big", "/"], "{fields}");
    }
}

#[test]
fn an_offer_is_declined_before_the_client_is_told_to_send() {
    let mut connection = offered("Content-Length: 1000000000\r\nExpect: 100-continue\r\n");
    assert_eq!(connection.announced_octets(), Some(1_000_000_000));
    assert!(connection.decline() && connection.pending().is_empty());
    connection.respond(Response::text(Status::FORBIDDEN, "no"), &date(), base());
    let answer = text(&connection);
    assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    connection.advance(answer.len(), base());
    assert_eq!(connection.want(), Want::Linger);
}

#[test]
fn a_client_that_waits_is_told_to_send_when_its_offer_is_accepted() {
    for is_whole in [true, false] {
        let mut connection = offered("Content-Length: 3\r\nExpect: 100-continue\r\n");
        if is_whole {
            connection.take_whole(base());
        } else {
            connection.take_in_parts(3, base());
        }
        assert_eq!(text(&connection), "HTTP/1.1 100 Continue\r\n\r\n");
        connection.advance(25, base());
        assert_eq!(connection.want(), Want::Read);
        connection.receive(b"abc", base());
        assert_eq!(connection.part(), if is_whole { None } else { Some(&b"abc"[..]) });
        connection.part_taken(base());
        assert!(connection.has_request());
    }
}

#[test]
fn a_body_beyond_its_bound_is_refused_at_once_where_its_length_is_told() {
    let mut told = offered("Content-Length: 11\r\n");
    told.take_in_parts(10, base());
    assert!(text(&told).starts_with("HTTP/1.1 413 ") && told.fault() == Some(Fault::BodyTooLarge));

    let mut chunked = offered("Transfer-Encoding: chunked\r\n");
    chunked.take_in_parts(10, base());
    chunked.receive(b"6\r\nabcdef\r\n", base());
    assert_eq!(chunked.part(), Some(&b"abcdef"[..]));
    chunked.part_taken(base());
    chunked.receive(b"5\r\n", base());
    assert!(text(&chunked).starts_with("HTTP/1.1 413 ") && chunked.fault() == Some(Fault::BodyTooLarge));
}

#[test]
fn a_body_in_parts_keeps_the_least_rate_of_any_body() {
    let mut connection = offered("Content-Length: 1000000\r\n");
    connection.take_in_parts(u64::MAX, base());
    let mut now = base();
    // An octet from time to time does not start the clock again.
    for _ in 0..3 {
        now += Duration::from_secs(3);
        connection.receive(b"x", now);
        connection.part_taken(now);
        connection.handle_deadline(now);
        assert_eq!(connection.want(), Want::Read);
    }
    connection.handle_deadline(now + Duration::from_secs(3));
    assert_eq!(connection.fault(), Some(Fault::BodyTooSlow));
    assert!(text(&connection).starts_with("HTTP/1.1 408 "));
}

#[test]
fn a_part_that_cannot_be_kept_ends_the_connection_with_an_answer() {
    let mut connection = offered("Content-Length: 1000000\r\n");
    connection.take_in_parts(u64::MAX, base());
    connection.receive(&[b'x'; 5_000], base());
    assert_eq!(connection.want(), Want::Part);
    assert!(connection.decline());
    connection.respond(Response::text(Status(507), "full"), &date(), base());
    let answer = text(&connection);
    assert!(answer.starts_with("HTTP/1.1 507 Insufficient Storage\r\n"), "{answer}");
    connection.advance(answer.len(), base());
    // What was on its way is discarded, so that the client sees the answer before it could see a reset.
    connection.receive(&[b'x'; 100_000], base());
    assert_eq!(connection.want(), Want::Linger);
}

#[test]
fn a_body_that_ends_early_is_no_request() {
    for fields in ["Content-Length: 1000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut harness = Harness::in_parts(limits());
        harness.feed(put(fields).as_bytes());
        harness.feed(b"a\r\n0123456789\r\n");
        harness.end();
        assert_eq!(harness.connection.fault(), Some(Fault::Truncated), "{fields}");
        assert!(harness.records.is_empty() && harness.output.is_empty());
    }
}
