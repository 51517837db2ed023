//! A credential says who a peer is: it is a public key, alone or with a small certificate of an authority.
//!
//! ```text
//!   credential  = kind (1): 0 bare, 1 certified; key (32); [certificate]
//!   certificate = usage (1); not before (8); not after (8); name length (1); name; authority's signature (64)
//! ```
//! Times are seconds since 1970, big endian; the signature covers the key and everything of the certificate before it.

use crate::limits;
use crate::signature::{Context, PUBLIC_OCTETS, PublicKey, SIGNATURE_OCTETS, SigningKey};
use std::fmt;

/// The context of an authority's signature, so that it counts for nothing but certificates.
const CONTEXT: Context = Context("dyno channel v1 certificate");

/// What a certified key may be used for. A client's certificate never passes for a server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum KeyUsage {
    /// The key belongs to a server, which responds.
    Serve = 1,
    /// The key belongs to a client, which initiates.
    Connect = 2,
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyUsage::Serve => "serve",
            KeyUsage::Connect => "connect",
        })
    }
}

/// An authority's signed statement about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// What the key may be used for.
    pub usage: KeyUsage,
    /// The first second of validity, counted from 1970.
    pub not_before_s: u64,
    /// The last second of validity, counted from 1970.
    pub not_after_s: u64,
    /// The name of the key's owner: 1 to 255 octets of UTF-8.
    pub name: String,
    signature: [u8; SIGNATURE_OCTETS],
}

/// The caller gave a name that is empty or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name in a certificate has 1 to 255 octets")]
pub struct BadName;

/// What one side of the channel shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The public half of the identity key.
    pub key: PublicKey,
    /// The certificate, if an authority vouches for the key.
    pub certificate: Option<Certificate>,
}

fn statement(key: &PublicKey, usage: KeyUsage, not_before_s: u64, not_after_s: u64, name: &str) -> Vec<u8> {
    let mut out = key.octets().to_vec();
    out.push(usage as u8);
    out.extend_from_slice(&not_before_s.to_be_bytes());
    out.extend_from_slice(&not_after_s.to_be_bytes());
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
    out
}

impl Credential {
    /// A key without a certificate.
    pub fn bare(key: PublicKey) -> Self {
        Credential { key, certificate: None }
    }

    /// A key that `authority` vouches for.
    ///
    /// # Errors
    /// [`BadName`].
    pub fn certify(
        authority: &SigningKey,
        key: PublicKey,
        usage: KeyUsage,
        name: &str,
        not_before_s: u64,
        not_after_s: u64,
    ) -> Result<Self, BadName> {
        if name.is_empty() || name.len() > limits::NAME_OCTETS {
            return Err(BadName);
        }
        let signature = authority.sign(CONTEXT, &[&statement(&key, usage, not_before_s, not_after_s, name)]);
        Ok(Credential {
            key,
            certificate: Some(Certificate { usage, not_before_s, not_after_s, name: name.into(), signature }),
        })
    }

    /// Whether `authority` signed the certificate. False without a certificate.
    pub fn is_signed_by(&self, authority: &PublicKey) -> bool {
        self.certificate.as_ref().is_some_and(|c| {
            let said = statement(&self.key, c.usage, c.not_before_s, c.not_after_s, &c.name);
            authority.verify(CONTEXT, &[&said], &c.signature).is_ok()
        })
    }

    /// The octets of the credential, as they go over the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.certificate.is_some())];
        match &self.certificate {
            None => out.extend_from_slice(self.key.octets()),
            Some(c) => {
                out.extend_from_slice(&statement(&self.key, c.usage, c.not_before_s, c.not_after_s, &c.name));
                out.extend_from_slice(&c.signature);
            }
        }
        out
    }

    /// Parses a credential that ends where `octets` end; `None` when it is malformed or its key may not be enrolled.
    pub fn parse(octets: &[u8]) -> Option<Self> {
        let (&kind, rest) = octets.split_first()?;
        let (key, rest) = rest.split_first_chunk::<PUBLIC_OCTETS>()?;
        let key = PublicKey::enrol(key).ok()?;
        match kind {
            0 => rest.is_empty().then_some(Credential::bare(key)),
            1 => Some(Credential { key, certificate: Some(parse_certificate(rest)?) }),
            _ => None,
        }
    }
}

/// One line for a log, whatever characters the name has.
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.key)?;
        match &self.certificate {
            Some(certificate) => write!(f, " with a certificate for {:?}", certificate.name),
            None => Ok(()),
        }
    }
}

fn parse_certificate(octets: &[u8]) -> Option<Certificate> {
    let (&usage, rest) = octets.split_first()?;
    let usage = [KeyUsage::Serve, KeyUsage::Connect].into_iter().find(|&u| u as u8 == usage)?;
    let (not_before, rest) = rest.split_first_chunk()?;
    let (not_after, rest) = rest.split_first_chunk()?;
    let (&length, rest) = rest.split_first()?;
    let (name, signature) = rest.split_at_checked(usize::from(length))?;
    if name.is_empty() {
        return None;
    }
    Some(Certificate {
        usage,
        not_before_s: u64::from_be_bytes(*not_before),
        not_after_s: u64::from_be_bytes(*not_after),
        name: std::str::from_utf8(name).ok()?.into(),
        signature: signature.try_into().ok()?,
    })
}
