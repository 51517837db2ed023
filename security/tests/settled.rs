//! What CHANNEL.md settles where another end could read it otherwise: each of these has one answer.

#[path = "support/initiator.rs"]
#[allow(dead_code, reason = "secrets are looked for elsewhere")]
mod initiator;
mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::{MessageKind, Suite};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{PublicKey, SigningKey};
use initiator::{Initiator, take};
use std::time::Instant;
use support::{drain, mutual_with, settle};

const SEED: [u8; 32] = [0x51; 32];

fn responder(suites: &[Suite]) -> (ChannelServer, PublicKey) {
    let key = SigningKey::generate().0;
    let public = *key.public();
    let trust = Trust::pinned(*SigningKey::from_seed(&SEED).unwrap().public());
    let mut config = Config::new(Identity::bare(key), trust);
    config.suites = suites.to_vec();
    (ChannelServer::new(config), public)
}

/// Goes through the handshake and says something.
fn converses(server: &ChannelServer, public: &PublicKey, started: (Initiator, Vec<u8>)) -> u8 {
    let (now, (initiator, hello)) = (Instant::now(), started);
    let (mut session, mut plain) = (server.session(now), Vec::new());
    session.receive(&hello, &mut plain, now).unwrap();
    let (_, body) = take(&mut drain(&mut session));
    let suite = body[1];
    let (mut to, _, finish) = initiator.finish(&body, public.octets());
    let words = to.seal(MessageKind::Data as u8, b"words");
    session.receive(&[finish, words].concat(), &mut plain, now).unwrap();
    assert_eq!(plain, b"words");
    suite
}

/// A pinned key is accepted whatever its certificate says; without the pin the same certificate is refused.
#[test]
fn an_expired_certificate_under_a_pinned_key_is_accepted_in_both_roles() {
    let now = Instant::now();
    let [authority, foreign] = [9, 10].map(|seed| SigningKey::from_seed(&[seed; 32]).unwrap());
    let pin = |key: &SigningKey| Trust::pinned(*key.public());
    for (whose, signer, wanted) in [
        ("of the authority that we trust", &authority, PipeError::Expired),
        ("of one that we do not know", &foreign, PipeError::UnknownKey),
    ] {
        for (usage, is_pinned) in [
            (KeyUsage::Serve, true),
            (KeyUsage::Serve, false),
            (KeyUsage::Connect, true),
            (KeyUsage::Connect, false),
        ] {
            let (shown, other) = (SigningKey::generate().0, SigningKey::generate().0);
            // It was valid for one second of 1970, and for another name.
            let credential = Credential::certify(signer, *shown.public(), usage, "elsewhere", 1, 2).unwrap();
            let mut trust = if is_pinned { pin(&shown) } else { Trust::default() };
            trust.authorities.push(*authority.public());
            trust.names = vec!["localhost".into()];
            let showing = Config::new(Identity { key: shown, credential }, pin(&other));
            let judging = Config::new(Identity::bare(other), trust);
            let (mut left, mut right) = match usage {
                KeyUsage::Serve => {
                    (ChannelClient::new(judging).session(now), ChannelServer::new(showing).session(now))
                }
                KeyUsage::Connect => {
                    (ChannelClient::new(showing).session(now), ChannelServer::new(judging).session(now))
                }
            };
            let result = settle(&mut left, &mut right, now).map(|_| ());
            let expected = if is_pinned { Ok(()) } else { Err(wanted) };
            assert_eq!(result, expected, "{whose}, to {usage}, pinned: {is_pinned}");
        }
    }
}

/// A suite that is listed twice counts once, known or not; the transcript holds the list as it was sent.
#[test]
fn suites_listed_twice_count_once() {
    for (offered, taken, chosen) in [
        (&[2, 2, 1][..], &Suite::CLASSICAL[..], 2),
        (&[1, 1, 1, 1, 1, 1, 1, 1], &Suite::CLASSICAL, 1),
        (&[2, 1, 2], &[Suite::Aes256Gcm], 1),
        (&[77, 77, 1], &Suite::CLASSICAL, 1),
        (&[3, 3, 1], &Suite::ALL, 3),
        (&[1, 3, 3], &Suite::HYBRID, 3),
    ] {
        let (server, public) = responder(taken);
        assert_eq!(
            converses(&server, &public, Initiator::start(&SEED, None, offered)),
            chosen,
            "{offered:?}"
        );
    }
}

/// After one side's `close` the other one goes on, with data, changes of keys and renewals that need no answer, until
/// its own.
#[test]
fn a_session_is_closed_by_halves() {
    let now = Instant::now();
    let (client, server) = mutual_with(|c| c.bounds.rekey_records = 2, |s| s.bounds.rekey_records = 2);
    for client_closes in [true, false] {
        let (mut left, mut right) = (client.session(now), server.session(now));
        settle(&mut left, &mut right, now).unwrap();
        let (closed, open) = if client_closes { (&mut left, &mut right) } else { (&mut right, &mut left) };
        closed.close();
        open.receive(&drain(closed), &mut Vec::new(), now).unwrap();
        assert!(open.is_closed_by_peer() && open.receive_eof().is_ok());
        assert_eq!(closed.send(b"more"), Err(PipeError::ClosedForSending));
        let mut heard = Vec::new();
        for round in 0..9u8 {
            open.send(&[round]).unwrap();
            closed.receive(&drain(open), &mut heard, now).unwrap();
        }
        assert_eq!(heard, (0..9).collect::<Vec<u8>>());
        assert!(closed.pending().is_empty() && !closed.is_closed_by_peer());
        open.close();
        closed.receive(&drain(open), &mut heard, now).unwrap();
        assert!(closed.is_closed_by_peer() && closed.receive_eof().is_ok());
    }
    // Without its own `close` the half that was left open was cut.
    let (mut left, mut right) = (client.session(now), server.session(now));
    settle(&mut left, &mut right, now).unwrap();
    left.close();
    right.receive(&drain(&mut left), &mut Vec::new(), now).unwrap();
    assert_eq!(left.receive_eof(), Err(PipeError::Truncated));
}

/// Public values of X25519 are taken as RFC 7748 takes them, in every form, and the transcript holds what was sent.
#[test]
fn public_values_that_are_not_canonical_are_reduced() {
    let (server, public) = responder(&Suite::CLASSICAL);
    let mut base = [0; 32];
    base[0] = 9;
    // p + 9 = 2^255 - 10, below 2^255 and so not reduced.
    let mut unreduced = [0xff; 32];
    (unreduced[0], unreduced[31]) = (0xf6, 0x7f);
    let with_top_bit = |mut point: [u8; 32]| {
        point[31] |= 0x80;
        point
    };
    for gx in [base, unreduced, with_top_bit(base), with_top_bit(unreduced)] {
        converses(&server, &public, Initiator::start_with_base_point(&SEED, &[1], gx));
    }
    converses(&server, &public, Initiator::start_with_top_bit(&SEED, &[2]));
}
