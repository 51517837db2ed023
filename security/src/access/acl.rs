//! Discretionary control: the access control list of a file, as acl(5) and the kernel evaluate it.

/// What is asked for, or granted: a set of read, write and execute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// Read.
    pub const READ: Permissions = Permissions(4);
    /// Write.
    pub const WRITE: Permissions = Permissions(2);
    /// Execute, or search a directory.
    pub const EXECUTE: Permissions = Permissions(1);

    /// The low three bits of a mode, of `rwx`.
    pub fn from_bits(bits: u32) -> Permissions {
        Permissions((bits & 7) as u8)
    }

    /// Both sets together.
    #[must_use]
    pub fn and(self, other: Permissions) -> Permissions {
        Permissions(self.0 | other.0)
    }

    fn masked(self, mask: Option<Permissions>) -> Permissions {
        Permissions(self.0 & mask.map_or(7, |mask| mask.0))
    }

    fn holds(self, wanted: Permissions) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}

/// Who asks, in the terms of the file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUser {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

impl FileUser {
    fn is_in(&self, group: u32) -> bool {
        self.gid == group || self.groups.contains(&group)
    }
}

/// The list of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl {
    owner: u32,
    group: u32,
    of_owner: Permissions,
    of_group: Permissions,
    of_other: Permissions,
    /// The most that anybody but the owner and the others can have.
    mask: Option<Permissions>,
    users: Vec<(u32, Permissions)>,
    groups: Vec<(u32, Permissions)>,
}

/// An extended attribute `system.posix_acl_access` that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAcl {
    /// Another version than 2, or no whole number of entries.
    #[error("the access control list has an unknown form")]
    UnknownForm,
    /// An entry of a kind that acl(5) does not know.
    #[error("an entry of the unknown kind {0:#x}")]
    UnknownKind(u16),
    /// The entry of the owner, of the group or of the others is missing, or named entries without a mask.
    #[error("the access control list lacks an entry that it must have")]
    Incomplete,
}

/// The version of the attribute's form (linux/posix_acl_xattr.h).
const VERSION: u32 = 2;
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;

impl Acl {
    /// The list of a file that has mode bits and no more.
    pub fn from_mode(owner: u32, group: u32, mode: u32) -> Acl {
        Acl {
            owner,
            group,
            of_owner: Permissions::from_bits(mode >> 6),
            of_group: Permissions::from_bits(mode >> 3),
            of_other: Permissions::from_bits(mode),
            mask: None,
            users: Vec::new(),
            groups: Vec::new(),
        }
    }

    /// The list in the extended attribute `system.posix_acl_access` of a file with this owner and group: a version,
    /// then entries of kind, permissions and identity, all with the lowest octet first.
    ///
    /// # Errors
    /// [`BadAcl`].
    pub fn from_attribute(owner: u32, group: u32, octets: &[u8]) -> Result<Acl, BadAcl> {
        let (version, entries) = octets.split_first_chunk::<4>().ok_or(BadAcl::UnknownForm)?;
        if u32::from_le_bytes(*version) != VERSION || entries.len() % 8 != 0 {
            return Err(BadAcl::UnknownForm);
        }
        let (mut of_owner, mut of_group, mut of_other, mut mask) = (None, None, None, None);
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for entry in entries.chunks_exact(8) {
            let kind = u16::from_le_bytes([entry[0], entry[1]]);
            let permissions = Permissions::from_bits(u32::from(u16::from_le_bytes([entry[2], entry[3]])));
            let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
            match kind {
                USER_OBJ => of_owner = Some(permissions),
                USER => users.push((id, permissions)),
                GROUP_OBJ => of_group = Some(permissions),
                GROUP => groups.push((id, permissions)),
                MASK => mask = Some(permissions),
                OTHER => of_other = Some(permissions),
                unknown => return Err(BadAcl::UnknownKind(unknown)),
            }
        }
        if mask.is_none() && !(users.is_empty() && groups.is_empty()) {
            return Err(BadAcl::Incomplete);
        }
        match (of_owner, of_group, of_other) {
            (Some(of_owner), Some(of_group), Some(of_other)) => {
                Ok(Acl { owner, group, of_owner, of_group, of_other, mask, users, groups })
            }
            _ => Err(BadAcl::Incomplete),
        }
    }

    /// Whether the user may have all that is wanted (acl(5), "Access check algorithm"). The superuser, whom the kernel
    /// does not ask, is asked here as anybody else.
    pub fn allows(&self, user: &FileUser, wanted: Permissions) -> bool {
        if user.uid == self.owner {
            return self.of_owner.holds(wanted);
        }
        if let Some((_, granted)) = self.users.iter().find(|(uid, _)| *uid == user.uid) {
            return granted.masked(self.mask).holds(wanted);
        }
        let own = (self.group, self.of_group);
        let mut matching =
            std::iter::once(&own).chain(&self.groups).filter(|(gid, _)| user.is_in(*gid)).peekable();
        if matching.peek().is_some() {
            // One entry alone must hold all of it.
            return matching.any(|(_, granted)| granted.masked(self.mask).holds(wanted));
        }
        self.of_other.holds(wanted)
    }
}
