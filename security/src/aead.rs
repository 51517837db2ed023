//! Authenticated encryption with associated data (RFC 5116): AES-GCM and ChaCha20-Poly1305.
//!
//! A nonce used twice under one key gives the attacker the XOR of both plaintexts, and with AES-GCM the key that makes
//! tags. So a [`SealingKey`] counts for itself, cannot be cloned, and stops for good before a number could come again.
//!
//! What it does not give: the length of a message stays visible, and an old message opens again unless the receiver
//! keeps count ([`OpeningKey::open_in_place`] does; for messages that stand alone see [`crate::replay`]).

use crate::limits;
use crate::secret::{Secret, overwrite, wipe_stack};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

/// Octets that sealing adds.
pub const TAG_OCTETS: usize = 16;
/// Octets of a nonce.
pub(crate) const NONCE_OCTETS: usize = 12;

/// Which cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// 16 octets of key; for interoperation, the channel does not offer it.
    Aes128Gcm,
    /// 32 octets of key; the faster one where the processor has AES instructions.
    Aes256Gcm,
    /// 32 octets of key; the faster one elsewhere (RFC 8439).
    ChaCha20Poly1305,
}

impl Algorithm {
    fn ring(self) -> &'static ring::aead::Algorithm {
        match self {
            Algorithm::Aes128Gcm => &AES_128_GCM,
            Algorithm::Aes256Gcm => &AES_256_GCM,
            Algorithm::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        }
    }

    /// Octets of its key.
    pub fn key_octets(self) -> usize {
        self.ring().key_len()
    }
}

/// Our misuse: key or nonce of a length that the algorithm does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an AEAD key or nonce of the wrong length")]
pub struct InvalidKey;

/// The key has sealed as many messages as it safely may; take a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key has sealed its last message; take a new key")]
pub struct Exhausted;

/// The message was not sealed with this key, number and associated data, or was altered. It cannot be known which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message does not open")]
pub struct Refused;

/// Key and base nonce; message `number` uses the nonce `base XOR number` (RFC 8446, 5.3). Both are overwritten when
/// they are dropped.
struct Numbered {
    key: Box<LessSafeKey>,
    base: Secret<NONCE_OCTETS>,
}

impl Drop for Numbered {
    fn drop(&mut self) {
        wipe_stack();
        overwrite_with_zeros(&mut self.key);
    }
}

/// Makes a key object. The largest of ring's keys decides how large all are. What a smaller one leaves unused comes
/// from the stack, with whatever lies there, such as the key of a record that was opened before. So the caller wipes
/// the stack first, and this is never a part of it: its own variables would lie above what was wiped.
#[inline(never)]
fn boxed(algorithm: &'static ring::aead::Algorithm, key: &[u8]) -> Result<Box<LessSafeKey>, InvalidKey> {
    let key = UnboundKey::new(algorithm, key).map_err(|_| InvalidKey)?;
    Ok(Box::new(LessSafeKey::new(key)))
}

/// Writes a key of zeros over `key`. As with [`boxed`].
#[inline(never)]
fn overwrite_with_zeros(key: &mut LessSafeKey) {
    let algorithm = key.algorithm();
    if let Ok(zeros) = UnboundKey::new(algorithm, &[0; 32][..algorithm.key_len()]) {
        overwrite(key, LessSafeKey::new(zeros));
    }
}

impl Numbered {
    fn new(algorithm: Algorithm, key: &[u8], base: &[u8]) -> Result<Self, InvalidKey> {
        if base.len() != NONCE_OCTETS {
            return Err(InvalidKey);
        }
        wipe_stack();
        Ok(Numbered { key: boxed(algorithm.ring(), key)?, base: Secret::copy_of(base) })
    }

    fn nonce(&self, number: u64) -> Nonce {
        let mut nonce = *self.base;
        for (octet, count) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
            *octet ^= count;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// A key that seals, and never twice with one number. Neither `Clone` nor `Copy`, on purpose.
pub struct SealingKey {
    numbered: Numbered,
    next: u64,
    end: u64,
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SealingKey").field("next", &self.next).field("end", &self.end).finish_non_exhaustive()
    }
}

impl SealingKey {
    /// A key that starts at number 0. `key` and `base` must not have been given to another sealing key before.
    ///
    /// # Errors
    /// [`InvalidKey`] when a length does not fit the algorithm.
    pub fn new(algorithm: Algorithm, key: &[u8], base: &[u8]) -> Result<Self, InvalidKey> {
        Ok(SealingKey { numbered: Numbered::new(algorithm, key, base)?, next: 0, end: limits::AEAD_MESSAGES })
    }

    /// The same, and stops after `messages` messages (never later than [`limits::AEAD_MESSAGES`]).
    #[must_use]
    pub fn with_limit(mut self, messages: u64) -> Self {
        self.end = messages.min(limits::AEAD_MESSAGES);
        self
    }

    /// The number that the next message gets.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Encrypts `data` in place and returns its tag; `associated` is authenticated with it but not sent.
    ///
    /// # Errors
    /// [`Exhausted`] when the key has done its share; `data` is untouched then.
    pub fn seal_in_place(
        &mut self,
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_OCTETS], Exhausted> {
        if self.next >= self.end {
            return Err(Exhausted);
        }
        let nonce = self.numbered.nonce(self.next);
        // Counted before it is used: whatever happens below, this number is gone.
        self.next += 1;
        let tag = self
            .numbered
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(associated), data)
            .map_err(|_| Exhausted)?;
        let mut out = [0; TAG_OCTETS];
        out.copy_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Seals `plain` into a fresh vector: ciphertext, then tag.
    ///
    /// # Errors
    /// As [`SealingKey::seal_in_place`].
    pub fn seal(&mut self, associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, Exhausted> {
        let mut out = Vec::with_capacity(plain.len() + TAG_OCTETS);
        out.extend_from_slice(plain);
        let tag = self.seal_in_place(associated, &mut out)?;
        out.extend_from_slice(&tag);
        Ok(out)
    }
}

/// A key that opens. In order by default; [`OpeningKey::open_in_place_at`] serves messages that stand alone.
pub struct OpeningKey {
    numbered: Numbered,
    next: u64,
}

impl std::fmt::Debug for OpeningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpeningKey").field("next", &self.next).finish_non_exhaustive()
    }
}

impl OpeningKey {
    /// The counterpart of [`SealingKey::new`].
    ///
    /// # Errors
    /// [`InvalidKey`] when a length does not fit the algorithm.
    pub fn new(algorithm: Algorithm, key: &[u8], base: &[u8]) -> Result<Self, InvalidKey> {
        Ok(OpeningKey { numbered: Numbered::new(algorithm, key, base)?, next: 0 })
    }

    /// The number that the next message must have.
    pub fn next_number(&self) -> u64 {
        self.next
    }

    /// Opens the next message in order: `data` is ciphertext and tag; returns how many octets of it are plaintext now.
    ///
    /// # Errors
    /// [`Refused`]; `data` holds nothing of use then, and the expected number stays.
    pub fn open_in_place(&mut self, associated: &[u8], data: &mut [u8]) -> Result<usize, Refused> {
        let count = self.open_in_place_at(self.next, associated, data)?;
        self.next = self.next.checked_add(1).ok_or(Refused)?;
        Ok(count)
    }

    /// Opens the next message in order, whose ciphertext and tag begin at `at` and are the rest of `data`. The
    /// plaintext goes to the beginning of `data`, so that messages that lie behind each other become one text.
    ///
    /// # Errors
    /// [`Refused`]; `data` holds nothing of use then, and the expected number stays.
    pub fn open_within(&mut self, associated: &[u8], data: &mut [u8], at: usize) -> Result<usize, Refused> {
        let nonce = self.numbered.nonce(self.next);
        let opened = self.numbered.key.open_within(nonce, Aad::from(associated), data, at..);
        let count = opened.map_err(|_| Refused)?.len();
        self.next = self.next.checked_add(1).ok_or(Refused)?;
        Ok(count)
    }

    /// Opens message `number`, whatever was opened before. The caller keeps replays out.
    ///
    /// # Errors
    /// [`Refused`]; `data` holds nothing of use then.
    pub fn open_in_place_at(
        &self,
        number: u64,
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<usize, Refused> {
        let nonce = self.numbered.nonce(number);
        let plain =
            self.numbered.key.open_in_place(nonce, Aad::from(associated), data).map_err(|_| Refused)?;
        Ok(plain.len())
    }

    /// Opens the next message in order into a fresh vector.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn open(&mut self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Refused> {
        let mut data = sealed.to_vec();
        let count = self.open_in_place(associated, &mut data)?;
        data.truncate(count);
        Ok(data)
    }
}
