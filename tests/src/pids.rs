//! A limit on the number of processes and threads of a server, by a cgroup (the pids controller).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use nix::unistd::Pid;

use crate::process::children;

/// Where the pids controller is mounted: alone (version 1), or with the others (version 2).
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"];

static GROUPS: AtomicU32 = AtomicU32::new(0);

/// A cgroup that is removed when this is dropped, after its processes have ended.
#[derive(Debug)]
pub struct PidsLimit(PathBuf);

impl PidsLimit {
    /// Puts `server` and its children into a cgroup without a limit; `None` where no cgroup can be made.
    pub fn around(server: Pid) -> Option<PidsLimit> {
        let root = ROOTS.iter().map(Path::new).find(|root| root.join("cgroup.procs").exists())?;
        let name = format!("dyno-tests-{}-{}", std::process::id(), GROUPS.fetch_add(1, Relaxed));
        let directory = root.join(name);
        fs::create_dir(&directory).ok()?;
        let group = PidsLimit(directory);
        let enter = |pid: Pid| fs::write(group.0.join("cgroup.procs"), pid.to_string());
        let entered = [server].into_iter().chain(children(server)).all(|pid| enter(pid).is_ok());
        (entered && group.allow("max")).then_some(group)
    }

    /// Sets the limit; whether that was possible.
    pub fn allow(&self, most: &str) -> bool {
        fs::write(self.0.join("pids.max"), most).is_ok()
    }
}

impl Drop for PidsLimit {
    fn drop(&mut self) {
        // A group that still has a process stays; its name is never used again.
        let _ = fs::remove_dir(&self.0);
    }
}
