//! A policy in a file. Others than its owner must not be able to change it, as with every file on which security rests.

use std::path::{Path, PathBuf};

use super::fault::PolicyError;
use super::policy::Policy;
use crate::files::{self, FileError, Guard};
use crate::limits;

/// Why a policy cannot be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum PolicyFileError {
    /// The file cannot be read, or others than its owner can write it.
    #[error(transparent)]
    File(#[from] FileError),
    /// A line is no UTF-8.
    #[error("{path}: line {line}: not text in UTF-8", path = .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line's number, counted from 1.
        line: usize,
    },
    /// A line is wrong.
    #[error("{path}: {error}", path = .path.display())]
    Policy {
        /// The file.
        path: PathBuf,
        /// The line, and what is wrong with it.
        error: PolicyError,
    },
}

/// Reads the policy in a file.
///
/// # Errors
/// [`PolicyFileError`], naming the file.
pub fn read(path: &Path) -> Result<Policy, PolicyFileError> {
    let octets = files::read(path, Guard::Public, limits::POLICY_FILE_OCTETS)?;
    let text = std::str::from_utf8(&octets).map_err(|error| PolicyFileError::NotText {
        path: path.into(),
        line: 1 + octets[..error.valid_up_to()].iter().filter(|&&octet| octet == b'\n').count(),
    })?;
    Policy::parse(text).map_err(|error| PolicyFileError::Policy { path: path.into(), error })
}
