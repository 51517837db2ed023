//! Files on which the security of a session rests: they are read only when nobody but their owner can have written
//! them, and a private key only when nobody but its owner can read it. sshd asks the same of its files (StrictModes).

use nix::fcntl::OFlag;
use nix::unistd::geteuid;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A file that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {fault}", path = .path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub fault: FileFault,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The system does not let us read or write the file.
    #[error("{0}")]
    System(#[from] io::Error),
    /// A directory, a pipe, a socket or a device.
    #[error("not a regular file")]
    NotRegular,
    /// The file belongs to somebody else, who can change it at any time.
    #[error("it belongs to another user (number {owner})")]
    OtherOwner {
        /// The number of the user.
        owner: u32,
    },
    /// Users other than its owner may read the private key.
    #[error("others may read this private key (mode {mode:03o})")]
    Readable {
        /// The permission bits.
        mode: u32,
    },
    /// Users other than its owner may change the file.
    #[error("others may change this file (mode {mode:03o})")]
    Writable {
        /// The permission bits.
        mode: u32,
    },
    /// More octets than are read.
    #[error("longer than {most_octets} octets")]
    TooLong {
        /// The most octets that are read.
        most_octets: usize,
    },
}

/// Who else may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Nobody else reads or writes it: a private key.
    Secret,
    /// Everybody may read it: certificates, and keys that are trusted.
    Public,
}

/// Reads a file whole. The octets are wiped when they are dropped, and no copy of them is left behind.
///
/// # Errors
/// [`FileError`], naming the file.
pub(crate) fn read(path: &Path, guard: Guard, most_octets: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_or_fault(path, guard, most_octets).map_err(|fault| FileError { path: path.into(), fault })
}

fn read_or_fault(path: &Path, guard: Guard, most_octets: usize) -> Result<Zeroizing<Vec<u8>>, FileFault> {
    // Without O_NONBLOCK, to open a pipe would wait for somebody who writes to it.
    let mut file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    // Asked of the open file, not of the path: nobody can put another one there in between.
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(FileFault::NotRegular);
    }
    let (owner, mode) = (about.uid(), about.mode() & 0o777);
    if owner != geteuid().as_raw() && owner != 0 {
        return Err(FileFault::OtherOwner { owner });
    }
    if guard == Guard::Secret && mode & 0o077 != 0 {
        return Err(FileFault::Readable { mode });
    }
    if mode & 0o022 != 0 {
        return Err(FileFault::Writable { mode });
    }
    // One octet more than is taken, to see that there is more. The size does not change: a vector that grows leaves
    // copies of what it holds behind.
    let room = (about.size() as usize).saturating_add(1).min(most_octets + 1);
    let mut octets = Zeroizing::new(vec![0; room]);
    let mut filled = 0;
    while filled < octets.len() {
        match file.read(&mut octets[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    if filled > most_octets || filled == room {
        return Err(FileFault::TooLong { most_octets });
    }
    octets.truncate(filled);
    Ok(octets)
}

/// Writes a new file; an existing one is left alone. Its permissions do not depend on the umask of the process.
///
/// # Errors
/// [`FileError`], also when the file exists.
pub(crate) fn write(path: &Path, guard: Guard, octets: &[u8]) -> Result<(), FileError> {
    let mode = match guard {
        Guard::Secret => 0o600,
        Guard::Public => 0o644,
    };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file: File| file.write_all(octets))
        .map_err(|error| FileError { path: path.into(), fault: error.into() })
}
