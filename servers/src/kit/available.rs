//! How much memory there is: the machine's, or less where a cgroup limits it (cgroups(7)).

use std::fs;
use std::path::{Path, PathBuf};

/// What is assumed where the system does not say: little, so that the assumption does no harm.
const UNKNOWN_BYTES: u64 = 1 << 30;

/// The memory that this process and its children may use, in bytes.
pub fn available_bytes() -> u64 {
    available_in(Path::new("/"))
}

/// The same with the system's files below `root`.
fn available_in(root: &Path) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    let meminfo = read("proc/meminfo");
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total_kib = total.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let cgroups = read("proc/self/cgroup");
    let limits = cgroups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        match (parts.next()?, parts.next()?, parts.next()?) {
            ("0", "", group) => least_limit(&root.join("sys/fs/cgroup"), group, "memory.max"),
            (_, controllers, group) if controllers.split(',').any(|name| name == "memory") => {
                least_limit(&root.join("sys/fs/cgroup/memory"), group, "memory.limit_in_bytes")
            }
            _ => None,
        }
    });
    limits.chain(total_kib.map(|kib| kib * 1024)).min().unwrap_or(UNKNOWN_BYTES)
}

/// The least limit of the group below `mount` and of those that it lies in. Inside of a container the path may be
/// that of the host, and the group itself is mounted.
fn least_limit(mount: &Path, group: &str, file: &str) -> Option<u64> {
    let inner = mount.join(group.trim_start_matches('/'));
    let groups = inner.ancestors().take_while(|path| path.starts_with(mount)).map(PathBuf::from);
    // "max" is no number; nor does version 1 limit anything with the largest of them.
    groups.filter_map(|path| fs::read_to_string(path.join(file)).ok()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// A machine of 8 GiB with these files.
    fn machine(files: &[(&str, &str)]) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        let meminfo = ("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n");
        for (path, text) in files.iter().chain([&meminfo]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_least_limit_counts_whichever_version_and_level_it_has() {
        let (v1, v2) = ("sys/fs/cgroup/memory", "sys/fs/cgroup");
        let (own_v1, own_v2) =
            (("proc/self/cgroup", "4:cpu,memory:/a/b\n"), ("proc/self/cgroup", "0::/a/b\n"));
        let file = |mount: &str, rest: &str| format!("{mount}/{rest}");
        let none = "9223372036854771712\n";
        type Files<'a> = Vec<(String, &'a str)>;
        let cases: [(&str, Files<'_>, u64); 7] = [
            ("no cgroup", vec![], 8 << 30),
            (
                "v2, own",
                vec![(file(v2, "a/b/memory.max"), "67108864\n"), (own_v2.0.into(), own_v2.1)],
                64 << 20,
            ),
            (
                "v2, parent",
                vec![
                    (file(v2, "a/b/memory.max"), "max\n"),
                    (file(v2, "a/memory.max"), "1048576\n"),
                    (own_v2.0.into(), own_v2.1),
                ],
                1 << 20,
            ),
            (
                "v2, in a container",
                vec![(file(v2, "memory.max"), "2097152\n"), (own_v2.0.into(), own_v2.1)],
                2 << 20,
            ),
            (
                "v1, own",
                vec![(file(v1, "a/b/memory.limit_in_bytes"), "67108864\n"), (own_v1.0.into(), own_v1.1)],
                64 << 20,
            ),
            (
                "v1, root",
                vec![
                    (file(v1, "a/b/memory.limit_in_bytes"), none),
                    (file(v1, "memory.limit_in_bytes"), "4194304\n"),
                    (own_v1.0.into(), own_v1.1),
                ],
                4 << 20,
            ),
            (
                "v1, none",
                vec![(file(v1, "memory.limit_in_bytes"), none), (own_v1.0.into(), own_v1.1)],
                8 << 30,
            ),
        ];
        for (what, files, bytes) in cases {
            let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
            assert_eq!(available_in(machine(&files).path()), bytes, "{what}");
        }
    }

    #[test]
    fn this_machine_has_some_memory() {
        assert!(available_bytes() > 1 << 20);
    }
}
