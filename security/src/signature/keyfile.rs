//! Private keys in files: PKCS#8 in PEM, readable by their owner alone.

use super::{BadKey, SigningKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Octets of a key file that are read: PEM of an Ed25519 key has about 120, of any key below 8 KiB.
const FILE_OCTETS: u64 = 16 * 1024;

/// Why a key file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("{path}: {error}", path = .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Others may read the private key.
    #[error("{path}: others may read this private key (mode {mode:03o})", path = .path.display())]
    TooOpen {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not PEM with one PKCS#8 section.
    #[error("{path}: no PRIVATE KEY section in PEM form here", path = .path.display())]
    NoPem {
        /// Which file.
        path: PathBuf,
    },
    /// The section holds no key that can be used.
    #[error("{path}: {error}", path = .path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
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
    file.take(FILE_OCTETS).read_to_end(&mut pem).map_err(file_error)?;
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
    let text = Zeroizing::new(to_pem("PRIVATE KEY", document));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| KeyFileError::File { path: path.into(), error })
}

/// PEM (RFC 7468) of one section: base 64 in lines of 64 characters.
pub fn to_pem(section: &str, document: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = format!("-----BEGIN {section}-----\n");
    for line in document.chunks(48) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0u32, |bits, &octet| bits << 8 | u32::from(octet))
                << (8 * (3 - group.len()));
            for place in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
                out.push(if place <= group.len() { char::from(digit) } else { '=' });
            }
        }
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(section);
    out.push_str("-----\n");
    out
}
