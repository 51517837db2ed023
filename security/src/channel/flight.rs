//! The sealed part of messages 2 and 3, alike in both kinds of handshake: a label, the transcript and a MAC over both;
//! where it proves who somebody is by a signature, his credential stands in all of it.

use super::formula::{Field, Formula};
use super::message::Suite;
use super::schedule::Secret;
use crate::aead::{OpeningKey, SealingKey};
use crate::digest;
use crate::pipe::error::PipeError;
use crate::signature::Context;
use zeroize::Zeroizing;

/// Each flight has a key of its own that seals nothing else, so the nonce may be the same: number 0 on a base of zeros.
const BASE: [u8; 12] = [0; 12];

/// Values, each with its place in the formulas.
pub(super) type Values<'a> = [(Field, &'a [u8])];

/// What one role's MAC rests on in one kind of handshake.
pub(super) struct Role {
    pub(super) label: Context,
    pub(super) label_field: Field,
    pub(super) transcript_field: Field,
    pub(super) mac: &'static Formula,
}

/// One side's flight in one handshake.
pub(super) struct Flight<'a> {
    pub(super) role: &'static Role,
    pub(super) suite: Suite,
    pub(super) key: &'a Secret,
    pub(super) mac_key: &'a Secret,
    pub(super) transcript: &'a [u8; 32],
}

impl Flight<'_> {
    /// What a signature or MAC covers: label, 0, transcript, then `further`. Every field but the last has a fixed
    /// length.
    pub(super) fn covered(&self, formula: &Formula, further: &Values) -> Vec<u8> {
        let label = [self.role.label.0.as_bytes(), &[0]].concat();
        let own: &Values = &[(self.role.label_field, &label), (self.role.transcript_field, self.transcript)];
        formula.gather(&[own, further].concat()).concat()
    }

    pub(super) fn mac(&self, further: &Values) -> Vec<u8> {
        let covered = self.covered(self.role.mac, further);
        digest::mac(digest::Algorithm::Sha256, &**self.mac_key, &[&covered])
    }

    pub(super) fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, PipeError> {
        let key = SealingKey::new(self.suite.aead(), &**self.key, &BASE);
        let mut key = key.map_err(|_| PipeError::BadMessage)?.with_limit(1);
        key.seal(self.transcript, plain).map_err(|_| PipeError::BadMessage)
    }

    pub(super) fn open(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, PipeError> {
        let key = OpeningKey::new(self.suite.aead(), &**self.key, &BASE);
        let mut key = key.map_err(|_| PipeError::BadMessage)?;
        key.open(self.transcript, sealed).map(Zeroizing::new).map_err(|_| PipeError::BadMessage)
    }
}
