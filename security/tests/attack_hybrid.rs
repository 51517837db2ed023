//! The hybrid suites: both secrets count, nobody talks two parties down to one, and malformed keys are refused.

mod support;

use dyno_security::channel::field;
use dyno_security::channel::message::{HEADER_OCTETS, Hello, HelloReply, Suite};
use dyno_security::kem;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use std::time::Instant;
use support::{drain, mutual_with, settle};

#[test]
fn the_hybrid_handshake_agrees_and_carries_data() {
    let now = Instant::now();
    for suite in Suite::HYBRID {
        let (client, server) = mutual_with(|c| c.suites = vec![suite], |s| s.suites = Suite::ALL.to_vec());
        let (mut left, mut right) = (client.session(now), server.session(now));
        left.send(b"early").unwrap();
        let (_, at_right) = settle(&mut left, &mut right, now).unwrap();
        assert_eq!(at_right, b"early");
        right.send(&[7; 40_000]).unwrap();
        let (at_left, _) = settle(&mut left, &mut right, now).unwrap();
        assert_eq!(at_left, [7; 40_000]);
        assert!(left.is_established() && left.transcript() == right.transcript());
    }
}

#[test]
fn the_sizes_of_messages_are_those_of_the_front_page() {
    let now = Instant::now();
    for (suite, sizes) in [
        (Suite::Aes256Gcm, [50, 182, 148, 19]),
        (Suite::ChaCha20Poly1305, [50, 182, 148, 19]),
        (Suite::HybridAes256Gcm, [1237, 1270, 148, 19]),
        (Suite::HybridChaCha20Poly1305, [1237, 1270, 148, 19]),
    ] {
        let (client, server) = mutual_with(|c| c.suites = vec![suite], |s| s.suites = vec![suite]);
        let (mut left, mut right) = (client.session(now), server.session(now));
        let mut measured = Vec::new();
        for turn in 0..4 {
            let (from, to) = if turn % 2 == 0 { (&mut left, &mut right) } else { (&mut right, &mut left) };
            let octets = drain(from);
            to.receive(&octets, &mut Vec::new(), now).unwrap();
            measured.push(octets.len());
        }
        assert_eq!(measured, sizes, "{suite:?}");
        let row = format!("{} | {} | {} | {}", sizes[0], sizes[1], sizes[2], sizes[3]);
        assert!(include_str!("../README.md").contains(&row), "{row}");
    }
}

/// The initiator's order decides, and what is not on both lists is never taken.
#[test]
fn suites_are_chosen_by_the_initiators_order() {
    use Suite::{Aes256Gcm as A, ChaCha20Poly1305 as C, HybridAes256Gcm as HA, HybridChaCha20Poly1305 as HC};
    let now = Instant::now();
    for (offer, taken, chosen) in [
        (vec![HA, A], vec![A, HA], Some(HA)),
        (vec![A, HA], vec![HA, A], Some(A)),
        (vec![HC, HA, A], vec![A, C], Some(A)),
        (vec![HA, HC], vec![HC], Some(HC)),
        (vec![HA, HC], vec![A, C], None),
        (vec![A, C], vec![HA, HC], None),
    ] {
        let (client, server) = mutual_with(|c| c.suites = offer.clone(), |s| s.suites = taken.clone());
        let (mut left, mut right) = (client.session(now), server.session(now));
        let answered = right.receive(&drain(&mut left), &mut Vec::new(), now);
        let reply = drain(&mut right);
        assert_eq!(
            answered.err(),
            chosen.is_none().then_some(PipeError::NothingInCommon),
            "{offer:?} {taken:?}"
        );
        if let Some(chosen) = chosen {
            assert_eq!(HelloReply::parse(&reply[HEADER_OCTETS..]).unwrap().suite, chosen);
            left.receive(&reply, &mut Vec::new(), now).unwrap();
            settle(&mut left, &mut right, now).unwrap();
            assert!(left.is_established() && right.is_established());
        }
    }
}

#[test]
fn nobody_is_talked_down_to_a_classical_suite() {
    let now = Instant::now();
    let all = || {
        mutual_with(
            |c| c.suites = vec![Suite::HybridAes256Gcm, Suite::Aes256Gcm],
            |s| s.suites = Suite::ALL.to_vec(),
        )
    };
    // The offer is cut down on its way, with and without the key that nobody asks for then.
    for keeps_key in [false, true] {
        let (client, server) = all();
        let (mut left, mut right) = (client.session(now), server.session(now));
        let one = drain(&mut left);
        let hello = Hello::parse(&one[HEADER_OCTETS..]).unwrap();
        let fields = if keeps_key { hello.fields.octets } else { &[] };
        let cut = Hello::write_with(&[Suite::Aes256Gcm], hello.gx, fields);
        right.receive(&cut, &mut Vec::new(), now).unwrap();
        let two = drain(&mut right);
        assert_eq!(two[HEADER_OCTETS + 1], Suite::Aes256Gcm as u8);
        assert!(left.receive(&two, &mut Vec::new(), now).is_err());
        assert!(left.pending().is_empty());
    }
    // The answer is changed to the classical suite, with the encapsulated secret or without.
    for keeps_secret in [false, true] {
        let (client, server) = all();
        let (mut left, mut right) = (client.session(now), server.session(now));
        right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
        let two = drain(&mut right);
        let reply = HelloReply::parse(&two[HEADER_OCTETS..]).unwrap();
        let (suite, ct) = (Suite::Aes256Gcm, None);
        let flight = [reply.ct.filter(|_| keeps_secret).map_or(&[][..], |ct| ct), reply.flight].concat();
        let changed = HelloReply { suite, gy: reply.gy, ct, flight: &flight }.write();
        assert!(left.receive(&changed, &mut Vec::new(), now).is_err());
    }
    // An initiator that offers hybrid suites alone takes nothing else, whoever answers.
    let (client, server) = mutual_with(|c| c.suites = Suite::HYBRID.to_vec(), |_| {});
    let (mut left, mut right) = (client.session(now), server.session(now));
    assert_eq!(right.receive(&drain(&mut left), &mut Vec::new(), now), Err(PipeError::NothingInCommon));
}

#[test]
fn malformed_keys_and_secrets_are_refused() {
    let now = Instant::now();
    let hybrid = || mutual_with(|c| c.suites = Suite::HYBRID.to_vec(), |s| s.suites = Suite::HYBRID.to_vec());
    let (client, server) = hybrid();
    let one = drain(&mut client.session(now));
    let hello = Hello::parse(&one[HEADER_OCTETS..]).unwrap();
    let key = *hello.fields.kem_key.unwrap();
    let mut overflow = key;
    // The first coefficient becomes 4,095, which is not below 3,329.
    (overflow[0], overflow[1]) = (0xff, overflow[1] | 0x0f);
    for (what, fields) in [
        ("no key", Vec::new()),
        ("a coefficient too large", field::write_offer(Some(&overflow), &[])),
        ("cut", field::write_offer(Some(&key), &[])[..kem::PUBLIC_OCTETS].to_vec()),
        ("twice", [field::write_offer(Some(&key), &[]), field::write_offer(Some(&key), &[])].concat()),
    ] {
        let mut right = server.session(now);
        let sent = Hello::write_with(&Suite::HYBRID, hello.gx, &fields);
        assert_eq!(right.receive(&sent, &mut Vec::new(), now), Err(PipeError::BadMessage), "{what}");
        assert!(right.pending().is_empty(), "{what}");
    }
    // Another key of the right form, put in place on the way; and each part of the answer changed.
    let other = *kem::PrivateKey::generate().unwrap().public();
    let (mut left, mut right) = (client.session(now), server.session(now));
    let gx = *Hello::parse(&drain(&mut left)[HEADER_OCTETS..]).unwrap().gx;
    let swapped = Hello::write_with(&Suite::HYBRID, &gx, &field::write_offer(Some(&other), &[]));
    right.receive(&swapped, &mut Vec::new(), now).unwrap();
    assert!(left.receive(&drain(&mut right), &mut Vec::new(), now).is_err());
    let begin_of_ct = HEADER_OCTETS + 2 + 32;
    for at in [HEADER_OCTETS + 2, begin_of_ct, begin_of_ct + 500, begin_of_ct + kem::CIPHERTEXT_OCTETS - 1] {
        let (mut left, mut right) = (client.session(now), server.session(now));
        right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
        let mut two = drain(&mut right);
        two[at] ^= 1;
        assert_eq!(left.receive(&two, &mut Vec::new(), now), Err(PipeError::BadMessage), "octet {at}");
        assert!(left.pending().is_empty() && right.receive_eof().is_err());
    }
}
