//! Certificates from files, and throw-away ones made on the spot by rcgen.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate chain (leaf first) and the private key of the leaf.
#[derive(Debug)]
pub struct Certified {
    /// DER certificates, the leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the leaf.
    pub key: PrivateKeyDer<'static>,
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

impl ThrowAwayAuthority {
    /// A fresh Ed25519 authority.
    ///
    /// # Errors
    /// [`CannotMake`].
    pub fn generate() -> Result<Self, CannotMake> {
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
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

    /// A fresh Ed25519 certificate for these names and addresses, good for servers and clients.
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
        let key = KeyPair::generate_for(&PKCS_ED25519)?;
        let mut params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("dyno"));
        params.not_before = rcgen::date_time_ymd(from_year, 1, 1);
        params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(Certified { chain: vec![certificate.der().clone()], key })
    }
}
