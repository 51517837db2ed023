//! Attacks on records, on their lengths, and on public keys.

mod support;

use dyno_security::channel::message::HEADER_OCTETS;
use dyno_security::channel::session::ChannelSession;
use dyno_security::dh::EphemeralKey;
use dyno_security::envelope::signed;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{BadKey, Context, PublicKey, SigningKey};
use std::time::Instant;
use support::{drain, mutual, settle};

fn established(now: Instant) -> (ChannelSession, ChannelSession) {
    let (client, server) = mutual();
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    (left, right)
}

/// The records of `count` messages, one each.
fn records(sender: &mut ChannelSession, count: u8) -> Vec<Vec<u8>> {
    let record = |number| {
        sender.send(&[number; 5]).unwrap();
        drain(sender)
    };
    (0..count).map(record).collect()
}

#[test]
fn repeated_dropped_and_reordered_records_are_refused() {
    let now = Instant::now();
    for order in [[0, 0], [1, 0], [1, 2], [2, 1]] {
        let (mut left, mut right) = established(now);
        let sent = records(&mut left, 3);
        let mut plain = Vec::new();
        let first = right.receive(&sent[order[0]], &mut plain, now);
        let second = right.receive(&sent[order[1]], &mut plain, now);
        assert!(first.is_err() || second.is_err(), "{order:?}");
        assert!(plain.is_empty() || plain == [0; 5], "{order:?}: only what was in order");
        assert!(right.receive(&sent[2], &mut plain, now).is_err(), "dead from then on");
    }
}

#[test]
fn records_of_another_session_or_direction_are_refused() {
    let now = Instant::now();
    let (mut left, mut right) = established(now);
    let (mut other, _) = established(now);
    assert!(right.receive(&records(&mut other, 1)[0], &mut Vec::new(), now).is_err(), "another session");
    let own = records(&mut left, 1);
    assert!(left.receive(&own[0], &mut Vec::new(), now).is_err(), "reflected");
}

type Make = fn(&mut ChannelSession, &mut ChannelSession, Instant);

/// Each kind of record that follows the handshake, from left to right.
const KINDS: [(&str, Make); 3] = [
    ("data", |left, _, _| left.send(&[7; 5]).unwrap()),
    ("rekey", |left, right, now| {
        // A key that has sealed nothing is not replaced.
        left.send(&[7; 5]).unwrap();
        right.receive(&drain(left), &mut Vec::new(), now).unwrap();
        left.handle_deadline(left.deadline().unwrap()).unwrap();
    }),
    ("close", |left, _, _| left.close()),
];

#[test]
fn every_flipped_bit_of_a_record_is_refused() {
    let now = Instant::now();
    for (kind, make) in KINDS {
        let record = || {
            let (mut left, mut right) = established(now);
            make(&mut left, &mut right, now);
            (drain(&mut left), right)
        };
        let (genuine, mut right) = record();
        assert_eq!(right.receive(&genuine, &mut Vec::new(), now), Ok(()), "{kind}: the control");
        for bit in 0..genuine.len() * 8 {
            let (mut record, mut right) = record();
            record[bit / 8] ^= 1 << (bit % 8);
            let mut plain = Vec::new();
            let received = right.receive(&record, &mut plain, now);
            assert!(received.is_err() || right.receive_eof().is_err(), "{kind}, bit {bit}");
            assert!(plain.is_empty(), "{kind}, bit {bit}: nothing is handed up");
        }
    }
}

#[test]
fn every_truncation_of_a_stream_is_seen() {
    let now = Instant::now();
    let (mut probe, _) = established(now);
    probe.send(b"first").unwrap();
    probe.send(b"second").unwrap();
    probe.close();
    let whole = drain(&mut probe).len();
    for length in 0..=whole {
        let (mut left, mut right) = established(now);
        left.send(b"first").unwrap();
        left.send(b"second").unwrap();
        left.close();
        let wire = drain(&mut left);
        let mut plain = Vec::new();
        right.receive(&wire[..length], &mut plain, now).unwrap();
        assert_eq!(right.receive_eof().is_ok(), length == whole, "cut at {length} of {whole}");
        assert!(b"firstsecond".starts_with(&plain[..]));
    }
}

#[test]
fn a_failed_session_is_silent() {
    let now = Instant::now();
    type Receive = fn(&mut ChannelSession, &[u8], Instant) -> Result<(), PipeError>;
    let faults: [(&str, Receive); 3] = [
        ("an altered record", |session, record, now| {
            session.receive(
                &[&record[..record.len() - 1], &[!record[record.len() - 1]]].concat(),
                &mut Vec::new(),
                now,
            )
        }),
        ("a record of the wrong kind", |session, record, now| {
            session.receive(&[&[2], &record[1..]].concat(), &mut Vec::new(), now)
        }),
        ("a cut stream", |session, _, _| session.receive_eof()),
    ];
    for (name, receive) in faults {
        let (mut left, mut right) = established(now);
        let record = records(&mut left, 1).remove(0);
        right.send(b"what was waiting for the wire").unwrap();
        assert!(!right.pending().is_empty());
        assert!(receive(&mut right, &record, now).is_err(), "{name}");
        assert!(right.pending().is_empty() && !right.is_established(), "{name}: nothing goes out any more");
        assert!(right.send(b"x").is_err() && right.receive(&record, &mut Vec::new(), now).is_err(), "{name}");
    }
}

#[test]
fn nothing_follows_the_goodbye() {
    let now = Instant::now();
    let (mut left, mut right) = established(now);
    left.close();
    let goodbye = drain(&mut left);
    right.receive(&goodbye, &mut Vec::new(), now).unwrap();
    assert!(right.receive(&goodbye, &mut Vec::new(), now).is_err());
    let (mut left, mut right) = established(now);
    left.close();
    right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
    right.send(b"the answer still goes out").unwrap();
    let mut plain = Vec::new();
    left.receive(&drain(&mut right), &mut plain, now).unwrap();
    assert_eq!(plain, b"the answer still goes out");
}

#[test]
fn lengths_and_kinds_that_are_not_allowed_are_refused_by_their_header() {
    let now = Instant::now();
    for header in [
        [5, 0, 16],
        [5, 0x40, 0x11],
        [5, 0xff, 0xff],
        [6, 0, 17],
        [7, 0, 15],
        [4, 0, 16],
        [1, 0, 50],
        [0, 0, 20],
        [8, 0, 20],
    ] {
        let (_, mut right) = established(now);
        assert!(right.receive(&header, &mut Vec::new(), now).is_err(), "{header:?}");
    }
    let (mut left, mut right) = established(now);
    let mut record = records(&mut left, 1).remove(0);
    record[2] -= 1;
    let shortened = record.len() - 1;
    assert!(
        right.receive(&record[..shortened], &mut Vec::new(), now).is_err(),
        "length and octets shortened together"
    );
    let (mut left, mut right) = established(now);
    let mut record = records(&mut left, 1).remove(0);
    record[0] = 7;
    assert!(right.receive(&record, &mut Vec::new(), now).is_err(), "data disguised as another kind");
    assert_eq!(record.len(), HEADER_OCTETS + 5 + 16);
}

/// The low-order points on Curve25519 and its twist (Bernstein; RFC 7748, 6.1), also as encodings above the prime.
const LOW_ORDER_X25519: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

fn unhex(text: &str) -> [u8; 32] {
    std::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
}

#[test]
fn low_order_points_are_refused_in_both_roles() {
    use dyno_security::channel::message::{Hello, HelloReply, Suite};
    let (client, server) = mutual();
    let now = Instant::now();
    for point in LOW_ORDER_X25519.map(unhex) {
        assert!(EphemeralKey::generate().unwrap().agree(&point).is_err());
        let mut responder = server.session(now);
        assert!(responder.receive(&Hello::write(&Suite::CLASSICAL, &point), &mut Vec::new(), now).is_err());
        assert!(responder.pending().is_empty());
        let mut initiator = client.session(now);
        let two = HelloReply { suite: Suite::Aes256Gcm, gy: &point, ct: None, flight: &[0; 145] }.write();
        assert!(initiator.receive(&two, &mut Vec::new(), now).is_err());
    }
}

#[test]
fn small_order_and_odd_encodings_of_identity_keys_are_refused() {
    let small_order = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    ];
    for key in small_order.map(unhex) {
        assert_eq!(PublicKey::enrol(&key), Err(BadKey::SmallOrder));
    }
    for first in 0xed..=0xff {
        let mut key = [0xff; 32];
        key[0] = first;
        for top in [0x7f, 0xff] {
            key[31] = top;
            assert_eq!(PublicKey::enrol(&key), Err(BadKey::NotCanonical));
        }
    }
    assert_eq!(PublicKey::enrol(&[1; 31]), Err(BadKey::Malformed));
    // Why it matters: under such a key anybody signs anything.
    let anybody = [[0u8; 32], [0u8; 32]].concat();
    let mut signature = anybody;
    signature[0] = 1;
    let verified = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, unhex(small_order[0]));
    assert!(verified.verify(b"I owe you everything", &signature).is_ok(), "ring alone would take it");
}

#[test]
fn a_signature_of_one_protocol_does_not_pass_in_another() {
    let key = SigningKey::generate().0;
    let message = b"the same octets";
    let envelope = signed::sign(&key, message);
    let signature = &envelope[..64];
    for context in [
        "dyno channel v1 responder",
        "dyno channel v1 initiator",
        "dyno channel v1 certificate",
        "dyno envelope v1 bound",
        "",
    ] {
        assert!(key.public().verify(Context(context), &[message], signature).is_err(), "{context}");
    }
    assert!(key.public().verify_bare(message, signature).is_err());
    let responder = key.sign(Context("dyno channel v1 responder"), &[message]);
    assert!(key.public().verify(Context("dyno channel v1 initiator"), &[message], &responder).is_err());
}
