//! From the words of a command line to pipes: which transport, and the files that say who we are and whom we trust.
//!
//! A *credentials directory* holds everything for both transports and both sides, made by [`create`]:
//!
//! ```text
//!   channel-server.key  channel-client.key  trust          the channel: PKCS#8 keys, and who may be trusted
//!   tls-server.key      tls-server.pem      authority.pem  TLS: key and certificate of the server, and their authority
//!   tls-client.key      tls-client.pem                     TLS: the same for a client
//! ```

use crate::channel;
use crate::channel::config::{Config, Identity};
use crate::channel::trust::{Trust, TrustFileError};
use crate::pipe::{Acceptor, Connector};
use crate::signature::keyfile::{self, KeyFileError};
use crate::signature::{PublicKey, SigningKey};
use crate::tls;
use crate::tls::certificate::{CannotMake, Certified, ThrowAwayAuthority};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The name under which a credentials directory knows its server, and its certificates' first name.
pub const SERVER_NAME: &str = "localhost";

/// What lies between the socket and HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Transport {
    /// Nothing.
    #[default]
    Plain,
    /// Dyno's own secure channel.
    Channel,
    /// TLS 1.3.
    Tls,
}

impl Transport {
    /// All, in the order of reports.
    pub const ALL: [Transport; 3] = [Transport::Plain, Transport::Channel, Transport::Tls];

    /// Its name on the command line and in records.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Plain => "plain",
            Transport::Channel => "channel",
            Transport::Tls => "tls",
        }
    }
}

impl std::fmt::Display for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Transport {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Transport::ALL.into_iter().find(|transport| transport.name() == text);
        found.ok_or_else(|| format!("no transport `{text}`: plain, channel or tls"))
    }
}

/// Why a transport cannot be set up, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A private key file.
    #[error("{0}")]
    KeyFile(#[from] KeyFileError),
    /// Another file or directory.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file without a certificate.
    #[error("{path}: no certificate in PEM form here", path = .path.display())]
    NoCertificate {
        /// Which.
        path: PathBuf,
    },
    /// A trust file that cannot be used.
    #[error("{path}: {error}", path = .path.display())]
    TrustFile {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        error: TrustFileError,
    },
    /// A client that was told nobody to trust.
    #[error(
        "whom shall the client trust? Give --credentials DIR (made by `dyno keys DIR`), --trust FILE or --peer KEY"
    )]
    NobodyToTrust,
    /// A certificate without its key.
    #[error("a certificate needs its key: give --key FILE as well")]
    NoKey,
    /// TLS does not take what it was given.
    #[error("{0}")]
    Tls(#[from] tls::endpoint::ConfigError),
    /// No throw-away certificate could be made.
    #[error("{0}")]
    CannotMake(#[from] CannotMake),
}

/// The files of one side. What is not given is taken from the directory; what is not there either is made on the spot (a
/// server's certificate, either side's channel key) or goes without (a TLS client's certificate).
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// A credentials directory.
    pub directory: Option<PathBuf>,
    /// A private key, PKCS#8 in PEM, mode 600.
    pub key: Option<PathBuf>,
    /// TLS: our certificate chain in PEM, leaf first.
    pub certificate: Option<PathBuf>,
    /// Whom to trust. The channel: a trust file. TLS: the authorities' certificates in PEM.
    pub trust: Option<PathBuf>,
    /// The channel: a key to pin, beside the trust file or instead of it.
    pub peer: Option<PublicKey>,
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

/// A server's transport, and what its operator should be told.
pub struct Offer {
    /// Makes the pipes.
    pub acceptor: Box<dyn Acceptor>,
    /// One line for people: the identity that clients will see.
    pub note: String,
}

/// The server's end of `transport`; `None` for plain. Clients are asked for a proof only when `files.trust` is given: a
/// directory alone gives the server an identity, not a guest list.
///
/// # Errors
/// [`SetupError`], naming the file and the remedy.
pub fn acceptor(transport: Transport, files: &Files) -> Result<Option<Offer>, SetupError> {
    match transport {
        Transport::Plain => Ok(None),
        Transport::Channel => {
            let identity = channel_identity(files.or_in_directory(&files.key, "channel-server.key"))?;
            let mut trust = match &files.trust {
                Some(path) => read_trust(path, None)?,
                None => Trust { anyone: files.peer.is_none(), ..Trust::default() },
            };
            trust.keys.extend(files.peer);
            let note = format!("channel identity {}; clients pin it with --peer", identity.key.public());
            let acceptor = Box::new(channel::endpoint::Server::new(Config::new(identity, trust)));
            Ok(Some(Offer { acceptor, note }))
        }
        Transport::Tls => {
            let certificate = files.or_in_directory(&files.certificate, "tls-server.pem");
            let (certified, note) = match certificate {
                Some(path) => {
                    let key = files.or_in_directory(&files.key, "tls-server.key").ok_or(SetupError::NoKey)?;
                    (read_certified(&path, &key)?, format!("TLS 1.3 with the certificate {}", path.display()))
                }
                None => (
                    ThrowAwayAuthority::generate()?.issue(&certificate_names())?,
                    "TLS 1.3 with a throw-away certificate that nobody can check (curl -k)".into(),
                ),
            };
            let authorities = files.trust.as_deref().map(read_certificates).transpose()?;
            let acceptor = Box::new(tls::endpoint::Server::new(certified, authorities.as_deref())?);
            Ok(Some(Offer { acceptor, note }))
        }
    }
}

/// The client's end of `transport` for the server called `name`; `None` for plain.
///
/// # Errors
/// [`SetupError`], naming the file and the remedy.
pub fn connector(
    transport: Transport,
    files: &Files,
    name: &str,
) -> Result<Option<Box<dyn Connector>>, SetupError> {
    match transport {
        Transport::Plain => Ok(None),
        Transport::Channel => {
            let mut trust = match files.or_in_directory(&files.trust, "trust") {
                Some(path) => read_trust(&path, Some(name))?,
                None => Trust::default(),
            };
            trust.keys.extend(files.peer);
            if trust.keys.is_empty() && trust.authorities.is_empty() {
                return Err(SetupError::NobodyToTrust);
            }
            let identity = channel_identity(files.or_in_directory(&files.key, "channel-client.key"))?;
            Ok(Some(Box::new(channel::endpoint::Client::new(Config::new(identity, trust)))))
        }
        Transport::Tls => {
            let trust =
                files.or_in_directory(&files.trust, "authority.pem").ok_or(SetupError::NobodyToTrust)?;
            let authorities = read_certificates(&trust)?;
            let certified = match files.or_in_directory(&files.certificate, "tls-client.pem") {
                Some(path) => {
                    let key = files.or_in_directory(&files.key, "tls-client.key").ok_or(SetupError::NoKey)?;
                    Some(read_certified(&path, &key)?)
                }
                None => None,
            };
            Ok(Some(Box::new(tls::endpoint::Client::new(&authorities, name, certified)?)))
        }
    }
}

/// Makes a credentials directory: mode 700, fresh keys, an authority whose own key is thrown away.
///
/// # Errors
/// [`SetupError`], also when the directory exists.
pub fn create(directory: &Path) -> Result<(), SetupError> {
    let made = DirBuilder::new().mode(0o700).create(directory);
    made.map_err(|error| SetupError::File { path: directory.into(), error })?;
    let mut trust = String::from("# Whom the channel trusts: peer NAME KEY, or authority KEY.\n");
    for (name, file) in [(SERVER_NAME, "channel-server.key"), ("client", "channel-client.key")] {
        let (key, document) = SigningKey::generate();
        keyfile::write(&directory.join(file), &document)?;
        trust.push_str(&format!("peer {name} {}\n", key.public()));
    }
    write(&directory.join("trust"), &trust)?;
    let authority = ThrowAwayAuthority::generate()?;
    write(&directory.join("authority.pem"), &keyfile::to_pem("CERTIFICATE", &authority.certificate()))?;
    for (names, role) in [(&certificate_names()[..], "server"), (&["client"], "client")] {
        let certified = authority.issue(names)?;
        keyfile::write(&directory.join(format!("tls-{role}.key")), certified.key.secret_der())?;
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

fn channel_identity(key: Option<PathBuf>) -> Result<Identity, SetupError> {
    Ok(key.map_or_else(|| Ok(Identity::throw_away()), |path| keyfile::read(&path).map(Identity::bare))?)
}

fn write(path: &Path, text: &str) -> Result<(), SetupError> {
    fs::write(path, text).map_err(|error| SetupError::File { path: path.into(), error })
}

fn read_trust(path: &Path, name: Option<&str>) -> Result<Trust, SetupError> {
    let text = fs::read_to_string(path).map_err(|error| SetupError::File { path: path.into(), error })?;
    Trust::parse(&text, name).map_err(|error| SetupError::TrustFile { path: path.into(), error })
}

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let pem = fs::read(path).map_err(|error| SetupError::File { path: path.into(), error })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(SetupError::NoCertificate { path: path.into() }),
    }
}

fn read_certified(certificate: &Path, key: &Path) -> Result<Certified, SetupError> {
    let document = keyfile::read_pkcs8(key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(document.to_vec()));
    Ok(Certified { chain: read_certificates(certificate)?, key })
}
