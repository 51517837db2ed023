//! What each kind of vector asks of Dyno's wrappers. Also used by the tests.

use dyno_security::aead::{self, OpeningKey, SealingKey, TAG_OCTETS};
use dyno_security::dh::EphemeralKey;
use dyno_security::dh::classical::{Group, PrivateKey};
use dyno_security::digest;
use dyno_security::kdf;
use dyno_security::signature::{PublicKey, SigningKey, interoperation};

/// How one vector ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it should.
    Passed,
    /// Otherwise, and what differs.
    Failed(String),
    /// Not offered here, and why.
    Skipped(String),
}

use Outcome::{Failed, Passed, Skipped};

/// Passed when `fine`, failed with `what` otherwise.
pub(crate) fn expect(fine: bool, what: &str) -> Outcome {
    if fine { Passed } else { Failed(what.into()) }
}

/// One AEAD vector, both directions.
pub(crate) struct Aead<'a> {
    pub cipher: &'a str,
    pub key: &'a [u8],
    pub iv: &'a [u8],
    pub aad: &'a [u8],
    pub msg: &'a [u8],
    pub ct: &'a [u8],
    pub tag: &'a [u8],
    pub valid: bool,
}

pub(crate) fn aead(v: &Aead) -> Outcome {
    let algorithm = match (v.cipher, v.key.len()) {
        ("AES-GCM", 16) => aead::Algorithm::Aes128Gcm,
        ("AES-GCM", _) => aead::Algorithm::Aes256Gcm,
        ("CHACHA20-POLY1305", _) => aead::Algorithm::ChaCha20Poly1305,
        (other, _) => return Skipped(format!("{other} is not offered")),
    };
    let (Ok(mut sealing), Ok(mut opening)) =
        (SealingKey::new(algorithm, v.key, v.iv), OpeningKey::new(algorithm, v.key, v.iv))
    else {
        return match (v.iv.len() == 12, v.key.len() == algorithm.key_octets()) {
            (true, true) => Failed("refused".into()),
            (false, _) => Skipped("an IV of other than 96 bits is not offered: refused with an error".into()),
            (true, false) => {
                Skipped(format!("a key of {} bits is not offered: refused with an error", 8 * v.key.len()))
            }
        };
    };
    if v.tag.len() != TAG_OCTETS {
        return Skipped(format!("a tag of {} bits is not offered", 8 * v.tag.len()));
    }
    let opened = opening.open(v.aad, &[v.ct, v.tag].concat());
    if !v.valid {
        return expect(opened.is_err(), "an invalid message opens");
    }
    let sealed = sealing.seal(v.aad, v.msg);
    expect(
        sealed.as_deref() == Ok(&[v.ct, v.tag].concat()) && opened.as_deref() == Ok(v.msg),
        "another ciphertext or message",
    )
}

/// A key whose secret octets are given: ring's own test randomness is the only way to hand them in.
#[expect(deprecated, reason = "ring hides its test randomness there; the version is fixed by Cargo.lock")]
pub(crate) fn ephemeral(private: &[u8; 32]) -> EphemeralKey {
    EphemeralKey::generate_from(&ring::test::rand::FixedSliceRandom { bytes: private })
        .expect("32 octets are enough")
}

/// `zero`: the shared secret is all zero, so that the agreement must be refused.
pub(crate) fn x25519(private: &[u8], public: &[u8], shared: &[u8], valid: bool, zero: bool) -> Outcome {
    let (Ok(private), Ok(public)) = (private.try_into(), public.try_into()) else {
        return expect(!valid, "a key of the wrong length in a valid vector");
    };
    match ephemeral(private).agree(public) {
        Ok(secret) => {
            expect(!zero && valid && secret[..] == *shared, "another secret, or one that should be refused")
        }
        Err(_) => expect(zero, "refused"),
    }
}

pub(crate) fn ed25519(public: &[u8], message: &[u8], signature: &[u8], valid: bool) -> Outcome {
    let verified = PublicKey::enrol(public).is_ok_and(|key| key.verify_bare(message, signature).is_ok());
    expect(
        verified == valid,
        if valid { "a valid signature is refused" } else { "an invalid signature is accepted" },
    )
}

pub(crate) fn ed25519_sign(seed: &[u8], public: &[u8], message: &[u8], signature: &[u8]) -> Outcome {
    let Ok(key) = SigningKey::from_seed(seed) else { return Failed("the seed is refused".into()) };
    let fine = key.public().octets() == public && key.sign_bare(message) == signature;
    if fine {
        ed25519(public, message, signature, true)
    } else {
        Failed("another public key or signature".into())
    }
}

pub(crate) fn ecdsa_p256(key: &[u8], message: &[u8], signature: &[u8], valid: bool) -> Outcome {
    let verified = interoperation::verify_ecdsa_p256(key, message, signature).is_ok();
    expect(verified == valid, "ECDSA: the wrong verdict")
}

pub(crate) fn rsa_pss(key: &[u8], message: &[u8], signature: &[u8], valid: bool) -> Outcome {
    let verified = interoperation::verify_rsa_pss(key, message, signature).is_ok();
    expect(verified == valid, "RSA-PSS: the wrong verdict")
}

pub(crate) fn hkdf_sha256(
    ikm: &[u8],
    salt: &[u8],
    info: &[u8],
    size: usize,
    okm: &[u8],
    valid: bool,
) -> Outcome {
    let mut out = vec![0; size];
    match kdf::extract(salt, ikm).expand(info, &mut out) {
        Ok(()) => expect(valid && out == okm, "other output"),
        Err(_) => expect(!valid, "refused"),
    }
}

pub(crate) fn hmac(
    algorithm: digest::Algorithm,
    key: &[u8],
    message: &[u8],
    tag: &[u8],
    valid: bool,
) -> Outcome {
    let full = digest::mac(algorithm, key, &[message]);
    expect(
        full.get(..tag.len()).is_some_and(|prefix| digest::equal(prefix, tag)) == valid,
        "HMAC: the wrong verdict",
    )
}

/// Finite-field agreement with everything given: `shared` must come out exactly when `valid`.
pub(crate) struct FiniteField<'a> {
    pub group: &'a Group,
    pub peer: &'a [u8],
    pub private: &'a [u8],
    pub public: Option<&'a [u8]>,
    pub shared: &'a [u8],
    pub valid: bool,
}

pub(crate) fn finite_field(v: &FiniteField) -> Outcome {
    let agreed = || {
        let key = PrivateKey::from_exponent(v.group, v.private).ok()?;
        // A public key of our own that is bad, or not that of the private key, must not be used either.
        if let Some(public) = v.public {
            v.group.validate(public).ok()?;
            if strip(key.public()) != strip(public) {
                return None;
            }
        }
        let secret = key.agree(v.peer).ok()?;
        (strip(&secret) == strip(v.shared)).then_some(())
    };
    expect(
        agreed().is_some() == v.valid,
        if v.valid { "no agreement, or another secret" } else { "agrees where it must refuse" },
    )
}

fn strip(octets: &[u8]) -> &[u8] {
    &octets[octets.iter().position(|&octet| octet != 0).unwrap_or(octets.len())..]
}
