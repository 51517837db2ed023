//! `SK_A(H(M))`: a signed message that everybody can read and check, for ever.
//!
//! The form is `signature (64), message`. Large files are signed over their SHA-512 digest, which can be computed as a
//! stream.

use crate::digest::{self, Algorithm};
use crate::signature::{BadSignature, Context, PublicKey, SIGNATURE_OCTETS, SigningKey};
use std::io::{self, Read};

const CONTEXT: Context = Context("dyno envelope v1 signed");
const DIGEST_CONTEXT: Context = Context("dyno envelope v1 signed sha-512 digest");

/// Signs a message and puts the signature in front.
pub fn sign(sender: &SigningKey, message: &[u8]) -> Vec<u8> {
    let mut out = sender.sign(CONTEXT, &[message]).to_vec();
    out.extend_from_slice(message);
    out
}

/// The message, when the signature is of `sender`.
///
/// # Errors
/// [`BadSignature`].
pub fn verify<'a>(sender: &PublicKey, envelope: &'a [u8]) -> Result<&'a [u8], BadSignature> {
    let (signature, message) = envelope.split_first_chunk::<SIGNATURE_OCTETS>().ok_or(BadSignature)?;
    sender.verify(CONTEXT, &[message], signature)?;
    Ok(message)
}

/// A detached signature over the digest of a stream.
///
/// # Errors
/// What `source` reports.
pub fn sign_stream(sender: &SigningKey, source: &mut dyn Read) -> io::Result<[u8; SIGNATURE_OCTETS]> {
    Ok(sender.sign(DIGEST_CONTEXT, &[&digest::of_stream(Algorithm::Sha512, source)?]))
}

/// Checks a detached signature over the digest of a stream.
///
/// # Errors
/// What `source` reports; a signature that does not fit is an `InvalidData` that carries [`BadSignature`].
pub fn verify_stream(sender: &PublicKey, source: &mut dyn Read, signature: &[u8]) -> io::Result<()> {
    let digest = digest::of_stream(Algorithm::Sha512, source)?;
    sender
        .verify(DIGEST_CONTEXT, &[&digest], signature)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
