//! The Noise patterns NN and XX (revision 34) composed from Dyno's wrappers: a foreign protocol as a cross-check of
//! ours.

use crate::checks::{Outcome, ephemeral};
use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::digest::sha256;
use dyno_security::kdf;
use serde_json::Value;

struct Cipher {
    algorithm: Algorithm,
    key: Option<[u8; 32]>,
    number: u64,
}

impl Cipher {
    /// Noise writes the number little endian for ChaChaPoly, big endian for AESGCM, behind four zero octets.
    fn nonce(&mut self) -> [u8; 12] {
        let number = match self.algorithm {
            Algorithm::ChaCha20Poly1305 => self.number.to_le_bytes(),
            _ => self.number.to_be_bytes(),
        };
        self.number += 1;
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&number);
        nonce
    }

    fn seal(&mut self, aad: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let Some(key) = self.key else { return Some(plain.to_vec()) };
        SealingKey::new(self.algorithm, &key, &self.nonce()).ok()?.seal(aad, plain).ok()
    }

    fn open(&mut self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let Some(key) = self.key else { return Some(sealed.to_vec()) };
        OpeningKey::new(self.algorithm, &key, &self.nonce()).ok()?.open(aad, sealed).ok()
    }
}

struct Symmetric {
    cipher: Cipher,
    chaining: [u8; 32],
    hash: [u8; 32],
}

impl Symmetric {
    fn mix_key(&mut self, secret: &[u8]) -> Option<()> {
        let okm = kdf::extract(&self.chaining, secret).derive::<64>(&[]);
        self.chaining = okm[..32].try_into().ok()?;
        self.cipher =
            Cipher { algorithm: self.cipher.algorithm, key: Some(okm[32..].try_into().ok()?), number: 0 };
        Some(())
    }

    fn mix_hash(&mut self, data: &[u8]) {
        self.hash = sha256(&[&self.hash, data]);
    }

    fn seal_and_hash(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let sealed = self.cipher.seal(&self.hash.clone(), plain)?;
        self.mix_hash(&sealed);
        Some(sealed)
    }
}

/// One side's keys: ephemeral, and static where the pattern has one.
struct Party {
    e: [u8; 32],
    s: Option<[u8; 32]>,
}

fn agree(private: &[u8; 32], public: &[u8; 32]) -> Option<Vec<u8>> {
    ephemeral(private).agree(public).ok().map(|secret| secret.to_vec())
}

fn public(private: &[u8; 32]) -> [u8; 32] {
    *ephemeral(private).public()
}

/// Replays one vector: every ciphertext and the handshake hash must come out, and every transport message must open.
pub(crate) fn check(vector: &Value, hex: impl Fn(&Value) -> Vec<u8>) -> Outcome {
    let name = vector["protocol_name"].as_str().unwrap_or_default();
    let tokens: &[&[&str]] = match name.split('_').nth(1) {
        Some("NN") => &[&["e"], &["e", "ee"]],
        Some("XX") => &[&["e"], &["e", "ee", "s", "es"], &["s", "se"]],
        _ => return Outcome::Skipped(format!("{name}: only the patterns NN and XX")),
    };
    let algorithm = match name.split('_').nth(3) {
        Some("ChaChaPoly") => Algorithm::ChaCha20Poly1305,
        Some("AESGCM") => Algorithm::Aes256Gcm,
        _ => return Outcome::Skipped(format!("{name}: cipher not offered")),
    };
    if !name.ends_with("_SHA256") || !name.contains("_25519_") {
        return Outcome::Skipped(format!("{name}: only 25519 and SHA256"));
    }
    let run = || {
        let key = |name: &str| <[u8; 32]>::try_from(hex(&vector[name])).ok();
        let parties = [
            Party { e: key("init_ephemeral")?, s: key("init_static") },
            Party { e: key("resp_ephemeral")?, s: key("resp_static") },
        ];
        let hash = if name.len() <= 32 {
            let mut padded = [0; 32];
            padded[..name.len()].copy_from_slice(name.as_bytes());
            padded
        } else {
            sha256(&[name.as_bytes()])
        };
        let cipher = Cipher { algorithm, key: None, number: 0 };
        let mut symmetric = Symmetric { cipher, chaining: hash, hash };
        symmetric.mix_hash(&hex(&vector["init_prologue"]));
        let messages = vector["messages"].as_array()?;
        for (turn, message_tokens) in tokens.iter().enumerate() {
            let (me, peer) = (&parties[turn % 2], &parties[(turn + 1) % 2]);
            let mut wire = Vec::new();
            for token in *message_tokens {
                match *token {
                    "e" => {
                        wire.extend_from_slice(&public(&me.e));
                        symmetric.mix_hash(&public(&me.e));
                    }
                    "s" => wire.extend(symmetric.seal_and_hash(&public(&me.s?))?),
                    "ee" => symmetric.mix_key(&agree(&me.e, &public(&peer.e))?)?,
                    // es: initiator's e with responder's s; se: the reverse. Both come out the same from either side.
                    "es" => symmetric.mix_key(&agree(&parties[0].e, &public(&parties[1].s?))?)?,
                    _ => symmetric.mix_key(&agree(&parties[0].s?, &public(&parties[1].e))?)?,
                }
            }
            wire.extend(symmetric.seal_and_hash(&hex(&messages[turn]["payload"]))?);
            if wire != hex(&messages[turn]["ciphertext"]) {
                return None;
            }
        }
        let okm = kdf::extract(&symmetric.chaining, &[]).derive::<64>(&[]);
        let keys: [[u8; 32]; 2] = [okm[..32].try_into().ok()?, okm[32..].try_into().ok()?];
        let direction = |turn: usize| Cipher { algorithm, key: Some(keys[turn]), number: 0 };
        let (mut sealers, mut openers) = ([direction(0), direction(1)], [direction(0), direction(1)]);
        for (turn, message) in messages.iter().enumerate().skip(tokens.len()) {
            let (payload, ciphertext) = (hex(&message["payload"]), hex(&message["ciphertext"]));
            let sealed = sealers[turn % 2].seal(&[], &payload)?;
            if sealed != ciphertext || openers[turn % 2].open(&[], &ciphertext)? != payload {
                return None;
            }
        }
        (symmetric.hash[..] == hex(&vector["handshake_hash"])).then_some(())
    };
    super::checks::expect(run().is_some(), &format!("{name}: another ciphertext or handshake hash"))
}
