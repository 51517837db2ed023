//! The initiator once more, written from `security/CHANNEL.md` alone (`support/initiator.rs`). It talks to the real
//! responder, so every octet that the specification promises is checked by somebody who has nothing else to go by.

#[path = "support/initiator.rs"]
#[allow(dead_code, reason = "secrets are looked for elsewhere")]
mod initiator;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::ChannelServer;
use dyno_security::channel::message::Suite;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{PublicKey, SigningKey};
use initiator::{Direction, Initiator, take};
use ring::signature::Ed25519KeyPair;
use std::time::Instant;

const SEED: [u8; 32] = [0x51; 32];

fn responder(trust: Trust) -> (ChannelServer, PublicKey) {
    responder_for(trust, b"", 1_000)
}

fn responder_for(trust: Trust, context: &[u8], half_open: usize) -> (ChannelServer, PublicKey) {
    let key = SigningKey::generate().0;
    let public = *key.public();
    let mut config = Config::new(Identity::bare(key), trust);
    (config.suites, config.context) = (Suite::ALL.to_vec(), context.to_vec());
    (config.bounds.rekey_records, config.bounds.half_open) = (3, half_open);
    (ChannelServer::new(config), public)
}

fn our_key() -> PublicKey {
    *SigningKey::from_seed(&SEED).unwrap().public()
}

fn drain(pipe: &mut dyn Pipe) -> Vec<u8> {
    let octets = pipe.pending().to_vec();
    pipe.advance(octets.len());
    octets
}

/// The whole life of a session: handshake, early data, both directions, both rekeys, both goodbyes.
fn converse(
    server: &ChannelServer,
    public: &PublicKey,
    credential: Option<Vec<u8>>,
    offered: &[u8],
    chosen: u8,
) {
    let now = Instant::now();
    let (mut session, mut plain) = (server.session(now), Vec::new());
    let (initiator, hello) = Initiator::start(&SEED, credential, offered);
    session.receive(&hello, &mut plain, now).unwrap();
    let mut wire = drain(&mut session);
    let (kind, body) = take(&mut wire);
    assert_eq!((kind, body[1], wire.len()), (2, chosen, 0));
    let (mut to, mut from, finish) = initiator.finish(&body, public.octets());
    // Data may follow message 3 at once.
    session.receive(&[finish, to.seal(5, b"early")].concat(), &mut plain, now).unwrap();
    assert_eq!(plain, b"early");
    assert!(session.is_established() && session.peer().is_some_and(|peer| peer.key == our_key()));
    let mut wire = drain(&mut session);
    let (kind, body) = take(&mut wire);
    assert_eq!(
        (kind, from.open(kind, &body).len(), wire.len()),
        (4, 0, 0),
        "ready comes first, and is empty"
    );

    // The responder rekeys by itself after three records; the longest record is full.
    let answer: Vec<u8> = (0..3 * 16_384 + 5).map(|index| index as u8).collect();
    session.send(&answer).unwrap();
    session.close();
    let (mut wire, mut opened, mut kinds) = (drain(&mut session), Vec::new(), Vec::new());
    while !wire.is_empty() {
        let (kind, body) = take(&mut wire);
        opened.extend(from.open(kind, &body));
        if kind == 6 {
            from.next_epoch();
        }
        kinds.push(kind);
    }
    assert_eq!(kinds, [5, 5, 6, 5, 5, 7]);
    assert_eq!(opened, answer);

    plain.clear();
    let mut ours = to.seal(5, &[8; 16_384]);
    ours.extend(to.seal(6, &[]));
    to.next_epoch();
    ours.extend(to.seal(5, b"under the next key"));
    ours.extend(to.seal(7, &[]));
    session.receive(&ours, &mut plain, now).unwrap();
    assert_eq!(plain, [[8; 16_384].as_slice(), b"under the next key"].concat());
    assert!(session.is_closed_by_peer() && session.receive_eof().is_ok());
}

#[test]
fn a_stranger_can_write_the_initiator_from_the_specification() {
    let (server, public) = responder(Trust::pinned(our_key()));
    converse(&server, &public, None, &[1, 2], 1);
    converse(&server, &public, None, &[2, 1], 2);
    // Suites that the responder does not know are passed over.
    converse(&server, &public, None, &[77, 5, 0, 2], 2);
    // With ML-KEM-768 beside X25519.
    converse(&server, &public, None, &[3, 1], 3);
    converse(&server, &public, None, &[4], 4);
}

/// An application's context, and a cookie that is asked for and sent back, under both kinds of exchange.
#[test]
fn the_further_fields_are_written_as_the_specification_says() {
    let (server, public) = responder_for(Trust::pinned(our_key()), b"http/1.1", 4);
    let now = Instant::now();
    let mut held = [server.session(now), server.session(now)];
    for session in &mut held {
        let (_, hello) = Initiator::start_for(&SEED, None, &[1], b"http/1.1");
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        assert_eq!(take(&mut drain(session)).0, 2, "there was a place");
    }
    for suite in 1..=4 {
        let mut session = server.session(now);
        let (mut initiator, hello) = Initiator::start_for(&SEED, None, &[suite], b"http/1.1");
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (kind, cookie) = take(&mut drain(&mut session));
        assert_eq!((kind, cookie.len()), (8, 32), "suite {suite}");
        session.receive(&initiator.again(&cookie), &mut Vec::new(), now).unwrap();
        let (kind, body) = take(&mut drain(&mut session));
        assert_eq!((kind, body[1]), (2, suite));
        let (mut to, _, finish) = initiator.finish(&body, public.octets());
        let mut plain = Vec::new();
        session.receive(&[finish, to.seal(5, b"early")].concat(), &mut plain, now).unwrap();
        assert_eq!((session.is_established(), &plain[..]), (true, &b"early"[..]));
    }
    for context in [&b""[..], b"http/1.0", b"http/1.1 "] {
        let (_, hello) = Initiator::start_for(&SEED, None, &[1], context);
        let refused = server.session(now).receive(&hello, &mut Vec::new(), now);
        assert_eq!(refused, Err(PipeError::OtherContext), "{context:?}");
    }
}

#[test]
fn a_certificate_is_written_as_the_specification_says() {
    let authority = Ed25519KeyPair::from_seed_unchecked(&[0xa0; 32]).unwrap();
    let (from, until, name) = (0u64.to_be_bytes(), (1u64 << 40).to_be_bytes(), "a client");
    let fields = [&[2], &from[..], &until, &[name.len() as u8], name.as_bytes()].concat();
    let said = [b"dyno channel v1 certificate\0", &our_key().octets()[..], &fields].concat();
    let credential = [&[1], &our_key().octets()[..], &fields, authority.sign(&said).as_ref()].concat();
    // Octet for octet what the crate itself writes: Ed25519 is deterministic.
    let same = SigningKey::from_seed(&[0xa0; 32]).unwrap();
    let theirs = Credential::certify(&same, our_key(), KeyUsage::Connect, name, 0, 1 << 40).unwrap();
    assert_eq!(credential, theirs.encode());
    let (server, public) = responder(Trust::authority(*same.public(), Some(&name.into())));
    converse(&server, &public, Some(credential), &[1], 1);
}

#[test]
fn what_the_specification_forbids_is_refused() {
    let (server, public) = responder(Trust::pinned(our_key()));
    let now = Instant::now();
    let try_wire = |edit: &dyn Fn(&mut Direction) -> Vec<u8>| -> Option<PipeError> {
        let mut session = server.session(now);
        let (initiator, hello) = Initiator::start(&SEED, None, &[1]);
        session.receive(&hello, &mut Vec::new(), now).unwrap();
        let (_, body) = take(&mut drain(&mut session));
        let (mut to, _, finish) = initiator.finish(&body, public.octets());
        session.receive(&finish, &mut Vec::new(), now).unwrap();
        let failure = session.receive(&edit(&mut to), &mut Vec::new(), now).err();
        assert_eq!(failure.is_some(), !session.is_established());
        failure
    };
    assert_eq!(try_wire(&|to| to.seal(5, &[1])), None, "the control");
    // Sealed by the right key, and still not allowed.
    assert!(try_wire(&|to| to.seal(5, &[])).is_some(), "data without plaintext");
    assert!(try_wire(&|to| to.seal(5, &[0; 16_385])).is_some(), "more than a record holds");
    assert!(try_wire(&|to| to.seal(4, &[])).is_some(), "ready is the responder's");
    assert!(try_wire(&|to| to.seal(6, &[0])).is_some(), "a rekey with a plaintext");
    assert!(try_wire(&|to| to.seal(8, &[0])).is_some(), "a kind that does not exist");
    assert!(try_wire(&|to| [to.seal(7, &[]), to.seal(5, &[1])].concat()).is_some(), "data after the goodbye");
    assert!(try_wire(&|to| [to.seal(6, &[]), to.seal(5, &[1])].concat()).is_some(), "an old key after rekey");
    // The suite and the version of the offer.
    for offered in [&[][..], &[1; 9], &[5]] {
        let (_, hello) = Initiator::start(&SEED, None, offered);
        assert!(server.session(now).receive(&hello, &mut Vec::new(), now).is_err(), "{offered:?}");
    }
}
