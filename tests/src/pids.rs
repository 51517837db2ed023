//! A limit on the number of processes and threads of a server, by a cgroup (the pids controller).

use std::fs::{self, File, OpenOptions};
use std::io;
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
    /// Whether cgroups with a limit can be made here, which needs root and a writable `/sys/fs/cgroup`.
    pub fn is_possible() -> bool {
        PidsLimit::of("max").and_then(|group| group.entrance()).is_ok()
    }

    /// An empty cgroup for so many processes and threads.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn of(most: &str) -> io::Result<PidsLimit> {
        let mut roots = ROOTS.iter().map(Path::new);
        let root = roots.find(|root| root.join("cgroup.procs").exists()).ok_or(io::ErrorKind::NotFound)?;
        let name = format!("dyno-tests-{}-{}", std::process::id(), GROUPS.fetch_add(1, Relaxed));
        let directory = root.join(name);
        fs::create_dir(&directory)?;
        let group = PidsLimit(directory);
        group.allow(most)?;
        Ok(group)
    }

    /// Puts `server` and its children into a cgroup without a limit.
    ///
    /// # Errors
    /// As [`PidsLimit::of`].
    pub fn around(server: Pid) -> io::Result<PidsLimit> {
        let group = PidsLimit::of("max")?;
        let enter = |pid: Pid| fs::write(group.0.join("cgroup.procs"), pid.to_string());
        [server].into_iter().chain(children(server)).try_for_each(enter)?;
        Ok(group)
    }

    /// What a process writes to in order to enter.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.0.join("cgroup.procs"))
    }

    /// Sets the limit.
    ///
    /// # Errors
    /// What write(2) says.
    pub fn allow(&self, most: &str) -> io::Result<()> {
        fs::write(self.0.join("pids.max"), most)
    }
}

impl Drop for PidsLimit {
    fn drop(&mut self) {
        // A group that still has a process stays; its name is never used again.
        let _ = fs::remove_dir(&self.0);
    }
}
