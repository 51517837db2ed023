//! The kernel's numbers for its tracepoints.
//!
//! The numbers are files in tracefs, which many machines do not mount. Where that is so and this program may mount,
//! tracefs is mounted for the moment of reading, in a mount namespace of one thread: no other process sees it, and it
//! vanishes when the thread ends.

use std::fs;
use std::sync::OnceLock;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// Where tracefs is mounted.
const TRACEFS: &str = "/sys/kernel/tracing";

/// The event with which every system call begins.
const SYS_ENTER: &str = "events/raw_syscalls/sys_enter/id";

/// The number of the event with which every system call begins; `None` where the kernel has none or does not reveal
/// it.
pub fn system_calls() -> Option<u64> {
    static FOUND: OnceLock<Option<u64>> = OnceLock::new();
    *FOUND.get_or_init(|| read().or_else(|| thread::spawn(read_in_private).join().ok().flatten()))
}

fn read() -> Option<u64> {
    fs::read_to_string(format!("{TRACEFS}/{SYS_ENTER}")).ok()?.trim().parse().ok()
}

fn read_in_private() -> Option<u64> {
    unshare(CloneFlags::CLONE_NEWNS).ok()?;
    let none = None::<&str>;
    // In a namespace that still shares its mounts with its parent, the parent would see the new mount.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).ok()?;
    mount(Some("tracefs"), TRACEFS, Some("tracefs"), MsFlags::empty(), none).ok()?;
    read()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_leaves_no_mount_behind() {
        let mounts = || fs::read_to_string("/proc/self/mounts").unwrap();
        let before = mounts();
        let found = system_calls();
        assert_eq!(mounts(), before);
        assert_eq!(system_calls(), found);
    }
}
