//! Is this machine fit to measure on? Each check reports what it found, what that means, and what can be done.

use dyno_analysis::limits::SLOWED_SHARE;
use dyno_clients::engine::quota::own;
use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};

use crate::place::{LeftOut, Placement, ranges};
use crate::probe::pace::{FullPace, Watch};
use crate::probe::{machine, process};
use dyno_record::header::{Environment, Floor};
use dyno_record::pace::CorePace;
use dyno_units::show;

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// Measurements will suffer.
    Warning,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// How serious it is.
    pub grade: Grade,
    /// What was found.
    pub seen: String,
    /// What can be done; empty when nothing needs to be done.
    pub advice: String,
}

fn check(name: &'static str, grade: Grade, seen: impl Into<String>, advice: &str) -> Check {
    let advice = if grade == Grade::Good { String::new() } else { advice.to_string() };
    Check { name, grade, seen: seen.into(), advice }
}

/// Runs all checks. Observes the machine for `watch`.
pub fn examine(environment: &Environment, floor: &Floor, watch: Duration) -> Vec<Check> {
    let mut found = vec![
        build(environment),
        cores(environment),
        quota(environment, own().cores()),
        smt(environment),
        placement(&Placement::here()),
        governor(environment),
    ];
    found.extend(idle(watch));
    found.extend([
        files(),
        ports(environment),
        backlog(environment),
        congestion(environment),
        virtualization(environment),
        wake_up(floor),
    ]);
    found.push(clock(environment));
    found.push(cpu_clocks());
    found.push(hardware_counters(environment));
    found.push(io_uring(environment));
    found
}

fn build(environment: &Environment) -> Check {
    let (grade, seen) =
        if environment.optimized { (Grade::Good, "optimized") } else { (Grade::Warning, "not optimized") };
    check("this program", grade, seen, "build it with optimization; unoptimized figures say nothing")
}

fn cores(environment: &Environment) -> Check {
    let seen = format!("{} may be used", environment.cores);
    match environment.cores {
        1 => check(
            "cores",
            Grade::Warning,
            seen,
            "server and generator share the one core; use a machine with two at least",
        ),
        2 | 3 => check(
            "cores",
            Grade::Note,
            seen,
            "one core for the server: multi-core designs show their cost, not their gain",
        ),
        _ => check("cores", Grade::Good, seen, ""),
    }
}

/// A quota below the cores stops all threads of the group for a part of each period.
fn quota(environment: &Environment, cores: Option<f64>) -> Check {
    let Some(cores) = cores else { return check("CPU quota", Grade::Good, "none", "") };
    let grade = if cores < environment.cores as f64 { Grade::Warning } else { Grade::Good };
    check(
        "CPU quota",
        grade,
        format!("{} of {}", show::three(cores), show::count(environment.cores, "core")),
        "raise cpu.max (or cpu.cfs_quota_us) of the control group, or use fewer cores: cells in which the quota stops a side are void",
    )
}

/// That a quota is smaller than the cores that an experiment uses; `None` where it is not.
pub fn short_of_quota(quota_cores: Option<f64>, used: usize) -> Option<String> {
    let cores = quota_cores.filter(|cores| *cores < used as f64)?;
    Some(format!(
        "a CPU quota allows {} of the {} in use: cells in which it stops a side are void (see dyno doctor)",
        show::three(cores),
        show::count(used, "core")
    ))
}

fn smt(environment: &Environment) -> Check {
    if environment.siblings.is_empty() {
        return check("SMT", Grade::Good, "no two cores share an execution unit", "");
    }
    let seen = format!("cores share units: {:?}", environment.siblings);
    check("SMT", Grade::Note, seen, "where you name cores yourself, split no set between both sides")
}

/// Which cores an experiment uses where the user names none.
fn placement(placement: &Placement) -> Check {
    let cores = placement.halves();
    let mut seen = format!("server on {}, generator on {}", ranges(&cores.server), ranges(&cores.generator));
    for (why, words) in
        [(LeftOut::OtherKind, "of another kind"), (LeftOut::OtherNode, "on another NUMA node")]
    {
        let out = placement.left_out.iter().filter(|(_, reason)| *reason == why);
        let cpus: Vec<usize> = out.map(|(cpu, _)| *cpu).collect();
        if !cpus.is_empty() {
            seen += &format!("; left out: {} ({words})", ranges(&cpus));
        }
    }
    if placement.is_split_by_need() {
        seen += "; compare splits them by need after its pilot";
    }
    let splits_a_core = placement.cores.len() == 1 && !cores.shared();
    let (grade, advice) = if cores.shared() {
        (Grade::Warning, "both sides share the one core; use a machine with two at least")
    } else if splits_a_core {
        (
            Grade::Note,
            "both sides share the execution units of one core (SMT): use a machine with two cores at least",
        )
    } else if !placement.left_out.is_empty() {
        (Grade::Note, "name the cores of both sides to use others")
    } else {
        (Grade::Good, "")
    };
    check("placement", grade, seen, advice)
}

fn governor(environment: &Environment) -> Check {
    match environment.governor.as_deref() {
        None => check("governor", Grade::Good, "none: the clock is not changed from here", ""),
        Some("performance") => check("governor", Grade::Good, "performance", ""),
        Some(other) => check("governor", Grade::Warning, other, "cpupower frequency-set -g performance"),
    }
}

/// Observes the whole machine for a while.
fn idle(watch: Duration) -> Vec<Check> {
    let cores = machine::online_cores();
    let mut full_pace = FullPace::default();
    full_pace.meet(&cores);
    let before = (machine::sample(), process::cpu_time(std::process::id() as i32));
    let epoch = Instant::now();
    let looks = Watch::start(&cores, epoch);
    std::thread::sleep(watch);
    let beats = looks.finish();
    let after = (machine::sample(), process::cpu_time(std::process::id() as i32));
    let all = after.0.all.saturating_sub(before.0.all).as_secs_f64().max(1e-9);
    let own = after.1.zip(before.1).map(|(after, before)| after.saturating_sub(before)).unwrap_or_default();
    let busy = after.0.busy.saturating_sub(before.0.busy).saturating_sub(own).as_secs_f64() / all;
    let steal = after.0.steal.saturating_sub(before.0.steal).as_secs_f64() / all;
    let grade = |share: f64, note: f64, warning: f64| match share {
        share if share > warning => Grade::Warning,
        share if share > note => Grade::Note,
        _ => Grade::Good,
    };
    vec![
        check(
            "other programs",
            grade(busy, 0.02, 0.05),
            format!("used {} of the machine", show::share(busy)),
            "stop what else runs; cells with more than 10 % are void",
        ),
        check(
            "steal",
            grade(steal, 0.001, 0.02),
            format!("the hypervisor took {}", show::share(steal)),
            "measure when the host is quieter; cells with more than 5 % are void",
        ),
        pace(
            beats
                .into_iter()
                .map(|(core, beats)| full_pace.learn(core, beats).between(Duration::ZERO, watch)),
        ),
    ]
}

/// Whether other work shares the cores' execution units. On a virtual machine that is the work of a neighbour, which
/// steal time does not show.
fn pace(cores: impl Iterator<Item = CorePace>) -> Check {
    let Some(worst) = cores.max_by(|one, other| one.slowed_share.total_cmp(&other.slowed_share)) else {
        return check("full pace", Grade::Note, "not known: no core could be looked at", "");
    };
    let seen = format!("core {} was slowed for {} of the time", worst.core, show::share(worst.slowed_share));
    let grade = if worst.slowed_share > SLOWED_SHARE { Grade::Note } else { Grade::Good };
    check(
        "full pace",
        grade,
        seen,
        "something shares its execution units (SMT: your programs, or a neighbour on the host); compare tells from all cells what that costs and takes it off, with wider intervals",
    )
}

fn files() -> Check {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((0, 0));
    let seen = format!("{hard} a process");
    let grade = if hard >= 20_000 { Grade::Good } else { Grade::Warning };
    check(
        "open files",
        grade,
        seen,
        "10,000 connections need `ulimit -Hn` of 20,000 (limits.conf, or LimitNOFILE= of the service)",
    )
}

fn ports(environment: &Environment) -> Check {
    let range = environment.settings.get("net/ipv4/ip_local_port_range").cloned().unwrap_or_default();
    let ends: Vec<u32> = range.split_whitespace().filter_map(|end| end.parse().ok()).collect();
    let count = match ends[..] {
        [low, high] => high.saturating_sub(low) + 1,
        _ => 0,
    };
    let grade = if count >= 28_000 { Grade::Good } else { Grade::Note };
    check(
        "ports",
        grade,
        format!("{count} for outgoing connections"),
        "sysctl net.ipv4.ip_local_port_range='16384 65535'",
    )
}

fn backlog(environment: &Environment) -> Check {
    let most: u32 =
        environment.settings.get("net/core/somaxconn").and_then(|text| text.parse().ok()).unwrap_or(0);
    let grade = if most >= 1024 { Grade::Good } else { Grade::Warning };
    check("accept queue", grade, format!("{most} places at most"), "sysctl net.core.somaxconn=4096")
}

/// Which congestion control the kernel gives to every socket here, those of all generators and servers alike.
fn congestion(environment: &Environment) -> Check {
    let name =
        environment.settings.get("net/ipv4/tcp_congestion_control").map_or("not known", String::as_str);
    let grade = match name {
        "cubic" | "reno" => Grade::Good,
        _ => Grade::Note,
    };
    check(
        "congestion control",
        grade,
        name,
        "figures compare with those of the same one; bbr paces even on loopback: sysctl net.ipv4.tcp_congestion_control=cubic",
    )
}

fn virtualization(environment: &Environment) -> Check {
    match (&environment.hypervisor, &environment.container) {
        (None, None) => check("virtualization", Grade::Good, "none seen", ""),
        (hypervisor, container) => check(
            "virtualization",
            Grade::Note,
            [hypervisor.clone(), container.clone()].into_iter().flatten().collect::<Vec<_>>().join(", "),
            "waking a core costs more here than on bare metal; neighbours may disturb: look at steal",
        ),
    }
}

fn wake_up(floor: &Floor) -> Check {
    let Some(ns) = floor.wake_up_ns else {
        return check(
            "waking a core",
            Grade::Note,
            "not available on one core",
            "use a machine with two cores at least",
        );
    };
    let grade = if ns > 20_000 { Grade::Note } else { Grade::Good };
    let seen = format!(
        "{}; a byte across and back takes {}",
        show::time(ns as f64),
        floor.across_cores_ns.map_or("-".into(), |ns| show::time(ns as f64))
    );
    check(
        "waking a core",
        grade,
        seen,
        "at low load this is most of every latency; it is drawn into the figures",
    )
}

fn clock(environment: &Environment) -> Check {
    let source = environment.settings.get("clock source").cloned().unwrap_or_else(|| "not available".into());
    let cheap = ["tsc", "kvm-clock", "arch_sys_counter"].contains(&source.as_str());
    check(
        "clock",
        if cheap { Grade::Good } else { Grade::Warning },
        source,
        "reading this clock is slow; boot with clocksource=tsc",
    )
}

fn cpu_clocks() -> Check {
    match process::cpu_time(std::process::id() as i32) {
        Some(_) => check("CPU clocks", Grade::Good, "to the nanosecond, for each process", ""),
        None => check(
            "CPU clocks",
            Grade::Warning,
            "not available",
            "CPU is then known to a hundredth of a second only; measure longer",
        ),
    }
}

fn hardware_counters(environment: &Environment) -> Check {
    let there = fs::exists("/sys/bus/event_source/devices/cpu").unwrap_or(false);
    let paranoid =
        environment.settings.get("kernel/perf_event_paranoid").cloned().unwrap_or_else(|| "unknown".into());
    let seen = if there { "offered by the processor" } else { "not available" };
    let grade = if there { Grade::Good } else { Grade::Note };
    check(
        "hardware counters",
        grade,
        format!("{seen} (perf_event_paranoid {paranoid})"),
        "usual on virtual machines; instructions and cache misses are then not available, all else is",
    )
}

fn io_uring(environment: &Environment) -> Check {
    match environment.settings.get("kernel/io_uring_disabled").map(String::as_str) {
        Some("0") => check("io_uring", Grade::Good, "enabled", ""),
        Some(_) => check(
            "io_uring",
            Grade::Note,
            "disabled",
            "sysctl kernel.io_uring_disabled=0, or leave io-uring out",
        ),
        None => {
            check("io_uring", Grade::Note, "not known to this kernel", "leave io-uring out of the comparison")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_below_the_cores_is_a_warning() {
        let environment = Environment { cores: 2, ..Environment::default() };
        for (cores, grade) in [
            (None, Grade::Good),
            (Some(0.3), Grade::Warning),
            (Some(1.99), Grade::Warning),
            (Some(2.0), Grade::Good),
            (Some(8.0), Grade::Good),
        ] {
            let check = quota(&environment, cores);
            assert_eq!(check.grade, grade, "{check:?}");
            assert_eq!(check.advice.is_empty(), grade == Grade::Good, "{check:?}");
            assert_eq!(short_of_quota(cores, 2).is_some(), grade == Grade::Warning, "{cores:?}");
        }
    }

    #[test]
    fn the_placement_says_who_is_left_out_and_what_is_shared() {
        use crate::place::{Cpu, Topology};
        let cpu = |number: usize, siblings: &[usize], node| Cpu {
            number,
            siblings: siblings.to_vec(),
            node,
            cache: 0,
            capacity: 1_024,
        };
        for (cpus, grade, words) in [
            (vec![cpu(0, &[0], 0)], Grade::Warning, "server on 0, generator on 0"),
            (vec![cpu(0, &[0, 1], 0), cpu(1, &[0, 1], 0)], Grade::Note, "server on 0, generator on 1"),
            (vec![cpu(0, &[0], 0), cpu(1, &[1], 0)], Grade::Good, "server on 0, generator on 1"),
            (
                vec![cpu(0, &[0], 0), cpu(1, &[1], 0), cpu(2, &[2], 1)],
                Grade::Note,
                "left out: 2 (on another NUMA node)",
            ),
            ((0..4).map(|number| cpu(number, &[number], 0)).collect(), Grade::Good, "splits them by need"),
        ] {
            let check = placement(&Placement::of(&Topology { cpus }));
            assert!(check.grade == grade && check.seen.contains(words), "{check:?}");
        }
    }

    #[test]
    fn the_congestion_control_is_named_and_a_pacing_one_noted() {
        for (name, grade) in [
            (Some("cubic"), Grade::Good),
            (Some("reno"), Grade::Good),
            (Some("bbr"), Grade::Note),
            (Some("dctcp"), Grade::Note),
            (None, Grade::Note),
        ] {
            let mut environment = Environment::default();
            if let Some(name) = name {
                environment.settings.insert("net/ipv4/tcp_congestion_control".into(), name.into());
            }
            let check = congestion(&environment);
            assert_eq!((check.grade, check.seen.as_str()), (grade, name.unwrap_or("not known")));
        }
    }

    #[test]
    fn a_bad_machine_is_told_so_with_advice() {
        let environment =
            Environment { cores: 1, governor: Some("powersave".into()), ..Environment::default() };
        let found = examine(&environment, &Floor::default(), Duration::from_millis(20));
        for name in ["this program", "cores", "governor", "accept queue"] {
            let check = found.iter().find(|check| check.name == name).unwrap();
            assert_eq!(check.grade, Grade::Warning, "{check:?}");
            assert!(!check.advice.is_empty());
        }
    }
}
