//! Renewal: fresh ephemeral keys inside a session. What was stolen before is worth nothing after it; nobody can put
//! keys of his own in place; and a peer cannot ask for it for ever.

#[path = "support/initiator.rs"]
#[allow(dead_code, reason = "secrets are looked for elsewhere")]
mod initiator;
mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::ChannelServer;
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;
use initiator::{Direction, Initiator, Renewed, Renewing, take};
use ring::signature::Ed25519KeyPair;
use std::time::{Duration, Instant};
use support::{drain, mutual, mutual_with, settle};

const DATA: u8 = MessageKind::Data as u8;
const REKEY: u8 = MessageKind::Rekey as u8;
const RENEW: u8 = MessageKind::Renew as u8;
const ANSWER: u8 = MessageKind::Answer as u8;
const FRESH: u8 = MessageKind::Fresh as u8;

fn established_with(suites: &[Suite], now: Instant) -> (ChannelSession, ChannelSession) {
    let (client, server) = mutual_with(|c| c.suites = suites.to_vec(), |s| s.suites = suites.to_vec());
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    (left, right)
}

fn established(now: Instant) -> (ChannelSession, ChannelSession) {
    established_with(&Suite::CLASSICAL, now)
}

fn kinds(mut wire: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while !wire.is_empty() {
        out.push(wire[0]);
        wire = &wire[HEADER_OCTETS + usize::from(u16::from_be_bytes([wire[1], wire[2]]))..];
    }
    out
}

/// Hands over what waits; which kinds of messages they were, and what was read.
fn hand(from: &mut ChannelSession, to: &mut ChannelSession, now: Instant) -> (Vec<u8>, Vec<u8>) {
    let (wire, mut plain) = (drain(from), Vec::new());
    to.receive(&wire, &mut plain, now).unwrap();
    (kinds(&wire), plain)
}

#[test]
fn a_renewal_takes_four_records_and_data_of_both_directions_passes_between_them() {
    let now = Instant::now();
    for suites in [Suite::CLASSICAL, Suite::HYBRID] {
        let (mut left, mut right) = established_with(&suites, now);
        for _ in 0..3 {
            assert!(left.renew(now) && !left.renew(now), "one at a time");
            left.send(b"1").unwrap();
            right.send(b"a").unwrap();
            assert_eq!(hand(&mut left, &mut right, now), (vec![RENEW, DATA], b"1".to_vec()));
            right.send(b"b").unwrap();
            assert_eq!(hand(&mut right, &mut left, now), (vec![DATA, ANSWER, DATA], b"ab".to_vec()));
            left.send(b"2").unwrap();
            right.send(b"c").unwrap();
            assert_eq!(hand(&mut left, &mut right, now), (vec![FRESH, DATA], b"2".to_vec()));
            right.send(b"d").unwrap();
            assert_eq!(hand(&mut right, &mut left, now), (vec![DATA, FRESH, DATA], b"cd".to_vec()));
        }
        left.close();
        right.close();
        settle(&mut left, &mut right, now).unwrap();
        assert!(left.receive_eof().is_ok() && right.receive_eof().is_ok());
    }
}

#[test]
fn changes_of_keys_by_count_cross_a_renewal() {
    let now = Instant::now();
    let (client, server) = mutual_with(|c| c.bounds.rekey_records = 3, |s| s.bounds.rekey_octets = 100);
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    let (mut at_left, mut at_right) = (Vec::new(), Vec::new());
    for round in 0..60u8 {
        if round % 9 == 0 {
            left.renew(now);
        }
        left.send(&[round; 40]).unwrap();
        right.send(&[round; 70]).unwrap();
        let (to_right, to_left) = (drain(&mut left), drain(&mut right));
        right.receive(&to_right, &mut at_right, now).unwrap();
        left.receive(&to_left, &mut at_left, now).unwrap();
    }
    assert_eq!((at_right.len(), at_left.len()), (60 * 40, 60 * 70));
}

#[test]
fn the_initiator_renews_by_time_what_was_used() {
    let start = Instant::now();
    let (mut left, mut right) = established(start);
    let deadline = left.deadline().unwrap();
    left.handle_deadline(deadline).unwrap();
    assert!(left.pending().is_empty(), "nothing was sent under these keys");
    right.send(b"downstream only").unwrap();
    hand(&mut right, &mut left, start);
    let deadline = left.deadline().unwrap();
    left.handle_deadline(deadline).unwrap();
    assert_eq!(kinds(left.pending()), [RENEW]);
    settle(&mut left, &mut right, deadline).unwrap();
    left.send(b"up").unwrap();
    let deadline = left.deadline().unwrap();
    left.handle_deadline(deadline).unwrap();
    assert_eq!(kinds(left.pending()), [DATA, REKEY, RENEW]);
    settle(&mut left, &mut right, deadline).unwrap();
    // The responder changes its own keys and leaves renewals to the initiator.
    right.send(b"down").unwrap();
    right.handle_deadline(right.deadline().unwrap()).unwrap();
    assert_eq!(kinds(right.pending()), [DATA, REKEY]);
    assert!(!right.renew(deadline));
}

/// Nobody can change a renewal: each flipped bit ends the session on the side that sees it, and no side goes on with
/// keys that the other one has not signed.
#[test]
fn every_flipped_bit_of_a_renewal_is_refused() {
    let now = Instant::now();
    for turn in 0..4 {
        for bit in [0, 8, 16, 24, 25, 24 + 8 * 31, 24 + 8 * 32, usize::MAX] {
            let (mut left, mut right) = established(now);
            assert!(left.renew(now));
            for _ in 0..turn / 2 {
                hand(&mut left, &mut right, now);
                hand(&mut right, &mut left, now);
            }
            let (from, to) = match turn % 2 {
                0 => (&mut left, &mut right),
                _ => {
                    hand(&mut left, &mut right, now);
                    (&mut right, &mut left)
                }
            };
            let mut wire = drain(from);
            let bit = bit.min(wire.len() * 8 - 1);
            if bit / 8 >= wire.len() {
                continue;
            }
            wire[bit / 8] ^= 1 << (bit % 8);
            // A length that has grown makes it wait, and the end of the stream is a cut then.
            let ended = to.receive(&wire, &mut Vec::new(), now).and_then(|()| to.receive_eof());
            assert!(ended.is_err() && to.pending().is_empty(), "turn {turn} bit {bit}");
        }
    }
}

#[test]
fn records_of_a_renewal_out_of_their_place_are_refused() {
    let now = Instant::now();
    let header = |kind: u8, length: u16| [&[kind][..], &length.to_be_bytes()].concat();
    // By their header: to an initiator and to a responder without a renewal under way.
    let (left, right) = established(now);
    for (mut session, kind, length) in [(left, RENEW, 48u16), (right, ANSWER, 112)] {
        assert_eq!(session.receive(&header(kind, length), &mut Vec::new(), now), Err(PipeError::BadMessage));
    }
    for length in [16u16, 80] {
        let (mut left, mut right) = established(now);
        for session in [&mut left, &mut right] {
            let refused = session.receive(&header(FRESH, length), &mut Vec::new(), now);
            assert_eq!(refused, Err(PipeError::BadMessage));
        }
    }
    // A second renewal while one is under way, and lengths that are not the suite's.
    let (mut left, mut right) = established(now);
    assert!(left.renew(now));
    hand(&mut left, &mut right, now);
    assert!(right.receive(&header(RENEW, 48), &mut Vec::new(), now).is_err());
    for length in [47u16, 49, 48 + 1184] {
        let (_, mut right) = established(now);
        assert!(right.receive(&header(RENEW, length), &mut Vec::new(), now).is_err(), "{length}");
    }
    // What follows a `fresh` opens under the next keys alone: a thief of the old state is shut out.
    let (mut left, mut right) = established(now);
    assert!(left.renew(now));
    hand(&mut left, &mut right, now);
    hand(&mut right, &mut left, now);
    left.send(b"after").unwrap();
    let wire = drain(&mut left);
    let fresh = HEADER_OCTETS + 64 + 16;
    assert!(right.receive(&wire[fresh..], &mut Vec::new(), now).is_err(), "without its `fresh`");
}

#[test]
fn a_storm_of_renewals_is_refused_and_an_honest_initiator_never_makes_one() {
    let start = Instant::now();
    let (mut left, mut right) = established(start);
    let mut count = 0;
    for _ in 0..100 {
        if !left.renew(start) {
            break;
        }
        settle(&mut left, &mut right, start).unwrap();
        count += 1;
    }
    assert_eq!(count, 7, "it holds itself back");
    // Spans of half an hour that begin at different times on both sides: never more than the responder takes.
    let mut now = start;
    for minute in 0..600u64 {
        now = start + Duration::from_secs(60 * minute + minute % 7);
        left.renew(now);
        settle(&mut left, &mut right, now + Duration::from_secs(minute % 3)).unwrap();
    }
    assert!(left.is_established() && right.is_established() && now > start);
}

/// Whoever has said goodbye says nothing more: a renewal that comes then ends without an answer, and nothing breaks.
#[test]
fn a_renewal_after_a_goodbye_is_left_alone() {
    let now = Instant::now();
    let (client, server) = mutual();
    for closes_after in 0..3 {
        let (mut left, mut right) = (client.session(now), server.session(now));
        settle(&mut left, &mut right, now).unwrap();
        assert!(left.renew(now));
        if closes_after == 0 {
            right.close();
        }
        hand(&mut left, &mut right, now);
        if closes_after == 1 {
            left.close();
        }
        hand(&mut right, &mut left, now);
        if closes_after == 2 {
            right.close();
        }
        if closes_after != 1 {
            left.send(b"last words").unwrap();
        }
        left.close();
        right.close();
        let (at_left, at_right) = settle(&mut left, &mut right, now).unwrap();
        let expected: &[u8] = if closes_after == 1 { b"" } else { b"last words" };
        assert_eq!((&at_left[..], &at_right[..]), (&b""[..], expected), "{closes_after}");
        assert!(left.receive_eof().is_ok() && right.receive_eof().is_ok(), "{closes_after}");
    }
}

const SEED: [u8; 32] = [0x51; 32];

/// A session of the responder with an initiator that was written from the specification, and whose secrets are open.
struct Told {
    session: ChannelSession,
    to: Direction,
    from: Direction,
    suite: u8,
}

impl Told {
    fn new(suite: u8, now: Instant) -> Self {
        let key = SigningKey::generate().0;
        let (public, trust) = (*key.public(), Trust::pinned(*SigningKey::from_seed(&SEED).unwrap().public()));
        let mut config = Config::new(Identity::bare(key), trust);
        config.suites = Suite::ALL.to_vec();
        let mut session = ChannelServer::new(config).session(now);
        let (initiator, hello) = Initiator::start(&SEED, None, &[suite]);
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (to, mut from, finish) = initiator.finish(&take(&mut drain(&mut session)).1, public.octets());
        session.receive(&finish, &mut Vec::new(), now).unwrap();
        let (kind, ready) = take(&mut drain(&mut session));
        from.open(kind, &ready);
        Told { session, to, from, suite }
    }

    /// `renew` and the responder's answer to it.
    fn begin(&mut self, th: &[u8], now: Instant) -> Result<Renewed, PipeError> {
        let renewing = Renewing::start(self.suite);
        self.session.receive(&self.to.seal(RENEW, &renewing.renew), &mut Vec::new(), now)?;
        let (kind, body) = take(&mut drain(&mut self.session));
        assert_eq!(kind, ANSWER);
        Ok(renewing.take(th, &self.from.open(ANSWER, &body)))
    }

    /// `fresh` with a signature by `seed`.
    fn sign(&mut self, renewed: &Renewed, seed: &[u8; 32], now: Instant) -> Result<(), PipeError> {
        let keys = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        let fresh = self.to.seal(FRESH, keys.sign(&renewed.covered("initiator")).as_ref());
        self.session.receive(&fresh, &mut Vec::new(), now)
    }
}

/// A stranger writes a renewal from the specification, and it works, twice in a row: the digests are chained.
#[test]
fn a_stranger_can_write_a_renewal_from_the_specification() {
    let now = Instant::now();
    for suite in 1..=4 {
        let mut told = Told::new(suite, now);
        let mut th = told.to.th3.clone();
        for round in 0..2u8 {
            let renewed = told.begin(&th, now).unwrap();
            assert_eq!(renewed.signature.len(), 64);
            told.sign(&renewed, &SEED, now).unwrap();
            let (kind, body) = take(&mut drain(&mut told.session));
            assert_eq!((kind, told.from.open(FRESH, &body).len()), (FRESH, 0));
            told.to.renewed(&renewed);
            told.from.renewed(&renewed);
            th = renewed.th();
            let mut plain = Vec::new();
            told.session.receive(&told.to.seal(DATA, &[round; 5]), &mut plain, now).unwrap();
            assert_eq!(plain, [round; 5]);
            told.session.send(b"down").unwrap();
            let (kind, body) = take(&mut drain(&mut told.session));
            assert_eq!(told.from.open(kind, &body), b"down");
        }
    }
}

/// The thief has every secret of the session and no long-term key. In the middle he puts keys of his own in place; as a
/// listener he computes all that the old secrets give.
#[test]
fn a_thief_of_every_session_secret_is_shut_out_by_a_renewal() {
    let now = Instant::now();
    for suite in [1, 3] {
        // He plays the initiator from here on: the exchange works, and he cannot sign it.
        for seed in [[0x66; 32], [0; 32]] {
            let mut told = Told::new(suite, now);
            let renewed = told.begin(&told.to.th3.clone(), now).unwrap();
            assert_eq!(told.sign(&renewed, &seed, now), Err(PipeError::BadMessage));
            assert!(told.session.pending().is_empty());
        }
        // He signs nothing and goes on under the old secrets, or under those of the exchange without `fresh`.
        for takes_next in [false, true] {
            let mut told = Told::new(suite, now);
            let renewed = told.begin(&told.to.th3.clone(), now).unwrap();
            told.sign(&renewed, &SEED, now).unwrap();
            if takes_next {
                told.to.next_epoch();
            }
            let stale = told.to.seal(DATA, b"from the thief");
            assert_eq!(told.session.receive(&stale, &mut Vec::new(), now), Err(PipeError::BadMessage));
        }
        // What the responder sends after its own `fresh` opens under nothing that was stolen.
        let mut told = Told::new(suite, now);
        let renewed = told.begin(&told.to.th3.clone(), now).unwrap();
        told.sign(&renewed, &SEED, now).unwrap();
        let mut wire = drain(&mut told.session);
        told.from.open(FRESH, &take(&mut wire).1);
        told.session.send(b"after the theft").unwrap();
        let (kind, body) = take(&mut drain(&mut told.session));
        for advances in 0..3 {
            let mut stolen = told.from.copy();
            (0..advances).for_each(|_| stolen.next_epoch());
            assert!(stolen.try_open(kind, &body).is_none(), "{advances} epochs on");
        }
        told.from.renewed(&renewed);
        assert_eq!(told.from.open(kind, &body), b"after the theft", "the control");
    }
}

/// An initiator that does not hold itself back.
#[test]
fn a_responder_takes_no_more_renewals_than_it_must() {
    let now = Instant::now();
    let mut told = Told::new(1, now);
    let mut th = told.to.th3.clone();
    for number in 0..20 {
        let renewed = match told.begin(&th, now) {
            Ok(renewed) => renewed,
            Err(refusal) => {
                assert_eq!((number, refusal), (15, PipeError::BadMessage));
                return;
            }
        };
        told.sign(&renewed, &SEED, now).unwrap();
        let (_, body) = take(&mut drain(&mut told.session));
        told.from.open(FRESH, &body);
        told.to.renewed(&renewed);
        told.from.renewed(&renewed);
        th = renewed.th();
    }
    panic!("it takes any number");
}
