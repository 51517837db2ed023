//! Which peers are accepted: those with a pinned key, those in a trust file, or those with a certificate of an
//! authority.
//!
//! The file has one entry a line; `#` starts a comment:
//!
//! ```text
//!   peer NAME ed25519:<64 hexadecimal digits>
//!   authority ed25519:<64 hexadecimal digits>
//! ```
//!
//! A client takes the keys of the server that it wants to reach and of no other: `NAME` is the host, or `[host]:port`.
//! An entry with the port counts before one without, and an address's own entry before that of localhost.

use super::credential::{Credential, KeyUsage};
use super::name::{self, PeerName};
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
    #[error("no key for {names} and no authority in the trust file")]
    NoEntry {
        /// The names of the peer that we want to reach.
        names: String,
    },
}

/// The peers that one end accepts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys that are accepted without a certificate.
    pub keys: Vec<PublicKey>,
    /// The names of such keys, in their canonical form; a key may have several. One that has none is known by itself.
    pub named: Vec<(String, PublicKey)>,
    /// Authorities whose certificates are accepted.
    pub authorities: Vec<PublicKey>,
    /// The names of which a certificate must carry one; none: any name will do.
    pub names: Vec<String>,
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

    /// Accepts the peers that have a certificate of `authority` with a name of `name` (`None`: with any name).
    pub fn authority(authority: PublicKey, name: Option<&PeerName>) -> Self {
        Trust { authorities: vec![authority], names: names_of(name), ..Trust::default() }
    }

    /// Reads a trust file. A client gives a `name`, and only the keys of that peer are taken; a server gives none and
    /// takes all.
    ///
    /// # Errors
    /// [`TrustFileError`] with the line.
    pub fn parse(text: &str, name: Option<&PeerName>) -> Result<Self, TrustFileError> {
        let mut trust = Trust { names: names_of(name), ..Trust::default() };
        // How exact the entries are that were taken: the place of their name among those of the peer.
        let mut taken = usize::MAX;
        for (line, content) in (1..).zip(text.lines()) {
            let words: Vec<_> = content.split('#').next().unwrap_or_default().split_whitespace().collect();
            let enrol = |key: &str| key.parse().map_err(|error| TrustFileError::Key { line, error });
            match words[..] {
                [] => {}
                ["authority", key] => trust.authorities.push(enrol(key)?),
                ["peer", whose, key] => {
                    let (key, whose) = (enrol(key)?, name::canonical(whose));
                    let exact = match name {
                        None => Some(0),
                        Some(_) => trust.names.iter().position(|name| *name == whose),
                    };
                    match exact {
                        Some(exact) if exact <= taken => {
                            if exact < taken {
                                trust.keys.clear();
                                trust.named.clear();
                            }
                            taken = exact;
                            trust.keys.push(key);
                            trust.named.push((whose, key));
                        }
                        Some(_) | None => {}
                    }
                }
                _ => return Err(TrustFileError::Malformed { line }),
            }
        }
        if !trust.names.is_empty() && trust.keys.is_empty() && trust.authorities.is_empty() {
            let quoted: Vec<_> = trust.names.iter().map(|name| format!("`{name}`")).collect();
            return Err(TrustFileError::NoEntry { names: quoted.join(" or ") });
        }
        Ok(trust)
    }

    /// Accepts the peer that shows `credential` for `usage` at `unix_s`, or not.
    ///
    /// # Returns
    /// The peer's names in their canonical form: those of its key, or that of its certificate. A peer that is accepted
    /// because everybody is has none.
    ///
    /// # Errors
    /// [`PipeError::UnknownKey`], [`PipeError::Expired`] or [`PipeError::WrongName`].
    pub fn check(
        &self,
        credential: &Credential,
        usage: KeyUsage,
        unix_s: u64,
    ) -> Result<Vec<String>, PipeError> {
        match self.recognise(credential, usage, unix_s) {
            Err(_) if self.anyone => Ok(Vec::new()),
            result => result,
        }
    }

    /// The last second at which a peer that was accepted with `credential` is accepted for the same reason.
    pub(crate) fn until_s(&self, credential: &Credential) -> u64 {
        match &credential.certificate {
            Some(certificate) if !self.keys.contains(&credential.key) => certificate.not_after_s,
            Some(_) | None => u64::MAX,
        }
    }

    fn recognise(
        &self,
        credential: &Credential,
        usage: KeyUsage,
        unix_s: u64,
    ) -> Result<Vec<String>, PipeError> {
        let key = &credential.key;
        if self.keys.contains(key) {
            let names = self.named.iter().filter(|(_, known)| known == key).map(|(name, _)| name.clone());
            let mut names: Vec<_> = names.collect();
            if names.is_empty() {
                names.push(key.to_string());
            }
            return Ok(names);
        }
        let vouched = self.authorities.iter().any(|authority| credential.is_signed_by(authority));
        let Some(certificate) = credential.certificate.as_ref().filter(|_| vouched) else {
            return Err(PipeError::UnknownKey);
        };
        if !(certificate.not_before_s..=certificate.not_after_s).contains(&unix_s) {
            return Err(PipeError::Expired);
        }
        let name = name::canonical(&certificate.name);
        let is_named = self.names.is_empty() || self.names.contains(&name);
        if certificate.usage != usage || !is_named {
            return Err(PipeError::WrongName);
        }
        Ok(vec![name])
    }
}

fn names_of(name: Option<&PeerName>) -> Vec<String> {
    name.map_or_else(Vec::new, |name| name.names().to_vec())
}
