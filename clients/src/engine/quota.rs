//! How often this process ran out of its CPU quota.

use std::fs;
use std::path::{Path, PathBuf};

/// Periods in which this process's control group, or one above it, ran out of its CPU quota; 0 where there is
/// none, or the system does not tell (Linux, cgroup v1 and v2: `nr_throttled` in cpu.stat).
pub fn throttled_periods() -> u64 {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    groups.lines().filter_map(place).map(|(mount, path)| throttled_below(&mount, path)).sum()
}

/// Where the controller of CPU time keeps the group of a line of /proc/self/cgroup, and the group's name there.
fn place(line: &str) -> Option<(PathBuf, &Path)> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next()?, fields.next()?);
    let mount = match controllers {
        "" => PathBuf::from("/sys/fs/cgroup"),
        _ if controllers.split(',').any(|one| one == "cpu") => Path::new("/sys/fs/cgroup").join(controllers),
        _ => return None,
    };
    Some((mount, Path::new(path.trim_start_matches('/'))))
}

/// The sum over the group and those above it: the quota of each of them binds.
fn throttled_below(mount: &Path, group: &Path) -> u64 {
    let groups = group.ancestors().map(|group| mount.join(group).join("cpu.stat"));
    groups.filter_map(|file| fs::read_to_string(file).ok()).map(|stat| throttled(&stat)).sum()
}

fn throttled(stat: &str) -> u64 {
    let mut lines = stat.lines().filter_map(|line| line.split_once(' '));
    let found = lines.find(|(name, _)| *name == "nr_throttled");
    found.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_both_versions_are_found() {
        for (line, found) in [
            ("0::/user.slice/run-1.scope", Some(("/sys/fs/cgroup", "user.slice/run-1.scope"))),
            ("1:cpu:/", Some(("/sys/fs/cgroup/cpu", ""))),
            ("4:cpu,cpuacct:/docker/ab:c", Some(("/sys/fs/cgroup/cpu,cpuacct", "docker/ab:c"))),
            ("2:cpuacct:/", None),
            ("3:cpuset:/x", None),
            ("", None),
        ] {
            let place = place(line);
            let place = place.as_ref().map(|(mount, path)| (mount.to_str().unwrap(), path.to_str().unwrap()));
            assert_eq!(place, found, "{line}");
        }
    }

    #[test]
    fn every_group_on_the_way_up_counts() {
        let mount = tempfile::tempdir().unwrap();
        let inner = mount.path().join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("cpu.stat"), "nr_periods 9\nnr_throttled 2\nthrottled_time 7\n").unwrap();
        fs::write(mount.path().join("outer/cpu.stat"), "usage_usec 1\nnr_throttled 5\n").unwrap();
        assert_eq!(throttled_below(mount.path(), Path::new("outer/inner")), 7);
        assert_eq!(throttled_below(mount.path(), Path::new("elsewhere")), 0);
    }
}
