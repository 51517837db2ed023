//! The sound form: signed with both identities inside the signature, then sealed, with both identities bound to the
//! seal too.
//!
//! ```text
//!   envelope = HPKE to B, purpose "..." || A || B, of: signature (64), message
//!   signature = Alice's, over: context, 0, A (32), B (32), message
//! ```
//!
//! Forwarding fails, because the signature names Bob. Taking over fails, because the signature lies inside, and the
//! seal names Alice. Bob can prove to a judge what Alice wrote; where that is not wanted, use the channel.

use super::sealed::{self, Recipient, RecipientKey, Refused};
use crate::signature::{Context, PublicKey, SIGNATURE_OCTETS, SigningKey};

const CONTEXT: Context = Context("dyno envelope v1 bound");

fn purpose(sender: &PublicKey, recipient: &Recipient) -> Vec<u8> {
    [CONTEXT.0.as_bytes(), sender.octets(), &recipient.octets()].concat()
}

/// Signs and seals `message` from `sender` to `recipient`.
///
/// # Errors
/// [`Refused`] when the recipient's key is of small order.
pub fn seal(sender: &SigningKey, recipient: &Recipient, message: &[u8]) -> Result<Vec<u8>, Refused> {
    let signature = sender.sign(CONTEXT, &[sender.public().octets(), &recipient.octets(), message]);
    sealed::seal(recipient, &purpose(sender.public(), recipient), &[&signature, message].concat())
}

/// Opens an envelope that is expected from `sender`.
///
/// # Errors
/// [`Refused`] when it is not from that sender to this recipient, or was altered.
pub fn open(key: &RecipientKey, sender: &PublicKey, envelope: &[u8]) -> Result<Vec<u8>, Refused> {
    let plain = sealed::open(key, &purpose(sender, key.public()), envelope)?;
    let (signature, message) = plain.split_first_chunk::<SIGNATURE_OCTETS>().ok_or(Refused)?;
    let parts: [&[u8]; 3] = [sender.octets(), &key.public().octets(), message];
    sender.verify(CONTEXT, &parts, signature).map_err(|_| Refused)?;
    Ok(message.to_vec())
}
