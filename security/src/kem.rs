//! Key encapsulation that quantum computers are not known to break: ML-KEM-768 (FIPS 203), with fresh keys, one use
//! each.
//!
//! One side makes a key pair and shows its public half; the other one encapsulates a fresh secret to it. A listener
//! who records today and has a quantum computer later gets X25519's secrets and not these. Nobody has had decades to
//! break lattices, so the channel uses both together and needs one of them to hold.
//!
//! A ciphertext that was altered gives another secret and no error (implicit rejection): what is sealed under it does
//! not open.

use crate::dh::NoRandomness;
use crate::secret::{Secret, wipe_stack};
use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::ml_kem_768::{DecapsulationKey, EncapsulationKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroize;

/// Octets of a public key, which FIPS 203 calls an encapsulation key.
pub const PUBLIC_OCTETS: usize = 1184;
/// Octets of an encapsulated secret.
pub const CIPHERTEXT_OCTETS: usize = 1088;
/// Octets of a shared secret.
pub const SECRET_OCTETS: usize = 32;
/// Octets from which a key pair is made: `d || z` of FIPS 203, 7.1.
pub const SEED_OCTETS: usize = 64;

/// A shared secret, wiped when dropped. Not a key yet: put it through [`crate::kdf::extract`].
pub type SharedSecret = Secret<SECRET_OCTETS>;

/// Why nothing can be encapsulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotEncapsulate {
    /// The public key fails the modulus check of FIPS 203, 7.2: a coefficient is not below 3,329.
    #[error("the encapsulation key is malformed")]
    BadKey,
    /// The operating system gave no random octets.
    #[error("the operating system gives no random octets")]
    NoRandomness,
}

/// A private key for exactly one secret. It cannot be stored; it is wiped when it is dropped.
pub struct PrivateKey {
    key: Box<DecapsulationKey>,
    public: Box<[u8; PUBLIC_OCTETS]>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey(secret)")
    }
}

impl PrivateKey {
    /// A fresh key pair.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn generate() -> Result<Self, NoRandomness> {
        let mut seed = Secret::zeros();
        SystemRandom::new().fill(&mut *seed).map_err(|_| NoRandomness)?;
        Ok(PrivateKey::from_seed(&seed))
    }

    /// The key pair of a seed; published test figures come in this way.
    pub fn from_seed(seed: &Secret<SEED_OCTETS>) -> Self {
        #[cfg(test)]
        crate::dh::counted::add();
        let made = PrivateKey::expand(seed);
        wipe_stack();
        made
    }

    /// Copies of the seed and of the key lie among its variables, so it is never a part of its caller, who wipes what
    /// lies below his own.
    #[inline(never)]
    fn expand(seed: &Secret<SEED_OCTETS>) -> Self {
        let key = Box::new(DecapsulationKey::from_seed((**seed).into()));
        let public = Box::new(key.encapsulation_key().to_bytes().0);
        PrivateKey { key, public }
    }

    /// What the peer may see.
    pub fn public(&self) -> &[u8; PUBLIC_OCTETS] {
        &self.public
    }

    /// The secret that the peer has encapsulated; the private key is used up.
    pub fn decapsulate(self, ciphertext: &[u8; CIPHERTEXT_OCTETS]) -> SharedSecret {
        #[cfg(test)]
        crate::dh::counted::add();
        let out = self.open(ciphertext);
        wipe_stack();
        out
    }

    /// As [`PrivateKey::expand`].
    #[inline(never)]
    fn open(self, ciphertext: &[u8; CIPHERTEXT_OCTETS]) -> SharedSecret {
        let mut secret = self.key.decapsulate(&(*ciphertext).into());
        let out = SharedSecret::copy_of(&secret);
        secret.zeroize();
        out
    }
}

/// A fresh secret, and what its owner needs to find it.
type Encapsulated = (Box<[u8; CIPHERTEXT_OCTETS]>, SharedSecret);

/// Encapsulates a fresh secret to the owner of `public`.
///
/// # Errors
/// [`CannotEncapsulate`].
pub fn encapsulate(public: &[u8; PUBLIC_OCTETS]) -> Result<Encapsulated, CannotEncapsulate> {
    let mut random = Secret::zeros();
    SystemRandom::new().fill(&mut *random).map_err(|_| CannotEncapsulate::NoRandomness)?;
    encapsulate_from(public, &random)
}

/// The same from given random octets, which must not be used again; published test figures come in this way.
///
/// # Errors
/// [`CannotEncapsulate::BadKey`].
pub fn encapsulate_from(
    public: &[u8; PUBLIC_OCTETS],
    random: &Secret<32>,
) -> Result<Encapsulated, CannotEncapsulate> {
    #[cfg(test)]
    crate::dh::counted::add();
    let key = EncapsulationKey::new(&(*public).into()).map_err(|_| CannotEncapsulate::BadKey)?;
    let encapsulated = seal(&key, random);
    wipe_stack();
    Ok(encapsulated)
}

/// As [`PrivateKey::expand`].
#[inline(never)]
fn seal(key: &EncapsulationKey, random: &Secret<32>) -> Encapsulated {
    let (ciphertext, mut secret) = key.encapsulate_deterministic(&(**random).into());
    let out = SharedSecret::copy_of(&secret);
    secret.zeroize();
    (Box::new(ciphertext.0), out)
}
