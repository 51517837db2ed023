//! Certificates from files, and throw-away ones made on the spot by rcgen.

use crate::signature::SigningKey;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// A certificate chain (leaf first) and the private key of the leaf.
pub struct Certified {
    /// DER certificates, the leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the leaf: PKCS#8, wiped when dropped.
    pub key: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Certified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certified").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Certified {
    /// What rustls shows and signs with.
    ///
    /// # Errors
    /// What rustls says of a key that it cannot use, or that does not belong to the certificate.
    pub(super) fn into_resolver(self) -> Result<SingleCertAndKey, rustls::Error> {
        // rustls takes a borrowed document here; one that it owned would not be wiped.
        let document = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.as_slice()));
        let certified = CertifiedKey::new(self.chain, any_supported_type(&document)?);
        match certified.keys_match() {
            // For a key whose public half it cannot tell, rustls itself goes on as well.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(SingleCertAndKey::from(certified))
            }
            Err(error) => Err(error),
        }
    }
}

/// The side of a connection that may show a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertifiedSide {
    /// The server.
    Server,
    /// The client.
    Client,
}

/// An authority for demonstrations and measurements. Its key exists in memory only.
pub struct ThrowAwayAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl std::fmt::Debug for ThrowAwayAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ThrowAwayAuthority(secret)")
    }
}

/// The caller gave a name that no certificate can carry, or the system has no random octets.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}")]
pub struct CannotMake(#[from] rcgen::Error);

/// An Ed25519 key that rcgen signs with and writes in the form in which it is made here; its own form is one that
/// OpenSSL 3.0 does not read.
fn fresh_key() -> Result<(KeyPair, Zeroizing<Vec<u8>>), CannotMake> {
    let (_, document) = SigningKey::generate();
    let borrowed = PrivatePkcs8KeyDer::from(document.as_slice());
    Ok((KeyPair::from_pkcs8_der_and_sign_algo(&borrowed, &PKCS_ED25519)?, document))
}

impl ThrowAwayAuthority {
    /// A fresh Ed25519 authority.
    ///
    /// # Errors
    /// [`CannotMake`].
    pub fn generate() -> Result<Self, CannotMake> {
        let (key, _) = fresh_key()?;
        let mut params = CertificateParams::new(Vec::new())?;
        // Named after its key: with one name for all of them, a client that trusts another one would report a broken
        // signature.
        let key_name = crate::digest::sha256(&[key.public_key_raw()]);
        let name = format!(
            "Dyno throw-away authority {:08x}",
            u32::from_be_bytes(*key_name.first_chunk().expect("32 octets"))
        );
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?;
        Ok(ThrowAwayAuthority { issuer: Issuer::new(params, key), certificate })
    }

    /// The authority's own certificate in DER, which the other side must trust.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// A fresh Ed25519 certificate for these names and addresses, for one side alone: it is valid from an hour ago, for
    /// clocks that are behind, until so many days from now.
    ///
    /// # Errors
    /// [`CannotMake`].
    pub fn issue_for(&self, names: &[&str], side: CertifiedSide, days: u32) -> Result<Certified, CannotMake> {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let begin = rcgen::date_time_ymd(1970, 1, 1);
        self.sign(names, |params| {
            params.not_before = begin + unix.saturating_sub(Duration::from_secs(3600));
            params.not_after = begin + unix + Duration::from_secs(u64::from(days) * 86_400);
            params.extended_key_usages = vec![match side {
                CertifiedSide::Server => ExtendedKeyUsagePurpose::ServerAuth,
                CertifiedSide::Client => ExtendedKeyUsagePurpose::ClientAuth,
            }];
        })
    }

    /// A fresh Ed25519 certificate for these names and addresses, good for servers and clients at any time; for
    /// measurements.
    ///
    /// # Errors
    /// [`CannotMake`].
    pub fn issue(&self, names: &[&str]) -> Result<Certified, CannotMake> {
        self.issue_valid(names, 1975, 4096)
    }

    /// The same, valid from the first day of `from_year` to the first day of `until_year`.
    ///
    /// # Errors
    /// [`CannotMake`].
    pub fn issue_valid(
        &self,
        names: &[&str],
        from_year: i32,
        until_year: i32,
    ) -> Result<Certified, CannotMake> {
        self.sign(names, |params| {
            params.not_before = rcgen::date_time_ymd(from_year, 1, 1);
            params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        })
    }

    fn sign(
        &self,
        names: &[&str],
        set: impl FnOnce(&mut CertificateParams),
    ) -> Result<Certified, CannotMake> {
        let (key, document) = fresh_key()?;
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("dyno"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        set(&mut params);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Certified { chain: vec![certificate.der().clone()], key: document })
    }
}
