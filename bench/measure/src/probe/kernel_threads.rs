//! CPU time of the kernel's threads that work for the load.
//!
//! What a connection leaves behind is cleared away later: interrupts that come too fast are handled by ksoftirqd, what
//! is freed after a grace period by the threads of RCU, closed sockets and timers by kworkers, and a thread that has
//! to move is moved by migration. On a machine where only server and generator work, these work for them. The other
//! threads of the kernel (kswapd, khugepaged, journals, disk encryption) are strangers as other programs are.

use std::time::Duration;

use procfs::process::{Stat, all_processes};

use crate::probe::process;

/// The flag of a thread that belongs to the kernel (`PF_KTHREAD`, include/linux/sched.h), in /proc/PID/stat.
const KERNEL_THREAD: u32 = 0x0020_0000;

/// What the names of those that work for the load begin with.
const SERVING: [&str; 8] =
    ["ksoftirqd/", "rcu_", "rcuc/", "rcuog/", "rcuop/", "rcub/", "kworker/", "migration/"];

/// Those kworkers that write dirty pages back tell so in their name.
const WRITING_BACK: &str = "-flush";

/// The kernel's threads that work for the load, by their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelThreads(Vec<i32>);

impl KernelThreads {
    /// Looks for them among all processes, which takes some milliseconds.
    pub fn find() -> Self {
        let all = all_processes().into_iter().flatten().flatten();
        let serving = all.filter_map(|process| process.stat().ok()).filter(serves_load);
        KernelThreads(serving.map(|stat| stat.pid).collect())
    }

    /// Their CPU time so far. A thread that has ended since is left out.
    pub fn cpu(&self) -> Duration {
        self.0.iter().filter_map(|pid| process::cpu_time(*pid)).sum()
    }
}

fn serves_load(stat: &Stat) -> bool {
    stat.flags & KERNEL_THREAD != 0 && is_serving(&stat.comm)
}

fn is_serving(name: &str) -> bool {
    SERVING.iter().any(|prefix| name.starts_with(prefix)) && !name.contains(WRITING_BACK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use procfs::FromRead;

    /// A line of /proc/PID/stat.
    fn stat(name: &str, flags: u32) -> Stat {
        let line = format!(
            "14 ({name}) S 2 0 0 0 -1 {flags} 0 0 0 0 10 20 0 0 20 0 1 0 4 0 0 18446744073709551615 0 0 0 0 0 0 0 2147483647 0 1 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
        );
        Stat::from_read(line.as_bytes()).unwrap()
    }

    #[test]
    fn names_and_the_flag_together_tell_who_works_for_the_load() {
        for (name, serves) in [
            ("ksoftirqd/1", true),
            ("rcu_preempt", true),
            ("rcuop/3", true),
            ("rcuc/0", true),
            ("kworker/0:1-events", true),
            ("kworker/u8:3", true),
            ("migration/0", true),
            ("kworker/u4:2-flush-254:0", false),
            ("kswapd0", false),
            ("khugepaged", false),
            ("jbd2/vda1-8", false),
        ] {
            assert_eq!(serves_load(&stat(name, 0x0020_8040)), serves, "{name}");
            // A program may call itself what it likes.
            assert!(!serves_load(&stat(name, 0x0040_0000)), "{name} without the flag");
        }
    }

    /// The largest number that Linux gives a process.
    const PID_MAX_LIMIT: i32 = 4 << 20;

    #[test]
    fn their_time_can_be_read() {
        let found = KernelThreads::find();
        let before = found.cpu();
        assert!(found.cpu() >= before);
        assert_eq!(KernelThreads(vec![PID_MAX_LIMIT + 1]).cpu(), Duration::ZERO);
        let own = std::process::id() as i32;
        assert!(!found.0.contains(&own));
    }
}
