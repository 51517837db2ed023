//! Uploads on the disk: a directory that takes files, and a file on its way into it.
//!
//! An upload is written under a name of its own, `.NAME.PROCESS-NUMBER.part`, and gets its real name when all
//! of it has come, in one step that others see happen or not (rename(2)). Whoever reads the directory meanwhile
//! sees the file that was there before, or none. An upload that is dropped before that removes what it has
//! written.
//!
//! A process that is killed cannot remove anything, so each part is locked (flock(2)) by the process that
//! writes it. The kernel releases the lock when that process ends, however it does, and [`Uploads::sweep`]
//! removes the parts that nobody holds. A file without any name (`O_TMPFILE`) would need no sweeping, but not
//! every file system has such files, and they cannot take the place of a file that is there: for that they need
//! a name after all, and a process that is killed between naming and renaming leaves it.
//!
//! What is stored is not flushed to the disk (fsync(2)): that takes as long as the disk likes, and would stop a
//! loop for that time. After a crash of the machine a file that was stored just before may be
//! missing, or shorter than it was.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fstatat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{AccessFlags, UnlinkatFlags, faccessat, unlinkat};
use rustix::fs::{RenameFlags, renameat_with};

use crate::limits::UPLOAD_NAME_BYTES;

/// How the name of a part ends.
const ENDING: &str = ".part";

/// Why an upload is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotStored {
    /// Nothing may have such a name.
    #[error(
        "a name has 1 to {UPLOAD_NAME_BYTES} letters, digits, dots, dashes and underscores; it does not begin with a dot, \
         nor end with {ENDING}"
    )]
    BadName,
    /// It is larger than uploads may be.
    #[error("an upload has at most {0} bytes")]
    TooLarge(u64),
    /// A file has its name, and was not to be there.
    #[error("there is such a file")]
    Exists,
    /// A directory has its name.
    #[error("a directory has that name")]
    IsDirectory,
    /// The disk is full, or a quota, or the process may not write more into a file.
    #[error("there is no room left for this upload: make some where uploads are stored, then send it again")]
    NoRoom,
    /// The process may open no more files.
    #[error("no descriptors left")]
    NoDescriptors,
    /// Something else is wrong with the directory or the disk.
    #[error("the upload cannot be stored: {0}")]
    Failed(Errno),
}

impl From<Errno> for NotStored {
    fn from(error: Errno) -> NotStored {
        match error {
            Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG => NotStored::NoRoom,
            Errno::EMFILE | Errno::ENFILE => NotStored::NoDescriptors,
            Errno::EISDIR | Errno::ENOTEMPTY => NotStored::IsDirectory,
            _ => NotStored::Failed(error),
        }
    }
}

/// A directory that takes uploads.
#[derive(Debug)]
pub struct Uploads {
    directory: Arc<OwnedFd>,
    path: PathBuf,
    most_bytes: u64,
    /// Uploads that this process has begun.
    begun: AtomicU64,
}

/// A file on its way into a directory. Dropping it before it is [placed](Upload::place) removes it.
#[derive(Debug)]
pub struct Upload {
    directory: Arc<OwnedFd>,
    file: File,
    name: String,
    part: String,
    is_placed: AtomicBool,
}

impl Uploads {
    /// The directory at `path`, for uploads of at most so many bytes each.
    ///
    /// # Errors
    /// When it cannot be opened or is no directory, and when this process may not write in it.
    pub fn open(path: &Path, most_bytes: u64) -> io::Result<Uploads> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let directory = openat(AT_FDCWD, path, flags, Mode::empty())?;
        faccessat(&directory, ".", AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS)?;
        let path = fs::canonicalize(path)?;
        Ok(Uploads { directory: Arc::new(directory), path, most_bytes, begun: AtomicU64::new(0) })
    }

    /// The most bytes of an upload.
    pub fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    /// The file that is called `name`: its length, and when it was changed (seconds, and nanoseconds of them); `None`:
    /// there is none.
    pub fn standing(&self, name: &str) -> Option<(u64, i64, i64)> {
        if !is_name(name) {
            return None;
        }
        let stat = fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
        Some((stat.st_size.cast_unsigned(), stat.st_mtime, stat.st_mtime_nsec))
    }

    /// Begins an upload that is to be called `name`, and has so many bytes where that was told.
    ///
    /// # Errors
    /// What can be known to stand against it before any of it is taken.
    pub fn begin(&self, name: &str, announced_bytes: Option<u64>) -> Result<Upload, NotStored> {
        if !is_name(name) {
            return Err(NotStored::BadName);
        }
        let announced = announced_bytes.unwrap_or(0);
        if announced > self.most_bytes {
            return Err(NotStored::TooLarge(self.most_bytes));
        }
        let stat = fstatat(&self.directory, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        if stat.is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR) {
            return Err(NotStored::IsDirectory);
        }
        // Others write as well, so this spares only who would come in vain for sure.
        if announced > 0 && self.free_bytes().is_some_and(|free| free < announced) {
            return Err(NotStored::NoRoom);
        }
        Ok(self.create(name)?)
    }

    fn free_bytes(&self) -> Option<u64> {
        let stat = fstatvfs(&self.directory).ok()?;
        stat.blocks_available().checked_mul(stat.fragment_size())
    }

    fn create(&self, name: &str) -> Result<Upload, Errno> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        loop {
            // The number goes on while other processes take names, so this ends.
            let number = self.begun.fetch_add(1, Relaxed);
            let part = format!(".{name}.{:x}-{number:x}{ENDING}", process::id());
            // As the shell makes files: the mask of the process takes from it what others may not.
            let file = match openat(&self.directory, part.as_str(), flags, Mode::from_bits_truncate(0o666)) {
                Ok(file) => File::from(file),
                Err(Errno::EEXIST) => continue,
                Err(error) => return Err(error),
            };
            // A sweep may have come between the two calls, and has the lock, or has had it and removed the file.
            let is_swept = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
            if is_swept || file.metadata().is_ok_and(|metadata| metadata.nlink() == 0) {
                continue;
            }
            let directory = Arc::clone(&self.directory);
            return Ok(Upload {
                directory,
                file,
                name: name.into(),
                part,
                is_placed: AtomicBool::new(false),
            });
        }
    }

    /// Removes the parts of uploads that were cut off with the process that wrote them.
    ///
    /// # Returns
    /// How many there were.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn sweep(&self) -> io::Result<usize> {
        let mut swept = 0;
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            swept += usize::from(name.to_str().is_some_and(|name| is_part(name) && self.remove_stale(name)));
        }
        Ok(swept)
    }

    /// Removes the part of this name unless somebody writes it; whether it was removed.
    fn remove_stale(&self, name: &str) -> bool {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let Ok(file) = openat(&self.directory, name, flags, Mode::empty()).map(File::from) else {
            return false;
        };
        let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
        is_file
            && file.try_lock().is_ok()
            && unlinkat(&self.directory, name, UnlinkatFlags::NoRemoveDir).is_ok()
    }
}

impl Upload {
    /// Keeps the next part.
    ///
    /// # Errors
    /// When the disk takes no more.
    pub fn keep(&self, octets: &[u8]) -> Result<(), NotStored> {
        let written = (&self.file).write_all(octets);
        // An error of the kernel has a number; a disk that takes nothing and says nothing has none.
        written.map_err(|error| {
            error.raw_os_error().map_or(NotStored::NoRoom, |raw| Errno::from_raw(raw).into())
        })
    }

    /// All of it has come: gives it its name, in place of a file that has it already, unless it `is_to_be_new`.
    ///
    /// # Returns
    /// Whether there was no file of that name.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn place(&self, is_to_be_new: bool) -> Result<bool, NotStored> {
        let (directory, part, name) = (&self.directory, self.part.as_str(), self.name.as_str());
        // musl has no function for renameat2(2), therefore this call is that of rustix.
        let renamed = renameat_with(directory, part, directory, name, RenameFlags::NOREPLACE);
        let is_new = match renamed.map_err(|error| Errno::from_raw(error.raw_os_error())) {
            Ok(()) => true,
            Err(Errno::EEXIST) if is_to_be_new => return Err(NotStored::Exists),
            Err(Errno::EEXIST) => {
                renameat(directory, part, directory, name)?;
                false
            }
            // A file system that does not know that flag.
            Err(Errno::EINVAL | Errno::ENOSYS) => {
                let is_new = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_err();
                if is_to_be_new && !is_new {
                    return Err(NotStored::Exists);
                }
                renameat(directory, part, directory, name)?;
                is_new
            }
            Err(error) => return Err(error.into()),
        };
        self.is_placed.store(true, Relaxed);
        Ok(is_new)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_placed.load(Relaxed) {
            // If that fails, a sweep has done it, or will.
            let _ = unlinkat(&self.directory, self.part.as_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Whether uploads may have that name: one that needs no escape in a path, cannot lead elsewhere, and is not
/// hidden. A part is hidden, so no name is that of a part.
fn is_name(name: &str) -> bool {
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"._-".contains(&octet);
    (1..=UPLOAD_NAME_BYTES).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.starts_with('.')
        && !name.ends_with(ENDING)
}

/// Whether that is the name of a part: `.NAME.PROCESS-NUMBER.part`.
fn is_part(file: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && u64::from_str_radix(text, 16).is_ok();
    let inner = file.strip_prefix('.').and_then(|rest| rest.strip_suffix(ENDING));
    let Some((name, numbers)) = inner.and_then(|inner| inner.rsplit_once('.')) else { return false };
    let numbers = numbers.split_once('-');
    is_name(name) && numbers.is_some_and(|(process, number)| is_number(process) && is_number(number))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn no_name_leads_elsewhere_or_is_that_of_a_part() {
        let longest = "n".repeat(UPLOAD_NAME_BYTES);
        for good in ["a", "A-1_b.tar.gz", "part", "a.part.gz", &longest] {
            assert!(is_name(good), "{good}");
        }
        let too_long = "n".repeat(UPLOAD_NAME_BYTES + 1);
        let bad = [
            "",
            ".",
            "..",
            ".a",
            "a/b",
            "/a",
            "../a",
            "a%2fb",
            "a b",
            "a\0",
            "\u{e9}",
            "a.part",
            ".a.1-2.part",
        ];
        for bad in bad.into_iter().chain([too_long.as_str()]) {
            assert!(!is_name(bad), "{bad:?}");
        }
        for (file, is_one) in [
            (".a.1f-0.part", true),
            (".a.b.1f-0.part", true),
            (".a.part", false),
            (".a.1f.part", false),
            ("a.1f-0.part", false),
            (".a.1f-0.tmp", false),
            (".a.-0.part", false),
        ] {
            assert_eq!(is_part(file), is_one, "{file}");
        }
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let directory = tempfile::tempdir().expect("a directory");
        let uploads = Uploads::open(directory.path(), 1 << 20).expect("uploads");
        let upload = uploads.begin("a", None).expect("an upload");
        upload.keep(b"one, ").expect("room");
        assert!(!directory.path().join("a").exists() && names(directory.path()).len() == 1);
        upload.keep(b"two").expect("room");
        assert_eq!(upload.place(false), Ok(true));
        drop(upload);
        assert_eq!(fs::read(directory.path().join("a")).expect("a file"), b"one, two");

        // What is dropped leaves the file that was there.
        let dropped = uploads.begin("a", Some(3)).expect("an upload");
        dropped.keep(b"new").expect("room");
        drop(dropped);
        assert_eq!(fs::read(directory.path().join("a")).expect("a file"), b"one, two");
        let replacing = uploads.begin("a", Some(3)).expect("an upload");
        replacing.keep(b"new").expect("room");
        assert_eq!(replacing.place(true), Err(NotStored::Exists));
        assert_eq!(replacing.place(false), Ok(false));
        drop(replacing);
        assert_eq!(fs::read(directory.path().join("a")).expect("a file"), b"new");
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[test]
    fn a_link_is_replaced_and_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().join("root");
        fs::create_dir(&root).expect("a directory");
        fs::write(directory.path().join("outside"), "safe").expect("a file");
        symlink("../outside", root.join("link")).expect("a link");
        let uploads = Uploads::open(&root, 100).expect("uploads");
        let upload = uploads.begin("link", None).expect("an upload");
        upload.keep(b"mine").expect("room");
        assert_eq!(upload.place(false), Ok(false));
        assert_eq!(fs::read(directory.path().join("outside")).expect("a file"), b"safe");
        assert_eq!(fs::read(root.join("link")).expect("a file"), b"mine");
    }

    #[test]
    fn what_stands_against_an_upload_is_known_at_its_begin() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("folder")).expect("a directory");
        let uploads = Uploads::open(directory.path(), u64::MAX).expect("uploads");
        assert_eq!(uploads.begin("folder", None).err(), Some(NotStored::IsDirectory));
        assert_eq!(uploads.begin("../a", None).err(), Some(NotStored::BadName));
        assert_eq!(uploads.begin("a", Some(u64::MAX)).err(), Some(NotStored::NoRoom));
        let small = Uploads::open(directory.path(), 10).expect("uploads");
        assert_eq!(small.begin("a", Some(11)).err(), Some(NotStored::TooLarge(10)));
        assert_eq!(names(directory.path()), ["folder"]);
        assert!(Uploads::open(&directory.path().join("none"), 10).is_err());
    }

    #[test]
    fn a_sweep_removes_what_nobody_writes_any_more_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let uploads = Uploads::open(directory.path(), 100).expect("uploads");
        for stale in [".a.7fffffff-0.part", ".a.b.7fffffff-1f.part"] {
            fs::write(directory.path().join(stale), "stale").expect("a file");
        }
        fs::write(directory.path().join("outside"), "safe").expect("a file");
        symlink("outside", directory.path().join(".link.1-1.part")).expect("a link");
        fs::write(directory.path().join(".profile.part"), "of somebody else").expect("a file");
        let living = uploads.begin("a", None).expect("an upload");
        assert_eq!(uploads.sweep().expect("a directory"), 2);
        assert_eq!(uploads.sweep().expect("a directory"), 0);
        living.keep(b"alive").expect("room");
        assert_eq!(living.place(false), Ok(true));
        assert_eq!(names(directory.path()), [".link.1-1.part", ".profile.part", "a", "outside"]);
    }
}
