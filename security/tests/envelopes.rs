//! What the envelopes give, and that the attacks on the weak ones work there and nowhere else.

use dyno_security::envelope::sealed::RecipientKey;
use dyno_security::envelope::{bound, sealed, signed, stream, weak};
use dyno_security::signature::{Context, SigningKey};

struct Cast {
    alice: SigningKey,
    mallory: SigningKey,
    bob: RecipientKey,
    carol: RecipientKey,
}

fn cast() -> Cast {
    let signer = || SigningKey::generate().0;
    Cast {
        alice: signer(),
        mallory: signer(),
        bob: RecipientKey::generate(),
        carol: RecipientKey::generate(),
    }
}

const MESSAGE: &[u8] = b"I love you";

#[test]
fn surreptitious_forwarding_works_against_the_weak_form_alone() {
    let c = cast();
    let envelope = weak::signed_then_sealed(&c.alice, c.bob.public(), MESSAGE).unwrap();
    assert_eq!(weak::open_signed_then_sealed(&c.bob, c.alice.public(), &envelope).unwrap(), MESSAGE);
    let forwarded = weak::forward_surreptitiously(&c.bob, c.carol.public(), &envelope).unwrap();
    assert_eq!(
        weak::open_signed_then_sealed(&c.carol, c.alice.public(), &forwarded).unwrap(),
        MESSAGE,
        "Carol is deceived"
    );

    let envelope = bound::seal(&c.alice, c.bob.public(), MESSAGE).unwrap();
    assert_eq!(bound::open(&c.bob, c.alice.public(), &envelope).unwrap(), MESSAGE);
    assert!(bound::open(&c.carol, c.alice.public(), &envelope).is_err());
    // What Bob finds inside does not verify for Carol, even if he seals it as the sound form does.
    let purpose = |to: &RecipientKey| {
        [b"dyno envelope v1 bound", &c.alice.public().octets()[..], &to.public().octets()].concat()
    };
    let inside = sealed::open(&c.bob, &purpose(&c.bob), &envelope).unwrap();
    let forwarded = sealed::seal(c.carol.public(), &purpose(&c.carol), &inside).unwrap();
    assert!(
        sealed::open(&c.carol, &purpose(&c.carol), &forwarded).is_ok(),
        "the seal fits, so the signature is what refuses"
    );
    assert!(bound::open(&c.carol, c.alice.public(), &forwarded).is_err());
}

#[test]
fn taking_over_works_against_the_weak_form_alone() {
    let c = cast();
    let envelope = weak::sealed_then_signed(&c.alice, c.bob.public(), MESSAGE).unwrap();
    let stolen = weak::replace_signature(&c.mallory, &envelope).unwrap();
    assert_eq!(
        weak::open_sealed_then_signed(&c.bob, c.mallory.public(), &stolen).unwrap(),
        MESSAGE,
        "Mallory is the author now"
    );
    let envelope = bound::seal(&c.alice, c.bob.public(), MESSAGE).unwrap();
    assert!(bound::open(&c.bob, c.mallory.public(), &envelope).is_err());
    let stolen = weak::replace_signature(&c.mallory, &envelope).unwrap();
    assert!(bound::open(&c.bob, c.mallory.public(), &stolen).is_err());
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let c = cast();
    let envelope = bound::seal(&c.alice, c.bob.public(), MESSAGE).unwrap();
    for bit in 0..envelope.len() * 8 {
        let mut altered = envelope.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        // X25519 ignores the top bit of a public value (RFC 7748, 5), HPKE's key schedule does not.
        assert!(bound::open(&c.bob, c.alice.public(), &altered).is_err(), "bit {bit}");
    }
    (0..envelope.len())
        .for_each(|length| assert!(bound::open(&c.bob, c.alice.public(), &envelope[..length]).is_err()));
    let signed = signed::sign(&c.alice, MESSAGE);
    assert_eq!(signed::verify(c.alice.public(), &signed), Ok(MESSAGE));
    for bit in 0..signed.len() * 8 {
        let mut altered = signed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(signed::verify(c.alice.public(), &altered).is_err(), "bit {bit}");
    }
}

#[test]
fn a_stream_arrives_whole_or_not_at_all() {
    let c = cast();
    let chunk = stream::CHUNK_OCTETS;
    for length in [0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk] {
        let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let (mut file, mut opened) = (Vec::new(), Vec::new());
        stream::seal(&c.alice, c.bob.public(), &mut &plain[..], &mut file).unwrap();
        stream::open(&c.bob, c.alice.public(), &mut &file[..], &mut opened).unwrap();
        assert!(opened == plain, "{length}");
        let refused =
            |file: &[u8]| stream::open(&c.bob, c.alice.public(), &mut &file[..], &mut Vec::new()).is_err();
        // Cut in the head, at every chunk border and beside it, and before the end.
        let borders =
            (0..4).flat_map(|count| [111, 112, 113, 127, 128, 129].map(|at| at + count * (chunk + 16)));
        let cuts = [0, 1, 31, 32, 33, file.len() - 1, file.len() - 16].into_iter().chain(borders);
        cuts.filter(|&at| at < file.len())
            .for_each(|at| assert!(refused(&file[..at]), "{length} cut at {at}"));
        assert!(refused(&[&file[..], b"x"].concat()));
        assert!(stream::open(&c.carol, c.alice.public(), &mut &file[..], &mut Vec::new()).is_err());
        assert!(stream::open(&c.bob, c.mallory.public(), &mut &file[..], &mut Vec::new()).is_err());
    }
    let plain = vec![7; 2 * chunk];
    let mut file = Vec::new();
    stream::seal(&c.alice, c.bob.public(), &mut &plain[..], &mut file).unwrap();
    let (head, chunks) = file.split_at(112);
    let (first, rest) = chunks.split_at(chunk + 16);
    let (second, last) = rest.split_at(chunk + 16);
    for order in [[second, first, last], [first, first, last], [second, last, &[]], [first, last, &[]]] {
        let altered = [head, &order.concat()].concat();
        assert!(stream::open(&c.bob, c.alice.public(), &mut &altered[..], &mut Vec::new()).is_err());
    }
}

#[test]
fn a_forged_stream_is_refused_by_its_signature() {
    let c = cast();
    let names = [&c.alice.public().octets()[..], &c.bob.public().octets()].concat();
    let purpose = [b"dyno envelope v1 stream", &names[..]].concat();
    // Anybody can seal to Bob under any purpose; what counts is who has signed for this encapsulated key.
    let forged = |signer: &SigningKey| {
        let (key, mut sealer) = sealed::Sealer::new(c.bob.public(), &purpose).unwrap();
        let signature = signer.sign(Context("dyno envelope v1 stream"), &[&names, &key]);
        let parts =
            [(&[2], &signature[..]), (&[1], MESSAGE)].map(|(mark, part)| sealer.seal(mark, part).unwrap());
        [&key[..], &parts.concat()].concat()
    };
    let open = |file: &[u8]| stream::open(&c.bob, c.alice.public(), &mut &file[..], &mut Vec::new());
    assert!(open(&forged(&c.alice)).is_ok(), "the control");
    assert!(open(&forged(&c.mallory)).is_err());
}

#[test]
fn a_digest_of_a_stream_can_be_signed() {
    let c = cast();
    let plain = vec![1; 200_000];
    let signature = signed::sign_stream(&c.alice, &mut &plain[..]).unwrap();
    assert!(signed::verify_stream(c.alice.public(), &mut &plain[..], &signature).is_ok());
    assert!(signed::verify_stream(c.alice.public(), &mut &plain[1..], &signature).is_err());
    assert!(signed::verify_stream(c.mallory.public(), &mut &plain[..], &signature).is_err());
}
