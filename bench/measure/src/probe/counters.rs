//! Events of a whole process tree, counted by the kernel (perf_event_open(2)), children that have ended included.
//!
//! /proc forgets what a process or thread did when it ends. These counters do not, so they see the switches of a
//! server that forks for each connection. A counter that the machine does not provide (a virtual machine without
//! hardware counters, a kernel that forbids it) is absent. All are absent when the tree had grown before they were
//! opened, because a count that misses a process is wrong.

use std::cell::RefCell;
use std::fs;

use perf_event::events::{Event, Hardware, Software, Tracepoint};
use perf_event::{Builder, Counter};

use crate::probe::tracepoints;

/// Counters that are open.
#[derive(Debug, Default)]
pub struct Counters {
    switches: Option<RefCell<Counter>>,
    migrations: Option<RefCell<Counter>>,
    faults_minor: Option<RefCell<Counter>>,
    faults_major: Option<RefCell<Counter>>,
    calls: Option<RefCell<Counter>>,
    instructions: Option<RefCell<Counter>>,
    cycles: Option<RefCell<Counter>>,
}

/// The values of the counters so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CounterSample {
    /// Context switches of either kind.
    pub switches: Option<u64>,
    /// Moves between cores.
    pub migrations: Option<u64>,
    /// Page faults that needed no input or output.
    pub faults_minor: Option<u64>,
    /// Page faults that needed it.
    pub faults_major: Option<u64>,
    /// System calls.
    pub calls: Option<u64>,
    /// Instructions.
    pub instructions: Option<u64>,
    /// Cycles of the core.
    pub cycles: Option<u64>,
}

impl Counters {
    /// Counters for a process that was started just now, and for all its descendants.
    ///
    /// `calls` asks for system calls too, where the kernel reveals the number of its tracepoint. Counting slows every
    /// call down.
    pub fn of(pid: i32, calls: bool) -> Self {
        let counters = Counters {
            switches: counter(pid, Software::CONTEXT_SWITCHES),
            migrations: counter(pid, Software::CPU_MIGRATIONS),
            faults_minor: counter(pid, Software::PAGE_FAULTS_MIN),
            faults_major: counter(pid, Software::PAGE_FAULTS_MAJ),
            calls: if calls {
                tracepoints::system_calls().and_then(|id| counter(pid, Tracepoint::with_id(id)))
            } else {
                None
            },
            instructions: counter(pid, Hardware::INSTRUCTIONS),
            cycles: counter(pid, Hardware::CPU_CYCLES),
        };
        // Only processes and threads that start after a counter was opened inherit it.
        if is_alone(pid) { counters } else { Counters::default() }
    }

    /// Reads the counters.
    pub fn sample(&self) -> CounterSample {
        let read = |counter: &Option<RefCell<Counter>>| counter.as_ref()?.borrow_mut().read().ok();
        CounterSample {
            switches: read(&self.switches),
            migrations: read(&self.migrations),
            faults_minor: read(&self.faults_minor),
            faults_major: read(&self.faults_major),
            calls: read(&self.calls),
            instructions: read(&self.instructions),
            cycles: read(&self.cycles),
        }
    }
}

fn counter(pid: i32, event: impl Event) -> Option<RefCell<Counter>> {
    let mut builder = Builder::new(event);
    // A switch happens in the kernel: a counter that excludes the kernel sees none and reports zero.
    builder.observe_pid(pid).any_cpu().inherit(true).include_kernel().enabled(true);
    builder.build().ok().map(RefCell::new)
}

fn is_alone(pid: i32) -> bool {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    super::process::threads(pid).len() == 1 && children.is_ok_and(|list| list.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::shell::{await_line, shell};
    use std::io::Write;

    /// Where the machine provides the counter at all, it sees children that have ended, and it rises.
    #[test]
    fn what_children_did_is_counted_after_they_ended() {
        let script = "read line; for i in 1 2 3 4 5; do (sleep 0.001); done; echo done; read line";
        let mut shell = shell(script);
        let counters = Counters::of(shell.id() as i32, false);
        let before = counters.sample();
        let mut stdin = shell.stdin.take().unwrap();
        stdin.write_all(b"go\n").unwrap();
        await_line(&mut shell);
        let after = counters.sample();
        drop(stdin);
        shell.wait().unwrap();
        for (before, after) in [(before.switches, after.switches), (before.faults_minor, after.faults_minor)]
        {
            match (before, after) {
                (Some(before), Some(after)) => assert!(after >= before + 5, "{before} {after}"),
                (before, after) => assert_eq!(before, after, "given once and not again"),
            }
        }
    }

    #[test]
    fn a_process_that_is_not_there_has_no_counters() {
        assert_eq!(Counters::of(i32::MAX, true).sample(), CounterSample::default());
    }
}
