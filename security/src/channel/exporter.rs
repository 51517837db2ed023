//! Keys for the application, from the secrets of a session: as RFC 8446, 7.5, and RFC 5705 have it for TLS.
//!
//! Both ends get the same octets for the same label and context, nobody else gets them, and octets under another label,
//! context or length tell nothing about them. An application that signs or encrypts them binds itself to this session.

use super::formula::{CTX_EXPORT, CTX_RESUMPTION};
use super::schedule::Secret;
use crate::digest::sha256;
use crate::kdf::Prk;

/// The most octets that HKDF-SHA-256 gives.
const MOST_OCTETS: usize = 255 * 32;

/// Why nothing was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotExport {
    /// The handshake is not done, or the session has failed.
    #[error("a session exports keys once both sides have accepted")]
    NotEstablished,
    /// The label has no octet or too many.
    #[error("a label has 1 to 255 octets")]
    BadLabel,
    /// No octets were asked for, or too many.
    #[error("1 to 8160 octets can be exported")]
    BadLength,
}

/// The secret from which keys for the application come.
#[derive(Debug)]
pub struct Exporter(Secret);

impl Exporter {
    /// From the third secret of the traffic schedule.
    pub fn new(secret: Secret) -> Self {
        Exporter(secret)
    }

    /// The secret by which a later session proves that it is of the same two.
    pub(crate) fn resumption(&self) -> Secret {
        Prk::from_uniform(&self.0).derive(CTX_RESUMPTION.as_bytes())
    }

    /// Fills `out` with the octets for `label` and `context`.
    ///
    /// # Errors
    /// [`CannotExport::BadLabel`] or [`CannotExport::BadLength`].
    pub fn export(&self, label: &str, context: &[u8], out: &mut [u8]) -> Result<(), CannotExport> {
        let label_octets = u8::try_from(label.len()).map_err(|_| CannotExport::BadLabel)?;
        let length = u16::try_from(out.len()).map_err(|_| CannotExport::BadLength)?;
        if label.is_empty() {
            return Err(CannotExport::BadLabel);
        }
        if out.is_empty() || out.len() > MOST_OCTETS {
            return Err(CannotExport::BadLength);
        }
        let info = [
            CTX_EXPORT.as_bytes(),
            &[0, label_octets],
            label.as_bytes(),
            &sha256(&[context]),
            &length.to_be_bytes(),
        ];
        Prk::from_uniform(&self.0).expand(&info.concat(), out).map_err(|_| CannotExport::BadLength)
    }
}
