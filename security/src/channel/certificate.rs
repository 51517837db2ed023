//! Certificates of the channel in files: a credential (a key, and an authority's statement about it) in PEM.

use super::config::Identity;
use super::credential::{BadName, Credential, KeyUsage};
use crate::files::{self, FileError, Guard};
use crate::limits;
use crate::signature::keyfile;
use crate::signature::{PublicKey, SigningKey};
use std::path::{Path, PathBuf};

/// The section of a file.
const SECTION: &str = "DYNO CHANNEL CREDENTIAL";

const SECONDS_OF_DAY: u64 = 24 * 3600;

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {fault}", path = .path.display())]
pub struct CertificateError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: CertificateFault,
}

/// What is wrong with a certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    /// The file cannot be read, or others can change it.
    #[error("{0}")]
    File(files::FileFault),
    /// Not what `dyno keys certify` writes.
    #[error("no certificate of the channel here")]
    Malformed,
    /// The private key is another one.
    #[error("this certificate is for the key {certified}, and ours is {ours}")]
    OtherKey {
        /// The key in the certificate.
        certified: PublicKey,
        /// Our own.
        ours: PublicKey,
    },
    /// A client's certificate in the hands of a server, or the reverse.
    #[error("this certificate is to {certified}, and it is wanted to {wanted}")]
    OtherUsage {
        /// What the certificate is for.
        certified: KeyUsage,
        /// What we are to do with it.
        wanted: KeyUsage,
    },
    /// Its time is over.
    #[error("this certificate of `{name}` expired {ago_s} seconds ago")]
    Expired {
        /// Whose it is.
        name: String,
        /// How long ago.
        ago_s: u64,
    },
    /// Its time has not come.
    #[error("this certificate of `{name}` becomes valid in {in_s} seconds")]
    NotYet {
        /// Whose it is.
        name: String,
        /// How soon.
        in_s: u64,
    },
}

/// Certifies that `key` belongs to `name` and may be used for `usage`, for so many days from `unix_s`; a little
/// earlier as well, for peers whose clocks are behind.
///
/// # Errors
/// [`BadName`].
pub fn issue(
    authority: &SigningKey,
    key: PublicKey,
    usage: KeyUsage,
    name: &str,
    unix_s: u64,
    days: u32,
) -> Result<Credential, BadName> {
    let not_before_s = unix_s.saturating_sub(limits::REPLAY_TOLERANCE_MS / 1000);
    let not_after_s = unix_s.saturating_add(u64::from(days) * SECONDS_OF_DAY);
    Credential::certify(authority, key, usage, name, not_before_s, not_after_s)
}

/// Writes a credential to a new file. An existing file is left alone.
///
/// # Errors
/// [`FileError`], also when the file exists.
pub fn write(path: &Path, credential: &Credential) -> Result<(), FileError> {
    files::write(path, Guard::Public, keyfile::to_pem(SECTION, &credential.encode()).as_bytes())
}

/// Reads a credential with a certificate.
///
/// # Errors
/// [`CertificateError`].
pub fn read(path: &Path) -> Result<Credential, CertificateError> {
    let fault = |fault| CertificateError { path: path.into(), fault };
    let pem = files::read(path, Guard::Public, limits::KEY_FILE_OCTETS);
    let pem = pem.map_err(|error| fault(CertificateFault::File(error.fault)))?;
    let document = keyfile::parse_section(&pem, SECTION);
    let credential = document.and_then(|document| Credential::parse(&document));
    credential.filter(|c| c.certificate.is_some()).ok_or_else(|| fault(CertificateFault::Malformed))
}

/// Our identity: `key`, shown with the certificate in `path`, which must be for it, for `usage` and for this time.
///
/// # Errors
/// [`CertificateError`].
pub fn identity(
    key: SigningKey,
    path: &Path,
    usage: KeyUsage,
    unix_s: u64,
) -> Result<Identity, CertificateError> {
    let credential = read(path)?;
    let fault = |fault| Err(CertificateError { path: path.into(), fault });
    if credential.key != *key.public() {
        return fault(CertificateFault::OtherKey { certified: credential.key, ours: *key.public() });
    }
    let Some(certificate) = &credential.certificate else { return fault(CertificateFault::Malformed) };
    if certificate.usage != usage {
        return fault(CertificateFault::OtherUsage { certified: certificate.usage, wanted: usage });
    }
    let name = || certificate.name.clone();
    if unix_s > certificate.not_after_s {
        return fault(CertificateFault::Expired { name: name(), ago_s: unix_s - certificate.not_after_s });
    }
    if unix_s < certificate.not_before_s {
        return fault(CertificateFault::NotYet { name: name(), in_s: certificate.not_before_s - unix_s });
    }
    Ok(Identity { key, credential })
}
