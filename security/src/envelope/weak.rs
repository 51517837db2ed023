//! The two naive compositions, **kept to be broken**. Neither names both parties inside what is signed.

use super::sealed::{self, Recipient, RecipientKey, Refused};
use super::signed;
use crate::signature::{PublicKey, SIGNATURE_OCTETS, SigningKey};

const PURPOSE: &[u8] = b"dyno envelope v1 weak";

/// `PK_B(SK_A(M))`. Weak: Bob can open it and seal what is inside to Carol, who will believe that Alice wrote to *her*
/// (surreptitious forwarding).
///
/// # Errors
/// [`Refused`] when the recipient's key is of small order.
pub fn signed_then_sealed(
    sender: &SigningKey,
    recipient: &Recipient,
    message: &[u8],
) -> Result<Vec<u8>, Refused> {
    sealed::seal(recipient, PURPOSE, &signed::sign(sender, message))
}

/// Opens and verifies [`signed_then_sealed`].
///
/// # Errors
/// [`Refused`].
pub fn open_signed_then_sealed(
    key: &RecipientKey,
    sender: &PublicKey,
    envelope: &[u8],
) -> Result<Vec<u8>, Refused> {
    let signed = sealed::open(key, PURPOSE, envelope)?;
    signed::verify(sender, &signed).map(<[u8]>::to_vec).map_err(|_| Refused)
}

/// Bob's trick: the signed message inside, sealed again to whomever he likes.
///
/// # Errors
/// [`Refused`] when the envelope is not his.
pub fn forward_surreptitiously(
    key: &RecipientKey,
    victim: &Recipient,
    envelope: &[u8],
) -> Result<Vec<u8>, Refused> {
    sealed::seal(victim, PURPOSE, &sealed::open(key, PURPOSE, envelope)?)
}

/// `SK_A(PK_B(M))`. Weak: anybody can take Alice's signature off and put his own on, and pass for the author of words
/// that he cannot even read.
///
/// # Errors
/// [`Refused`] when the recipient's key is of small order.
pub fn sealed_then_signed(
    sender: &SigningKey,
    recipient: &Recipient,
    message: &[u8],
) -> Result<Vec<u8>, Refused> {
    Ok(signed::sign(sender, &sealed::seal(recipient, PURPOSE, message)?))
}

/// Verifies and opens [`sealed_then_signed`].
///
/// # Errors
/// [`Refused`].
pub fn open_sealed_then_signed(
    key: &RecipientKey,
    sender: &PublicKey,
    envelope: &[u8],
) -> Result<Vec<u8>, Refused> {
    sealed::open(key, PURPOSE, signed::verify(sender, envelope).map_err(|_| Refused)?)
}

/// The thief's trick: the sealed part under another signature. `None` when there is no signature to take off.
pub fn replace_signature(thief: &SigningKey, envelope: &[u8]) -> Option<Vec<u8>> {
    envelope.get(SIGNATURE_OCTETS..).map(|sealed| signed::sign(thief, sealed))
}
