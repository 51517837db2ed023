//! Running ahead of the usual threads of a core.

use std::fs;

use nix::libc;

/// Linux whose scheduler gives usual threads their time behind one that runs ahead of them without stopping it: before
/// 6.12 it stands still for 50 ms of each second instead.
const SERVES_BEHIND: (u32, u32) = (6, 12);

/// From now on the calling thread runs ahead of every usual thread (SCHED_FIFO, the lowest priority). Gives whether the
/// system allows that; it takes CAP_SYS_NICE, or a limit on real-time priorities (RLIMIT_RTPRIO).
pub fn go() -> bool {
    scheduled(libc::SCHED_FIFO, 1)
}

/// Whether [`go`] would be allowed, and would do what it says.
pub fn is_possible() -> bool {
    let allowed = std::thread::spawn(go).join().unwrap_or(false);
    allowed && (is_unthrottled() || kernel().is_some_and(|version| version >= SERVES_BEHIND))
}

fn scheduled(policy: libc::c_int, priority: libc::c_int) -> bool {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: the parameters live for the call, and 0 is the calling thread (sched_setscheduler(2)).
    unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) == 0 }
}

fn is_unthrottled() -> bool {
    fs::read_to_string("/proc/sys/kernel/sched_rt_runtime_us").is_ok_and(|text| text.trim() == "-1")
}

/// Major and minor number of the running kernel.
fn kernel() -> Option<(u32, u32)> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use nix::libc;

    #[test]
    fn the_kernel_tells_its_version_and_asking_changes_nothing() {
        assert!(super::kernel().is_some_and(|version| version >= (2, 6)));
        let _ = super::is_possible();
        // SAFETY: 0 is the calling thread, and the call only reads (sched_getscheduler(2)).
        assert_eq!(unsafe { libc::sched_getscheduler(0) }, libc::SCHED_OTHER);
    }
}
