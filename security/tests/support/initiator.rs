//! The initiator once more, written from `security/CHANNEL.md` alone and straight onto ring and the KEM: no module of
//! the channel is used for it. It tells its secrets to whoever wants to look for them elsewhere.

use dyno_security::kem::PrivateKey;
use ring::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey as TheirKey, X25519, agree_ephemeral};
use ring::digest::{SHA256, digest};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use ring::{hmac, signature};

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

/// Section 3: hkR, hkI, mk from th1; tkI, tkR, xm from th3.
fn three_keys(th: &[u8], z: &[u8]) -> [Vec<u8>; 3] {
    three_keys_under("dyno channel v1 keys", th, z)
}

fn three_keys_under(label: &str, th: &[u8], z: &[u8]) -> [Vec<u8>; 3] {
    let okm = expand(&Salt::new(HKDF_SHA256, th).extract(z), label, 96);
    [okm[..32].to_vec(), okm[32..64].to_vec(), okm[64..].to_vec()]
}

fn aead(suite: u8, key: &[u8]) -> LessSafeKey {
    let algorithm = if suite % 2 == 1 { &AES_256_GCM } else { &CHACHA20_POLY1305 };
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

fn try_open(suite: u8, key: &[u8], nonce: Nonce, associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut data = sealed.to_vec();
    aead(suite, key).open_in_place(nonce, Aad::from(associated), &mut data).ok().map(|plain| plain.to_vec())
}

fn open(suite: u8, key: &[u8], nonce: Nonce, associated: &[u8], sealed: &[u8]) -> Vec<u8> {
    try_open(suite, key, nonce, associated, sealed).expect("it opens")
}

/// Section 1: kind, length, body.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], &u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

/// Takes one message off the front.
pub(crate) fn take(wire: &mut Vec<u8>) -> (u8, Vec<u8>) {
    let end = 3 + usize::from(u16::from_be_bytes([wire[1], wire[2]]));
    let message: Vec<u8> = wire.drain(..end).collect();
    (message[0], message[3..].to_vec())
}

/// Section 4, one direction.
pub(crate) struct Direction {
    suite: u8,
    pub(crate) th3: Vec<u8>,
    pub(crate) key: Vec<u8>,
    base: Vec<u8>,
    pub(crate) next: Vec<u8>,
    number: u64,
}

impl Direction {
    fn new(suite: u8, th3: &[u8], secret: &[u8]) -> Self {
        let okm = expand(&Prk::new_less_safe(HKDF_SHA256, secret), "dyno channel v1 epoch", 76);
        let (key, base, next) = (okm[..32].to_vec(), okm[32..44].to_vec(), okm[44..].to_vec());
        Direction { suite, th3: th3.to_vec(), key, base, next, number: 0 }
    }

    pub(crate) fn next_epoch(&mut self) {
        *self = Direction::new(self.suite, &self.th3, &self.next);
    }

    fn associated(&mut self, kind: u8, length: usize) -> (Nonce, Vec<u8>) {
        self.number += 1;
        let length = u16::try_from(length).unwrap().to_be_bytes();
        (nonce(&self.base, self.number - 1), [&self.th3, &[kind][..], &length].concat())
    }

    pub(crate) fn seal(&mut self, kind: u8, plain: &[u8]) -> Vec<u8> {
        let (nonce, associated) = self.associated(kind, plain.len() + 16);
        message(kind, &seal(self.suite, &self.key, nonce, &associated, plain))
    }

    pub(crate) fn open(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let (nonce, associated) = self.associated(kind, body.len());
        open(self.suite, &self.key, nonce, &associated, body)
    }
}

/// Section 4, renewal: what the initiator has sent, and its private keys.
pub(crate) struct Renewing {
    ephemeral: EphemeralPrivateKey,
    kem: Option<PrivateKey>,
    /// The plaintext of `renew`.
    pub(crate) renew: Vec<u8>,
}

/// A renewal as its initiator sees it after `answer`.
pub(crate) struct Renewed {
    z: Vec<u8>,
    th: Vec<u8>,
    /// The responder's signature.
    pub(crate) signature: Vec<u8>,
}

impl Renewing {
    pub(crate) fn start(suite: u8) -> Self {
        let ephemeral = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).unwrap();
        let mut renew = ephemeral.compute_public_key().unwrap().as_ref().to_vec();
        let kem = (suite > 2).then(|| PrivateKey::generate().unwrap());
        if let Some(kem) = &kem {
            renew.extend_from_slice(kem.public());
        }
        Renewing { ephemeral, kem, renew }
    }

    /// Takes the plaintext of `answer`; `th` is th(n-1).
    pub(crate) fn take(self, th: &[u8], answer: &[u8]) -> Renewed {
        let (public, signature) = answer.split_at(answer.len() - 64);
        let mut z = Vec::new();
        if let Some(kem) = self.kem {
            z.extend_from_slice(&*kem.decapsulate(public[32..].try_into().unwrap()));
        }
        let gy = TheirKey::new(&X25519, &public[..32]);
        z.extend(agree_ephemeral(self.ephemeral, &gy, <[u8]>::to_vec).unwrap());
        Renewed { z, th: hash(&[th, &self.renew, public]), signature: signature.to_vec() }
    }
}

impl Renewed {
    /// th(n).
    pub(crate) fn th(&self) -> Vec<u8> {
        self.th.clone()
    }

    /// What `role` ("responder" or "initiator") signs.
    pub(crate) fn covered(&self, role: &str) -> Vec<u8> {
        [b"dyno channel v1 renew ", role.as_bytes(), &[0], &self.th].concat()
    }
}

impl Direction {
    /// What a thief has who has stolen it all.
    pub(crate) fn copy(&self) -> Self {
        let Direction { suite, number, .. } = *self;
        let [th3, key, base, next] = [&self.th3, &self.key, &self.base, &self.next].map(Clone::clone);
        Direction { suite, th3, key, base, next, number }
    }

    /// As `open`, for what need not open.
    pub(crate) fn try_open(&mut self, kind: u8, body: &[u8]) -> Option<Vec<u8>> {
        let (nonce, associated) = self.associated(kind, body.len());
        let mut data = body.to_vec();
        let opened = aead(self.suite, &self.key).open_in_place(nonce, Aad::from(associated), &mut data);
        opened.ok().map(|plain| plain.to_vec())
    }

    /// Behind `fresh`.
    pub(crate) fn renewed(&mut self, renewed: &Renewed) {
        let label = [b"dyno channel v1 renew\0", &renewed.th[..]].concat();
        let prk = Salt::new(HKDF_SHA256, &self.next).extract(&renewed.z);
        let mut secret = [0; 32];
        prk.expand(&[&label], Octets(32)).unwrap().fill(&mut secret).unwrap();
        *self = Direction::new(self.suite, &self.th3, &secret);
    }
}

/// An initiator after message 1.
pub(crate) struct Initiator {
    seed: [u8; 32],
    /// What is shown: bare (kind 0 and the key), or with a certificate.
    credential: Vec<u8>,
    ephemeral: EphemeralPrivateKey,
    /// gx is some form of the base point, so zx is gy: `ephemeral` is not used.
    is_base_point: bool,
    /// For suites 3 and 4.
    kem: Option<PrivateKey>,
    gx: Vec<u8>,
    offered: Vec<u8>,
    /// The fields of message 1 as they were sent last.
    fields: Vec<u8>,
}

/// Secrets of a handshake, each with its name in the specification.
pub(crate) type Secrets = Vec<(&'static str, Vec<u8>)>;

/// Both directions, message 3, all secrets of the handshake, and that of the exporter.
pub(crate) type Finished = (Direction, Direction, Vec<u8>, Secrets, Vec<u8>);

impl Initiator {
    pub(crate) fn start(seed: &[u8; 32], credential: Option<Vec<u8>>, offered: &[u8]) -> (Self, Vec<u8>) {
        Initiator::start_for(seed, credential, offered, b"")
    }

    /// The same for an application with this context.
    pub(crate) fn start_for(
        seed: &[u8; 32],
        credential: Option<Vec<u8>>,
        offered: &[u8],
        context: &[u8],
    ) -> (Self, Vec<u8>) {
        let keys = Ed25519KeyPair::from_seed_unchecked(seed).unwrap();
        let credential = credential.unwrap_or_else(|| [&[0], keys.public_key().as_ref()].concat());
        let ephemeral = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).unwrap();
        let gx = ephemeral.compute_public_key().unwrap().as_ref().to_vec();
        let mut fields = Vec::new();
        let kem = offered.iter().any(|suite| [3, 4].contains(suite)).then(|| PrivateKey::generate().unwrap());
        if let Some(kem) = &kem {
            fields.extend(message(1, kem.public()));
        }
        if !context.is_empty() {
            fields.extend(message(2, context));
        }
        let initiator = Initiator {
            seed: *seed,
            credential,
            ephemeral,
            is_base_point: false,
            kem,
            gx,
            offered: offered.to_vec(),
            fields,
        };
        let hello = initiator.hello();
        (initiator, hello)
    }

    /// The same with `gx`, a form of the base point.
    pub(crate) fn start_with_base_point(seed: &[u8; 32], offered: &[u8], gx: [u8; 32]) -> (Self, Vec<u8>) {
        let (mut initiator, _) = Initiator::start(seed, None, offered);
        (initiator.gx, initiator.is_base_point) = (gx.to_vec(), true);
        let hello = initiator.hello();
        (initiator, hello)
    }

    /// The same with the top bit of gx set, which RFC 7748 has the other side ignore.
    pub(crate) fn start_with_top_bit(seed: &[u8; 32], offered: &[u8]) -> (Self, Vec<u8>) {
        let (mut initiator, _) = Initiator::start(seed, None, offered);
        initiator.gx[31] |= 0x80;
        let hello = initiator.hello();
        (initiator, hello)
    }

    /// The same with a field for a ticket: one that is shown, or an empty one, which asks for one.
    pub(crate) fn start_with_ticket(
        seed: &[u8; 32],
        credential: Option<Vec<u8>>,
        offered: &[u8],
        ticket: &[u8],
    ) -> (Self, Vec<u8>) {
        let (mut initiator, _) = Initiator::start(seed, credential, offered);
        initiator.fields.extend(message(3, ticket));
        let hello = initiator.hello();
        (initiator, hello)
    }

    fn hello(&self) -> Vec<u8> {
        let offer = [&[1, self.offered.len() as u8][..], &self.offered].concat();
        message(1, &[b"dyno-channel", &offer[..], &self.gx, &self.fields].concat())
    }

    /// Takes the body of a demand for a cookie; gives message 1 once more.
    pub(crate) fn again(&mut self, cookie: &[u8]) -> Vec<u8> {
        // A field is written as a message is: kind, length, octets.
        self.fields.extend(message(255, cookie));
        self.hello()
    }

    /// Takes the body of message 2 from a responder with a bare key; gives both directions and message 3.
    pub(crate) fn finish(self, body: &[u8], responder: &[u8; 32]) -> (Direction, Direction, Vec<u8>) {
        let (to, from, finish, _) = self.finish_and_tell(body, responder);
        (to, from, finish)
    }

    /// The same, and all secrets of the handshake.
    pub(crate) fn finish_and_tell(
        self,
        body: &[u8],
        responder: &[u8; 32],
    ) -> (Direction, Direction, Vec<u8>, Secrets) {
        let (to, from, finish, secrets, _) = self.try_finish(body, responder).expect("an honest responder");
        (to, from, finish, secrets)
    }

    /// z, th1, the suite and the flight, from the body of message 2 of either kind.
    fn agree(self, body: &[u8]) -> (Vec<u8>, Vec<u8>, u8, Vec<u8>) {
        let (version, suite, gy) = (body[0], body[1], &body[2..34]);
        let (ct, flight) = body[34..].split_at(if suite > 2 { 1088 } else { 0 });
        assert!(version == 1 && self.offered.contains(&suite));
        let offer = [&[1, self.offered.len() as u8][..], &self.offered, &[1, suite]].concat();
        let suite_field = [b"dyno-channel".as_slice(), &offer].concat();
        let mut z = Vec::new();
        if let Some(kem) = self.kem.filter(|_| suite > 2) {
            z.extend_from_slice(&*kem.decapsulate(ct.try_into().unwrap()));
        }
        z.extend(match self.is_base_point {
            true => gy.to_vec(),
            false => agree_ephemeral(self.ephemeral, &TheirKey::new(&X25519, gy), <[u8]>::to_vec).unwrap(),
        });
        (z, hash(&[&suite_field, &self.gx, &self.fields, gy, ct]), suite, flight.to_vec())
    }

    /// The same and the exporter's secret; `None` where message 2 does not fit to what we have sent.
    pub(crate) fn try_finish(self, body: &[u8], responder: &[u8; 32]) -> Option<Finished> {
        let keys = Ed25519KeyPair::from_seed_unchecked(&self.seed).unwrap();
        let credential = self.credential.clone();
        let (z, th1, suite, flight_r) = self.agree(body);
        let flight_r = &flight_r[..];
        let [hk_r, hk_i, mk] = three_keys(&th1, &z);
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &mk);

        let plain = try_open(suite, &hk_r, nonce(&[0; 12], 0), &th1, flight_r)?;
        assert_eq!(plain.len(), 33 + 64 + 32);
        let (id_r, rest) = plain.split_at(33);
        let (sig_r, mac_r) = rest.split_at(64);
        assert_eq!(id_r, [&[0], &responder[..]].concat(), "the responder that we want");
        let covered = [b"dyno channel v1 responder\0", th1.as_slice(), id_r].concat();
        UnparsedPublicKey::new(&ED25519, &id_r[1..]).verify(&covered, sig_r).unwrap();
        hmac::verify(&mac_key, &covered, mac_r).unwrap();

        let th2 = hash(&[&th1, flight_r]);
        let covered = [b"dyno channel v1 initiator\0", th2.as_slice(), &credential].concat();
        let sig_i: signature::Signature = keys.sign(&covered);
        let mac_i = hmac::sign(&mac_key, &covered);
        let plain = [&credential, sig_i.as_ref(), mac_i.as_ref()].concat();
        let flight_i = seal(suite, &hk_i, nonce(&[0; 12], 0), &th2, &plain);
        let th3 = hash(&[&th2, &flight_i]);
        let [tk_i, tk_r, xm] = three_keys(&th3, &z);
        let directions = [&tk_i, &tk_r].map(|secret| Direction::new(suite, &th3, secret));
        let [to, from] = directions;
        let extracted = |th: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, th), &z).as_ref().to_vec();
        let (prk1, prk3) = (extracted(&th1), extracted(&th3));
        let secrets = vec![
            ("z", z.clone()),
            ("prk1", prk1),
            ("hkR", hk_r),
            ("hkI", hk_i),
            ("mk", mk),
            ("prk3", prk3),
            ("tkI", tk_i),
            ("tkR", tk_r),
        ];
        Some((to, from, message(3, &flight_i), secrets, xm))
    }
}

/// Section 4, resumption: a ticket, and the secret without which it is worth nothing.
pub(crate) struct Ticket {
    pub(crate) octets: Vec<u8>,
    pub(crate) lifetime_s: u32,
    pub(crate) secret: Vec<u8>,
}

impl Ticket {
    /// From the plaintext of the record, and the exporter's secret of the session.
    pub(crate) fn new(plain: &[u8], xm: &[u8]) -> Self {
        let (lifetime, octets) = plain.split_first_chunk().unwrap();
        let secret = expand(&Prk::new_less_safe(HKDF_SHA256, xm), "dyno channel v1 resumption", 32);
        Ticket { octets: octets.to_vec(), lifetime_s: u32::from_be_bytes(*lifetime), secret }
    }
}

/// Section 4, resumption: the handshake of a resumption.
impl Initiator {
    /// Takes the body of `resumed`; gives both directions and message 3.
    pub(crate) fn resume(self, body: &[u8], secret: &[u8]) -> (Direction, Direction, Vec<u8>) {
        let (to, from, finish, _) = self.resume_and_tell(body, secret);
        (to, from, finish)
    }

    /// The same, and all secrets of the handshake.
    pub(crate) fn resume_and_tell(
        self,
        body: &[u8],
        secret: &[u8],
    ) -> (Direction, Direction, Vec<u8>, Secrets) {
        self.resume_if(body, secret, true)
    }

    /// Message 3 of who cannot open `resumed`, and goes on nevertheless.
    pub(crate) fn resume_blindly(self, body: &[u8], secret: &[u8]) -> Vec<u8> {
        self.resume_if(body, secret, false).2
    }

    fn resume_if(self, body: &[u8], secret: &[u8], opens: bool) -> (Direction, Direction, Vec<u8>, Secrets) {
        let (z, th1, suite, flight_r) = self.agree(body);
        let both = [&z[..], secret].concat();
        let label = "dyno channel v1 resumed keys";
        let [hk_r, hk_i, mk] = three_keys_under(label, &th1, &both);
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &mk);
        let mac_r = try_open(suite, &hk_r, nonce(&[0; 12], 0), &th1, &flight_r);
        assert_eq!(mac_r.is_some(), opens);
        if let Some(mac_r) = mac_r {
            let covered = [b"dyno channel v1 resumed responder\0", &th1[..]].concat();
            hmac::verify(&mac_key, &covered, &mac_r).unwrap();
        }
        let th2 = hash(&[&th1, &flight_r]);
        let covered = [b"dyno channel v1 resumed initiator\0", &th2[..]].concat();
        let mac_i = hmac::sign(&mac_key, &covered);
        let flight_i = seal(suite, &hk_i, nonce(&[0; 12], 0), &th2, mac_i.as_ref());
        let th3 = hash(&[&th2, &flight_i]);
        let [tk_i, tk_r, _] = three_keys_under(label, &th3, &both);
        let [to, from] = [&tk_i, &tk_r].map(|secret| Direction::new(suite, &th3, secret));
        let secrets = vec![("z", z), ("hkR", hk_r), ("hkI", hk_i), ("mk", mk), ("tkI", tk_i), ("tkR", tk_r)];
        (to, from, message(3, &flight_i), secrets)
    }
}
