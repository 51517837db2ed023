//! A control group with a CPU quota, as containers have one: made for a contestant, and removed after it.
//!
//! In cgroup v1 it is made in the hierarchy of the controller `cpu`, below the group of this program. In v2 a group has
//! that controller where the group above it hands it down, and one that holds processes may not, but for the root: so a
//! place is looked for below the group of this program, and then beside it. Sources:
//! Documentation/scheduler/sched-bwc.rst, Documentation/admin-guide/cgroup-v2.rst ("No Internal Process Constraint").

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dyno_record::quota::CpuQuota;
use procfs::process::Process;

use crate::probe::cpu_group::{name_of_next, remove_group, remove_orphans};

/// Why there is no group with a quota.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// No hierarchy of control groups limits CPU, or none is mounted.
    #[error("no hierarchy of control groups with the controller cpu is mounted here")]
    NoController,
    /// A group cannot be made, or not given a quota.
    #[error("{}: {reason}", place.display())]
    Refused {
        /// Where.
        place: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// What has happened in the group so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QuotaSample {
    /// Periods in which it ran.
    pub periods: u64,
    /// Periods in which it was stopped.
    pub throttled_periods: u64,
    /// For how long, added up over its cores.
    pub throttled: Duration,
}

/// A control group with a quota, removed when it is dropped.
#[derive(Debug)]
pub struct QuotaGroup {
    directory: PathBuf,
    is_v2: bool,
}

impl QuotaGroup {
    /// Makes one.
    ///
    /// # Errors
    /// Where it was tried last, and what the system said.
    pub fn make(quota: CpuQuota) -> Result<Self, QuotaError> {
        let mut last = QuotaError::NoController;
        for (parent, is_v2) in places() {
            match QuotaGroup::below(&parent, is_v2, quota) {
                Ok(group) => return Ok(group),
                Err(error) => last = QuotaError::Refused { place: parent, reason: error.to_string() },
            }
        }
        Err(last)
    }

    fn below(parent: &Path, is_v2: bool, quota: CpuQuota) -> io::Result<Self> {
        remove_orphans(parent);
        let directory = parent.join(name_of_next());
        fs::create_dir(&directory)?;
        // From here on it is removed whatever happens.
        let group = QuotaGroup { directory, is_v2 };
        let (quota_us, period_us) = (quota.quota_us(), quota.period_us);
        if !is_v2 {
            fs::write(group.directory.join("cpu.cfs_period_us"), period_us.to_string())?;
            fs::write(group.directory.join("cpu.cfs_quota_us"), quota_us.to_string())?;
            return Ok(group);
        }
        let limit = group.directory.join("cpu.max");
        if !limit.exists() {
            fs::write(parent.join("cgroup.subtree_control"), "+cpu")?;
        }
        fs::write(limit, format!("{quota_us} {period_us}"))?;
        Ok(group)
    }

    /// Where it is, for whoever keeps its account.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether it is one of cgroup v2, in which a process is in one group alone.
    pub(crate) fn is_v2(&self) -> bool {
        self.is_v2
    }

    /// The file through which a process enters the group: it writes `0` there.
    ///
    /// # Errors
    /// When this program may make groups, but not fill them.
    pub fn entrance(&self) -> io::Result<File> {
        File::options().write(true).open(self.directory.join("cgroup.procs"))
    }

    /// Whether a process is in it.
    pub(crate) fn holds(&self, pid: i32) -> bool {
        let members = fs::read_to_string(self.directory.join("cgroup.procs")).unwrap_or_default();
        members.lines().any(|line| line.trim().parse() == Ok(pid))
    }

    /// What has happened so far; `None` where the kernel does not tell.
    pub fn sample(&self) -> Option<QuotaSample> {
        read(&fs::read_to_string(self.directory.join("cpu.stat")).ok()?)
    }
}

impl Drop for QuotaGroup {
    fn drop(&mut self) {
        remove_group(&self.directory);
    }
}

/// The lines of `cpu.stat`, which tells nanoseconds in v1 and microseconds in v2.
fn read(stat: &str) -> Option<QuotaSample> {
    let of = |name: &str| stat.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
    let throttled = of("throttled_time ")
        .map(Duration::from_nanos)
        .or_else(|| of("throttled_usec ").map(Duration::from_micros))?;
    Some(QuotaSample { periods: of("nr_periods ")?, throttled_periods: of("nr_throttled ")?, throttled })
}

/// Where a group may be made, the best place first, and whether that is in v2.
fn places() -> Vec<(PathBuf, bool)> {
    let Ok(own) = Process::myself() else { return Vec::new() };
    let (Ok(memberships), Ok(mounts)) = (own.cgroups(), own.mountinfo()) else { return Vec::new() };
    let mut found = Vec::new();
    for is_v2 in [false, true] {
        let membership = memberships.0.iter().find(|one| match is_v2 {
            true => one.hierarchy == 0,
            false => one.controllers.iter().any(|name| name == "cpu"),
        });
        let mount = mounts.iter().find(|mount| match is_v2 {
            true => mount.fs_type == "cgroup2",
            false => mount.fs_type == "cgroup" && mount.super_options.contains_key("cpu"),
        });
        let (Some(membership), Some(mount)) = (membership, mount) else { continue };
        // A container may see only what lies below its own group.
        let below = Path::new(&membership.pathname).strip_prefix(&mount.root).unwrap_or(Path::new(""));
        let group = mount.mount_point.join(below);
        let beside = group.parent().filter(|_| is_v2 && group != mount.mount_point).map(Path::to_path_buf);
        // Where v1 has the controller, v2 has it not.
        let has_controller = |place: &PathBuf| {
            let controllers = fs::read_to_string(place.join("cgroup.controllers")).unwrap_or_default();
            !is_v2 || controllers.split_whitespace().any(|name| name == "cpu")
        };
        found
            .extend([Some(group), beside].into_iter().flatten().filter(has_controller).map(|at| (at, is_v2)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn both_hierarchies_tell_how_often_and_for_how_long() {
        let wanted = QuotaSample { periods: 22, throttled_periods: 7, throttled: Duration::from_millis(3) };
        assert_eq!(read("nr_periods 22\nnr_throttled 7\nthrottled_time 3000000\n"), Some(wanted));
        let v2 = "usage_usec 9\nnr_periods 22\nnr_throttled 7\nthrottled_usec 3000\nnr_bursts 0\n";
        assert_eq!(read(v2), Some(wanted));
        for nothing in ["", "usage_usec 9\n", "nr_periods x\nnr_throttled 7\nthrottled_time 1\n"] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
    }

    /// Where groups may be made: a loop that would use a core gets its quota, and the group is gone afterwards.
    #[test]
    fn a_loop_gets_its_quota_and_the_group_goes_with_its_owner() {
        let quota = CpuQuota { millicores: 200, period_us: 20_000 };
        let group = match QuotaGroup::make(quota) {
            Ok(group) => group,
            Err(error) => {
                eprintln!("no control groups with a quota can be made here ({error}): nothing was tried");
                return;
            }
        };
        let mut busy =
            Command::new("sh").args(["-c", "while :; do :; done"]).stdin(Stdio::null()).spawn().unwrap();
        let entered = fs::write(group.directory.join("cgroup.procs"), busy.id().to_string());
        let directory = group.directory.clone();
        if entered.is_ok() {
            assert!(group.holds(busy.id() as i32));
            let deadline = std::time::Instant::now() + Duration::from_secs(20);
            while group.sample().is_some_and(|seen| seen.throttled_periods < 10)
                && std::time::Instant::now() < deadline
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            let seen = group.sample().unwrap();
            assert!(seen.throttled_periods >= 10 && seen.periods >= seen.throttled_periods, "{seen:?}");
            assert!(seen.throttled > Duration::from_millis(10), "{seen:?}");
        }
        busy.kill().unwrap();
        busy.wait().unwrap();
        drop(group);
        assert!(!directory.exists());
    }
}
