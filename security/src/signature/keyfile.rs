//! Private keys in files: PKCS#8 in PEM, readable by their owner alone.

pub use super::form::KeyForm;
use super::{BadKey, SigningKey};
use crate::files::{self, FileError, Guard};
use crate::limits;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Octets that make a line of 64 characters.
const PEM_LINE_OCTETS: usize = 48;

/// Why a key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written, or others can do so.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not PEM with a PKCS#8 section, nor one of the forms that are known by name.
    #[error("{path}: no PRIVATE KEY section in PEM form here", path = .path.display())]
    NoPem {
        /// The file.
        path: PathBuf,
    },
    /// The file holds something else, which is known by its form.
    #[error("{path}: {form}, and not a private key in PKCS#8 (PRIVATE KEY)", path = .path.display())]
    OtherForm {
        /// The file.
        path: PathBuf,
        /// What it holds.
        form: KeyForm,
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
    let octets = files::read(path, Guard::Secret, limits::KEY_FILE_OCTETS)?;
    parse_pem(&octets).ok_or_else(|| match KeyForm::of(&octets) {
        Some(form) => KeyFileError::OtherForm { path: path.into(), form },
        None => KeyFileError::NoPem { path: path.into() },
    })
}

/// The PKCS#8 octets in a PEM text (RFC 7468): its first section PRIVATE KEY. `None` when it has no such section.
pub fn parse_pem(pem: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    parse_section(pem, "PRIVATE KEY")
}

/// The octets of the first section of this kind in a PEM text.
pub(crate) fn parse_section(pem: &[u8], section: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (begin, end) = (format!("-----BEGIN {section}-----"), format!("-----END {section}-----"));
    let mut lines = pem.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii);
    lines.find(|line| *line == begin.as_bytes())?;
    // Neither vector grows, so neither leaves a copy of the secret behind.
    let mut letters = Zeroizing::new(Vec::with_capacity(pem.len()));
    loop {
        match lines.next()? {
            line if line == end.as_bytes() => break,
            line => letters.extend_from_slice(line),
        }
    }
    let mut document = Zeroizing::new(vec![0; letters.len().div_ceil(4) * 3]);
    let count = STANDARD.decode_slice(&*letters, &mut document).ok()?;
    document.truncate(count);
    Some(document)
}

/// Writes a key to a new file with mode 600. An existing file is left alone.
///
/// # Errors
/// [`KeyFileError::File`], also when the file exists.
pub fn write(path: &Path, document: &[u8]) -> Result<(), KeyFileError> {
    Ok(files::write(path, Guard::Secret, to_pem("PRIVATE KEY", document).as_bytes())?)
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
