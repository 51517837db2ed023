//! The initiator once more, written from `security/CHANNEL.md` alone and straight onto ring: no module of the channel
//! is used for it. It talks to the real responder, so every octet that the specification promises is checked by
//! somebody who has nothing else to go by.

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::ChannelServer;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{PublicKey, SigningKey};
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey as TheirKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{hmac, signature};
use std::time::Instant;

struct Octets(usize);

impl KeyType for Octets {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand(prk: &Prk, label: &str, count: usize) -> Vec<u8> {
    let mut out = vec![0; count];
    prk.expand(&[label.as_bytes()], Octets(count)).unwrap().fill(&mut out).unwrap();
    out
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

/// Section 3: hkR, hkI, mk from th1; tkI, tkR from th3.
fn three_keys(th: &[u8], z: &[u8]) -> [Vec<u8>; 3] {
    let okm = expand(&Salt::new(HKDF_SHA256, th).extract(z), "dyno channel v1 keys", 96);
    [okm[..32].to_vec(), okm[32..64].to_vec(), okm[64..].to_vec()]
}

fn aead(suite: u8, key: &[u8]) -> LessSafeKey {
    let algorithm = if suite == 1 { &AES_256_GCM } else { &CHACHA20_POLY1305 };
    LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap())
}

/// Section 4: nonce = base XOR number, the number written as 12 octets.
fn nonce(base: &[u8], number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce.iter_mut().zip(base).for_each(|(octet, base)| *octet ^= base);
    Nonce::assume_unique_for_key(nonce)
}

fn seal(suite: u8, key: &[u8], nonce: Nonce, associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut data = plain.to_vec();
    aead(suite, key).seal_in_place_append_tag(nonce, Aad::from(associated), &mut data).unwrap();
    data
}

fn open(suite: u8, key: &[u8], nonce: Nonce, associated: &[u8], sealed: &[u8]) -> Vec<u8> {
    let mut data = sealed.to_vec();
    aead(suite, key).open_in_place(nonce, Aad::from(associated), &mut data).expect("it opens").to_vec()
}

/// Section 1: kind, length, body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// Takes one message off the front.
fn take(wire: &mut Vec<u8>) -> (u8, Vec<u8>) {
    let end = 3 + usize::from(u16::from_be_bytes([wire[1], wire[2]]));
    let message: Vec<u8> = wire.drain(..end).collect();
    (message[0], message[3..].to_vec())
}

/// Section 4, one direction.
struct Direction {
    suite: u8,
    th3: Vec<u8>,
    key: Vec<u8>,
    base: Vec<u8>,
    next: Vec<u8>,
    number: u64,
}

impl Direction {
    fn new(suite: u8, th3: &[u8], secret: &[u8]) -> Self {
        let okm = expand(&Prk::new_less_safe(HKDF_SHA256, secret), "dyno channel v1 epoch", 76);
        let (key, base, next) = (okm[..32].to_vec(), okm[32..44].to_vec(), okm[44..].to_vec());
        Direction { suite, th3: th3.to_vec(), key, base, next, number: 0 }
    }

    fn next_epoch(&mut self) {
        *self = Direction::new(self.suite, &self.th3, &self.next);
    }

    fn associated(&mut self, kind: u8, length: usize) -> (Nonce, Vec<u8>) {
        self.number += 1;
        let length = u16::try_from(length).unwrap().to_be_bytes();
        (nonce(&self.base, self.number - 1), [&self.th3, &[kind][..], &length].concat())
    }

    fn seal(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let (nonce, associated) = self.associated(kind, plain.len() + 16);
        message(kind, &seal(self.suite, &self.key, nonce, &associated, plain))
    }

    fn open(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let (nonce, associated) = self.associated(kind, body.len());
        open(self.suite, &self.key, nonce, &associated, body)
    }
}

/// An initiator after message 1.
struct Initiator {
    keys: Ed25519KeyPair,
    /// What is shown: bare (kind 0 and the key), or with a certificate.
    credential: Vec<u8>,
    ephemeral: EphemeralPrivateKey,
    gx: Vec<u8>,
    offered: Vec<u8>,
}

impl Initiator {
    fn start(seed: &[u8; 32], credential: Option<Vec<u8>>, offered: &[u8]) -> (Self, Vec<u8>) {
        let keys = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        let credential = credential.unwrap_or_else(|| [&[0], keys.public_key().as_ref()].concat());
        let ephemeral = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).unwrap();
        let gx = ephemeral.compute_public_key().unwrap().as_ref().to_vec();
        let body = [b"dyno-channel", &[1, offered.len() as u8][..], offered, &gx].concat();
        (Initiator { keys, credential, ephemeral, gx, offered: offered.to_vec() }, message(1, &body))
    }

    /// Takes the body of message 2 from a responder with a bare key; gives both directions and message 3.
    fn finish(self, body: &[u8], responder: &PublicKey) -> (Direction, Direction, Vec<u8>) {
        let (version, suite, gy, flight_r) = (body[0], body[1], &body[2..34], &body[34..]);
        assert!(version == 1 && self.offered.contains(&suite));
        let offer = [&[1, self.offered.len() as u8][..], &self.offered, &[1, suite]].concat();
        let suite_field = [b"dyno-channel".as_slice(), &offer].concat();
        let z = agree_ephemeral(self.ephemeral, &TheirKey::new(&X25519, gy), <[u8]>::to_vec).unwrap();
        let th1 = hash(&[&suite_field, &self.gx, gy]);
        let [hk_r, hk_i, mk] = three_keys(&th1, &z);
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &mk);

        let plain = open(suite, &hk_r, nonce(&[0; 12], 0), &th1, flight_r);
        assert_eq!(plain.len(), 33 + 64 + 32);
        let (id_r, rest) = plain.split_at(33);
        let (sig_r, mac_r) = rest.split_at(64);
        assert_eq!(id_r, [&[0], &responder.octets()[..]].concat(), "the responder that we want");
        let covered = [b"dyno channel v1 responder\0", th1.as_slice(), id_r].concat();
        UnparsedPublicKey::new(&ED25519, &id_r[1..]).verify(&covered, sig_r).unwrap();
        hmac::verify(&mac_key, &covered, mac_r).unwrap();

        let th2 = hash(&[&th1, flight_r]);
        let covered = [b"dyno channel v1 initiator\0", th2.as_slice(), &self.credential].concat();
        let sig_i: signature::Signature = self.keys.sign(&covered);
        let mac_i = hmac::sign(&mac_key, &covered);
        let plain = [&self.credential, sig_i.as_ref(), mac_i.as_ref()].concat();
        let flight_i = seal(suite, &hk_i, nonce(&[0; 12], 0), &th2, &plain);
        let th3 = hash(&[&th2, &flight_i]);
        let [tk_i, tk_r, _] = three_keys(&th3, &z);
        (Direction::new(suite, &th3, &tk_i), Direction::new(suite, &th3, &tk_r), message(3, &flight_i))
    }
}

const SEED: [u8; 32] = [0x51; 32];

fn responder(trust: Trust) -> (ChannelServer, PublicKey) {
    let key = SigningKey::generate().0;
    let public = *key.public();
    let mut config = Config::new(Identity::bare(key), trust);
    config.bounds.rekey_records = 3;
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
    let (mut to, mut from, finish) = initiator.finish(&body, public);
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
    converse(&server, &public, None, &[77, 3, 0, 2], 2);
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
        let (mut to, _, finish) = initiator.finish(&body, &public);
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
    for offered in [&[][..], &[1; 9], &[3]] {
        let (_, hello) = Initiator::start(&SEED, None, offered);
        assert!(server.session(now).receive(&hello, &mut Vec::new(), now).is_err(), "{offered:?}");
    }
}
