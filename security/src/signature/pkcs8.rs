//! The PKCS#8 form of an Ed25519 private key: version 1 (RFC 8410, section 7), which every program reads.
//!
//! ring and rcgen write version 2, with the public key behind the private one; OpenSSL 3.0, and curl, nginx and Python
//! that are built on it, cannot read that. The public key follows from the private one, so version 1 holds as much.

use zeroize::Zeroizing;

/// Octets of the private key, from which the rest follows.
pub const SEED_OCTETS: usize = 32;

/// SEQUENCE { version 0, SEQUENCE { 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 octets } }, up to the key.
const PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The PKCS#8 octets of a key.
pub(crate) fn version_1(seed: &[u8; SEED_OCTETS]) -> Zeroizing<Vec<u8>> {
    // The whole size at once: a vector that grows leaves copies of a secret behind.
    let mut document = Zeroizing::new(Vec::with_capacity(PREFIX.len() + SEED_OCTETS));
    document.extend_from_slice(&PREFIX);
    document.extend_from_slice(seed);
    document
}
