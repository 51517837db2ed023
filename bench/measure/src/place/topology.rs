//! What the kernel tells of the cores: who shares execution units, caches and memory with whom, and how fast each is.
//!
//! Sources: Documentation/admin-guide/cputopology.rst, Documentation/ABI/testing/sysfs-devices-system-cpu and
//! stable/sysfs-devices-node; `cpu_core` and `cpu_atom` are the kinds of Intel's hybrid processors.

use std::fs;
use std::path::Path;

use dyno_units::read;

/// A logical processor that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub number: usize,
    /// Those that share its execution units (SMT), itself included; only those that may be used.
    pub siblings: Vec<usize>,
    /// Number of its NUMA node.
    pub node: usize,
    /// The lowest number of those with which it shares its last cache.
    pub cache: usize,
    /// How fast it is beside the fastest, which has 1,024.
    pub capacity: u32,
}

/// The logical processors that may be used, in the order of their numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    /// Each of them.
    pub cpus: Vec<Cpu>,
}

/// The capacity of the fastest processors, and of all where the kernel tells none.
const FULL_CAPACITY: u32 = 1_024;

/// The capacity that is assumed of those that the kernel only calls efficient: about what Intel's reach of the others.
const EFFICIENT_CAPACITY: u32 = 600;

impl Topology {
    /// What the tree at `sys`, usually /sys, tells of those that are `allowed`.
    pub fn read(sys: &Path, allowed: &[usize]) -> Self {
        let list = |path: &str| -> Option<Vec<usize>> {
            let text = fs::read_to_string(sys.join(path)).ok()?;
            read::cores(text.trim()).ok()
        };
        // One that is off line may still be allowed.
        let online = list("devices/system/cpu/online");
        let is_there = |cpu: &usize| online.as_ref().is_none_or(|online| online.contains(cpu));
        let usable: Vec<usize> = allowed.iter().copied().filter(is_there).collect();
        let nodes: Vec<(usize, Vec<usize>)> = list("devices/system/node/online")
            .unwrap_or_default()
            .into_iter()
            .filter_map(|node| Some((node, list(&format!("devices/system/node/node{node}/cpulist"))?)))
            .collect();
        let efficient = list("devices/cpu_atom/cpus").unwrap_or_default();
        let one = |number: usize| {
            let own = |name: &str| list(&format!("devices/system/cpu/cpu{number}/{name}"));
            let siblings = own("topology/thread_siblings_list").or_else(|| own("topology/core_cpus_list"));
            let mut siblings = siblings.unwrap_or_else(|| vec![number]);
            siblings.retain(|sibling| usable.contains(sibling));
            let told = fs::read_to_string(sys.join(format!("devices/system/cpu/cpu{number}/cpu_capacity")));
            let told = told.ok().and_then(|text| text.trim().parse().ok());
            let usual = if efficient.contains(&number) { EFFICIENT_CAPACITY } else { FULL_CAPACITY };
            Cpu {
                number,
                siblings: if siblings.is_empty() { vec![number] } else { siblings },
                node: nodes.iter().find(|(_, cpus)| cpus.contains(&number)).map_or(0, |(node, _)| *node),
                cache: last_cache(sys, number).unwrap_or(0),
                capacity: told.unwrap_or(usual),
            }
        };
        Topology { cpus: usable.iter().copied().map(one).collect() }
    }

    /// Processors of which nothing else is known.
    pub fn flat(numbers: &[usize]) -> Self {
        let one = |number: &usize| Cpu {
            number: *number,
            siblings: vec![*number],
            node: 0,
            cache: 0,
            capacity: FULL_CAPACITY,
        };
        Topology { cpus: numbers.iter().map(one).collect() }
    }
}

/// The lowest number of those that share the last cache of a processor.
fn last_cache(sys: &Path, number: usize) -> Option<usize> {
    let caches = fs::read_dir(sys.join(format!("devices/system/cpu/cpu{number}/cache"))).ok()?;
    let text = |path: &Path, name: &str| fs::read_to_string(path.join(name)).ok();
    let known = caches.flatten().filter_map(|entry| {
        let level: u32 = text(&entry.path(), "level")?.trim().parse().ok()?;
        let sharers = read::cores(text(&entry.path(), "shared_cpu_list")?.trim()).ok()?;
        Some((level, *sharers.first()?))
    });
    known.max_by_key(|(level, _)| *level).map(|(_, first)| first)
}
