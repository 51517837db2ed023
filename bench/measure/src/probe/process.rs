//! What one process has used so far.

use std::fs;
use std::time::Duration;

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::process::{Process, Stat};

/// CPU time of a process so far, to the nanosecond. It includes all threads, also those that have ended, but no
/// children.
///
/// /proc gives the same value in hundredths of a second, which is too coarse for windows of less than a second. What a
/// thread has used since it was put on its core is counted when the scheduler next looks at it: at a tick of its clock,
/// a switch, or the next look at the pace of the core.
pub fn cpu_time(pid: i32) -> Option<Duration> {
    let clock = clock_getcpuclockid(Pid::from_raw(pid)).ok()?;
    clock_gettime(clock).ok().map(Duration::from)
}

/// The children of a process that were started by its first thread, zombies included: one read of one file. Empty where
/// the kernel has no such file.
pub fn children(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// The stat line of a process that still exists.
pub fn stat(pid: i32) -> Option<Stat> {
    Process::new(pid).ok()?.stat().ok()
}

/// CPU time of a process alone. A zombie has no CPU clock any more, but its stat line still has the time.
pub fn own_cpu(stat: &Stat) -> Duration {
    cpu_time(stat.pid).unwrap_or_else(|| ticks(stat.utime + stat.stime))
}

/// CPU time of the children that a process has waited for, which is known in ticks of the clock.
pub fn children_cpu(stat: &Stat) -> Duration {
    ticks((stat.cutime.max(0) + stat.cstime.max(0)) as u64)
}

fn ticks(count: u64) -> Duration {
    Duration::from_secs(1) / procfs::ticks_per_second() as u32 * count as u32
}

/// The scheduler's counters of one thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadCounters {
    /// Context switches because the thread waited.
    pub switches_voluntary: u64,
    /// Context switches that the scheduler forced.
    pub switches_involuntary: u64,
    /// Time runnable without a core; absent where the kernel does not count it.
    pub run_queue_wait_ns: Option<u64>,
}

/// Numbers of all threads of a process.
pub fn threads(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The counters of a thread; `None` when it has ended.
pub fn thread_counters(pid: i32, thread: i32) -> Option<ThreadCounters> {
    let status = fs::read_to_string(format!("/proc/{pid}/task/{thread}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        status.lines().rev().find_map(|line| line.strip_prefix(name))?.trim().parse().ok()
    };
    let schedstat = fs::read_to_string(format!("/proc/{pid}/task/{thread}/schedstat")).ok();
    Some(ThreadCounters {
        switches_voluntary: field("voluntary_ctxt_switches:")?,
        switches_involuntary: field("nonvoluntary_ctxt_switches:")?,
        run_queue_wait_ns: schedstat.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()),
    })
}

/// Whether a thread runs on a core or waits for one (state `R`).
pub fn thread_runs(pid: i32, thread: i32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat"))
        .ok()
        .and_then(|line| line.rsplit_once(") ").map(|(_, rest)| rest.starts_with('R')))
        .unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_its_own_work() {
        let own = std::process::id() as i32;
        let before = cpu_time(own).unwrap();
        let mut sum = 0u64;
        while cpu_time(own).unwrap() - before < Duration::from_millis(5) {
            sum = std::hint::black_box(sum + 1);
        }
        let thread = nix::unistd::gettid().as_raw();
        assert!(threads(own).contains(&thread));
        assert!(thread_runs(own, thread));
        assert!(thread_counters(own, thread).is_some());
        assert!(thread_counters(own, 0).is_none());
    }
}
