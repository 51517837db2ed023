//! A limit on the memory of a server, by a cgroup (the memory controller).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static GROUPS: AtomicU32 = AtomicU32::new(0);

/// A cgroup that is removed when this is dropped, after its processes have ended.
#[derive(Debug)]
pub struct MemoryLimit(PathBuf);

impl MemoryLimit {
    /// A cgroup without processes, whose memory is limited; `None` where none can be made.
    pub fn new(bytes: u64) -> Option<MemoryLimit> {
        // The controller is mounted alone (version 1), or with the others (version 2).
        let v1 = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes");
        let v2 = ("/sys/fs/cgroup", "memory.max");
        [v1, v2].into_iter().find_map(|(root, file)| {
            // Version 2 gives groups below the root the controllers that the root names.
            let _ = fs::write(Path::new(root).join("cgroup.subtree_control"), "+memory");
            let name = format!("dyno-tests-{}-{}", std::process::id(), GROUPS.fetch_add(1, Relaxed));
            let directory = Path::new(root).join(name);
            fs::create_dir(&directory).ok()?;
            let group = MemoryLimit(directory);
            // Memory that can be written to a swap device is no less.
            let _ = fs::write(group.0.join("memory.swap.max"), "0");
            fs::write(group.0.join(file), bytes.to_string()).ok().map(|()| group)
        })
    }

    /// What a process writes to in order to enter.
    ///
    /// # Errors
    /// What open(2) says.
    pub fn entrance(&self) -> io::Result<File> {
        OpenOptions::new().write(true).open(self.0.join("cgroup.procs"))
    }

    /// How many processes the kernel has killed here because the memory did not suffice.
    pub fn killed(&self) -> Option<u64> {
        let read = |file| fs::read_to_string(self.0.join(file)).ok();
        let text = read("memory.oom_control").or_else(|| read("memory.events"))?;
        text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        // A group that still has a process stays; its name is never used again.
        let _ = fs::remove_dir(&self.0);
    }
}
