//! Which cores server and generator get where the user names none.
//!
//! * Logical processors that share execution units (SMT) belong to one side: what one does slows the other down.
//! * Both sides have cores of one kind, the fastest of which there are two: on a slower one a request costs more.
//! * Both sides are on one NUMA node: beyond it memory is further away, and further from some cores than from others.
//! * Where the cores of a node have several last caches, the border between the sides lies between two of these if that
//!   moves it by an eighth of the cores at most.
//! * Half of the cores for each side; from four on, as many as each side needs, which the pilot tells.

use std::path::Path;

use dyno_record::cell::Cores;

use crate::limits::{BORDER_SHARE, KIND_SHARE, LEAST_CORES_FOR_NEED};
use crate::probe::machine::online_cores;

#[cfg(test)]
mod tests;
mod topology;

pub use topology::{Cpu, Topology};

/// A core: the logical processors that share its execution units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// Their numbers.
    pub cpus: Vec<usize>,
    cache: usize,
}

/// Why a logical processor is used by neither side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It is of another kind than those that are used, slower or the only one.
    OtherKind,
    /// It belongs to another NUMA node.
    OtherNode,
}

/// The cores of an experiment, in the order in which they are given to the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// The cores.
    pub cores: Vec<Core>,
    /// Those that are left out, and why.
    pub left_out: Vec<(usize, LeftOut)>,
}

impl Placement {
    /// The placement on this machine, on the processors that this thread may use.
    pub fn here() -> Self {
        Placement::of(&Topology::read(Path::new("/sys"), &online_cores()))
    }

    /// The placement on processors of which nothing else is known.
    pub fn flat(cpus: &[usize]) -> Self {
        Placement::of(&Topology::flat(cpus))
    }

    /// The placement on a machine.
    pub fn of(topology: &Topology) -> Self {
        let mut left_out = Vec::new();
        let mut leave = |cpus: &[Cpu], why| left_out.extend(cpus.iter().map(|cpu| (cpu.number, why)));
        let (fast, slow) = of_one_kind(&topology.cpus);
        leave(&slow, LeftOut::OtherKind);
        let (near, far) = of_one_node(&fast);
        leave(&far, LeftOut::OtherNode);
        left_out.sort_unstable();
        let mut cores = cores_of(&near);
        cores.sort_by_key(|core| (core.cache, core.cpus.first().copied()));
        Placement { cores, left_out }
    }

    /// Half of the cores for the server, the rest for the generator.
    pub fn halves(&self) -> Cores {
        self.split(self.cores.len() / 2)
    }

    /// As many cores for each side as it needs, where a request costs the generator `generator_share` times what it
    /// costs the server: the generator gets enough to keep the server busy. `None` where there are too few cores for
    /// that.
    pub fn by_need(&self, generator_share: f64) -> Option<Cores> {
        let count = self.cores.len();
        let is_share = generator_share.is_finite() && generator_share >= 0.0;
        (self.is_split_by_need() && is_share)
            .then(|| self.split((count as f64 / (1.0 + generator_share)).floor() as usize))
    }

    /// Whether there are enough cores to split them by need.
    pub fn is_split_by_need(&self) -> bool {
        self.cores.len() >= LEAST_CORES_FOR_NEED
    }

    /// About so many cores for the server, at least one for each side.
    fn split(&self, wanted: usize) -> Cores {
        let count = self.cores.len();
        let all = |cores: &[Core]| -> Vec<usize> {
            let mut cpus: Vec<usize> = cores.iter().flat_map(|core| core.cpus.iter().copied()).collect();
            cpus.sort_unstable();
            cpus
        };
        match self.cores.as_slice() {
            [] => Cores::default(),
            // Both sides share its units, and where it is one processor they share that, and the audit says so.
            [only] => match only.cpus.split_first() {
                Some((first, others)) if !others.is_empty() => {
                    Cores { server: vec![*first], generator: others.to_vec() }
                }
                _ => Cores { server: only.cpus.clone(), generator: only.cpus.clone() },
            },
            cores => {
                let wanted = self.border_near(wanted.clamp(1, count - 1));
                let (server, generator) = cores.split_at(wanted);
                Cores { server: all(server), generator: all(generator) }
            }
        }
    }

    /// The border between two caches that is closest to `wanted`, if it is close.
    fn border_near(&self, wanted: usize) -> usize {
        let pairs = self.cores.windows(2).enumerate();
        let borders = pairs.filter(|(_, pair)| pair[0].cache != pair[1].cache).map(|(place, _)| place + 1);
        let far = (self.cores.len() as f64 * BORDER_SHARE) as usize;
        let close = borders.filter(|border| border.abs_diff(wanted) <= far);
        close.min_by_key(|border| border.abs_diff(wanted)).unwrap_or(wanted)
    }
}

/// Those of the fastest kind of which there are two cores; all where there is no such kind.
fn of_one_kind(cpus: &[Cpu]) -> (Vec<Cpu>, Vec<Cpu>) {
    let mut capacities: Vec<u32> = cpus.iter().map(|cpu| cpu.capacity).collect();
    capacities.sort_unstable_by(|one, other| other.cmp(one));
    for fastest in capacities {
        let least = f64::from(fastest) * (1.0 - KIND_SHARE);
        let is_kin = |cpu: &Cpu| cpu.capacity <= fastest && f64::from(cpu.capacity) >= least;
        let (kin, others): (Vec<Cpu>, Vec<Cpu>) = cpus.iter().cloned().partition(is_kin);
        if cores_of(&kin).len() > 1 {
            return (kin, others);
        }
    }
    (cpus.to_vec(), Vec::new())
}

/// Those of the node that has most cores; all where none has two.
fn of_one_node(cpus: &[Cpu]) -> (Vec<Cpu>, Vec<Cpu>) {
    let on = |node: usize| -> Vec<Cpu> { cpus.iter().filter(|cpu| cpu.node == node).cloned().collect() };
    let mut nodes: Vec<usize> = cpus.iter().map(|cpu| cpu.node).collect();
    nodes.sort_unstable();
    nodes.dedup();
    // The first of those that have as many.
    let most = nodes.into_iter().rev().max_by_key(|node| cores_of(&on(*node)).len());
    match most {
        Some(node) if cores_of(&on(node)).len() > 1 => cpus.iter().cloned().partition(|cpu| cpu.node == node),
        _ => (cpus.to_vec(), Vec::new()),
    }
}

fn cores_of(cpus: &[Cpu]) -> Vec<Core> {
    let mut cores: Vec<Core> = Vec::new();
    for cpu in cpus {
        match cores.iter_mut().find(|core| core.cpus.iter().any(|one| cpu.siblings.contains(one))) {
            Some(core) => core.cpus.push(cpu.number),
            None => cores.push(Core { cpus: vec![cpu.number], cache: cpu.cache }),
        }
    }
    cores
}

/// Numbers as the kernel writes lists of them: `0-3,8`.
pub fn ranges(cpus: &[usize]) -> String {
    let mut cpus = cpus.to_vec();
    cpus.sort_unstable();
    let mut found: Vec<(usize, usize)> = Vec::new();
    for cpu in cpus {
        match found.last_mut() {
            Some((_, last)) if cpu <= *last + 1 => *last = cpu,
            _ => found.push((cpu, cpu)),
        }
    }
    let shown = |(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    found.iter().map(shown).collect::<Vec<_>>().join(",")
}
