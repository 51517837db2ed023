//! Private keys in files: PKCS#8 in PEM, readable by their owner alone.

use super::{BadKey, SigningKey};
use crate::limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Octets that make a line of 64 characters.
const PEM_LINE_OCTETS: usize = 48;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The system does not let us read or write the file.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Users other than its owner may read the private key.
    #[error("{path}: others may read this private key (mode {mode:03o})", path = .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not PEM with a PKCS#8 section.
    #[error("{path}: no PRIVATE KEY section in PEM form here", path = .path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
    },
    /// The section holds no key that can be used.
    #[error("{path}: {error}", path = .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why the key is refused.
        error: BadKey,
    },
}

/// Reads a key and refuses files that anybody but their owner can read.
///
/// # Errors
/// [`KeyFileError`], naming the file.
pub fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let document = read_pkcs8(path)?;
    SigningKey::from_pkcs8(&document).map_err(|error| KeyFileError::Key { path: path.into(), error })
}

/// Reads the PKCS#8 octets of a key file under the same rules.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_pkcs8(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let file_error = |error| KeyFileError::File { path: path.into(), error };
    let file = File::open(path).map_err(file_error)?;
    // Asked of the open file, not of the path: nobody can change it in between.
    let mode = file.metadata().map_err(file_error)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::TooOpen { path: path.into(), mode });
    }
    let mut pem = Zeroizing::new(Vec::new());
    file.take(limits::KEY_FILE_OCTETS).read_to_end(&mut pem).map_err(file_error)?;
    parse_pem(&pem).ok_or_else(|| KeyFileError::NoPem { path: path.into() })
}

/// The PKCS#8 octets in a PEM text; `None` when it has no such section.
pub fn parse_pem(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
    Some(Zeroizing::new(key.secret_pkcs8_der().to_vec()))
}

/// Writes a key to a new file with mode 600. An existing file is left alone.
///
/// # Errors
/// [`KeyFileError::File`], also when the file exists.
pub fn write(path: &Path, document: &[u8]) -> Result<(), KeyFileError> {
    let text = to_pem("PRIVATE KEY", document);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| KeyFileError::File { path: path.into(), error })
}

/// PEM (RFC 7468) of one section: base 64 in lines of 64 characters.
pub fn to_pem(section: &str, document: &[u8]) -> Zeroizing<String> {
    // The whole size at once: a string that grows leaves copies of a secret behind.
    let lines = document.len().div_ceil(PEM_LINE_OCTETS);
    let size = lines * (PEM_LINE_OCTETS / 3 * 4 + 1) + 2 * section.len() + 32;
    let mut out = Zeroizing::new(String::with_capacity(size));
    out.push_str("-----BEGIN ");
    out.push_str(section);
    out.push_str("-----\n");
    for line in document.chunks(PEM_LINE_OCTETS) {
        STANDARD.encode_string(line, &mut out);
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(section);
    out.push_str("-----\n");
    debug_assert!(out.len() <= size, "the text has moved while it grew");
    out
}
