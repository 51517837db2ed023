//! CPU quotas of control groups: how many cores a process may use, and how often it was stopped for using more.
//!
//! A quota holds for a group and all groups below it, so every group up to the root counts. Both hierarchies of the
//! kernel are read: `cpu.max` (cgroup v2) and `cpu.cfs_quota_us` with `cpu.cfs_period_us` (v1); `nr_throttled` stands
//! in `cpu.stat` in both. Sources: Documentation/admin-guide/cgroup-v2.rst, Documentation/scheduler/sched-bwc.rst.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The control groups that limit the CPU of some processes, and those above them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QuotaGroups(BTreeSet<PathBuf>);

impl QuotaGroups {
    /// The groups of these processes. A process that is gone has none.
    pub fn of(pids: impl IntoIterator<Item = u32>) -> Self {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let memberships =
            pids.into_iter().filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/cgroup")).ok());
        QuotaGroups(memberships.flat_map(|membership| directories(&mounts, &membership)).collect())
    }

    /// The smallest quota, in cores; `None` where there is none.
    pub fn cores(&self) -> Option<f64> {
        self.0.iter().filter_map(|group| quota(group)).reduce(f64::min)
    }

    /// How often any of the groups that have a quota was stopped so far; `None` where there is no quota.
    pub fn throttled(&self) -> Option<u64> {
        let limited = self.0.iter().filter(|group| quota(group).is_some());
        limited.filter_map(|group| throttled(group)).reduce(|one, other| one + other)
    }
}

/// The groups of this process.
pub fn own() -> QuotaGroups {
    QuotaGroups::of([std::process::id()])
}

/// The directories of a process's groups with all above them, by the lines of /proc/self/mountinfo (proc(5)) and of
/// /proc/PID/cgroup (cgroups(7)).
fn directories(mounts: &str, membership: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for line in membership.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let is_cpu = controllers.split(',').any(|name| name == "cpu");
        if !is_cpu && !controllers.is_empty() {
            continue;
        }
        // The first mount is as good as any other.
        let mount = mounts.lines().filter_map(mount_of).find(|mount| mount.is_v2 != is_cpu);
        let Some(Mount { root, point, .. }) = mount else { continue };
        // A container may see only what lies below its own group.
        let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        let group = Path::new(point).join(below);
        let within = group.ancestors().take_while(|group| group.starts_with(point));
        found.extend(within.map(Path::to_path_buf));
    }
    found
}

struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    is_v2: bool,
}

/// A mount of a hierarchy that limits CPU.
fn mount_of(line: &str) -> Option<Mount<'_>> {
    let (place, kind) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, point) = (place.next()?, place.next()?);
    let mut kind = kind.split(' ');
    let (name, options) = (kind.next()?, kind.nth(1)?);
    match name {
        "cgroup2" => Some(Mount { root, point, is_v2: true }),
        "cgroup" if options.split(',').any(|option| option == "cpu") => {
            Some(Mount { root, point, is_v2: false })
        }
        _ => None,
    }
}

/// The quota of one group, in cores.
fn quota(group: &Path) -> Option<f64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let (quota, period) = match read("cpu.max") {
        Some(text) => {
            let (quota, period) = text.trim().split_once(' ')?;
            (quota.to_string(), period.to_string())
        }
        None => (read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?),
    };
    let (quota, period): (f64, f64) = (quota.trim().parse().ok()?, period.trim().parse().ok()?);
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

fn throttled(group: &Path) -> Option<u64> {
    let text = fs::read_to_string(group.join("cpu.stat")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("nr_throttled "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The quota in cores, and how often it stopped a process in the group `path`, in a tree of groups with these
    /// files whose mount shows what lies below `root`.
    fn seen(files: &[(&str, &str)], is_v2: bool, root: &str, path: &str) -> (Option<f64>, Option<u64>) {
        let tree = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let file = tree.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        let point = tree.path().display();
        let (kind, membership) = match is_v2 {
            true => ("cgroup2 cgroup rw", format!("0::{path}\n")),
            false => ("cgroup cgroup rw,cpu,cpuacct", format!("8:pids:/\n4:cpu,cpuacct:{path}\n0::/\n")),
        };
        let mounts = format!(
            "1 2 0:3 / /elsewhere rw - cgroup cgroup rw,memory\n3 2 0:4 {root} {point} rw shared:1 - {kind}\n"
        );
        let groups = QuotaGroups(directories(&mounts, &membership).into_iter().collect());
        (groups.cores(), groups.throttled())
    }

    #[test]
    fn the_smallest_quota_up_the_tree_holds_in_both_hierarchies() {
        let stat = |number: u64| format!("nr_periods 22\nnr_throttled {number}\nthrottled_usec 7\n");
        let (few, many) = (stat(3), stat(12));
        let v2 = [
            ("a/cpu.max", "30000 100000\n"),
            ("a/cpu.stat", many.as_str()),
            ("a/b/cpu.max", "max 100000\n"),
            ("a/b/cpu.stat", few.as_str()),
            ("a/b/c/cpu.max", "150000 100000\n"),
            ("a/b/c/cpu.stat", few.as_str()),
        ];
        assert_eq!(seen(&v2, true, "/", "/a/b/c"), (Some(0.3), Some(15)));
        assert_eq!(seen(&v2, true, "/", "/a/b"), (Some(0.3), Some(12)));
        assert_eq!(seen(&v2, true, "/", "/"), (None, None));
        // What a container sees begins below the root.
        assert_eq!(seen(&v2, true, "/docker", "/docker/a"), (Some(0.3), Some(12)));
        let v1 = [
            ("cpu.cfs_quota_us", "-1\n"),
            ("cpu.cfs_period_us", "100000\n"),
            ("t/cpu.cfs_quota_us", "30000\n"),
            ("t/cpu.cfs_period_us", "100000\n"),
            ("t/cpu.stat", many.as_str()),
        ];
        assert_eq!(seen(&v1, false, "/", "/t"), (Some(0.3), Some(12)));
        assert_eq!(seen(&v1, false, "/", "/"), (None, None));
    }

    #[test]
    fn what_cannot_be_read_is_no_quota() {
        for files in [
            [("a/cpu.max", "nonsense\n")].as_slice(),
            &[("a/cpu.max", "0 0\n")],
            &[("a/cpu.cfs_quota_us", "30000\n")],
            &[("a/cpu.cfs_quota_us", ""), ("a/cpu.cfs_period_us", "100000")],
        ] {
            for is_v2 in [true, false] {
                assert_eq!(seen(files, is_v2, "/", "/a"), (None, None), "{files:?}");
            }
        }
        assert!(directories("", "garbage\n::\n4:cpu:/a\n").is_empty());
        assert_eq!(QuotaGroups::of([u32::MAX]), QuotaGroups::default());
    }
}
