//! Who is trusted cannot be probed: whoever does not hold the key that it shows is refused in one way, whether that key
//! is trusted or not, and after the same work.

#[path = "support/initiator.rs"]
#[allow(dead_code, reason = "this initiator gets no further than message 3")]
mod initiator;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::ChannelServer;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;
use initiator::{Initiator, take};
use std::time::Instant;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32]).unwrap()
}

/// What the server says of an initiator that signs with the key of `signer` and shows `credential`.
fn refusal(trust: Trust, signer: u8, credential: Option<Vec<u8>>) -> Option<PipeError> {
    let server_key = key(99);
    let public = *server_key.public();
    let server = ChannelServer::new(Config::new(Identity::bare(server_key), trust));
    let now = Instant::now();
    let mut session = server.session(now);
    let (initiator, hello) = Initiator::start(&[signer; 32], credential, &[1]);
    session.receive(&hello, &mut Vec::new(), now).unwrap();
    let mut wire = session.pending().to_vec();
    session.advance(wire.len());
    let (_, reply) = take(&mut wire);
    let (_, _, finish) = initiator.finish(&reply, public.octets());
    let failure = session.receive(&finish, &mut Vec::new(), now).err();
    assert_eq!(session.pending().is_empty(), failure.is_some(), "the peer is told nothing");
    failure
}

#[test]
fn a_key_that_is_shown_and_not_held_is_refused_alike_whether_it_is_trusted_or_not() {
    let (friend, stranger, authority) = (key(1), key(2), key(3));
    let shown = |key: &SigningKey| Some(Credential::bare(*key.public()).encode());
    let certified = |from, until| {
        let usage = KeyUsage::Connect;
        let credential = Credential::certify(&authority, *key(4).public(), usage, "friend", from, until);
        Some(credential.unwrap().encode())
    };
    let trust =
        || Trust { keys: vec![*friend.public()], authorities: vec![*authority.public()], ..Trust::default() };
    // Signed by key 7, whatever is shown.
    for (what, credential) in [
        ("a trusted key", shown(&friend)),
        ("an unknown key", shown(&stranger)),
        ("a certificate that counts", certified(0, u64::MAX)),
        ("a certificate that has expired", certified(0, 1)),
    ] {
        assert_eq!(refusal(trust(), 7, credential), Some(PipeError::BadMessage), "{what}");
    }
    // Whoever holds the key that it shows is told apart, in our own log.
    assert_eq!(refusal(trust(), 1, None), None);
    assert_eq!(refusal(trust(), 2, None), Some(PipeError::UnknownKey));
    assert_eq!(refusal(trust(), 4, certified(0, u64::MAX)), None);
    assert_eq!(refusal(trust(), 4, certified(0, 1)), Some(PipeError::Expired));
}
