//! HKDF with SHA-256 (RFC 5869) makes keys from a shared secret, as many as are needed, each for one purpose.
//!
//! [`extract`] concentrates the randomness of a Diffie-Hellman result; [`Prk::expand`] derives output under a label.
//! Keys under two different labels tell nothing about each other.

use crate::secret::{Secret, overwrite};
use ring::hkdf;
use std::sync::LazyLock;

/// More output was asked for than 255 blocks of 32 octets (RFC 5869, 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("HKDF-SHA-256 gives at most 8160 octets")]
pub struct TooLong;

/// What is written over a key. To make it costs two blocks of the hash, as much as to expand 32 octets.
static ZEROS: LazyLock<hkdf::Prk> = LazyLock::new(|| hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &[0; 32]));

/// A pseudorandom key, ready to be expanded; overwritten when dropped.
pub struct Prk(Box<hkdf::Prk>);

impl Drop for Prk {
    fn drop(&mut self) {
        overwrite(&mut *self.0, ZEROS.clone());
    }
}

impl std::fmt::Debug for Prk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Prk(secret)")
    }
}

/// HKDF-Extract: `salt` may be public; `secret` is the input keying material.
pub fn extract(salt: &[u8], secret: &[u8]) -> Prk {
    Prk(Box::new(hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret)))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl Prk {
    /// A pseudorandom key from one that is uniformly random already, such as an earlier output of [`Prk::expand`].
    pub fn from_uniform(secret: &[u8; 32]) -> Self {
        Prk(Box::new(hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, secret)))
    }

    /// HKDF-Expand under `label`, filling `out`.
    ///
    /// # Errors
    /// [`TooLong`] above 8,160 octets.
    pub fn expand(&self, label: &[u8], out: &mut [u8]) -> Result<(), TooLong> {
        let info = [label];
        let okm = self.0.expand(&info, Length(out.len())).map_err(|_| TooLong)?;
        okm.fill(out).map_err(|_| TooLong)
    }

    /// HKDF-Expand under `label` to `N` octets that are wiped when dropped.
    ///
    /// # Panics
    /// When `N` is above 8,160.
    pub fn derive<const N: usize>(&self, label: &[u8]) -> Secret<N> {
        let mut out = Secret::zeros();
        self.expand(label, &mut *out).expect("N is a constant below 8,160");
        out
    }
}
