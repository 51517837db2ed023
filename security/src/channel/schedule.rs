//! The key schedule derives all keys from the shared secret and the transcript, each for one direction, purpose and
//! epoch.

use super::formula::{CTX_EPOCH, CTX_KEYS};
use crate::dh::SharedSecret;
use crate::kdf::{self, Prk};
use zeroize::Zeroizing;

/// 32 secret octets, wiped when dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// The names in one derivation, as [`super::table`] prints them.
pub struct Derivation {
    /// The transcript digest that salts it.
    pub salt: &'static str,
    /// Its three outputs, in order.
    pub outputs: [&'static str; 3],
}

/// The keys of messages 2 and 3 and of the MACs.
pub const HANDSHAKE: Derivation = Derivation { salt: "th1", outputs: ["hkR", "hkI", "mk"] };
/// The first traffic secrets; the third output is not used.
pub const TRAFFIC: Derivation = Derivation { salt: "th3", outputs: ["tkI", "tkR", "_"] };

/// HKDF with a transcript digest as salt: three secrets in the order of the [`Derivation`].
pub fn derive(transcript: &[u8; 32], shared: &SharedSecret) -> [Secret; 3] {
    let okm = kdf::extract(transcript, &**shared).derive::<96>(CTX_KEYS.as_bytes());
    [0, 32, 64].map(|at| part(&*okm, at))
}

/// The keys of one epoch: the time between two changes of key in one direction.
pub struct EpochKeys {
    /// The key that seals the records of the epoch.
    pub key: Secret,
    /// The base to which a record's number is added to make its nonce.
    pub base: Zeroizing<[u8; 12]>,
    /// The traffic secret of the next epoch; this one is wiped, so that a key stolen later does not lead back.
    pub next: Secret,
}

/// Expands a traffic secret into an epoch.
pub fn epoch(secret: &Secret) -> EpochKeys {
    let okm = Prk::from_uniform(secret).derive::<76>(CTX_EPOCH.as_bytes());
    EpochKeys { key: part(&*okm, 0), base: part(&*okm, 32), next: part(&*okm, 44) }
}

fn part<const N: usize>(okm: &[u8], at: usize) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    out.copy_from_slice(&okm[at..at + N]);
    out
}
