//! The exchange of ephemeral keys: X25519 alone, or with ML-KEM-768 beside it. Whoever breaks one of the two has not
//! yet got the secret of a hybrid one.

use super::message::Suite;
use crate::dh::{self, EphemeralKey};
use crate::kem;
use crate::pipe::error::PipeError;
use crate::secret::Secret;
use std::ops::Deref;

/// What both sides agree upon: the secret of ML-KEM, if it takes part, then that of X25519.
pub(crate) struct Agreed {
    octets: Secret<{ kem::SECRET_OCTETS + dh::OCTETS }>,
    is_hybrid: bool,
}

impl Agreed {
    fn new(kem: Option<&kem::SharedSecret>, dh: &dh::SharedSecret) -> Self {
        let mut octets = Secret::zeros();
        if let Some(kem) = kem {
            octets[..kem::SECRET_OCTETS].copy_from_slice(&**kem);
        }
        octets[kem::SECRET_OCTETS..].copy_from_slice(&**dh);
        Agreed { octets, is_hybrid: kem.is_some() }
    }
}

impl Deref for Agreed {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.is_hybrid { &*self.octets } else { &self.octets[kem::SECRET_OCTETS..] }
    }
}

/// The keys of the side that speaks first, each for one agreement.
#[derive(Debug)]
pub(crate) struct Offer {
    dh: EphemeralKey,
    kem: Option<kem::PrivateKey>,
}

/// The public values of the side that answers.
pub(crate) struct PublicAnswer {
    pub(crate) gy: [u8; dh::OCTETS],
    pub(crate) ct: Option<Box<[u8; kem::CIPHERTEXT_OCTETS]>>,
}

impl Offer {
    /// Fresh keys; one for ML-KEM only if it is wanted, because it costs time and 1,184 octets.
    ///
    /// # Errors
    /// [`PipeError::NoRandomness`].
    pub(crate) fn generate(with_kem: bool) -> Result<Self, PipeError> {
        let dh = EphemeralKey::generate().map_err(|_| PipeError::NoRandomness)?;
        let kem = with_kem.then(kem::PrivateKey::generate).transpose();
        Ok(Offer { dh, kem: kem.map_err(|_| PipeError::NoRandomness)? })
    }

    pub(crate) fn gx(&self) -> &[u8; dh::OCTETS] {
        self.dh.public()
    }

    pub(crate) fn kem_key(&self) -> Option<&[u8; kem::PUBLIC_OCTETS]> {
        self.kem.as_ref().map(kem::PrivateKey::public)
    }

    /// Agrees with the side that has answered under `suite`; the private keys are used up.
    ///
    /// # Errors
    /// [`PipeError::BadMessage`].
    pub(crate) fn agree(
        self,
        suite: Suite,
        gy: &[u8; dh::OCTETS],
        ct: Option<&[u8; kem::CIPHERTEXT_OCTETS]>,
    ) -> Result<Agreed, PipeError> {
        let kem = match (suite.is_hybrid(), self.kem, ct) {
            (false, _, None) => None,
            (true, Some(key), Some(ct)) => Some(key.decapsulate(ct)),
            _ => return Err(PipeError::BadMessage),
        };
        let dh = self.dh.agree(gy).map_err(|_| PipeError::BadMessage)?;
        Ok(Agreed::new(kem.as_ref(), &dh))
    }
}

/// Answers an offer under `suite`.
///
/// # Errors
/// [`PipeError::BadMessage`] when a public key is refused, [`PipeError::NoRandomness`].
pub(crate) fn answer(
    suite: Suite,
    gx: &[u8; dh::OCTETS],
    kem_key: Option<&[u8; kem::PUBLIC_OCTETS]>,
) -> Result<(PublicAnswer, Agreed), PipeError> {
    let dh = EphemeralKey::generate().map_err(|_| PipeError::NoRandomness)?;
    let gy = *dh.public();
    let dh = dh.agree(gx).map_err(|_| PipeError::BadMessage)?;
    if !suite.is_hybrid() {
        return Ok((PublicAnswer { gy, ct: None }, Agreed::new(None, &dh)));
    }
    let key = kem_key.ok_or(PipeError::BadMessage)?;
    let (ct, kem) = kem::encapsulate(key).map_err(|error| match error {
        kem::CannotEncapsulate::NoRandomness => PipeError::NoRandomness,
        kem::CannotEncapsulate::BadKey => PipeError::BadMessage,
    })?;
    Ok((PublicAnswer { gy, ct: Some(ct) }, Agreed::new(Some(&kem), &dh)))
}
