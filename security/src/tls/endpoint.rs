//! The two ends of TLS. Each makes a [`TlsSession`] for each of its connections.

use super::certificate::Certified;
use super::session::TlsSession;
use super::trust::{ConfigError, ServerTrust, roots};
use crate::half_open::HalfOpen;
use crate::limits;
use crate::pipe::{Acceptor, Connector, Pipe};
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, ServerConfig};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// The protocol of RFC 7301 that both sides name.
const ALPN: &[u8] = b"http/1.1";

/// The cryptography of TLS, which is chosen only here.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The server's side, which makes a session for each connection that it accepts.
#[derive(Debug, Clone)]
pub struct TlsServer {
    config: Arc<ServerConfig>,
    half_open: HalfOpen,
}

impl TlsServer {
    /// A server with this certificate. With `client_authorities`, clients must show a certificate of one of them.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(
        certified: Certified,
        client_authorities: Option<&[CertificateDer<'static>]>,
    ) -> Result<Self, ConfigError> {
        let builder = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?;
        let builder = match client_authorities {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots(authorities)?, provider()).build();
                builder.with_client_cert_verifier(verifier.map_err(|_| ConfigError::NothingToTrust)?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(certified.into_resolver()?));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(TlsServer { config: Arc::new(config), half_open: HalfOpen::new(limits::HALF_OPEN_HANDSHAKES) })
    }

    /// A session for a connection that was accepted at `now`, from nobody knows where.
    pub fn session(&self, now: Instant) -> TlsSession {
        self.session_from(None, now)
    }

    /// A session for a connection that was accepted at `now` from `source`, which has a share of the handshakes under
    /// way ([`limits::HALF_OPEN_HANDSHAKES`]).
    pub fn session_from(&self, source: Option<IpAddr>, now: Instant) -> TlsSession {
        TlsSession::server(Arc::clone(&self.config), self.half_open.door(source), now)
    }
}

impl Acceptor for TlsServer {
    fn accept_from(&self, source: Option<IpAddr>, now: Instant) -> Box<dyn Pipe> {
        Box::new(self.session_from(source, now))
    }
}

/// The client's side, which makes a session for each connection that it opens.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    checks_server: bool,
}

impl TlsClient {
    /// A client that trusts `authorities` and expects a certificate for `name` (a DNS name or an address). With
    /// `certified` it shows a certificate of its own.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(
        authorities: &[CertificateDer<'static>],
        name: &str,
        certified: Option<Certified>,
    ) -> Result<Self, ConfigError> {
        TlsClient::trusting(ServerTrust::Certificates(authorities), name, certified)
    }

    /// A client that takes for its server whom `trust` says, and otherwise as [`TlsClient::new`].
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn trusting(
        trust: ServerTrust<'_>,
        name: &str,
        certified: Option<Certified>,
    ) -> Result<Self, ConfigError> {
        let provider = provider();
        let verifier = trust.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let mut config = match certified {
            None => builder.with_no_client_auth(),
            Some(certified) => builder.with_client_cert_resolver(Arc::new(certified.into_resolver()?)),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = Resumption::disabled();
        let name = ServerName::try_from(name.to_owned()).map_err(|_| ConfigError::BadName(name.into()))?;
        let checks_server = !matches!(trust, ServerTrust::Anyone);
        Ok(TlsClient { config: Arc::new(config), name, checks_server })
    }

    /// A session for a connection that was opened at `now`.
    pub fn session(&self, now: Instant) -> TlsSession {
        TlsSession::client(Arc::clone(&self.config), self.name.clone(), now)
    }
}

impl Connector for TlsClient {
    fn connect(&self, now: Instant) -> Box<dyn Pipe> {
        Box::new(self.session(now))
    }

    fn checks_server(&self) -> bool {
        self.checks_server
    }
}
