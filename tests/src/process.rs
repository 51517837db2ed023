//! What /proc tells about a process.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::Pid;
use procfs::process::{FDInfo, FDTarget, Process};

/// The children of `pid`, zombies included.
pub fn children(pid: Pid) -> Vec<Pid> {
    let Ok(tasks) = Process::new(pid.as_raw()).and_then(|process| process.tasks()) else { return Vec::new() };
    let children = tasks.flatten().filter_map(|task| task.children().ok());
    children.flatten().map(|child| Pid::from_raw(child.cast_signed())).collect()
}

/// How many children of `pid` have ended and were not reaped.
pub fn zombies(pid: Pid) -> usize {
    let state =
        |child: &Pid| Process::new(child.as_raw()).and_then(|process| process.stat()).map(|stat| stat.state);
    children(pid).iter().filter(|child| matches!(state(child), Ok('Z'))).count()
}

/// Whether `pid` runs: one that has ended and was not reaped does not.
pub fn is_alive(pid: Pid) -> bool {
    let stat = Process::new(pid.as_raw()).and_then(|process| process.stat());
    stat.is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}

/// How many threads `pid` has.
pub fn threads(pid: Pid) -> usize {
    let stat = Process::new(pid.as_raw()).and_then(|process| process.stat());
    stat.map_or(0, |stat| usize::try_from(stat.num_threads).unwrap_or(0))
}

/// CPU time that `pid` and its living children have used, in clock ticks' resolution (10 ms).
pub fn cpu_time(pid: Pid) -> Duration {
    let own = |pid: Pid| {
        let stat = Process::new(pid.as_raw()).and_then(|process| process.stat());
        stat.map_or(0, |stat| stat.utime + stat.stime)
    };
    let ticks = own(pid) + children(pid).into_iter().map(own).sum::<u64>();
    Duration::from_millis(ticks * 1000 / procfs::ticks_per_second())
}

/// How often memory is read again because the family has changed meanwhile.
const FAMILY_READINGS: usize = 50;

/// Memory of `pid` and its children, in KiB: a page that several share counts for each in part (PSS).
pub fn memory_kib(pid: Pid) -> u64 {
    let own = |pid: Pid| {
        let rollup = Process::new(pid.as_raw()).and_then(|process| process.smaps_rollup()).ok();
        let map = rollup.and_then(|rollup| rollup.memory_map_rollup.into_iter().next());
        map.and_then(|map| map.extension.map.get("Pss").copied()).unwrap_or(0) / 1024
    };
    let mut kib = 0;
    for _ in 0..FAMILY_READINGS {
        let family = children(pid);
        kib = own(pid) + family.iter().copied().map(own).sum::<u64>();
        // A process that is forked between two looks takes over a part of what was counted for its parent already.
        if children(pid) == family {
            break;
        }
    }
    kib
}

/// Open descriptors of `pid`.
pub fn descriptors(pid: Pid) -> usize {
    Process::new(pid.as_raw()).and_then(|process| process.fd_count()).unwrap_or(0)
}

/// Open sockets of `pid` and its children, each counted once for each that has it.
pub fn sockets(pid: Pid) -> usize {
    let own = |pid: Pid| {
        let descriptors = Process::new(pid.as_raw()).and_then(|process| process.fd());
        let is_socket = |descriptor: &FDInfo| matches!(descriptor.target, FDTarget::Socket(_));
        descriptors.map_or(0, |all| all.flatten().filter(is_socket).count())
    };
    own(pid) + children(pid).into_iter().map(own).sum::<usize>()
}

/// Waits for a program that must end by itself within `limit`; one that does not is killed. What it says must fit into
/// a pipe, or be read meanwhile.
///
/// # Errors
/// In words that begin with `name`, when it does not end.
pub fn ends(child: &mut Child, limit: Duration, name: &str) -> Result<(), String> {
    if wait_until(limit, || matches!(child.try_wait(), Ok(Some(_)))).is_none() {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("{name} does not end within {limit:?}"));
    }
    Ok(())
}

/// Looks every 10 ms whether `holds`, at most for `timeout`.
///
/// # Returns
/// How long it took, or `None` when the time-out passed first.
pub fn wait_until(timeout: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let start = Instant::now();
    loop {
        if holds() {
            return Some(start.elapsed());
        }
        if start.elapsed() >= timeout {
            return None;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
