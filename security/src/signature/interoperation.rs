//! Verification of other people's signatures: ECDSA on P-256 and RSA-PSS, both with SHA-256. Dyno signs with neither.

use super::BadSignature;
use ring::signature::{ECDSA_P256_SHA256_ASN1, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

/// Checks an ECDSA signature in ASN.1 form; `key` is an uncompressed point (65 octets).
///
/// # Errors
/// [`BadSignature`].
pub fn verify_ecdsa_p256(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature).map_err(|_| BadSignature)
}

/// Checks an RSA-PSS signature (MGF1 with SHA-256, 32 octets of salt); `key` is an RSAPublicKey in DER, 2,048 to 8,192
/// bits.
///
/// # Errors
/// [`BadSignature`].
pub fn verify_rsa_pss(key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key)
        .verify(message, signature)
        .map_err(|_| BadSignature)
}
