//! A control group of a contestant's own, whose account tells the CPU time of everything that the contestant has ever
//! started: children that have ended, and children of children whose parents are gone, included.
//!
//! Where control groups may be made, one is made for each contestant below the group of this program, in the
//! hierarchy that accounts for CPU: `cpuacct` (cgroup v1), else the unified one (v2), in which every group has the
//! account whether its controllers are enabled or not. The contestant enters it before its program starts. Reading
//! the account is one read of one file. Sources: Documentation/admin-guide/cgroup-v1/cpuacct.rst and cgroup-v2.rst.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use procfs::process::Process;

use crate::limits::{GROUP_REMOVAL_PAUSE, GROUP_REMOVAL_TRIES};

/// What the names of all such groups begin with; the id of the program that made it follows.
const PREFIX: &str = "dyno-";

/// The first octets of an account are enough: `cpu.stat` begins with the line that is wanted.
const ACCOUNT_OCTETS: usize = 64;

/// A control group, removed when it is dropped.
#[derive(Debug)]
pub struct CpuGroup {
    directory: PathBuf,
    account: File,
    is_v2: bool,
    /// Whether it is removed with this.
    is_owned: bool,
}

impl CpuGroup {
    /// Makes a group below that of this program; `None` where this program may not, or the kernel keeps no such
    /// account.
    pub fn make() -> Option<Self> {
        own_groups().into_iter().find_map(|(parent, is_v2)| CpuGroup::below(&parent, is_v2).ok())
    }

    /// The account of a group of cgroup v2 that another has made and removes.
    pub(crate) fn of_v2(directory: &Path) -> io::Result<Self> {
        let account = File::open(directory.join("cpu.stat"))?;
        Ok(CpuGroup { directory: directory.to_path_buf(), account, is_v2: true, is_owned: false })
    }

    fn below(parent: &Path, is_v2: bool) -> io::Result<Self> {
        remove_orphans(parent);
        let directory = parent.join(name_of_next());
        fs::create_dir(&directory)?;
        let account = File::open(directory.join(if is_v2 { "cpu.stat" } else { "cpuacct.usage" }));
        match account {
            Ok(account) => Ok(CpuGroup { directory, account, is_v2, is_owned: true }),
            Err(error) => {
                let _ = fs::remove_dir(&directory);
                Err(error)
            }
        }
    }

    /// The file through which a process enters the group: it writes `0` there.
    ///
    /// # Errors
    /// When this program may make groups, but not fill them.
    pub fn entrance(&self) -> io::Result<File> {
        File::options().write(true).open(self.directory.join("cgroup.procs"))
    }

    /// CPU time of everything that was ever in the group.
    pub fn cpu(&self) -> Option<Duration> {
        let mut octets = [0; ACCOUNT_OCTETS];
        let count = self.account.read_at(&mut octets, 0).ok()?;
        usage(std::str::from_utf8(&octets[..count]).ok()?, self.is_v2)
    }

    /// The processes that are in the group now.
    pub fn members(&self) -> Vec<i32> {
        let mut text = String::new();
        let read = File::open(self.directory.join("cgroup.procs"))
            .and_then(|mut file| file.read_to_string(&mut text));
        if read.is_err() {
            return Vec::new();
        }
        let mut found: Vec<i32> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

impl Drop for CpuGroup {
    fn drop(&mut self) {
        if self.is_owned {
            remove_group(&self.directory);
        }
    }
}

/// The name of the next group that this program makes.
pub(super) fn name_of_next() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("{PREFIX}{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}

/// Removes a group whose processes have ended, or are about to.
pub(super) fn remove_group(directory: &Path) {
    // A process that was killed leaves its group a moment after its parent has heard of its end.
    for _ in 0..GROUP_REMOVAL_TRIES {
        match fs::remove_dir(directory) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                thread::sleep(GROUP_REMOVAL_PAUSE);
            }
            _ => return,
        }
    }
}

/// The text of an account: nanoseconds in v1, a line `usage_usec` in v2.
fn usage(text: &str, is_v2: bool) -> Option<Duration> {
    if !is_v2 {
        return text.trim().parse().ok().map(Duration::from_nanos);
    }
    let line = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    line.trim().parse().ok().map(Duration::from_micros)
}

/// The directories of the groups of this program in the hierarchies that account for CPU, and whether they are v2.
fn own_groups() -> Vec<(PathBuf, bool)> {
    let Ok(own) = Process::myself() else { return Vec::new() };
    let (Ok(memberships), Ok(mounts)) = (own.cgroups(), own.mountinfo()) else { return Vec::new() };
    let mut found = Vec::new();
    for is_v2 in [false, true] {
        let membership = memberships.0.iter().find(|one| match is_v2 {
            true => one.hierarchy == 0,
            false => one.controllers.iter().any(|name| name == "cpuacct"),
        });
        let mount = mounts.iter().find(|mount| match is_v2 {
            true => mount.fs_type == "cgroup2",
            false => mount.fs_type == "cgroup" && mount.super_options.contains_key("cpuacct"),
        });
        if let (Some(membership), Some(mount)) = (membership, mount) {
            // A container may see only what lies below its own group.
            let below = Path::new(&membership.pathname).strip_prefix(&mount.root).unwrap_or(Path::new(""));
            found.push((mount.mount_point.join(below), is_v2));
        }
    }
    found
}

/// Removes the groups of programs that were killed before they could.
pub(super) fn remove_orphans(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let maker =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-')?.0.parse::<u32>().ok());
        if maker.is_some_and(|maker| !fs::exists(format!("/proc/{maker}")).unwrap_or(true)) {
            // One that is not empty stays.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn both_hierarchies_have_an_account_each() {
        assert_eq!(usage("1234567890\n", false), Some(Duration::from_nanos(1_234_567_890)));
        let stat = "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n";
        assert_eq!(usage(stat, true), Some(Duration::from_micros(1_234_567)));
        for (text, is_v2) in
            [("", false), ("", true), ("nonsense", false), ("user_usec 7\n", true), ("-1\n", false)]
        {
            assert_eq!(usage(text, is_v2), None, "{text:?}");
        }
    }

    /// Where groups may be made: what a child of a child used is in the account after both are gone.
    #[test]
    fn who_is_gone_is_in_the_account_and_the_group_goes_with_its_owner() {
        let Some(group) = CpuGroup::make() else {
            eprintln!("no control groups can be made here: nothing was tried");
            return;
        };
        let Ok(entrance) = group.entrance() else {
            eprintln!("control groups cannot be filled here: nothing was tried");
            return;
        };
        let script = "read line; ((i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done) &) ; exit 0";
        let mut shell = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
        let directory = group.directory.clone();
        fs::write(directory.join("cgroup.procs"), shell.id().to_string()).unwrap();
        assert_eq!(group.members(), [shell.id() as i32]);
        let before = group.cpu().unwrap();
        shell.stdin.take().unwrap().write_all(b"go\n").unwrap();
        shell.wait().unwrap();
        while !group.members().is_empty() {
            thread::sleep(Duration::from_millis(2));
        }
        let used = group.cpu().unwrap() - before;
        assert!(used >= Duration::from_millis(5), "{used:?}");
        drop((entrance, group));
        assert!(!directory.exists());
    }

    #[test]
    fn groups_of_programs_that_are_gone_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let (own, gone) = (format!("{PREFIX}{}-0", std::process::id()), format!("{PREFIX}{}-0", i32::MAX));
        for name in [own.as_str(), &gone, "dyno-x", "other"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        remove_orphans(parent.path());
        let left = |name: &str| parent.path().join(name).exists();
        assert!(left(&own) && left("dyno-x") && left("other") && !left(&gone));
    }
}
