//! From files to pipes: the keys and certificates that say who we are, and the files that say whom we trust.
//!
//! A *credentials directory*, made by [`create`], holds everything for both secure transports and both sides:
//!
//! ```text
//!   channel-server.key  channel-client.key  trust          the channel: PKCS#8 keys, and who may be trusted
//!   channel-server.cert channel-client.cert                the channel: certificates, where an authority gave them
//!   tls-server.key      tls-server.pem      authority.pem  TLS: key and certificate of the server, and their authority
//!   tls-client.key      tls-client.pem                     TLS: the same for a client
//! ```

use crate::channel;
use crate::channel::certificate::{self, CertificateError};
use crate::channel::config::{Config, Identity};
use crate::channel::credential::KeyUsage;
use crate::channel::message::Suite;
use crate::channel::name::PeerName;
use crate::channel::trust::{Trust, TrustFileError};
use crate::files::{self, FileError, Guard};
use crate::limits;
use crate::pipe::{Acceptor, Connector};
use crate::signature::keyfile::{self, KeyFileError};
use crate::signature::{PublicKey, SigningKey};
use crate::tls;
use crate::tls::certificate::{CannotMake, Certified, CertifiedSide, ThrowAwayAuthority};
use crate::tls::trust::ServerTrust;
use crate::transport::Transport;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The name under which a credentials directory knows its server, and its certificates' first name.
pub const SERVER_NAME: &str = "localhost";

/// Why a transport cannot be set up from the files that were named.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A certificate of the channel cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A private key file cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// Another file cannot be read or written, or others than its owner can write it.
    #[error(transparent)]
    File(#[from] FileError),
    /// The directory cannot be made.
    #[error("{path}: {error}", path = .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A file that should hold certificates holds none.
    #[error("{path}: no certificate in PEM form here", path = .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A trust file of the channel cannot be used.
    #[error("{path}: {error}", path = .path.display())]
    TrustFile {
        /// The file.
        path: PathBuf,
        /// The line that is wrong, and why.
        error: TrustFileError,
    },
    /// A client was given neither a trust file nor a key to pin, so it could not tell its server from any other.
    #[error("the client has nobody to trust: it knows neither a key nor an authority of its server")]
    NobodyToTrust,
    /// A certificate was given without the private key that belongs to it.
    #[error("a certificate cannot be used without its private key")]
    NoKey,
    /// rustls does not accept the certificates, the key or the server's name.
    #[error(transparent)]
    Tls(#[from] tls::trust::ConfigError),
    /// A private key was given for TLS without the certificate that it belongs to.
    #[error("a private key means nothing to TLS without its certificate")]
    KeyAlone,
    /// A throw-away certificate could not be made.
    #[error(transparent)]
    CannotMake(#[from] CannotMake),
}

/// The files of one side. A file that is not given is looked for in the directory. Without a directory, a server's
/// certificate and either side's channel key are made on the spot, and a TLS client shows no certificate.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// A credentials directory, as [`create`] makes it.
    pub directory: Option<PathBuf>,
    /// A private key, PKCS#8 in PEM, mode 600.
    pub key: Option<PathBuf>,
    /// For TLS: our certificate chain in PEM, the leaf first. For the channel: the certificate of our key.
    pub certificate: Option<PathBuf>,
    /// Whom to trust. For the channel this is a trust file, for TLS the authorities' certificates in PEM.
    pub trust: Option<PathBuf>,
    /// For the channel: the one key that is accepted, instead of all that a trust file names.
    pub peer: Option<PublicKey>,
    /// For the channel: the suites that a client offers, the most wanted first, or that a server takes. A client
    /// without them offers the classical ones; a server takes all.
    pub suites: Option<Vec<Suite>>,
    /// For the channel: whether a client comes back by tickets (without a word it does not), or whether a server gives
    /// and takes them (without a word it does).
    pub tickets: Option<bool>,
    /// For a TLS client that neither `trust` nor a directory tells whom to trust.
    pub fallback: Fallback,
}

/// Whom a TLS client takes for its server when no file says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// Nobody: the client is not made.
    #[default]
    Nobody,
    /// A server with a certificate of an authority that the operating system trusts.
    System,
    /// Whoever answers, and files are not asked either.
    Anyone,
}

impl Files {
    /// Everything from one directory.
    pub fn in_directory(directory: &Path) -> Self {
        Files { directory: Some(directory.into()), ..Files::default() }
    }

    fn or_in_directory(&self, given: &Option<PathBuf>, name: &str) -> Option<PathBuf> {
        given.clone().or_else(|| self.directory.as_ref().map(|directory| directory.join(name)))
    }
}

/// What a server shows its clients to prove who it is, for the operator who has to tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerIdentity {
    /// The channel's public key, which clients pin.
    Key(PublicKey),
    /// The TLS certificate that was read from this file.
    Certificate(PathBuf),
    /// A TLS certificate made a moment ago, whose authority no client can know.
    ThrowAwayCertificate,
}

/// The server's side of a secure transport.
pub struct ServerSide {
    /// Makes a pipe for each accepted connection.
    pub acceptor: Box<dyn Acceptor>,
    /// What clients will see of the server.
    pub identity: ServerIdentity,
    /// Whether it serves every client, whoever that is; the operator should know.
    pub serves_anybody: bool,
}

/// The server's end of `transport`; `None` for plain. Clients must prove who they are only when `files.trust` or
/// `files.peer` is given: a directory alone gives the server an identity and does not restrict its clients.
///
/// # Errors
/// [`CredentialsError`], naming the file.
pub fn acceptor(transport: Transport, files: &Files) -> Result<Option<ServerSide>, CredentialsError> {
    match transport {
        Transport::Plain => Ok(None),
        Transport::Channel => channel_server(files).map(Some),
        Transport::Tls => tls_server(files).map(Some),
    }
}

fn channel_server(files: &Files) -> Result<ServerSide, CredentialsError> {
    let identity = channel_identity(files, KeyUsage::Serve)?;
    let trust = match (files.peer, &files.trust) {
        (Some(key), _) => Trust::pinned(key),
        (None, Some(path)) => read_trust(path, None)?,
        (None, None) => Trust::anyone(),
    };
    let (shown, serves_anybody) = (ServerIdentity::Key(*identity.key.public()), trust.anyone);
    let mut config = Config::new(identity, trust);
    config.suites = files.suites.clone().unwrap_or_else(|| Suite::ALL.to_vec());
    config.gives_tickets = files.tickets.unwrap_or(config.gives_tickets);
    let acceptor = Box::new(channel::endpoint::ChannelServer::new(config));
    Ok(ServerSide { acceptor, identity: shown, serves_anybody })
}

fn tls_server(files: &Files) -> Result<ServerSide, CredentialsError> {
    let (certified, identity) = match files.or_in_directory(&files.certificate, "tls-server.pem") {
        Some(path) => {
            let key = files.or_in_directory(&files.key, "tls-server.key").ok_or(CredentialsError::NoKey)?;
            (read_certified(&path, &key)?, ServerIdentity::Certificate(path))
        }
        None if files.key.is_some() => return Err(CredentialsError::KeyAlone),
        None => {
            let made = ThrowAwayAuthority::generate()?.issue_for(
                &certificate_names(),
                CertifiedSide::Server,
                limits::CERTIFICATE_DAYS,
            )?;
            (made, ServerIdentity::ThrowAwayCertificate)
        }
    };
    let authorities = files.trust.as_deref().map(read_certificates).transpose()?;
    let acceptor = Box::new(tls::endpoint::TlsServer::new(certified, authorities.as_deref())?);
    Ok(ServerSide { acceptor, identity, serves_anybody: authorities.is_none() })
}

/// The client's end of `transport` for the server called `name`; `None` for plain. It accepts nobody else: the keys of
/// other names in a trust file count for nothing.
///
/// # Errors
/// [`CredentialsError`], naming the file.
pub fn connector(
    transport: Transport,
    files: &Files,
    name: &PeerName,
) -> Result<Option<Box<dyn Connector>>, CredentialsError> {
    match transport {
        Transport::Plain => Ok(None),
        Transport::Channel => Ok(Some(Box::new(channel_client(files, name)?))),
        Transport::Tls => Ok(Some(Box::new(tls_client(files, name.host())?))),
    }
}

fn channel_client(
    files: &Files,
    name: &PeerName,
) -> Result<channel::endpoint::ChannelClient, CredentialsError> {
    let trust = match (files.peer, files.or_in_directory(&files.trust, "trust")) {
        (Some(key), _) => Trust::pinned(key),
        (None, Some(path)) => read_trust(&path, Some(name))?,
        (None, None) => return Err(CredentialsError::NobodyToTrust),
    };
    let identity = channel_identity(files, KeyUsage::Connect)?;
    let mut config = Config::new(identity, trust);
    config.suites = files.suites.clone().unwrap_or(config.suites);
    config.resumes = files.tickets.unwrap_or(config.resumes);
    Ok(channel::endpoint::ChannelClient::new(config))
}

fn tls_client(files: &Files, name: &str) -> Result<tls::endpoint::TlsClient, CredentialsError> {
    let named = match files.fallback {
        Fallback::Anyone => None,
        Fallback::System | Fallback::Nobody => files.or_in_directory(&files.trust, "authority.pem"),
    };
    let authorities = named.as_deref().map(read_certificates).transpose()?;
    let trust = match (&authorities, files.fallback) {
        (Some(authorities), _) => ServerTrust::Certificates(authorities),
        (None, Fallback::System) => ServerTrust::System,
        (None, Fallback::Anyone) => ServerTrust::Anyone,
        (None, Fallback::Nobody) => return Err(CredentialsError::NobodyToTrust),
    };
    let certified = match files.or_in_directory(&files.certificate, "tls-client.pem") {
        Some(path) => {
            let key = files.or_in_directory(&files.key, "tls-client.key").ok_or(CredentialsError::NoKey)?;
            Some(read_certified(&path, &key)?)
        }
        None if files.key.is_some() => return Err(CredentialsError::KeyAlone),
        None => None,
    };
    Ok(tls::endpoint::TlsClient::trusting(trust, name, certified)?)
}

/// Makes a credentials directory: mode 700, fresh keys, an authority whose own key is thrown away.
///
/// # Errors
/// [`CredentialsError`], also when the directory exists.
pub fn create(directory: &Path) -> Result<(), CredentialsError> {
    create_valid(directory, limits::CERTIFICATE_DAYS)
}

/// The same, with TLS certificates that are valid for so many days.
///
/// # Errors
/// As [`create`].
pub fn create_valid(directory: &Path, days: u32) -> Result<(), CredentialsError> {
    let made = DirBuilder::new().mode(0o700).create(directory);
    made.map_err(|error| CredentialsError::Directory { path: directory.into(), error })?;
    let mut trust = String::from(
        "# Whom the channel trusts: `peer NAME KEY` (NAME is a host or [host]:port), or `authority KEY`.\n",
    );
    for (name, file) in [(SERVER_NAME, "channel-server.key"), ("client", "channel-client.key")] {
        let (key, document) = SigningKey::generate();
        keyfile::write(&directory.join(file), &document)?;
        trust.push_str(&format!("peer {name} {}\n", key.public()));
    }
    write(&directory.join("trust"), &trust)?;
    let authority = ThrowAwayAuthority::generate()?;
    write(&directory.join("authority.pem"), &keyfile::to_pem("CERTIFICATE", &authority.certificate()))?;
    for (names, side, role) in [
        (&certificate_names()[..], CertifiedSide::Server, "server"),
        (&["client"], CertifiedSide::Client, "client"),
    ] {
        let certified = authority.issue_for(names, side, days)?;
        keyfile::write(&directory.join(format!("tls-{role}.key")), &certified.key)?;
        write(
            &directory.join(format!("tls-{role}.pem")),
            &keyfile::to_pem("CERTIFICATE", &certified.chain[0]),
        )?;
    }
    Ok(())
}

fn certificate_names() -> [&'static str; 3] {
    [SERVER_NAME, "127.0.0.1", "::1"]
}

/// The key of one side, with the certificate that was given or lies in the directory.
fn channel_identity(files: &Files, usage: KeyUsage) -> Result<Identity, CredentialsError> {
    let role = match usage {
        KeyUsage::Serve => "channel-server",
        KeyUsage::Connect => "channel-client",
    };
    let beside = files.directory.as_ref().map(|directory| directory.join(format!("{role}.cert")));
    let beside = beside.filter(|path| files.key.is_none() && path.exists());
    let certificate = files.certificate.clone().or(beside);
    match (files.or_in_directory(&files.key, &format!("{role}.key")), certificate) {
        (None, None) => Ok(Identity::throw_away()),
        (None, Some(_)) => Err(CredentialsError::NoKey),
        (Some(key), None) => Ok(Identity::bare(keyfile::read(&key)?)),
        (Some(key), Some(path)) => {
            let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
            Ok(certificate::identity(keyfile::read(&key)?, &path, usage, unix_s)?)
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), CredentialsError> {
    Ok(files::write(path, Guard::Public, text.as_bytes())?)
}

fn read_trust(path: &Path, name: Option<&PeerName>) -> Result<Trust, CredentialsError> {
    let octets = files::read(path, Guard::Public, limits::TRUST_FILE_OCTETS)?;
    let text = std::str::from_utf8(&octets).map_err(|error| CredentialsError::TrustFile {
        path: path.into(),
        error: TrustFileError::NotText {
            line: 1 + octets[..error.valid_up_to()].iter().filter(|&&octet| octet == b'\n').count(),
        },
    })?;
    Trust::parse(text, name).map_err(|error| CredentialsError::TrustFile { path: path.into(), error })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    let pem = files::read(path, Guard::Public, limits::TRUST_FILE_OCTETS)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(CredentialsError::NoCertificate { path: path.into() }),
    }
}

fn read_certified(certificate: &Path, key: &Path) -> Result<Certified, CredentialsError> {
    Ok(Certified { chain: read_certificates(certificate)?, key: keyfile::read_pkcs8(key)? })
}
