//! Which peers are accepted: those with a pinned key, those in a trust file, or those with a certificate of an
//! authority.
//!
//! The file has one entry a line; `#` starts a comment:
//!
//! ```text
//!   peer NAME ed25519:<64 hexadecimal digits>
//!   authority ed25519:<64 hexadecimal digits>
//! ```

use super::credential::{Credential, KeyUsage};
use crate::pipe::error::PipeError;
use crate::signature::{BadKey, PublicKey};

/// A trust file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFileError {
    /// A line has neither of the two forms.
    #[error("line {line}: expected `peer NAME ed25519:HEX` or `authority ed25519:HEX`")]
    Malformed {
        /// The line's number, counted from 1.
        line: usize,
    },
    /// A line holds a key that must not be enrolled.
    #[error("line {line}: {error}")]
    Key {
        /// The line's number, counted from 1.
        line: usize,
        /// Why the key is refused.
        error: BadKey,
    },
    /// A line is no UTF-8.
    #[error("line {line}: not text in UTF-8")]
    NotText {
        /// The line's number, counted from 1.
        line: usize,
    },
    /// The file names neither the peer that we want to reach nor an authority.
    #[error("no key for `{name}` and no authority in the trust file")]
    NoEntry {
        /// The name of the peer that we want to reach.
        name: String,
    },
}

/// The peers that one end accepts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that are accepted without a certificate.
    pub keys: Vec<PublicKey>,
    /// Authorities whose certificates are accepted.
    pub authorities: Vec<PublicKey>,
    /// The name that a certificate must carry; `None`: any.
    pub name: Option<String>,
    /// Accept every key. The peer still proves that it holds it, and is known by it afterwards.
    pub anyone: bool,
}

impl Trust {
    /// Accepts the owner of one pinned key.
    pub fn pinned(key: PublicKey) -> Self {
        Trust { keys: vec![key], ..Trust::default() }
    }

    /// Accepts every key: for servers that serve the public.
    pub fn anyone() -> Self {
        Trust { anyone: true, ..Trust::default() }
    }

    /// Accepts the peers that have a certificate of `authority` with this `name` (`None`: with any name).
    pub fn authority(authority: PublicKey, name: Option<&str>) -> Self {
        Trust { authorities: vec![authority], name: name.map(Into::into), ..Trust::default() }
    }

    /// Reads a trust file. A client gives a `name`, and only the keys of that peer are taken; a server gives none and
    /// takes all.
    ///
    /// # Errors
    /// [`TrustFileError`] with the line.
    pub fn parse(text: &str, name: Option<&str>) -> Result<Self, TrustFileError> {
        let mut trust = Trust { name: name.map(Into::into), ..Trust::default() };
        for (line, content) in (1..).zip(text.lines()) {
            let words: Vec<_> = content.split('#').next().unwrap_or_default().split_whitespace().collect();
            let enrol = |key: &str| key.parse().map_err(|error| TrustFileError::Key { line, error });
            match words[..] {
                [] => {}
                ["authority", key] => trust.authorities.push(enrol(key)?),
                ["peer", whose, key] => {
                    let key = enrol(key)?;
                    if name.is_none_or(|name| name == whose) {
                        trust.keys.push(key);
                    }
                }
                _ => return Err(TrustFileError::Malformed { line }),
            }
        }
        match name {
            Some(name) if trust.keys.is_empty() && trust.authorities.is_empty() => {
                Err(TrustFileError::NoEntry { name: name.into() })
            }
            _ => Ok(trust),
        }
    }

    /// Whether the peer that shows `credential` is accepted for `usage` at `unix_s`.
    ///
    /// # Errors
    /// [`PipeError::UnknownKey`], [`PipeError::Expired`] or [`PipeError::WrongName`].
    pub fn check(&self, credential: &Credential, usage: KeyUsage, unix_s: u64) -> Result<(), PipeError> {
        if self.anyone || self.keys.contains(&credential.key) {
            return Ok(());
        }
        let vouched = self.authorities.iter().any(|authority| credential.is_signed_by(authority));
        let Some(certificate) = credential.certificate.as_ref().filter(|_| vouched) else {
            return Err(PipeError::UnknownKey);
        };
        if !(certificate.not_before_s..=certificate.not_after_s).contains(&unix_s) {
            return Err(PipeError::Expired);
        }
        if certificate.usage != usage || self.name.as_ref().is_some_and(|name| *name != certificate.name) {
            return Err(PipeError::WrongName);
        }
        Ok(())
    }
}
