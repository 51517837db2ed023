//! Whom a TLS client takes for its server.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// rustls refuses the certificate, its key, or an authority's certificate.
    #[error("TLS configuration: {0}")]
    Tls(#[from] Error),
    /// There is no authority among the trusted certificates.
    #[error("there is no certificate of an authority among those to trust")]
    NothingToTrust,
    /// The operating system names no authority that could be read.
    #[error("this system has no certificates of authorities")]
    NoSystemAuthorities,
    /// The server's name is neither a DNS name nor an address.
    #[error("`{0}` is neither a DNS name nor an IP address")]
    BadName(String),
}

/// Whom a TLS client takes for its server.
#[derive(Debug, Clone, Copy)]
pub enum ServerTrust<'a> {
    /// A server with a certificate of one of these authorities, or with exactly one of these certificates.
    Certificates(&'a [CertificateDer<'static>]),
    /// A server with a certificate of one of the authorities that the operating system trusts.
    System,
    /// Whoever answers. What is sent can then be read by anybody who is in the way.
    Anyone,
}

impl ServerTrust<'_> {
    pub(super) fn verifier(
        self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, ConfigError> {
        let check = |certificates: &[CertificateDer<'static>]| {
            let built =
                WebPkiServerVerifier::builder_with_provider(roots(certificates)?, Arc::clone(provider))
                    .build();
            built.map_err(|_| ConfigError::NothingToTrust)
        };
        Ok(match self {
            ServerTrust::Certificates(certificates) => {
                Arc::new(Trusted { chains: check(certificates)?, exactly: certificates.to_vec() })
            }
            ServerTrust::System => check(&system_authorities()?)?,
            ServerTrust::Anyone => Arc::new(Unchecked(Arc::clone(provider))),
        })
    }
}

/// The authorities of the operating system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` where these are set. What
/// cannot be read as an authority's certificate is left out, as other programs do.
fn system_authorities() -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let mut found = rustls_native_certs::load_native_certs().certs;
    let mut usable = RootCertStore::empty();
    found.retain(|certificate| usable.add(certificate.clone()).is_ok());
    if found.is_empty() { Err(ConfigError::NoSystemAuthorities) } else { Ok(found) }
}

/// Checks chains, and takes a trusted certificate also from the server itself.
///
/// `openssl req -x509` marks its certificate as an authority's, and no chain may end in one. Who names this very
/// certificate as trusted means the server that shows it: name and validity are checked all the same.
#[derive(Debug)]
struct Trusted {
    chains: Arc<WebPkiServerVerifier>,
    exactly: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain =
            self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match chain {
            // The validity of a certificate is checked before its role (webpki, `verify_cert.rs`).
            Err(Error::InvalidCertificate(error))
                if is_authority_as_server(&error) && self.exactly.iter().any(|known| known == end_entity) =>
            {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

pub(super) fn roots(authorities: &[CertificateDer<'static>]) -> Result<Arc<RootCertStore>, ConfigError> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.clone())?;
    }
    if roots.is_empty() { Err(ConfigError::NothingToTrust) } else { Ok(Arc::new(roots)) }
}

/// Whether a certificate was refused because it is an authority's and a server shows it as its own.
pub(super) fn is_authority_as_server(error: &CertificateError) -> bool {
    // webpki's error is wrapped in one that does not say its kind but by its type.
    let CertificateError::Other(other) = error else { return false };
    other.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
}

/// Takes every certificate. The signature still shows that the peer holds its key, so what is measured is a whole
/// handshake.
#[derive(Debug)]
struct Unchecked(Arc<CryptoProvider>);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
