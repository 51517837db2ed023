//! What the owner of a file allows: the access control list of the very file that is open, of which setfacl(1) is the
//! tool.
//!
//! A path is walked one directory at a time, and each list is read from the open descriptor, so that nothing can be
//! exchanged between the question and the use. The answers are the kernel's own: search permission on each directory,
//! read permission on the file. Where a [process becomes the user](Rights::OfProcess), the kernel itself is asked, by
//! opening.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use dyno_security::access::acl::{Acl, FileUser, Permissions};
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::limits::{LIST_BYTES, LIST_MOST_BYTES, LIST_READS};

/// Whose rights count where the owners of files decide: one pointer, because it goes along with each request.
#[derive(Debug, Clone)]
pub struct Asker(Option<Arc<Standing>>);

#[derive(Debug)]
struct Standing {
    who: String,
    rights: Rights,
}

/// What somebody may do who asks for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// What this user may; the lists are read here.
    OfUser(FileUser),
    /// What this user may, which the process that serves becomes; the kernel reads the lists.
    OfProcess(FileUser),
    /// Nothing: no user of the system stands for the peer.
    None,
}

impl Asker {
    /// The owners are not asked.
    pub const UNASKED: Asker = Asker(None);

    /// A peer, as the operator's log calls it, with these rights.
    pub fn new(who: String, rights: Rights) -> Self {
        Asker(Some(Arc::new(Standing { who, rights })))
    }

    /// Its rights; `None`: the owners are not asked.
    pub fn rights(&self) -> Option<&Rights> {
        self.0.as_ref().map(|standing| &standing.rights)
    }

    /// The peer, for the operator's log; `None`: the owners are not asked.
    pub fn who(&self) -> Option<&str> {
        self.0.as_ref().map(|standing| standing.who.as_str())
    }
}

/// How a file is opened. A FIFO in the directory must not block the server.
pub(super) const FILE: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NONBLOCK);

/// Opens `name` beneath `directory`, and follows links or not.
pub(super) fn open_beneath(
    directory: BorrowedFd<'_>,
    name: &str,
    flags: OFlag,
    follows_links: bool,
) -> io::Result<File> {
    let mut resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    if !follows_links {
        resolve |= ResolveFlag::RESOLVE_NO_SYMLINKS;
    }
    Ok(File::from(openat2(directory, name, OpenHow::new().flags(flags).resolve(resolve))?))
}

/// Opens `path` beneath `directory` as far as the lists let `user`; links are not followed.
///
/// # Errors
/// EACCES where they do not; otherwise as open(2).
pub fn open_as(directory: File, path: &str, user: &FileUser) -> io::Result<File> {
    let mut place = directory;
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        require(&place, user, Permissions::EXECUTE)?;
        let flags = if names.peek().is_some() { FILE | OFlag::O_DIRECTORY } else { FILE };
        place = open_beneath(place.as_fd(), name, flags, false)?;
    }
    require(&place, user, Permissions::READ)?;
    Ok(place)
}

fn require(file: &File, user: &FileUser, wanted: Permissions) -> io::Result<()> {
    if list_of(file)?.allows(user, wanted) { Ok(()) } else { Err(Errno::EACCES.into()) }
}

/// The access control list of an open file: its own, or its mode where it has none.
///
/// # Errors
/// As fstat(2) and fgetxattr(2); EACCES for a list that cannot be read, or that changes all the time.
pub fn list_of(file: &File) -> io::Result<Acl> {
    for _ in 0..LIST_READS {
        let before = file.metadata()?;
        let list = attribute(file)?;
        let after = file.metadata()?;
        // Mode and list are read one after the other, and one means something else beside another of the other kind.
        // Whoever changes either of them sets the time of change.
        if (before.ctime(), before.ctime_nsec()) != (after.ctime(), after.ctime_nsec()) {
            continue;
        }
        let (owner, group, mode) = (after.uid(), after.gid(), after.mode());
        return match list {
            // Beside a list, the mode's bits for the group are the list's mask. Where that is empty Linux does not look
            // into the list, and who is named in it has what all others have (fs/namei.c, `acl_permission_check`).
            Some(octets) if mode & 0o070 != 0 => {
                Acl::from_attribute(owner, group, &octets).map_err(|_| Errno::EACCES.into())
            }
            Some(_) | None => Ok(Acl::from_mode(owner, group, mode)),
        };
    }
    Err(Errno::EACCES.into())
}

/// The extended attribute that holds the list; `None`: the file has no list, or its file system knows none.
fn attribute(file: &File) -> io::Result<Option<Vec<u8>>> {
    let read = match attribute_within(file, LIST_BYTES) {
        Err(Errno::ERANGE) => attribute_within(file, LIST_MOST_BYTES),
        read => read,
    };
    read.map_err(io::Error::from)
}

fn attribute_within(file: &File, most_bytes: usize) -> nix::Result<Option<Vec<u8>>> {
    let mut octets = vec![0_u8; most_bytes];
    // SAFETY: the name ends with a zero, and the kernel writes no more than the length of the buffer.
    let length = unsafe {
        libc::fgetxattr(
            file.as_raw_fd(),
            c"system.posix_acl_access".as_ptr(),
            octets.as_mut_ptr().cast(),
            octets.len(),
        )
    };
    match Errno::result(length) {
        Ok(length) => {
            octets.truncate(length.unsigned_abs());
            Ok(Some(octets))
        }
        Err(Errno::ENODATA | Errno::EOPNOTSUPP) => Ok(None),
        Err(error) => Err(error),
    }
}
