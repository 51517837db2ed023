//! The machine and its settings, as far as they may change a measurement.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use nix::sys::resource::{Resource, getrlimit};

use crate::probe::machine::online_cores;
use dyno_record::header::{Environment, PROBE};
use dyno_units::read;

/// Kernel settings that are stored with the records: these files below /proc/sys, and no others.
const SETTINGS: [&str; 10] = [
    "net/core/somaxconn",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/tcp_congestion_control",
    "net/ipv4/tcp_max_syn_backlog",
    "net/ipv4/tcp_tw_reuse",
    "net/ipv4/tcp_fin_timeout",
    "kernel/perf_event_paranoid",
    "kernel/sched_autogroup_enabled",
    "kernel/io_uring_disabled",
    "vm/overcommit_memory",
];

/// Reads the machine.
pub fn read() -> Environment {
    let cores = online_cores();
    let name = nix::sys::utsname::uname().ok();
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
    };
    let kernel = text(name.as_ref().map(nix::sys::utsname::UtsName::release));
    let processor = processor();
    let mut settings: BTreeMap<String, String> = SETTINGS
        .iter()
        .filter_map(|name| {
            Some(((*name).to_string(), line(&format!("/proc/sys/{name}"))?.replace('\t', " ")))
        })
        .collect();
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        settings.insert("limit of open files (soft, hard)".into(), format!("{soft} {hard}"));
    }
    if let Some(source) = line("/sys/devices/system/clocksource/clocksource0/current_clocksource") {
        settings.insert("clock source".into(), source);
    }
    Environment {
        machine_id: digest(&(&processor, cores.len(), &kernel)),
        processor,
        cores: cores.len(),
        siblings: siblings(&cores),
        memory_bytes: memory_bytes(),
        kernel,
        system: system(),
        hypervisor: hypervisor(),
        container: container(),
        governor: line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        dyno: env!("CARGO_PKG_VERSION").to_string(),
        programs: PROGRAM.iter().cloned().collect(),
        probes: vec![PROBE],
        optimized: !cfg!(debug_assertions),
        settings,
    }
}

/// The environment that a guest tells of itself, together with what its emulator is. Two hosts that emulate the same
/// machine with the same kernel have the same one.
pub fn of_guest(told: Environment, emulator: &str) -> Environment {
    let machine_id = digest(&(&told.processor, told.cores, &told.kernel, emulator));
    let hypervisor = Some(format!("QEMU {emulator}, which counts instructions"));
    Environment { machine_id, hypervisor, ..told }
}

/// Digest of the file of this program as it was when it started, also where another build has replaced it since. The
/// file has megabytes, so it is read once.
static PROGRAM: LazyLock<Option<String>> = LazyLock::new(|| Some(digest(&fs::read("/proc/self/exe").ok()?)));

/// Twelve hexadecimal digits that stand for a value. They tell machines apart, but do not keep a secret.
fn digest(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:012x}", hasher.finish() & 0xffff_ffff_ffff)
}

fn line(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_string())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name));
    model.map_or_else(|| std::env::consts::ARCH.to_string(), |name| name.trim().to_string())
}

fn memory_bytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    total.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn system() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| std::env::consts::OS.to_string(), |name| name.trim_matches('"').to_string())
}

/// Cores that share an execution unit with another.
fn siblings(cores: &[usize]) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = cores
        .iter()
        .filter_map(|core| line(&format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")))
        .filter_map(|list| read::cores(&list).ok())
        .filter(|set| set.len() > 1)
        .collect();
    found.sort();
    found.dedup();
    found
}

fn hypervisor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let guest = text.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"));
    guest.then(|| line("/sys/class/dmi/id/sys_vendor").unwrap_or_else(|| "one without a name".to_string()))
}

fn container() -> Option<String> {
    if fs::exists("/.dockerenv").unwrap_or(false) {
        return Some("docker".into());
    }
    if fs::exists("/run/.containerenv").unwrap_or(false) {
        return Some("podman".into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_a_name() {
        let environment = read();
        assert!(!environment.kernel.is_empty() && !environment.processor.is_empty());
        assert!(environment.cores >= 1 && environment.memory_bytes > 0);
        assert_eq!(environment.machine_id, read().machine_id);
    }
}
