//! Deadlines, with instants made up.

mod support;

use dyno_http::connection::Want;
use dyno_http::fault::Fault;
use std::time::Duration;
use support::{Harness, limits};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);

/// Just before its deadline nothing happens; at the deadline the connection ends.
fn expires(harness: &mut Harness, after: Duration, fault: Fault) {
    assert_eq!(harness.connection.deadline(), Some(harness.now + after));
    harness.pass(after - Duration::from_nanos(1));
    assert_eq!(harness.connection.fault(), None, "too early");
    harness.pass(Duration::from_nanos(1));
    assert_eq!(harness.connection.fault(), Some(fault));
}

#[test]
fn an_idle_connection_is_closed_in_silence() {
    let mut harness = Harness::new(limits());
    expires(&mut harness, limits().idle_time, Fault::IdleTimeout);
    assert_eq!((harness.output.len(), harness.connection.want()), (0, Want::Close));
}

#[test]
fn a_client_that_is_given_up_early_is_told_what_its_deadline_would_tell() {
    for (octets, fault, status, want) in [
        (&b""[..], Fault::IdleTimeout, None, Want::Close),
        (b"GET / HTTP", Fault::HeadTimeout, Some(408), Want::Linger),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
            Fault::BodyTooSlow,
            Some(408),
            Want::Linger,
        ),
    ] {
        let mut harness = Harness::new(limits());
        harness.feed(octets);
        harness.connection.give_up(harness.now);
        harness.feed(b"");
        assert_eq!(harness.connection.fault(), Some(fault));
        assert_eq!(status, (!harness.output.is_empty()).then(|| harness.status()));
        assert_eq!(harness.connection.want(), want);
    }
}

#[test]
fn idle_time_starts_anew_behind_each_answer() {
    let mut harness = Harness::new(limits());
    harness.pass(50 * SECOND);
    harness.feed(GET);
    harness.output.clear();
    expires(&mut harness, limits().idle_time, Fault::IdleTimeout);
}

#[test]
fn empty_lines_do_not_extend_idle_time() {
    let mut harness = Harness::new(limits());
    harness.pass(59 * SECOND);
    harness.feed(b"\r\n");
    harness.pass(SECOND);
    assert_eq!(harness.connection.fault(), Some(Fault::IdleTimeout));
}

#[test]
fn a_head_has_its_time_from_its_first_octet_however_it_drips() {
    let mut harness = Harness::new(limits());
    harness.pass(30 * SECOND);
    for octet in b"GET / HTTP".chunks(1) {
        harness.feed(octet);
        harness.pass(SECOND - Duration::from_millis(1));
    }
    assert_eq!(harness.connection.fault(), None);
    harness.pass(SECOND);
    assert_eq!(harness.connection.fault(), Some(Fault::HeadTimeout));
    assert_eq!((harness.status(), harness.connection.want()), (408, Want::Linger));
}

#[test]
fn a_body_must_keep_its_least_rate() {
    let mut harness = Harness::new(limits());
    harness.feed(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    // At the least rate it goes on for ever, far beyond the grace.
    for _ in 0..60 {
        harness.feed(&[b'b'; 1_024]);
        harness.pass(SECOND);
    }
    assert_eq!(harness.connection.fault(), None);
    // The octets so far allow 60 s, and the grace is not used up yet.
    expires(&mut harness, limits().body_grace, Fault::BodyTooSlow);
    assert_eq!(harness.status(), 408);
}

#[test]
fn the_service_has_its_own_time() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(GET, harness.now);
    assert_eq!(harness.connection.deadline(), None);
    assert!(harness.connection.next_request().is_some());
    assert_eq!(harness.connection.deadline(), None);
}

#[test]
fn a_peer_that_does_not_read_is_closed_in_silence() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(GET, harness.now);
    harness.answer(support::call);
    // Progress, if only of one octet, starts the time anew.
    harness.now += 59 * SECOND;
    harness.connection.advance(1, harness.now);
    assert_eq!(harness.connection.deadline(), Some(harness.now + limits().write_time));
    harness.now += limits().write_time;
    harness.connection.handle_deadline(harness.now);
    assert_eq!(
        (harness.connection.fault(), harness.connection.want()),
        (Some(Fault::WriteTimeout), Want::Close)
    );
}

#[test]
fn the_time_of_a_pipelined_head_starts_when_its_turn_comes() {
    let mut harness = Harness::new(limits());
    harness.connection.receive(&[GET, b"GET /"].concat(), harness.now);
    harness.answer(support::call);
    harness.now += 50 * SECOND;
    harness.drive();
    expires(&mut harness_without_output(harness), limits().head_time, Fault::HeadTimeout);
}

fn harness_without_output(mut harness: Harness) -> Harness {
    harness.output.clear();
    harness
}

#[test]
fn lingering_ends_by_time_by_octets_and_by_the_peer() {
    let lingering = || {
        let mut harness = Harness::new(limits());
        harness.feed(b"bad\r\n\r\n");
        assert_eq!((harness.status(), harness.connection.want()), (400, Want::Linger));
        harness
    };
    let mut by_time = lingering();
    by_time.pass(limits().linger_time);
    assert_eq!(by_time.connection.want(), Want::Close);

    let mut by_octets = lingering();
    let limit = limits().linger_octets as usize;
    by_octets.connection.receive(&vec![0; limit], by_octets.now);
    assert_eq!(by_octets.connection.want(), Want::Linger);
    by_octets.connection.receive(&[0], by_octets.now);
    assert_eq!(by_octets.connection.want(), Want::Close);

    let mut by_peer = lingering();
    by_peer.connection.receive_eof(by_peer.now);
    assert_eq!(by_peer.connection.want(), Want::Close);
}

#[test]
fn calling_too_early_changes_nothing() {
    let mut harness = Harness::new(limits());
    harness.feed(b"GET");
    for _ in 0..100 {
        harness.connection.handle_deadline(harness.now);
    }
    assert_eq!((harness.connection.fault(), harness.connection.want()), (None, Want::Read));
}
