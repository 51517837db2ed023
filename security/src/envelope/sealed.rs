//! `PK_B(M)`: sealed to a public key, with HPKE (RFC 9180) in base mode: DHKEM(X25519), HKDF-SHA-256 and an AEAD.
//!
//! Anybody can seal to Bob, so an envelope that opens says nothing about its author.

use hpke::aead::{AeadCtxR, AeadCtxS, AesGcm128, AesGcm256, ChaCha20Poly1305};
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable, setup_receiver, setup_sender};
use std::fmt;

/// Octets of a public key and of an encapsulated key.
pub const PUBLIC_OCTETS: usize = 32;

type PrivateOf = <X25519HkdfSha256 as Kem>::PrivateKey;
type PublicOf = <X25519HkdfSha256 as Kem>::PublicKey;
type EncappedOf = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The cipher of an envelope. Those of this crate use the first; the others open messages of other programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// RFC 9180 `aead_id` 3.
    ChaCha20Poly1305,
    /// RFC 9180 `aead_id` 1.
    Aes128Gcm,
    /// RFC 9180 `aead_id` 2.
    Aes256Gcm,
}

/// The key or the message is wrong; nobody can tell which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the envelope does not open")]
pub struct Refused;

/// The public key of a recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient(PublicOf);

impl Recipient {
    /// A recipient from the 32 octets of the public key.
    ///
    /// # Errors
    /// [`Refused`] when there are not 32.
    pub fn parse(octets: &[u8]) -> Result<Self, Refused> {
        PublicOf::from_bytes(octets).map(Recipient).map_err(|_| Refused)
    }

    /// The 32 octets of the public key.
    pub fn octets(&self) -> [u8; PUBLIC_OCTETS] {
        self.0.to_bytes().into()
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipient").field(&self.octets()).finish()
    }
}

/// The private key of a recipient; wiped when dropped.
pub struct RecipientKey {
    private: PrivateOf,
    public: Recipient,
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecipientKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl RecipientKey {
    /// A fresh key.
    ///
    /// # Panics
    /// When the operating system gives no random octets.
    pub fn generate() -> Self {
        let (private, public) = X25519HkdfSha256::gen_keypair();
        RecipientKey { private, public: Recipient(public) }
    }

    /// A key from its 32 octets.
    ///
    /// # Errors
    /// [`Refused`] when there are not 32.
    pub fn parse(octets: &[u8]) -> Result<Self, Refused> {
        let private = PrivateOf::from_bytes(octets).map_err(|_| Refused)?;
        let public = Recipient(X25519HkdfSha256::sk_to_pk(&private));
        Ok(RecipientKey { private, public })
    }

    /// The public half, to which others seal.
    pub fn public(&self) -> &Recipient {
        &self.public
    }
}

/// The sender's side of a sequence of messages. Each has a number, so they open in their order or not at all.
pub struct Sealer(AeadCtxS<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>);

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(secret)")
    }
}

impl Sealer {
    /// Starts a sequence; gives the encapsulated key that the recipient needs. `purpose` must be the same on both
    /// sides.
    ///
    /// # Errors
    /// [`Refused`] when the recipient's key is of small order.
    pub fn new(recipient: &Recipient, purpose: &[u8]) -> Result<([u8; PUBLIC_OCTETS], Self), Refused> {
        let (key, context): (EncappedOf, _) =
            setup_sender(&OpModeS::Base, &recipient.0, purpose).map_err(|_| Refused)?;
        Ok((key.to_bytes().into(), Sealer(context)))
    }

    /// Seals the next message.
    ///
    /// # Errors
    /// [`Refused`] when the sequence is exhausted.
    pub fn seal(&mut self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refused> {
        self.0.seal(plain, associated).map_err(|_| Refused)
    }
}

/// The recipient's side of a sequence.
pub enum Opener {
    /// With ChaCha20-Poly1305.
    ChaCha20Poly1305(Box<AeadCtxR<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>>),
    /// With AES-128-GCM.
    Aes128Gcm(Box<AeadCtxR<AesGcm128, HkdfSha256, X25519HkdfSha256>>),
    /// With AES-256-GCM.
    Aes256Gcm(Box<AeadCtxR<AesGcm256, HkdfSha256, X25519HkdfSha256>>),
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opener(secret)")
    }
}

impl Opener {
    /// Starts from the encapsulated key.
    ///
    /// # Errors
    /// [`Refused`] when it is malformed or of small order.
    pub fn new(
        cipher: Cipher,
        key: &RecipientKey,
        encapsulated: &[u8],
        purpose: &[u8],
    ) -> Result<Self, Refused> {
        let encapsulated = EncappedOf::from_bytes(encapsulated).map_err(|_| Refused)?;
        let (mode, private) = (OpModeR::Base, &key.private);
        Ok(match cipher {
            Cipher::ChaCha20Poly1305 => Opener::ChaCha20Poly1305(Box::new(
                setup_receiver(&mode, private, &encapsulated, purpose).map_err(|_| Refused)?,
            )),
            Cipher::Aes128Gcm => Opener::Aes128Gcm(Box::new(
                setup_receiver(&mode, private, &encapsulated, purpose).map_err(|_| Refused)?,
            )),
            Cipher::Aes256Gcm => Opener::Aes256Gcm(Box::new(
                setup_receiver(&mode, private, &encapsulated, purpose).map_err(|_| Refused)?,
            )),
        })
    }

    /// Opens the next message.
    ///
    /// # Errors
    /// [`Refused`]; the sequence does not advance then.
    pub fn open(&mut self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Refused> {
        match self {
            Opener::ChaCha20Poly1305(context) => context.open(sealed, associated),
            Opener::Aes128Gcm(context) => context.open(sealed, associated),
            Opener::Aes256Gcm(context) => context.open(sealed, associated),
        }
        .map_err(|_| Refused)
    }
}

/// Seals one message: encapsulated key, then ciphertext.
///
/// # Errors
/// [`Refused`] when the recipient's key is of small order.
pub fn seal(recipient: &Recipient, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>, Refused> {
    let (key, mut sealer) = Sealer::new(recipient, purpose)?;
    let mut out = key.to_vec();
    out.extend_from_slice(&sealer.seal(&[], plain)?);
    Ok(out)
}

/// Opens one message.
///
/// # Errors
/// [`Refused`].
pub fn open(key: &RecipientKey, purpose: &[u8], envelope: &[u8]) -> Result<Vec<u8>, Refused> {
    let (encapsulated, sealed) = envelope.split_first_chunk::<PUBLIC_OCTETS>().ok_or(Refused)?;
    Opener::new(Cipher::ChaCha20Poly1305, key, encapsulated, purpose)?.open(&[], sealed)
}
