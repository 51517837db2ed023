//! Whose time was it? Each side runs in a control group of its own, whose account holds all threads and processes that
//! ever ran in it, those that have ended included.
//!
//! The accounts of threads (`/proc/PID/task/*/schedstat`) lose each thread that ends, and the accounts of processes
//! each child that nobody waits for. A group loses nothing. What the kernel does on a thread's time (system calls,
//! interrupts, and the network's packets that it delivers at the end of a system call) is the thread's, as it is on
//! the host.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use perf_event::events::{Event, Software, Tracepoint};
use perf_event::{Builder, Counter};

use super::super::contract::EventAccount;
use super::system::text;
use crate::probe::tracepoints;

/// Where control groups are.
const ROOT: &str = "/sys/fs/cgroup";

/// Process id of the parent of the kernel's own threads.
const KERNEL_THREADS: &str = "2";

/// A control group.
#[derive(Debug, Clone)]
pub(super) struct AccountGroup {
    directory: PathBuf,
}

impl AccountGroup {
    /// A new group.
    pub(super) fn new(name: &str) -> io::Result<Self> {
        let directory = PathBuf::from(ROOT).join(name);
        fs::create_dir(&directory)?;
        Ok(AccountGroup { directory })
    }

    /// Moves this process into it. What it starts from now on is in the group from its first instruction on.
    pub(super) fn enter(&self) -> io::Result<()> {
        fs::write(self.directory.join("cgroup.procs"), "0")
    }

    /// Time that all threads ran which ever were in it, in nanoseconds.
    pub(super) fn ran_ns(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.directory.join("cpu.stat"))?;
        let told = text.lines().find_map(|line| line.strip_prefix("usage_usec "));
        let us: Option<u64> = told.and_then(|number| number.trim().parse().ok());
        us.map(|us| us * 1000).ok_or_else(|| io::Error::other("cpu.stat tells no usage"))
    }

    /// Removes it, once it is empty.
    pub(super) fn remove(self) {
        // A group that is left behind takes memory and nothing else.
        let _ = fs::remove_dir(self.directory);
    }
}

/// Lets counters of the kernel see groups that are made from now on.
///
/// The controller that they need is on by itself, but the kernel of Linux 6.1 gives it to new groups only after some
/// controller was switched on once. None stays on: they take instructions.
pub(super) fn admit_counters() {
    for word in ["+pids", "-pids"] {
        // Without that controller, or where it is not needed, counters are there or not.
        let _ = fs::write(format!("{ROOT}/cgroup.subtree_control"), word);
    }
}

/// Time that the kernel's own threads ran, in nanoseconds: they belong to no group.
pub(super) fn kernel_threads_ns() -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let names = processes.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| is_kernel_thread(&text(&format!("/proc/{name}/stat"))))
        .map(|name| ran_ns(&name))
        .sum()
}

/// Whether a line of `/proc/PID/stat` is that of a thread of the kernel.
fn is_kernel_thread(stat: &str) -> bool {
    // The name stands in parentheses and may hold some itself.
    let behind_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
    behind_name.and_then(|rest| rest.split(' ').nth(1)) == Some(KERNEL_THREADS)
}

fn ran_ns(pid: &str) -> u64 {
    let told = text(&format!("/proc/{pid}/schedstat"));
    told.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

/// Time that all threads of the machine ran, in nanoseconds, by the account of the scheduler's queue; absent where the
/// kernel does not keep it.
pub(super) fn all_ns() -> Option<u64> {
    queue_ns(&text("/proc/schedstat"))
}

/// The seventh number of a core's line (Documentation/scheduler/sched-stats.rst of Linux).
fn queue_ns(schedstat: &str) -> Option<u64> {
    let line = schedstat.lines().find_map(|line| line.strip_prefix("cpu0 "))?;
    line.split(' ').nth(6)?.parse().ok()
}

/// Counters of the kernel for all threads of a group.
#[derive(Debug)]
pub(super) struct Events {
    system_calls: Option<Counter>,
    switches: Option<Counter>,
}

impl Events {
    /// Opens them.
    pub(super) fn of(group: &AccountGroup) -> Self {
        let Ok(directory) = File::open(&group.directory) else {
            return Events { system_calls: None, switches: None };
        };
        let calls = tracepoints::system_calls().map(Tracepoint::with_id);
        Events {
            system_calls: calls.and_then(|event| counter(&directory, event)),
            switches: counter(&directory, Software::CONTEXT_SWITCHES),
        }
    }

    /// What they show.
    pub(super) fn read(&mut self) -> EventAccount {
        let read = |counter: &mut Option<Counter>| counter.as_mut()?.read().ok();
        EventAccount { system_calls: read(&mut self.system_calls), switches: read(&mut self.switches) }
    }
}

fn counter(group: &File, event: impl Event) -> Option<Counter> {
    let mut builder = Builder::new(event);
    // The guest has one core. A switch happens in the kernel.
    builder.observe_cgroup(group).one_cpu(0).include_kernel().enabled(true);
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_the_kernel_are_told_by_their_parent() {
        for (stat, is_one) in [
            ("9 (ksoftirqd/0) S 2 0 0 0", true),
            ("2 (kthreadd) S 0 0 0 0", false),
            ("77 (a) S 2 (b) S 1 77 1", false),
            ("77 (dyno) R 1 77 1", false),
            ("", false),
        ] {
            assert_eq!(is_kernel_thread(stat), is_one, "{stat}");
        }
    }

    #[test]
    fn the_queue_tells_the_time_of_all() {
        let text = "version 15\ntimestamp 4294893567\ncpu0 0 0 5 2 3 1 123456789 42 6\ndomain0 1 2\n";
        assert_eq!(queue_ns(text), Some(123_456_789));
        assert_eq!(queue_ns(""), None);
        assert_eq!(queue_ns("cpu1 0 0 5 2 3 1 9 42 6\n"), None);
    }
}
