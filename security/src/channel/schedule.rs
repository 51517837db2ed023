//! The key schedule derives all keys from the shared secret and the transcript, each for one direction, purpose and
//! epoch.

use super::formula::{CTX_EPOCH, CTX_KEYS, CTX_RENEW, CTX_RESUMED};
use crate::kdf::{self, Prk};
use zeroize::Zeroizing;

/// 32 secret octets, wiped when dropped.
pub type Secret = crate::secret::Secret<32>;

/// The names in one derivation, as [`super::table`] prints them.
pub struct Derivation {
    /// The transcript digest that salts it.
    pub salt: &'static str,
    /// Its three outputs, in order.
    pub outputs: [&'static str; 3],
}

/// The keys of messages 2 and 3 and of the MACs.
pub const HANDSHAKE: Derivation = Derivation { salt: "th1", outputs: ["hkR", "hkI", "mk"] };
/// The first traffic secrets, and the one from which keys for the application come.
pub const TRAFFIC: Derivation = Derivation { salt: "th3", outputs: ["tkI", "tkR", "xm"] };

/// HKDF with a transcript digest as salt: three secrets in the order of the [`Derivation`].
pub fn derive(transcript: &[u8; 32], shared: &[u8]) -> [Secret; 3] {
    three(&kdf::extract(transcript, shared), CTX_KEYS)
}

/// The same for a resumed session: the secret of the session before goes in behind the fresh one, and the label tells
/// the two kinds of session apart.
pub fn derive_resumed(transcript: &[u8; 32], shared: &[u8], resumption: &Secret) -> [Secret; 3] {
    let both = Zeroizing::new([shared, &resumption[..]].concat());
    three(&kdf::extract(transcript, &both), CTX_RESUMED)
}

fn three(prk: &Prk, label: &str) -> [Secret; 3] {
    let okm = prk.derive::<96>(label.as_bytes());
    [0, 32, 64].map(|at| Secret::copy_of(&okm[at..]))
}

/// The keys of one epoch: the time between two changes of key in one direction.
pub struct EpochKeys {
    /// The key that seals the records of the epoch.
    pub key: Secret,
    /// The base to which a record's number is added to make its nonce.
    pub base: crate::secret::Secret<12>,
    /// The traffic secret of the next epoch; this one is wiped, so that a key stolen later does not lead back. It does
    /// lead forward: only a renewal ends what a thief of the whole state can read.
    pub next: Secret,
}

/// Expands a traffic secret into an epoch.
pub fn epoch(secret: &Secret) -> EpochKeys {
    let okm = Prk::from_uniform(secret).derive::<76>(CTX_EPOCH.as_bytes());
    EpochKeys {
        key: Secret::copy_of(&*okm),
        base: crate::secret::Secret::copy_of(&okm[32..]),
        next: Secret::copy_of(&okm[44..]),
    }
}

/// The traffic secret of one direction after a renewal: from what both have agreed upon, from the digest of all that
/// they have signed, and from the secret that would have come next.
pub fn renewed(next: &Secret, shared: &[u8], transcript: &[u8; 32]) -> Secret {
    let label = [CTX_RENEW.as_bytes(), &[0], transcript].concat();
    kdf::extract(&**next, shared).derive(&label)
}
