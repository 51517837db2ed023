//! Message digests (FIPS 180-4), HMAC (RFC 2104) and comparison in constant time.
//!
//! A digest shows that nothing was changed by accident. It does not stop an attacker, who can compute it too; against
//! attackers, use [`mac`] (with a shared key) or [`crate::signature`] (with a key of one's own).

use ring::{digest, hmac};
use std::io::{self, Read};
use subtle::ConstantTimeEq;

/// A digest function of the SHA-2 family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 32 octets.
    Sha256,
    /// 48 octets.
    Sha384,
    /// 64 octets.
    Sha512,
}

impl Algorithm {
    fn ring(self) -> &'static digest::Algorithm {
        match self {
            Algorithm::Sha256 => &digest::SHA256,
            Algorithm::Sha384 => &digest::SHA384,
            Algorithm::Sha512 => &digest::SHA512,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Algorithm::Sha256 => hmac::HMAC_SHA256,
            Algorithm::Sha384 => hmac::HMAC_SHA384,
            Algorithm::Sha512 => hmac::HMAC_SHA512,
        }
    }
}

/// A digest under way: feed it in pieces of any size.
#[derive(Clone)]
pub struct Digest(digest::Context);

impl Digest {
    /// An empty digest.
    pub fn new(algorithm: Algorithm) -> Self {
        Digest(digest::Context::new(algorithm.ring()))
    }

    /// Takes in the next octets.
    pub fn update(&mut self, octets: &[u8]) -> &mut Self {
        self.0.update(octets);
        self
    }

    /// The digest of everything taken in.
    pub fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

/// The digest of `octets`.
pub fn of(algorithm: Algorithm, octets: &[u8]) -> Vec<u8> {
    digest::digest(algorithm.ring(), octets).as_ref().to_vec()
}

/// SHA-256 over the concatenation of `parts`. The caller must make sure that the boundaries between the parts are
/// unambiguous (fixed or announced lengths).
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// The digest of a stream, read in pieces of 64 KiB.
///
/// # Errors
/// What `source` reports.
pub fn of_stream(algorithm: Algorithm, source: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut digest = Digest::new(algorithm);
    let mut piece = vec![0; 64 * 1024];
    loop {
        match source.read(&mut piece)? {
            0 => return Ok(digest.finish()),
            count => digest.update(&piece[..count]),
        };
    }
}

/// HMAC of the concatenation of `parts` under `key`.
pub fn mac(algorithm: Algorithm, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm.hmac(), key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

/// Whether two values are equal, in a time that depends on their lengths alone.
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}
