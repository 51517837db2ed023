//! Ed25519 signatures (RFC 8032), each bound to the protocol that it was made for.
//!
//! A signature proves to everybody and for ever who said something, which may be more than its author wants. It does
//! not prove to whom or when it was said; the message must tell that. [`SigningKey::sign`] puts a context in front, so
//! that no signature of one protocol passes in another.

use crate::secret::{Secret, overwrite, wipe_stack};
use ring::error::KeyRejected;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{self, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use std::fmt;
use zeroize::Zeroizing;

mod form;
pub mod interoperation;
pub mod keyfile;
pub mod pkcs8;

/// Octets of a public key.
pub const PUBLIC_OCTETS: usize = 32;
/// Octets of a signature.
pub const SIGNATURE_OCTETS: usize = 64;

/// The purpose of a signature: one text for each protocol and role. It must not hold the octet 0, which marks its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context(pub &'static str);

/// A signature that this key did not make over this context and message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit")]
pub struct BadSignature;

/// A public key that must not be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not 32 octets, or not of the text form.
    #[error("not an Ed25519 public key")]
    Malformed,
    /// The encoding is not the shortest one, so that one key would have two names.
    #[error("an Ed25519 public key that is not in canonical form")]
    NotCanonical,
    /// Anybody can make signatures that such a key accepts.
    #[error("an Ed25519 public key of small order: it would accept signatures of anybody")]
    SmallOrder,
    /// The private key cannot be parsed or does not fit its public key.
    #[error("not an Ed25519 private key in PKCS#8")]
    BadPrivate,
}

/// 2^255 - 19, little endian.
const FIELD: [u8; 32] = {
    let mut p = [0xff; 32];
    p[0] = 0xed;
    p[31] = 0x7f;
    p
};

/// The y coordinates of the eight points of small order (the sign bit cleared), little endian.
const SMALL_ORDER: [[u8; 32]; 5] = {
    let mut zero = [0; 32];
    zero[0] = 0;
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = FIELD;
    minus_one[0] = 0xec;
    [
        zero,
        one,
        minus_one,
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
            0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
            0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ]
};

/// A public key that was checked when it was enrolled.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; PUBLIC_OCTETS]);

impl PublicKey {
    /// Enrols a key: canonical, and not of small order (ring itself would take both kinds).
    ///
    /// # Errors
    /// [`BadKey`], saying which rule it breaks.
    pub fn enrol(octets: &[u8]) -> Result<Self, BadKey> {
        let key: [u8; PUBLIC_OCTETS] = octets.try_into().map_err(|_| BadKey::Malformed)?;
        let mut y = key;
        y[31] &= 0x7f;
        if y.iter().rev().ge(FIELD.iter().rev()) {
            return Err(BadKey::NotCanonical);
        }
        if SMALL_ORDER.contains(&y) {
            return Err(BadKey::SmallOrder);
        }
        Ok(PublicKey(key))
    }

    /// Its 32 octets.
    pub fn octets(&self) -> &[u8; PUBLIC_OCTETS] {
        &self.0
    }

    /// Checks a signature made by [`SigningKey::sign`] with the same context over the concatenation of `parts`.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, context: Context, parts: &[&[u8]], signature: &[u8]) -> Result<(), BadSignature> {
        self.verify_bare(&signed_octets(context, parts), signature)
    }

    /// Checks a plain RFC 8032 signature without a context, for test figures and foreign formats.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify_bare(&self, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        UnparsedPublicKey::new(&signature::ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| BadSignature)
    }
}

/// The text form: `ed25519:` and 64 hexadecimal digits.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ed25519:")?;
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let digits = text
            .strip_prefix("ed25519:")
            .filter(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()));
        let digits = digits.ok_or(BadKey::Malformed)?;
        let mut key = [0; PUBLIC_OCTETS];
        for (octet, at) in key.iter_mut().zip((0..).step_by(2)) {
            *octet = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| BadKey::Malformed)?;
        }
        PublicKey::enrol(&key)
    }
}

fn signed_octets(context: Context, parts: &[&[u8]]) -> Vec<u8> {
    debug_assert!(!context.0.bytes().any(|b| b == 0), "a context ends at its first zero octet");
    let mut octets = Vec::with_capacity(context.0.len() + 1 + parts.iter().map(|p| p.len()).sum::<usize>());
    octets.extend_from_slice(context.0.as_bytes());
    octets.push(0);
    parts.iter().for_each(|part| octets.extend_from_slice(part));
    octets
}

/// Never a part of its caller, who wipes what the making of the pair leaves on the stack.
#[inline(never)]
fn boxed<E>(make: impl FnOnce() -> Result<Ed25519KeyPair, E>) -> Result<Box<Ed25519KeyPair>, E> {
    make().map(Box::new)
}

/// A private key, overwritten when dropped.
pub struct SigningKey {
    pair: Box<Ed25519KeyPair>,
    public: PublicKey,
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        if let Ok(zeros) = Ed25519KeyPair::from_seed_unchecked(&[0; pkcs8::SEED_OCTETS]) {
            overwrite(&mut *self.pair, zeros);
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A fresh key and its PKCS#8 form ([`pkcs8`]), to be kept in a file or thrown away.
    ///
    /// # Panics
    /// When the operating system gives no random octets.
    pub fn generate() -> (Self, Zeroizing<Vec<u8>>) {
        let mut seed = Secret::<{ pkcs8::SEED_OCTETS }>::zeros();
        SystemRandom::new().fill(&mut *seed).expect("the operating system gives random octets");
        let key = SigningKey::from_seed(&*seed).expect("32 octets make a key");
        (key, pkcs8::version_1(&seed))
    }

    /// A key from PKCS#8: version 1 or 2, so with or without the public key (RFC 5958, RFC 8410).
    ///
    /// # Errors
    /// [`BadKey::BadPrivate`], or what [`PublicKey::enrol`] says of its public half.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, BadKey> {
        SigningKey::from_pair(|| Ed25519KeyPair::from_pkcs8_maybe_unchecked(document))
    }

    /// A key from its 32 secret octets, for test figures.
    ///
    /// # Errors
    /// [`BadKey::BadPrivate`] when there are not 32.
    pub fn from_seed(seed: &[u8]) -> Result<Self, BadKey> {
        SigningKey::from_pair(|| Ed25519KeyPair::from_seed_unchecked(seed))
    }

    fn from_pair(make: impl FnOnce() -> Result<Ed25519KeyPair, KeyRejected>) -> Result<Self, BadKey> {
        let pair = boxed(make);
        wipe_stack();
        let pair = pair.map_err(|_| BadKey::BadPrivate)?;
        let public = PublicKey::enrol(pair.public_key().as_ref())?;
        Ok(SigningKey { pair, public })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs the concatenation of `parts` for `context`. The caller must make sure that the boundaries between the
    /// parts are unambiguous.
    pub fn sign(&self, context: Context, parts: &[&[u8]]) -> [u8; SIGNATURE_OCTETS] {
        self.sign_bare(&signed_octets(context, parts))
    }

    /// A plain RFC 8032 signature without a context, for test figures and foreign formats.
    pub fn sign_bare(&self, message: &[u8]) -> [u8; SIGNATURE_OCTETS] {
        let mut out = [0; SIGNATURE_OCTETS];
        out.copy_from_slice(self.pair.sign(message).as_ref());
        out
    }
}
