//! As whom the programs of a superserver run.

use std::ffi::CString;
use std::io;

use nix::unistd::{Gid, Group, Uid, User, geteuid, getgrouplist, setgid, setgroups, setuid};

/// As whom a service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunAs {
    uid: Uid,
    gid: Gid,
    groups: Vec<Gid>,
}

/// There is no such user, or this process may not become it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoUser {
    #[error("there is no user {0:?}")]
    Unknown(String),
    #[error("there is no group {0:?}")]
    UnknownGroup(String),
    #[error("only root may start programs as {0}")]
    NotAllowed(String),
}

impl RunAs {
    /// Reads `USER`, `USER.GROUP` or `USER:GROUP`.
    pub(super) fn read(text: &str) -> Result<Self, NoUser> {
        let known = |name: &str| User::from_name(name).ok().flatten();
        // A name may have a dot in it.
        let (name, group) = match text.split_once(':') {
            Some((name, group)) => (name, Some(group)),
            None if known(text).is_some() => (text, None),
            None => text.split_once('.').map_or((text, None), |(name, group)| (name, Some(group))),
        };
        let user = known(name).ok_or_else(|| NoUser::Unknown(name.into()))?;
        let gid = match group {
            None => user.gid,
            Some(group) => {
                let found = Group::from_name(group).ok().flatten();
                found.ok_or_else(|| NoUser::UnknownGroup(group.into()))?.gid
            }
        };
        if !geteuid().is_root() && user.uid != geteuid() {
            return Err(NoUser::NotAllowed(user.name));
        }
        let groups = CString::new(user.name).ok().and_then(|name| getgrouplist(&name, gid).ok());
        Ok(RunAs { uid: user.uid, gid, groups: groups.unwrap_or_else(|| vec![gid]) })
    }

    /// Becomes the user. Only system calls are made.
    pub(super) fn become_it(&self) -> io::Result<()> {
        if geteuid().is_root() {
            setgroups(&self.groups)?;
            setgid(self.gid)?;
            setuid(self.uid)?;
        }
        Ok(())
    }
}
