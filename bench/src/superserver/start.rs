//! Starts the program of a service: with its socket as descriptors 0, 1 and 2, as its user.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Group, Pid, Uid, User, geteuid, getgrouplist, setgid, setgroups, setuid};

use super::table::Entry;

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
    fn become_it(&self) -> io::Result<()> {
        if geteuid().is_root() {
            setgroups(&self.groups)?;
            setgid(self.gid)?;
            setuid(self.uid)?;
        }
        Ok(())
    }
}

/// Starts the program of `entry` with `socket`.
///
/// # Errors
/// When the system has no room for a process, or does not run the program.
pub(super) fn start(entry: &Entry, socket: BorrowedFd<'_>) -> io::Result<Pid> {
    let copy = || socket.as_fd().try_clone_to_owned().map(Stdio::from);
    let mut command = Command::new(&entry.program);
    let (name, rest) =
        entry.arguments.split_first().map_or((None, &[][..]), |(name, rest)| (Some(name), rest));
    if let Some(name) = name {
        command.arg0(name);
    }
    command.args(rest).stdin(copy()?).stdout(copy()?).stderr(copy()?);
    // What another superserver has told this one is not for the programs.
    command.env_remove("LISTEN_FDS").env_remove("LISTEN_PID").env_remove("LISTEN_FDNAMES");
    // Whoever interrupts this program at a terminal does not interrupt what it has started.
    command.process_group(0);
    let user = entry.user.clone();
    // SAFETY: between fork and exec only system calls are made: nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(move || user.become_it()) };
    // The loop waits for all children, by their numbers.
    let child = command.spawn()?;
    Ok(Pid::from_raw(child.id().cast_signed()))
}
