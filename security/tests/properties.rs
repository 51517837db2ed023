//! Properties that hold for whatever input, and bounded random fuzzing of every parser: none panics, none accepts
//! garbage.

mod support;

use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::message::{Hello, HelloReply};
use dyno_security::channel::trust::Trust;
use dyno_security::envelope::sealed::RecipientKey;
use dyno_security::envelope::{bound, sealed, signed, stream, weak};
use dyno_security::limits::REPLAY_WINDOW_NUMBERS;
use dyno_security::pipe::Pipe;
use dyno_security::replay::message::Receiver;
use dyno_security::replay::window::Window;
use dyno_security::signature::{SigningKey, keyfile};
use proptest::prelude::*;
use std::collections::HashSet;
use std::time::Instant;
use support::{drain, mutual, settle};

fn octets(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn data_arrives_whole_however_the_wire_is_cut(
        messages in prop::collection::vec(octets(40_000), 1..5), cuts in prop::collection::vec(1usize..20_000, 1..8),
    ) {
        let (client, server) = mutual();
        let now = Instant::now();
        let (mut left, mut right) = (client.session(now), server.session(now));
        settle(&mut left, &mut right, now).unwrap();
        messages.iter().for_each(|message| left.send(message).unwrap());
        left.close();
        let (wire, mut plain) = (drain(&mut left), Vec::new());
        let mut rest = &wire[..];
        for cut in cuts.iter().cycle() {
            let (now_comes, later) = rest.split_at((*cut).min(rest.len()));
            right.receive(now_comes, &mut plain, now).unwrap();
            rest = later;
            if rest.is_empty() { break; }
        }
        prop_assert_eq!(plain, messages.concat());
        prop_assert!(right.receive_eof().is_ok());
    }

    #[test]
    fn garbage_establishes_nothing(wire in octets(3000), kind in 0u8..9, length in 0u16..2000) {
        let (client, server) = mutual();
        let now = Instant::now();
        let [high, low] = length.to_be_bytes();
        for mut session in [client.session(now), server.session(now)] {
            drain(&mut session);
            let mut plain = Vec::new();
            let header = session.receive(&[kind, high, low], &mut plain, now);
            let body = session.receive(&wire, &mut plain, now);
            prop_assert!(header.is_err() || body.is_err() || session.receive_eof().is_err());
            prop_assert!(!session.is_established() && plain.is_empty());
        }
        let (mut left, mut right) = (client.session(now), server.session(now));
        settle(&mut left, &mut right, now).unwrap();
        let mut plain = Vec::new();
        let _ = right.receive(&wire, &mut plain, now);
        prop_assert!(plain.is_empty());
    }

    #[test]
    fn parsers_take_any_octets(input in octets(400), text in "\\PC{0,200}") {
        let _ = (Hello::parse(&input), HelloReply::parse(&input), keyfile::parse_pem(&input), Trust::parse(&text, Some(&"x".into())));
        let _ = keyfile::parse_pem(text.as_bytes());
        if let Some(credential) = Credential::parse(&input) {
            prop_assert_eq!(credential.encode(), input.clone());
        }
        prop_assert!(SigningKey::from_pkcs8(&input).is_err());
        let (key, sender) = (RecipientKey::generate(), SigningKey::generate().0);
        prop_assert!(sealed::open(&key, b"", &input).is_err());
        prop_assert!(signed::verify(sender.public(), &input).is_err());
        prop_assert!(bound::open(&key, sender.public(), &input).is_err());
        prop_assert!(weak::open_signed_then_sealed(&key, sender.public(), &input).is_err());
        prop_assert!(stream::open(&key, sender.public(), &mut &input[..], &mut Vec::new()).is_err());
        let opening = dyno_security::aead::OpeningKey::new(dyno_security::aead::Algorithm::Aes256Gcm, &[7; 32], &[0; 12]).unwrap();
        prop_assert!(Receiver::new(opening).open(0, &[], &input).is_err());
    }

    #[test]
    fn credentials_are_written_one_way(name in "[a-z.]{1,255}", from: u64, until: u64, cut in 0usize..300, bit in 0usize..2400) {
        let (authority, key) = (SigningKey::generate().0, SigningKey::generate().0);
        let credential = Credential::certify(&authority, *key.public(), KeyUsage::Connect, &name, from, until).unwrap();
        let mut written = credential.encode();
        prop_assert_eq!(Credential::parse(&written), Some(credential.clone()));
        prop_assert!(credential.is_signed_by(authority.public()));
        let cut = cut.min(written.len() - 1);
        prop_assert_eq!(Credential::parse(&written[..cut]), None);
        let bit = bit % (written.len() * 8);
        written[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!Credential::parse(&written).is_some_and(|altered| altered.is_signed_by(authority.public())));
    }

    #[test]
    fn the_window_is_what_a_set_would_be(steps in prop::collection::vec((0u64..3000, any::<bool>()), 1..400), base in 0u64..1 << 60) {
        let (mut window, mut seen, mut top) = (Window::default(), HashSet::new(), None::<u64>);
        for (offset, save) in steps {
            let number = base + offset;
            let fresh = !seen.contains(&number) && top.is_none_or(|top| number + REPLAY_WINDOW_NUMBERS > top);
            prop_assert_eq!(window.check(number).is_ok(), fresh, "{} with {:?} on top", number, top);
            prop_assert_eq!(window.accept(number).is_ok(), fresh);
            seen.insert(number);
            top = top.max(Some(number));
            if save {
                window = Window::restore(&window.save());
            }
        }
    }
}
