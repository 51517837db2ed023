//! What the whole machine has used so far.

use std::time::Duration;
use std::{fs, io};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::ClockId;
use nix::unistd::Pid;

/// CPU time of all cores together.
///
/// What a core worked is not read, it is what remains when its idle time is taken off. For the times of work the
/// kernel looks at each tick, 250 times a second in many distributions, who runs at that moment: in a cell of a tenth
/// of a second that is a sample of 25, wrong by a tenth of a core every other time. The time in which a core had
/// nothing to do it takes with the clock, when it begins and when it ends (`get_idle_time` in fs/proc/stat.c,
/// `get_cpu_idle_time_us` in kernel/time/tick-sched.c, where the tick stops in idleness, which is everywhere today).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MachineSample {
    /// Time in which a core worked, interrupts included; to a hundredth of a second.
    pub busy: Duration,
    /// Time that the hypervisor took.
    pub steal: Duration,
    /// All time: that of the clock, for each core.
    pub all: Duration,
    /// Processes and threads that were ever started.
    pub births: u64,
}

/// Samples the machine; zeros where there is no /proc/stat.
///
/// # Panics
/// When the system has no monotonic clock, which Linux always has.
pub fn sample() -> MachineSample {
    let Ok(text) = fs::read_to_string("/proc/stat") else { return MachineSample::default() };
    let since_boot = ClockId::CLOCK_MONOTONIC.now().expect("Linux has a monotonic clock");
    parse(&text, since_boot.into()).unwrap_or_default()
}

/// The lines of /proc/stat (proc_stat(5)): all cores together, then each: user nice system idle iowait irq softirq
/// steal guest guest_nice; and how many processes there ever were, threads among them.
fn parse(text: &str, since_boot: Duration) -> Option<MachineSample> {
    let mut lines = text.lines();
    let ticks: Vec<u64> = lines
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let [_, _, _, idle, iowait, _, _, steal, ..] = ticks[..] else {
        return None;
    };
    let cores = lines.take_while(|line| line.starts_with("cpu")).count();
    let births = text.lines().find_map(|line| line.strip_prefix("processes ")?.parse().ok()).unwrap_or(0);
    let time = |ticks: u64| Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64);
    let all = since_boot * u32::try_from(cores).ok()?;
    Some(MachineSample {
        busy: all.saturating_sub(time(idle + iowait + steal)),
        steal: time(steal),
        all,
        births,
    })
}

/// Restricts this thread, and those that it starts from now on, to `cores`.
///
/// # Errors
/// When one of the cores does not exist, or when the system does not allow it.
pub fn pin(cores: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// Cores on line.
pub fn cores() -> usize {
    online_cores().len()
}

/// Numbers of the cores that are on line and that this process may use.
pub fn online_cores() -> Vec<usize> {
    match sched_getaffinity(Pid::from_raw(0)) {
        Ok(set) => (0..CpuSet::count()).filter(|core| set.is_set(*core).unwrap_or(false)).collect(),
        Err(_) => vec![0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_idle_is_work_whatever_the_ticks_say() {
        let text = "cpu  100 10 50 800 20 5 15 40 7 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 7\nprocesses 4711\n";
        let tick = 1.0 / procfs::ticks_per_second() as f64;
        let sample = parse(text, Duration::from_secs_f64(600.0 * tick)).unwrap();
        assert!((sample.busy.as_secs_f64() - (1200.0 - 860.0) * tick).abs() < 1e-9);
        assert!((sample.steal.as_secs_f64() - 40.0 * tick).abs() < 1e-9);
        assert!((sample.all.as_secs_f64() - 1200.0 * tick).abs() < 1e-9);
        assert_eq!(sample.births, 4711);
        assert!(parse("nothing", Duration::ZERO).is_none());
    }

    #[test]
    fn there_is_a_core() {
        assert!(cores() >= 1);
        assert!(sample().all > Duration::ZERO);
    }
}
