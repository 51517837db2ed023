//! Attacks on the handshake. Each fails closed: nobody accepts, or nobody accepts alone.

mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::Credential;
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::{HEADER_OCTETS, Hello, Suite};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;
use std::time::Instant;
use support::{drain, mutual, mutual_with, settle};

/// A handshake stopped after each message: message 1, 2, 3 and the responder's ready record.
fn recorded(
    client: &ChannelClient,
    server: &ChannelServer,
    now: Instant,
) -> (ChannelSession, ChannelSession, [Vec<u8>; 4]) {
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    let one = drain(&mut initiator);
    responder.receive(&one, &mut Vec::new(), now).unwrap();
    let two = drain(&mut responder);
    initiator.receive(&two, &mut Vec::new(), now).unwrap();
    let three = drain(&mut initiator);
    responder.receive(&three, &mut Vec::new(), now).unwrap();
    let ready = drain(&mut responder);
    (initiator, responder, [one, two, three, ready])
}

/// Feeds a message and then the end of the connection: whoever still waits for more must give up too.
fn feed_all(session: &mut ChannelSession, octets: &[u8], now: Instant) -> Result<(), PipeError> {
    session.receive(octets, &mut Vec::new(), now)?;
    if session.is_established() { Ok(()) } else { session.receive_eof() }
}

#[test]
fn the_honest_handshake_agrees() {
    let (client, server) = mutual();
    let now = Instant::now();
    let (mut initiator, responder, messages) = recorded(&client, &server, now);
    assert!(!initiator.is_established(), "the initiator waits until the responder has accepted");
    initiator.receive(&messages[3], &mut Vec::new(), now).unwrap();
    assert!(initiator.is_established() && responder.is_established());
    assert_eq!(initiator.transcript(), responder.transcript());
    assert_eq!(initiator.peer().map(|p| p.key), Some(*server.public()));
    assert_eq!(responder.peer().map(|p| p.key), Some(*client.public()));
    let (_, _, again) = recorded(&client, &server, now);
    assert_ne!(messages[0], again[0], "ephemeral keys are fresh");
}

#[test]
fn a_man_in_the_middle_is_refused_by_both() {
    let (client, server) = mutual();
    let now = Instant::now();
    let mallory = |trust| Config::new(Identity::throw_away(), trust);
    // Towards the client Mallory plays the server, towards the server the client, each with a key of her own.
    let mut fake_server = ChannelServer::new(mallory(Trust::anyone())).session(now);
    let failure = settle(&mut client.session(now), &mut fake_server, now).unwrap_err();
    assert_eq!(failure, PipeError::UnknownKey);
    assert!(!fake_server.is_established() && fake_server.peer().is_none(), "and has not learned who called");
    let mut fake_client = ChannelClient::new(mallory(Trust::anyone())).session(now);
    let mut responder = server.session(now);
    assert!(settle(&mut fake_client, &mut responder, now).is_err());
    assert!(!fake_client.is_established() && !responder.is_established());
}

#[test]
fn swapping_the_ephemeral_keys_is_refused() {
    let (client, server) = mutual();
    let now = Instant::now();
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    let mut one = drain(&mut initiator);
    let swapped =
        Hello::write(&Suite::CLASSICAL, dyno_security::dh::EphemeralKey::generate().unwrap().public());
    assert_eq!(one.len(), swapped.len());
    one = swapped;
    responder.receive(&one, &mut Vec::new(), now).unwrap();
    let two = drain(&mut responder);
    assert!(initiator.receive(&two, &mut Vec::new(), now).is_err());
    assert!(initiator.pending().is_empty(), "no message 3: the initiator's identity stays hidden");
}

#[test]
fn a_downgrade_is_refused() {
    let (client, server) = mutual();
    let now = Instant::now();
    // The offer is cut down to the suite that the attacker prefers.
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    let one = drain(&mut initiator);
    let hello = Hello::parse(&one[HEADER_OCTETS..]).unwrap();
    let cut = Hello::write(&[Suite::ChaCha20Poly1305], hello.gx);
    responder.receive(&cut, &mut Vec::new(), now).unwrap();
    assert!(initiator.receive(&drain(&mut responder), &mut Vec::new(), now).is_err());
    // The answer is changed to the other suite.
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    responder.receive(&drain(&mut initiator), &mut Vec::new(), now).unwrap();
    let mut two = drain(&mut responder);
    assert_eq!(two[HEADER_OCTETS + 1], Suite::Aes256Gcm as u8);
    two[HEADER_OCTETS + 1] = Suite::ChaCha20Poly1305 as u8;
    assert!(initiator.receive(&two, &mut Vec::new(), now).is_err());
    // A suite that was not offered, and no suite in common.
    let (client, server) =
        mutual_with(|c| c.suites = vec![Suite::Aes256Gcm], |s| s.suites = vec![Suite::ChaCha20Poly1305]);
    let failure = settle(&mut client.session(now), &mut server.session(now), now).unwrap_err();
    assert_eq!(failure, PipeError::NothingInCommon);
}

#[test]
fn reflected_messages_are_refused() {
    let (client, server) = mutual();
    let now = Instant::now();
    let (_, _, messages) = recorded(&client, &server, now);
    let mut initiator = client.session(now);
    let own = drain(&mut initiator);
    assert!(initiator.receive(&own, &mut Vec::new(), now).is_err(), "its own message 1");
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    responder.receive(&drain(&mut initiator), &mut Vec::new(), now).unwrap();
    let own = drain(&mut responder);
    assert!(responder.receive(&own, &mut Vec::new(), now).is_err(), "its own message 2");
    // Under the other header too: a message of one role never passes for one of the other.
    for (message, kind) in [(&messages[2], 2), (&messages[1], 3)] {
        let mut disguised = message.clone();
        disguised[0] = kind;
        let (mut initiator, mut responder) = (client.session(now), server.session(now));
        let one = drain(&mut initiator);
        responder.receive(&one, &mut Vec::new(), now).unwrap();
        let target = if kind == 2 { &mut initiator } else { &mut responder };
        assert!(feed_all(target, &disguised, now).is_err());
    }
}

#[test]
fn misbinding_is_refused() {
    // The server knows Mallory as well as the client. She lets the client's messages 1 and 2 through and puts a message
    // 3 of her own in place, so that the server would take the client's data for hers.
    let (client_key, mallory_key, server_key) =
        (SigningKey::generate().0, SigningKey::generate().0, SigningKey::generate().0);
    let guests = Trust { keys: vec![*client_key.public(), *mallory_key.public()], ..Trust::default() };
    let pin = Trust::pinned(*server_key.public());
    let server = ChannelServer::new(Config::new(Identity::bare(server_key), guests));
    let client = ChannelClient::new(Config::new(Identity::bare(client_key), pin.clone()));
    let mallory = ChannelClient::new(Config::new(Identity::bare(mallory_key), pin));
    let now = Instant::now();
    let (_, _, of_mallory) = recorded(&mallory, &server, now);
    let (mut initiator, mut responder) = (client.session(now), server.session(now));
    responder.receive(&drain(&mut initiator), &mut Vec::new(), now).unwrap();
    initiator.receive(&drain(&mut responder), &mut Vec::new(), now).unwrap();
    assert!(responder.receive(&of_mallory[2], &mut Vec::new(), now).is_err());
    assert!(initiator.receive_eof().is_err());
}

#[test]
fn replayed_handshake_messages_are_refused() {
    let (client, server) = mutual();
    let now = Instant::now();
    let (_, _, old) = recorded(&client, &server, now);
    let mut responder = server.session(now);
    responder.receive(&old[0], &mut Vec::new(), now).unwrap();
    assert!(responder.receive(&old[2], &mut Vec::new(), now).is_err(), "old messages 1 and 3");
    let mut initiator = client.session(now);
    assert!(initiator.receive(&old[1], &mut Vec::new(), now).is_err(), "old message 2");
    let (mut initiator, _, _) = recorded(&client, &server, now);
    assert!(initiator.receive(&old[3], &mut Vec::new(), now).is_err(), "old ready record");
    let (_, mut responder, messages) = recorded(&client, &server, now);
    assert!(responder.receive(&messages[2], &mut Vec::new(), now).is_err(), "message 3 twice");
}

#[test]
fn every_flipped_bit_is_refused() {
    let (client, server) = mutual();
    let now = Instant::now();
    let (_, _, lengths) = recorded(&client, &server, now);
    for (which, message) in lengths.iter().enumerate() {
        for bit in 0..message.len() * 8 {
            let (mut initiator, mut responder) = (client.session(now), server.session(now));
            let mut at = 0;
            let mut relay = |from: &mut ChannelSession, to: &mut ChannelSession| {
                let mut octets = drain(from);
                if at == which {
                    octets[bit / 8] ^= 1 << (bit % 8);
                }
                at += 1;
                to.receive(&octets, &mut Vec::new(), now)
            };
            let _ = relay(&mut initiator, &mut responder)
                .and_then(|()| relay(&mut responder, &mut initiator))
                .and_then(|()| relay(&mut initiator, &mut responder))
                .and_then(|()| relay(&mut responder, &mut initiator));
            assert!(!initiator.is_established(), "message {} bit {bit}: the initiator accepted", which + 1);
            assert!(
                which == 3 || !responder.is_established(),
                "message {} bit {bit}: the responder accepted",
                which + 1
            );
            assert!(initiator.receive_eof().is_err() && responder.receive_eof().is_err());
        }
    }
}

#[test]
fn every_truncation_of_the_handshake_is_refused() {
    let (client, server) = mutual();
    let now = Instant::now();
    let (_, _, messages) = recorded(&client, &server, now);
    for length in 0..messages[0].len() {
        let mut responder = server.session(now);
        assert!(feed_all(&mut responder, &messages[0][..length], now).is_err(), "message 1 cut at {length}");
    }
    for length in 0..messages[1].len() {
        let (mut initiator, mut responder) = (client.session(now), server.session(now));
        responder.receive(&drain(&mut initiator), &mut Vec::new(), now).unwrap();
        let two = drain(&mut responder);
        assert!(feed_all(&mut initiator, &two[..length], now).is_err(), "message 2 cut at {length}");
        assert!(initiator.pending().is_empty());
    }
    for length in 0..messages[2].len() {
        let (mut initiator, mut responder) = (client.session(now), server.session(now));
        responder.receive(&drain(&mut initiator), &mut Vec::new(), now).unwrap();
        initiator.receive(&drain(&mut responder), &mut Vec::new(), now).unwrap();
        let three = drain(&mut initiator);
        assert!(feed_all(&mut responder, &three[..length], now).is_err(), "message 3 cut at {length}");
    }
    for length in 0..messages[3].len() {
        let (mut initiator, _, messages) = recorded(&client, &server, now);
        assert!(feed_all(&mut initiator, &messages[3][..length], now).is_err(), "ready cut at {length}");
    }
}

#[test]
fn wrong_lengths_are_refused_by_their_header() {
    let (client, server) = mutual();
    let now = Instant::now();
    for length in [0u16, 2049, u16::MAX] {
        let [high, low] = length.to_be_bytes();
        let mut responder = server.session(now);
        assert!(responder.receive(&[1, high, low], &mut Vec::new(), now).is_err(), "message 1 of {length}");
        let mut initiator = client.session(now);
        assert!(initiator.receive(&[2, high, low], &mut Vec::new(), now).is_err(), "message 2 of {length}");
    }
    // One octet more or less than the message has.
    for change in [-1i32, 1] {
        let (mut initiator, mut responder) = (client.session(now), server.session(now));
        let mut one = drain(&mut initiator);
        one[2] = (i32::from(one[2]) + change) as u8;
        one.push(0);
        assert!(responder.receive(&one, &mut Vec::new(), now).is_err());
    }
}

#[test]
fn a_stolen_key_of_our_own_does_not_let_others_pass_for_our_friends() {
    // Key-compromise impersonation: Mallory has one side's private key and meets that side as its friend, once under
    // the stolen key and once under the friend's, which she has no private key for.
    let document = SigningKey::generate().1;
    let stolen = || SigningKey::from_pkcs8(&document).unwrap();
    let friend = *SigningKey::generate().0.public();
    let victim = || Config::new(Identity::bare(stolen()), Trust::pinned(friend));
    let now = Instant::now();
    for credential in [Credential::bare(*stolen().public()), Credential::bare(friend)] {
        let mallory =
            || Config::new(Identity { key: stolen(), credential: credential.clone() }, Trust::anyone());
        let mut initiator = ChannelClient::new(victim()).session(now);
        assert!(settle(&mut initiator, &mut ChannelServer::new(mallory()).session(now), now).is_err());
        assert!(!initiator.is_established() && initiator.pending().is_empty());
        let mut responder = ChannelServer::new(victim()).session(now);
        assert!(settle(&mut ChannelClient::new(mallory()).session(now), &mut responder, now).is_err());
        assert!(!responder.is_established() && responder.pending().is_empty());
    }
}

#[test]
fn a_flood_of_half_open_handshakes_pushes_out_its_oldest() {
    let (client, server) = mutual_with(|_| {}, |s| s.bounds.half_open = 2);
    let now = Instant::now();
    // Who has said nothing, and who has not finished its first message, takes no place.
    let silent: Vec<_> = (0..100).map(|_| server.session(now)).collect();
    let mut half_said = server.session(now);
    half_said.receive(&drain(&mut client.session(now))[..20], &mut Vec::new(), now).unwrap();
    let mut handshakes: Vec<_> = (0..3).map(|_| (client.session(now), server.session(now))).collect();
    for (initiator, responder) in &mut handshakes {
        // Once more for those who are asked for a cookie.
        for _ in 0..2 {
            responder.receive(&drain(initiator), &mut Vec::new(), now).unwrap();
            initiator.receive(&drain(responder), &mut Vec::new(), now).unwrap();
            if initiator.peer().is_some() {
                break;
            }
        }
    }
    for (number, (initiator, responder)) in handshakes.iter_mut().enumerate() {
        let done = responder.receive(&drain(initiator), &mut Vec::new(), now);
        let expected = if number == 0 { Err(PipeError::TooManyHandshakes) } else { Ok(()) };
        assert_eq!(done, expected, "the newest two of three have their places");
        assert_eq!(responder.pending().is_empty(), number == 0, "nothing is said to the one too many");
    }
    drop((silent, half_said));
}

#[test]
fn a_source_beyond_its_share_pushes_out_none_but_its_own() {
    let (client, server) = mutual_with(|_| {}, |s| s.bounds.half_open = 8);
    let now = Instant::now();
    let from = |source: [u8; 4]| server.session_from(Some(source.into()), now);
    let mut honest = (client.session(now), from([192, 0, 2, 1]));
    honest.1.receive(&drain(&mut honest.0), &mut Vec::new(), now).unwrap();
    let mut flood: Vec<_> = (0..20).map(|_| from([192, 0, 2, 2])).collect();
    for responder in &mut flood {
        responder.receive(&drain(&mut client.session(now)), &mut Vec::new(), now).unwrap();
    }
    settle(&mut honest.0, &mut honest.1, now).unwrap();
    assert!(honest.1.is_established());
}
