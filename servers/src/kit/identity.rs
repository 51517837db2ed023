//! A process that serves one client becomes that client's user, as sshd's does: then the kernel itself decides what it
//! may open.

use std::io;

use dyno_security::access::acl::FileUser;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};

/// From now on this process has the rights of `user` and no way back. Does nothing where it is that user already. It
/// must have one thread.
///
/// # Errors
/// When the kernel refuses, as it does for everybody but the superuser; or when it has not done all of it. The process
/// must then serve nobody.
pub fn become_user(user: &FileUser) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    let is_user = || {
        let (uids, gids) = (getresuid()?, getresgid()?);
        let of_user = [uids.real, uids.effective, uids.saved].iter().all(|own| *own == uid)
            && [gids.real, gids.effective, gids.saved].iter().all(|own| *own == gid);
        io::Result::Ok(of_user)
    };
    if is_user()? {
        return Ok(());
    }
    // Groups first: once the superuser is gone, nobody may change them.
    let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
    setgroups(&groups)?;
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)?;
    // The kernel forgets with the old user that the child dies with its parent (prctl(2)).
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    if is_user()? { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}
