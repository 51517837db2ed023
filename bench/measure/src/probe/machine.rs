//! What the whole machine has used so far.

use std::time::Duration;
use std::{fs, io};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// CPU time of all cores together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MachineSample {
    /// Time in which a core worked, interrupts included.
    pub busy: Duration,
    /// Time that the hypervisor took.
    pub steal: Duration,
    /// All time: busy, stolen, idle and waiting.
    pub all: Duration,
}

/// Samples the machine; zeros where there is no /proc/stat.
pub fn sample() -> MachineSample {
    fs::read_to_string("/proc/stat").ok().and_then(|text| parse(&text)).unwrap_or_default()
}

/// The first line of /proc/stat (proc_stat(5)): user nice system idle iowait irq softirq steal guest guest_nice.
fn parse(text: &str) -> Option<MachineSample> {
    let ticks: Vec<u64> = text
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let [user, nice, system, idle, iowait, irq, softirq, steal, ..] = ticks[..] else {
        return None;
    };
    // Guest time is a part of user time and must not count twice.
    let busy = user + nice + system + irq + softirq;
    let time = |ticks: u64| Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64);
    Some(MachineSample { busy: time(busy), steal: time(steal), all: time(busy + idle + iowait + steal) })
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
    fn reads_the_line_that_proc_stat_5_describes() {
        let text = "cpu  100 10 50 800 20 5 15 40 7 0\ncpu0 1 2 3 4\n";
        let sample = parse(text).unwrap();
        let tick = 1.0 / procfs::ticks_per_second() as f64;
        assert!((sample.busy.as_secs_f64() - 180.0 * tick).abs() < 1e-9);
        assert!((sample.steal.as_secs_f64() - 40.0 * tick).abs() < 1e-9);
        assert!((sample.all.as_secs_f64() - 1040.0 * tick).abs() < 1e-9);
        assert!(parse("nothing").is_none());
    }

    #[test]
    fn there_is_a_core() {
        assert!(cores() >= 1);
        assert!(sample().all > Duration::ZERO);
    }
}
