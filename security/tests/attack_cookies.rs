//! Floods of handshakes, and the cookie that a responder asks for meanwhile: it costs no place, no memory and no
//! public-key operation, nobody can make one up, and an honest client notices nothing but a round trip.

mod support;

use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::session::ChannelSession;
use dyno_security::limits::COOKIE_TIME;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use std::net::IpAddr;
use std::time::{Duration, Instant};
use support::{drain, mutual_with, settle};

const HOME: [u8; 4] = [192, 0, 2, 1];
const REPLY: u8 = MessageKind::Reply as u8;
const COOKIE: u8 = MessageKind::Cookie as u8;

/// Places for 32 handshakes, so 8 for each source; scarce from 16 and 4 on.
fn small() -> (ChannelClient, ChannelServer) {
    mutual_with(|_| {}, |s| s.bounds.half_open = 32)
}

fn from(server: &ChannelServer, source: [u8; 4], now: Instant) -> ChannelSession {
    server.session_from(Some(source.into()), now)
}

fn say(session: &mut ChannelSession, octets: &[u8], now: Instant) -> Result<(), PipeError> {
    session.receive(octets, &mut Vec::new(), now)
}

/// Half-open handshakes from `source` that hold their places as long as they live.
fn half_open(
    client: &ChannelClient,
    server: &ChannelServer,
    source: [u8; 4],
    count: usize,
    now: Instant,
) -> Vec<ChannelSession> {
    let begin = || {
        let (mut initiator, mut responder) = (client.session(now), from(server, source, now));
        say(&mut responder, &drain(&mut initiator), now).unwrap();
        assert_eq!(drain(&mut responder)[0], REPLY);
        responder
    };
    (0..count).map(|_| begin()).collect()
}

/// What a client at `source` gets in answer to its message 1.
fn answer(
    client: &ChannelClient,
    server: &ChannelServer,
    source: [u8; 4],
    now: Instant,
) -> (ChannelSession, ChannelSession, Vec<u8>) {
    let (mut initiator, mut responder) = (client.session(now), from(server, source, now));
    say(&mut responder, &drain(&mut initiator), now).unwrap();
    let octets = drain(&mut responder);
    (initiator, responder, octets)
}

/// The demand reaches the client, and both go on to the end.
fn gets_in(
    mut initiator: ChannelSession,
    mut responder: ChannelSession,
    demand: &[u8],
    now: Instant,
) -> bool {
    say(&mut initiator, demand, now).unwrap();
    settle(&mut initiator, &mut responder, now).unwrap();
    initiator.is_established()
        && responder.is_established()
        && initiator.transcript() == responder.transcript()
}

#[test]
fn nobody_is_asked_for_a_cookie_while_there_are_places() {
    let ((client, server), now) = (small(), Instant::now());
    for _ in 0..100 {
        let (initiator, responder, octets) = answer(&client, &server, HOME, now);
        assert_eq!(octets[0], REPLY);
        assert!(gets_in(initiator, responder, &octets, now));
    }
    let _three = half_open(&client, &server, HOME, 3, now);
    assert_eq!(answer(&client, &server, HOME, now).2[0], REPLY, "one place below the threshold");
}

#[test]
fn an_honest_client_gets_in_under_a_flood_of_its_own_source_and_of_all() {
    for suites in [Suite::CLASSICAL, Suite::HYBRID] {
        let offer = |c: &mut dyno_security::channel::config::Config| c.suites = suites.to_vec();
        let (client, server) = mutual_with(offer, |s| {
            s.suites = suites.to_vec();
            s.bounds.half_open = 32;
        });
        let now = Instant::now();
        let mut flood = half_open(&client, &server, HOME, 4, now);
        // Blind ones beyond the threshold get a demand and no place, however many they are.
        let blind: Vec<_> = (0..1_000).map(|_| answer(&client, &server, HOME, now)).collect();
        assert!(blind.iter().all(|(_, _, octets)| octets[0] == COOKIE));
        let (initiator, responder, octets) = answer(&client, &server, HOME, now);
        assert_eq!(octets[0], COOKIE, "the same source is asked");
        assert!(gets_in(initiator, responder, &octets, now));
        assert_eq!(answer(&client, &server, [192, 0, 2, 2], now).2[0], REPLY, "another source is not");
        for last in 2..5 {
            flood.extend(half_open(&client, &server, [192, 0, 2, last], 4, now));
        }
        let (initiator, responder, octets) = answer(&client, &server, [192, 0, 2, 9], now);
        assert_eq!(octets[0], COOKIE, "half of all places are taken: everybody is asked");
        assert!(gets_in(initiator, responder, &octets, now));
        assert!(
            flood.iter_mut().all(|held| held.deadline().is_some()),
            "nobody lost a place to the blind ones"
        );
    }
}

#[test]
fn a_demand_is_no_longer_than_what_it_answers() {
    let ((client, server), now) =
        (mutual_with(|c| c.suites = vec![Suite::Aes256Gcm], |s| s.bounds.half_open = 1), Instant::now());
    let _held = half_open(&client, &server, HOME, 1, now);
    let mut initiator = client.session(now);
    let (hello, mut responder) = (drain(&mut initiator), from(&server, HOME, now));
    say(&mut responder, &hello, now).unwrap();
    let demand = drain(&mut responder);
    assert!(demand[0] == COOKIE && demand.len() <= hello.len(), "{} after {}", demand.len(), hello.len());
}

#[test]
fn cookies_that_are_forged_stale_or_of_somebody_else_are_refused() {
    let ((client, server), start) = (small(), Instant::now());
    let _held = half_open(&client, &server, HOME, 4, start);
    let _held_too = half_open(&client, &server, [192, 0, 2, 2], 4, start);
    // A client with a demand in hand, and the message 1 that it sends then.
    let (mut initiator, _, demand) = answer(&client, &server, HOME, start);
    say(&mut initiator, &demand, start).unwrap();
    let again = drain(&mut initiator);
    let (mut other, _, _) = answer(&client, &server, HOME, start);
    say(&mut other, &demand, start).unwrap();
    let transplanted = drain(&mut other);
    let try_at = |octets: &[u8], source: [u8; 4], now: Instant| {
        let mut responder = from(&server, source, now);
        let result = say(&mut responder, octets, now);
        assert_eq!(responder.pending().is_empty(), result.is_err(), "the refused are told nothing");
        result
    };
    assert_eq!(try_at(&again, HOME, start), Ok(()), "the control: no connection is remembered");
    assert_eq!(try_at(&again, HOME, start + COOKIE_TIME), Ok(()), "good for the next period");
    let late = start + 2 * COOKIE_TIME;
    assert_eq!(try_at(&again, HOME, late), Err(PipeError::BadMessage), "stale");
    assert_eq!(try_at(&again, [192, 0, 2, 2], start), Err(PipeError::BadMessage), "of another source");
    assert_eq!(try_at(&transplanted, HOME, start), Err(PipeError::BadMessage), "for another message 1");
    let end = again.len();
    for at in [HEADER_OCTETS + 14, end - 60, end - 32, end - 1] {
        let mut forged = again.clone();
        forged[at] ^= 1;
        assert_eq!(try_at(&forged, HOME, start), Err(PipeError::BadMessage), "octet {at} of {end}");
    }
    // A flood of them takes no place: the honest ones keep theirs. And without load they are refused as well.
    drop((_held, _held_too));
    assert_eq!(try_at(&again, [192, 0, 2, 2], start), Err(PipeError::BadMessage));
}

#[test]
fn a_cookie_is_asked_for_once() {
    let ((client, server), now) = (small(), Instant::now());
    let _held = half_open(&client, &server, HOME, 4, now);
    // A client that repeats itself without the cookie.
    let (mut initiator, mut responder) = (client.session(now), from(&server, HOME, now));
    let hello = drain(&mut initiator);
    say(&mut responder, &hello, now).unwrap();
    let demand = drain(&mut responder);
    assert_eq!(say(&mut responder, &hello, now), Err(PipeError::BadMessage));
    // A server that asks twice.
    say(&mut initiator, &demand, now).unwrap();
    assert_eq!(say(&mut initiator, &demand, now), Err(PipeError::BadMessage));
    // A client that has said nothing by the end of the handshake's time is not waited for.
    let (_, mut responder, _) = answer(&client, &server, HOME, now);
    let end = responder.deadline().unwrap();
    assert!(end <= now + Duration::from_secs(5));
    assert_eq!(responder.handle_deadline(end), Err(PipeError::TooSlow));
}

/// A man in the middle can ask for a cookie in the server's name; he gains nothing by it.
#[test]
fn a_demand_from_somebody_else_breaks_nothing_but_the_handshake() {
    let ((client, server), now) = (small(), Instant::now());
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    drain(&mut initiator);
    say(&mut initiator, &[COOKIE, 0, 4, 1, 2, 3, 4], now).unwrap();
    assert_eq!(say(&mut responder, &drain(&mut initiator), now), Err(PipeError::BadMessage));
    for demand in [&[COOKIE, 0, 0][..], &[COOKIE, 0, 48]] {
        assert_eq!(say(&mut client.session(now), demand, now), Err(PipeError::BadMessage), "{demand:?}");
    }
}

/// What a worker that was forked asks for, another one takes: the secret is older than both.
#[test]
fn workers_that_were_forked_take_each_others_cookies() {
    use nix::sys::wait::waitpid;
    use nix::unistd::{ForkResult, fork, pipe, read};

    let ((client, server), now) = (small(), Instant::now());
    let mut initiator = client.session(now);
    let hello = drain(&mut initiator);
    let mut held: Vec<_> = (0..4).map(|_| client.session(now)).collect();
    let (reader, writer) = pipe().unwrap();
    // SAFETY: the child uses memory of its own only, writes to a pipe and leaves by `_exit`.
    let demand = match unsafe { fork() }.unwrap() {
        ForkResult::Child => {
            let mut places: Vec<_> = held.iter().map(|_| from(&server, HOME, now)).collect();
            for (initiator, responder) in held.iter_mut().zip(&mut places) {
                let _ = say(responder, &drain(initiator), now);
            }
            let mut responder = from(&server, HOME, now);
            let _ = say(&mut responder, &hello, now);
            let _ = nix::unistd::write(&writer, responder.pending());
            // SAFETY: ends this process at once, without the test harness of its parent.
            unsafe { nix::libc::_exit(0) }
        }
        ForkResult::Parent { child } => {
            drop(writer);
            let mut demand = vec![0; 256];
            let count = read(&reader, &mut demand).unwrap();
            waitpid(child, None).unwrap();
            demand.truncate(count);
            demand
        }
    };
    assert_eq!(demand[0], COOKIE);
    say(&mut initiator, &demand, now).unwrap();
    let mut responder = server.session_from(Some(IpAddr::from(HOME)), now);
    settle(&mut initiator, &mut responder, now).unwrap();
    assert!(initiator.is_established() && responder.is_established());
}
