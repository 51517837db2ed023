//! What a process and all its descendants have used so far.

use std::collections::{BTreeMap, HashMap};

use procfs::process::Stat;

use crate::limits::THREADS_LIMIT;
use crate::probe::cpu_group::CpuGroup;
use crate::probe::process::{self, ThreadCounters};

/// Counters of a process tree, read within some milliseconds.
#[derive(Debug, Clone, Default)]
pub struct TreeSample {
    /// The processes of the tree, the root first.
    pub members: Vec<i32>,
    /// CPU time that was spent in user mode, in clock ticks.
    pub user_ticks: u64,
    /// CPU time that was spent in the kernel, in clock ticks.
    pub system_ticks: u64,
    /// Page faults that needed no input or output.
    pub faults_minor: u64,
    /// Page faults that needed it.
    pub faults_major: u64,
    /// Each thread with its counters; `None` where there are too many to read.
    pub threads: Option<BTreeMap<i32, ThreadCounters>>,
    /// Number of threads.
    pub thread_count: u32,
    /// Number of processes.
    pub process_count: u32,
}

/// The stat lines of `root` and its living descendants, `root` first, zombies included: they still hold their CPU time.
/// Where they have a control group of their own it lists them; elsewhere all processes of the machine are looked at,
/// which takes a multiple of the time.
pub fn members(root: i32, group: Option<&CpuGroup>) -> Vec<Stat> {
    let listed = group.map(CpuGroup::members).unwrap_or_default();
    if listed.contains(&root) {
        let others = listed.into_iter().filter(|pid| *pid != root);
        return [root].into_iter().chain(others).filter_map(process::stat).collect();
    }
    let Ok(processes) = procfs::process::all_processes() else {
        return Vec::new();
    };
    let mut children: HashMap<i32, Vec<Stat>> = HashMap::new();
    let mut found = Vec::new();
    for stat in processes.flatten().filter_map(|process| process.stat().ok()) {
        if stat.pid == root {
            found.push(stat);
        } else {
            children.entry(stat.ppid).or_default().push(stat);
        }
    }
    let mut next = 0;
    while next < found.len() {
        if let Some(born) = children.remove(&found[next].pid) {
            found.extend(born);
        }
        next += 1;
    }
    found
}

/// Samples the tree below `root`.
pub fn sample(root: i32, group: Option<&CpuGroup>) -> TreeSample {
    let members = members(root, group);
    let mut sample = TreeSample {
        process_count: members.len() as u32,
        members: members.iter().map(|stat| stat.pid).collect(),
        ..TreeSample::default()
    };
    let mut threads = BTreeMap::new();
    for stat in &members {
        sample.user_ticks += stat.utime + stat.cutime.max(0) as u64;
        sample.system_ticks += stat.stime + stat.cstime.max(0) as u64;
        sample.faults_minor += stat.minflt + stat.cminflt;
        sample.faults_major += stat.majflt + stat.cmajflt;
        sample.thread_count += stat.num_threads.max(0) as u32;
        if sample.thread_count <= THREADS_LIMIT {
            for thread in process::threads(stat.pid) {
                if let Some(counters) = process::thread_counters(stat.pid, thread) {
                    threads.insert(thread, counters);
                }
            }
        }
    }
    sample.threads = (sample.thread_count <= THREADS_LIMIT).then_some(threads);
    sample
}

/// How many threads of the tree run on a core or wait for one.
pub fn running(root: i32, group: Option<&CpuGroup>) -> usize {
    members(root, group)
        .iter()
        .flat_map(|stat| process::threads(stat.pid).into_iter().map(|thread| (stat.pid, thread)))
        .filter(|(pid, thread)| process::thread_runs(*pid, *thread))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::glance;
    use crate::probe::shell::{await_line, shell};
    use std::time::Duration;

    #[test]
    fn counts_children_that_live_and_children_that_are_gone() {
        // A shell that burns CPU in a child, waits for it, and then holds another child.
        let script =
            "(i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done); sleep 30 & echo ready; read line; kill $!";
        let mut shell = shell(script);
        await_line(&mut shell);
        let seen = sample(shell.id() as i32, None);
        let (own, children) = glance::clocks(&seen.members);
        drop(shell.stdin.take());
        shell.wait().unwrap();
        assert_eq!(seen.process_count, 2, "{seen:?}");
        assert_eq!(seen.thread_count, 2);
        assert_eq!(seen.threads.unwrap().len(), 2);
        assert!(children >= Duration::from_millis(10), "the child that is gone counts: {children:?}");
        assert!(own < children, "{own:?}");
    }
}
