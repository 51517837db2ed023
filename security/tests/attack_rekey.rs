//! Attacks on keys that have done their share: rekeying, and the stop before a number could come again.

mod support;

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::record::{RecordOpener, RecordSealer};
use dyno_security::channel::session::ChannelSession;
use dyno_security::pipe::Pipe;
use std::time::{Duration, Instant};
use support::{drain, mutual, mutual_with, settle};

/// A session whose left side takes the next key after `records` records.
fn established(records: u64, now: Instant) -> (ChannelSession, ChannelSession) {
    let (client, server) = mutual_with(|c| c.bounds.rekey_records = records, |_| {});
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    (left, right)
}

/// Cuts what is on the wire into messages.
fn messages(mut wire: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    while !wire.is_empty() {
        let length = usize::from(u16::from_be_bytes([wire[1], wire[2]]));
        let (message, rest) = wire.split_at(HEADER_OCTETS + length);
        out.push(message);
        wire = rest;
    }
    out
}

fn rekeys(wire: &[u8]) -> usize {
    messages(wire).iter().filter(|message| message[0] == MessageKind::Rekey as u8).count()
}

#[test]
fn rekeying_survives_crossing_traffic() {
    let now = Instant::now();
    let (client, server) = mutual_with(|c| c.bounds.rekey_records = 3, |s| s.bounds.rekey_octets = 100);
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    let (mut at_left, mut at_right, mut taken) = (Vec::new(), Vec::new(), [0, 0]);
    for round in 0..50u8 {
        // Both have sent before either has received: announcements of new keys cross on the wire.
        left.send(&[round; 40]).unwrap();
        right.send(&[round; 70]).unwrap();
        let (to_right, to_left) = (drain(&mut left), drain(&mut right));
        taken = [taken[0] + rekeys(&to_right), taken[1] + rekeys(&to_left)];
        right.receive(&to_right, &mut at_right, now).unwrap();
        left.receive(&to_left, &mut at_left, now).unwrap();
    }
    assert_eq!((at_right.len(), at_left.len()), (50 * 40, 50 * 70));
    assert!(at_right.iter().zip((0..50).flat_map(|round| [round; 40])).all(|(&a, b)| a == b));
    assert_eq!(taken, [16, 24], "a key for 3 records, and one for 100 octets: two of 70");
}

#[test]
fn keys_are_replaced_after_their_time_too() {
    let now = Instant::now();
    let (client, server) = mutual();
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    left.send(b"before").unwrap();
    let deadline = left.deadline().unwrap();
    left.handle_deadline(deadline).unwrap();
    left.send(b"after").unwrap();
    let (wire, mut plain) = (drain(&mut left), Vec::new());
    assert_eq!(rekeys(&wire), 1);
    right.receive(&wire, &mut plain, deadline).unwrap();
    assert_eq!(plain, b"beforeafter");
    let next = left.deadline().unwrap();
    assert!(next > deadline);
    left.handle_deadline(next + Duration::from_secs(1)).unwrap();
    assert_eq!(rekeys(&drain(&mut left)), 1, "something was sent under that key");
    left.handle_deadline(left.deadline().unwrap()).unwrap();
    assert!(left.pending().is_empty(), "an unused key stays");
}

#[test]
fn records_are_refused_under_any_key_but_theirs() {
    let now = Instant::now();
    // Data, data, rekey, data: the records 0 and 1 of one key, its announcement of the next, and record 0 of that.
    for order in [&[0, 1, 3][..], &[0, 1, 2, 0], &[0, 1, 2, 2], &[0, 2], &[2], &[3], &[0, 1, 2, 3, 3]] {
        let (mut left, mut right) = established(2, now);
        (0..3).for_each(|number| left.send(&[number; 5]).unwrap());
        let wire = drain(&mut left);
        let sent = messages(&wire);
        assert_eq!(sent.iter().map(|message| message[0]).collect::<Vec<_>>(), [5, 5, 6, 5]);
        let (last, first) = order.split_last().unwrap();
        first.iter().for_each(|&at| right.receive(sent[at], &mut Vec::new(), now).unwrap());
        let mut plain = Vec::new();
        assert!(right.receive(sent[*last], &mut plain, now).is_err(), "{order:?}");
        assert!(plain.is_empty() && right.receive(sent[3], &mut plain, now).is_err(), "{order:?}");
    }
}

#[test]
fn a_receiver_holds_the_sender_to_its_duty_to_rekey() {
    let (suite, secret, transcript) = (Suite::Aes256Gcm, [1; 32], [2; 32]);
    let mut sealer = RecordSealer::new(suite, secret.into(), transcript);
    let mut opener = RecordOpener::new(suite, secret.into(), transcript).with_limit(2);
    let (mut wire, mut plain) = (Vec::new(), Vec::new());
    (0..3).for_each(|number| sealer.seal(MessageKind::Data, &[number], &mut wire));
    let opened: Vec<_> = messages(&wire)
        .iter()
        .map(|message| opener.open(MessageKind::Data, &message[HEADER_OCTETS..], &mut plain).is_ok())
        .collect();
    assert_eq!((opened, &plain[..]), (vec![true, true, false], &[0, 1][..]));
    // After a rekey both count from the beginning.
    let mut sealer = RecordSealer::new(suite, secret.into(), transcript);
    let mut opener = RecordOpener::new(suite, secret.into(), transcript).with_limit(2);
    for _ in 0..5 {
        wire.clear();
        sealer.seal(MessageKind::Data, b"x", &mut wire);
        sealer.rekey(&mut wire);
        let [data, rekey] = messages(&wire)[..] else { panic!("two records") };
        opener.open(MessageKind::Data, &data[HEADER_OCTETS..], &mut plain).unwrap();
        opener.open(MessageKind::Rekey, &rekey[HEADER_OCTETS..], &mut plain).unwrap();
        opener.rekey(Instant::now()).unwrap();
    }
}

#[test]
fn a_sealing_key_stops_before_a_number_could_come_again() {
    let mut key = SealingKey::new(Algorithm::ChaCha20Poly1305, &[1; 32], &[0; 12]).unwrap().with_limit(2);
    let (first, second) = (key.seal(b"", b"same").unwrap(), key.seal(b"", b"same").unwrap());
    assert_ne!(first, second);
    let mut data = *b"untouched";
    assert!(key.seal_in_place(b"", &mut data).is_err() && key.seal(b"", b"same").is_err());
    assert_eq!(&data, b"untouched");
    let mut opening = OpeningKey::new(Algorithm::ChaCha20Poly1305, &[1; 32], &[0; 12]).unwrap();
    assert!(opening.open(b"", &second).is_err(), "out of order");
    assert_eq!(opening.open(b"", &first).unwrap(), b"same", "a refused message does not advance the number");
}

/// Changes of keys without need: as many are taken as an honest sender can ever make, and the next one ends it all.
#[test]
fn a_storm_of_rekeys_is_refused() {
    let start = Instant::now();
    for (records, taken) in [(0, 32), (1, 32), (62, 32), (63, 200)] {
        let (secret, transcript) = ([7; 32], [8; 32]);
        let mut sealer = RecordSealer::new(Suite::Aes256Gcm, secret.into(), transcript);
        let mut opener = RecordOpener::new(Suite::Aes256Gcm, secret.into(), transcript);
        let mut epoch = |now| {
            let (mut wire, mut plain) = (Vec::new(), Vec::new());
            (0..records).for_each(|_| sealer.seal(MessageKind::Data, b"x", &mut wire));
            sealer.rekey(&mut wire);
            for message in messages(&wire) {
                let kind = if message[0] == 5 { MessageKind::Data } else { MessageKind::Rekey };
                opener.open(kind, &message[HEADER_OCTETS..], &mut plain).unwrap();
            }
            opener.rekey(now)
        };
        let ends = (0..taken).find(|_| epoch(start).is_err());
        assert_eq!(ends, None, "{records} records before each");
        let more = epoch(start + Duration::from_secs(1799));
        assert_eq!(more.is_err(), taken == 32, "{records} records before each");
    }
    // An honest sender with little to say changes its key each hour, for years.
    let (mut left, mut right) = established(u64::MAX, start);
    for hour in 1..=1_000 {
        let now = left.deadline().unwrap();
        left.send(b"still here").unwrap();
        left.handle_deadline(now).unwrap();
        right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap_or_else(|e| panic!("hour {hour}: {e}"));
    }
    // A whole session ends in silence at the same place.
    let (mut storm, mut victim) = established(1, start);
    let mut refused = None;
    for number in 0..40 {
        storm.send(b"x").unwrap();
        if victim.receive(&drain(&mut storm), &mut Vec::new(), start).is_err() {
            refused = Some(number);
            break;
        }
    }
    assert_eq!(refused, Some(33), "the first record of all needs no rekey before it");
    assert!(victim.pending().is_empty());
}
