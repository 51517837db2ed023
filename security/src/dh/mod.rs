//! Diffie-Hellman key agreement: X25519 (RFC 7748) with fresh keys, one use each.
//!
//! Two parties who have never met get a secret that a listener does not have. They do not know *whom* they share it
//! with: an active attacker agrees with each of them separately. Only a signature over the exchange stops that, which
//! is what [`crate::channel`] adds. The finite-field exchange of 1976 is in [`classical`], for teaching.

pub mod classical;

use crate::secret::{Secret, overwrite};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use ring::rand::{SecureRandom, SystemRandom};
use std::mem;

/// Octets of a public key and of a shared secret.
pub const OCTETS: usize = 32;

/// The peer's public value leads to a secret that does not depend on our key (a point of low order; RFC 7748, 6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public value is of low order")]
pub struct LowOrder;

/// The operating system gave no random octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random octets")]
pub struct NoRandomness;

/// A shared secret, wiped when dropped. Not a key yet: put it through [`crate::kdf::extract`].
pub type SharedSecret = Secret<OCTETS>;

/// A private key for exactly one agreement. It cannot be stored, so it cannot be stolen later: forward secrecy. Used or
/// not, it is overwritten when it is dropped.
pub struct EphemeralKey {
    private: Box<EphemeralPrivateKey>,
    public: [u8; OCTETS],
}

impl Drop for EphemeralKey {
    fn drop(&mut self) {
        // A system that gave random octets for the key gives some to write over it.
        if let Ok(another) = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()) {
            overwrite(&mut *self.private, another);
        }
    }
}

impl std::fmt::Debug for EphemeralKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EphemeralKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl EphemeralKey {
    /// A fresh key. Its octets are drawn from the operating system now, so that two processes after a fork never share
    /// one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        Self::generate_from(&SystemRandom::new())
    }

    /// A key from the given source; published test figures come in this way.
    ///
    /// # Errors
    /// [`NoRandomness`] when the source is exhausted.
    pub fn generate_from(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        #[cfg(test)]
        counted::add();
        let private = Box::new(EphemeralPrivateKey::generate(&X25519, random).map_err(|_| NoRandomness)?);
        let computed = private.compute_public_key().map_err(|_| NoRandomness)?;
        let mut public = [0; OCTETS];
        public.copy_from_slice(computed.as_ref());
        Ok(EphemeralKey { private, public })
    }

    /// What the peer may see.
    pub fn public(&self) -> &[u8; OCTETS] {
        &self.public
    }

    /// Agrees with the owner of `peer`; the private key is used up.
    ///
    /// # Errors
    /// [`LowOrder`] when the result would be all zero, or when the system gives no random octets to write over the
    /// private key.
    pub fn agree(mut self, peer: &[u8; OCTETS]) -> Result<SharedSecret, LowOrder> {
        #[cfg(test)]
        counted::add();
        let another = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| LowOrder)?;
        let private = mem::replace(&mut *self.private, another);
        agree_ephemeral(private, &UnparsedPublicKey::new(&X25519, peer), SharedSecret::copy_of)
            .map_err(|_| LowOrder)
    }
}

/// How many operations with keys this thread has done, for tests that promise that there are none.
#[cfg(test)]
pub(crate) mod counted {
    use std::cell::Cell;

    thread_local!(static OPERATIONS: Cell<u64> = const { Cell::new(0) });

    pub(crate) fn add() {
        OPERATIONS.with(|count| count.set(count.get() + 1));
    }

    pub(crate) fn so_far() -> u64 {
        OPERATIONS.with(Cell::get)
    }
}
