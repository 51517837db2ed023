//! Whoever takes part in the key exchange and then lies: flights with any identity, signature and MAC. Attacks from
//! outside end at the AEAD; only these reach the checks behind it.

use dyno_security::aead::SealingKey;
use dyno_security::channel::credential::Credential;
use dyno_security::channel::formula::{LABEL_I, LABEL_R};
use dyno_security::channel::message::{
    HEADER_OCTETS, Hello, HelloReply, MessageKind, Suite, header, suite_field,
};
use dyno_security::channel::schedule::{self, Secret};
use dyno_security::channel::session::ChannelSession;
use dyno_security::dh::{EphemeralKey, SharedSecret};
use dyno_security::digest::{self, sha256};
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{Context, SIGNATURE_OCTETS, SigningKey};
use std::time::Instant;

use super::drain;

const SUITE: Suite = Suite::Aes256Gcm;

/// Whom the forger plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Responder,
    Initiator,
}

/// What the forger knows after the key exchange.
pub(crate) struct Exchange {
    /// The label of the forger's role, and of the other one.
    pub labels: [Context; 2],
    /// The digest that the forger's flight rests on.
    pub transcript: [u8; 32],
    /// The key of the forger's flight, and of the other one.
    pub keys: [Secret; 2],
    /// The key of both MACs.
    pub mac_key: Secret,
}

/// What is sealed in a flight.
pub(crate) struct Flight {
    pub id: Vec<u8>,
    pub signature: [u8; SIGNATURE_OCTETS],
    pub mac: Vec<u8>,
}

/// What a signature and a MAC cover.
pub(crate) fn covered(label: Context, transcript: &[u8], id: &[u8]) -> Vec<u8> {
    [label.0.as_bytes(), &[0], transcript, id].concat()
}

/// A key without a certificate, as it is shown.
pub(crate) fn bare(key: &SigningKey) -> Vec<u8> {
    Credential::bare(*key.public()).encode()
}

impl Exchange {
    fn new(role: Role, transcript: [u8; 32], th1: &[u8; 32], shared: &SharedSecret) -> Self {
        let [of_responder, of_initiator, mac_key] = schedule::derive(th1, &**shared);
        match role {
            Role::Responder => {
                let (labels, keys) = ([LABEL_R, LABEL_I], [of_responder, of_initiator]);
                Exchange { labels, transcript, keys, mac_key }
            }
            Role::Initiator => {
                let (labels, keys) = ([LABEL_I, LABEL_R], [of_initiator, of_responder]);
                Exchange { labels, transcript, keys, mac_key }
            }
        }
    }

    /// What an honest party signs.
    pub(crate) fn covered(&self, id: &[u8]) -> Vec<u8> {
        covered(self.labels[0], &self.transcript, id)
    }

    /// The MAC over anything, under `key`.
    pub(crate) fn mac(key: &Secret, covered: &[u8]) -> Vec<u8> {
        digest::mac(digest::Algorithm::Sha256, &**key, &[covered])
    }

    /// The flight of somebody who shows `id` and signs with `key`.
    pub(crate) fn honest(&self, id: Vec<u8>, key: &SigningKey) -> Flight {
        let covered = self.covered(&id);
        Flight { signature: key.sign_bare(&covered), mac: Exchange::mac(&self.mac_key, &covered), id }
    }

    /// Seals a flight as it should be.
    pub(crate) fn seal(&self, flight: &Flight) -> Vec<u8> {
        let plain = [&flight.id, &flight.signature[..], &flight.mac].concat();
        Exchange::seal_under(&self.keys[0], &self.transcript, &plain)
    }

    /// Seals anything.
    pub(crate) fn seal_under(key: &Secret, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        SealingKey::new(SUITE.aead(), &**key, &[0; 12]).unwrap().seal(associated, plain).unwrap()
    }
}

/// What the forger believes, or pretends to believe, of the suites: offered, chosen.
pub(crate) type Suites = fn(&[u8], Suite) -> Vec<u8>;

/// Plays `role` towards `victim`, which has just been made, with a flight made by `lie`.
pub(crate) fn deceive(
    victim: &mut ChannelSession,
    role: Role,
    now: Instant,
    lie: impl FnOnce(&Exchange) -> Vec<u8>,
) -> Result<(), PipeError> {
    deceive_about(suite_field, victim, role, now, lie)
}

/// The same, with a transcript that tells of other suites.
pub(crate) fn deceive_about(
    suites: Suites,
    victim: &mut ChannelSession,
    role: Role,
    now: Instant,
    lie: impl FnOnce(&Exchange) -> Vec<u8>,
) -> Result<(), PipeError> {
    let (own, mut plain) = (EphemeralKey::generate().unwrap(), Vec::new());
    let public = *own.public();
    if role == Role::Responder {
        let one = drain(victim);
        let hello = Hello::parse(&one[HEADER_OCTETS..]).unwrap();
        let shared = own.agree(hello.gx).unwrap();
        let th1 = sha256(&[&suites(hello.suites, SUITE), hello.gx, &public]);
        let flight = lie(&Exchange::new(role, th1, &th1, &shared));
        return victim.receive(
            &HelloReply { suite: SUITE, gy: &public, ct: None, flight: &flight }.write(),
            &mut plain,
            now,
        );
    }
    victim.receive(&Hello::write(&[SUITE], &public), &mut plain, now)?;
    let two = drain(victim);
    let reply = HelloReply::parse(&two[HEADER_OCTETS..]).unwrap();
    let shared = own.agree(reply.gy).unwrap();
    let th1 = sha256(&[&suites(&[SUITE as u8], SUITE), &public, reply.gy]);
    let flight = lie(&Exchange::new(role, sha256(&[&th1, reply.flight]), &th1, &shared));
    victim.receive(&[&header(MessageKind::Finish, flight.len()), &flight[..]].concat(), &mut plain, now)
}
