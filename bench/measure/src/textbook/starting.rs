//! Claims about starting: processes, threads, and what they take.

use std::sync::{Arc, Barrier};
use std::thread;

use dyno_analysis::textbook::TrialRounds;
use dyno_analysis::unit::Unit;
use dyno_record::textbook::ClaimUnit;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};

use super::claim::{Claim, Effort, Printed, TrialError, at_least, at_most, itself};
use super::rounds::{alone, each_ns, in_turns, per};
use crate::unit_costs;

/// Processes or threads that are started for one figure.
const STARTED: u32 = 40;

/// Memory of the larger parent: 128 MiB, as a server with a warm cache has.
const LARGE_OCTETS: usize = 128 << 20;

/// Forks of each parent for one figure: the larger one takes milliseconds.
const FORKS: u32 = 4;

/// Threads that sleep while memory is looked at: enough that what the machine does besides is small beside them.
const SLEEPERS: usize = 500;

const MIB: f64 = 1_048_576.0;

pub(super) const CLAIMS: [Claim; 3] = [
    Claim {
        name: "thread-start",
        group: "Starting",
        says: "A thread is started ten to a hundred times faster than a process.",
        source: Printed {
            author: "A. S. Tanenbaum and H. Bos",
            work: "Modern Operating Systems, 4th ed. (2015)",
            place: "section 2.2.1",
        },
        claimed: at_least(10.0),
        figures: &["a process", "a thread"],
        unit: ClaimUnit::Ns,
        trial: "Forty processes that end at once are forked and awaited, then forty threads are started and joined, on one core.",
        if_holds: "A fork copies page tables and a thread shares them.",
        if_not: "A fork of a small program copies few page tables, and both pay for a kernel task, a stack and a switch.",
        run: starts,
    },
    Claim {
        name: "fork-memory",
        group: "Starting",
        says: "With copy-on-write a fork costs the same however much memory the parent has.",
        source: Printed {
            author: "A. Silberschatz, P. B. Galvin and G. Gagne",
            work: "Operating System Concepts, 10th ed. (2018)",
            place: "section 10.3, and most lectures on it",
        },
        claimed: at_most(1.5),
        figures: &["a fork with 128 MiB", "a fork with little"],
        unit: ClaimUnit::Ns,
        trial: "A process forks, once while it holds 128 MiB that it has written to, and once without.",
        if_holds: "Large pages, or few of them, leave little to copy.",
        if_not: "Copy-on-write spares the pages and not the page tables: these are copied entry by entry (Baumann et al., \"A fork() in the road\", HotOS 2019).",
        run: forks,
    },
    Claim {
        name: "thread-memory",
        group: "Starting",
        says: "A thread takes megabytes of memory, so a machine holds few of them.",
        source: Printed {
            author: "D. Kegel",
            work: "The C10K problem (1999 to 2014)",
            place: "limits on threads: stacks of 2 MB",
        },
        claimed: itself(Some(MIB), None),
        figures: &["memory of a thread"],
        unit: ClaimUnit::Bytes,
        trial: "Five hundred threads are started and sleep; resident memory, kernel stacks and page tables before and after are compared.",
        if_holds: "Each thread has touched that much of its stack.",
        if_not: "Megabytes of addresses are reserved, and only pages that were touched take memory; the rest is the stack in the kernel.",
        run: sleepers,
    },
];

fn starts(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let thread = || Ok(per(unit_costs::time(Unit::Spawn, STARTED)?, STARTED));
    let process = || unit_costs::on_one_core(|| Ok(each_ns(STARTED, birth)));
    in_turns(effort, || process()?, thread)
}

/// A process that ends at once.
fn birth() -> std::io::Result<()> {
    // SAFETY: the child ends at once and makes no other call.
    match unsafe { fork() }? {
        ForkResult::Child => {
            // SAFETY: _exit runs no handler of this program and touches no memory of it.
            unsafe { libc::_exit(0) }
        }
        ForkResult::Parent { child } => waitpid(child, None).map(drop).map_err(Into::into),
    }
}

fn forks(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let large = || {
        let memory = vec![1u8; LARGE_OCTETS];
        let time = each_ns(FORKS, birth);
        std::hint::black_box(&memory);
        time
    };
    in_turns(effort, large, || each_ns(FORKS, birth))
}

fn sleepers(effort: &Effort) -> Result<TrialRounds, TrialError> {
    alone(effort, || {
        let before = memory()?;
        let both = Arc::new([Barrier::new(SLEEPERS + 1), Barrier::new(SLEEPERS + 1)]);
        let all: Vec<_> = (0..SLEEPERS)
            .map(|_| {
                let both = Arc::clone(&both);
                thread::Builder::new().spawn(move || {
                    both.iter().for_each(|barrier| {
                        barrier.wait();
                    });
                })
            })
            .collect();
        let started = all.iter().filter(|one| one.is_ok()).count();
        if started < SLEEPERS {
            // Those that wait for the others would wait for ever; this process ends with them.
            return Err(std::io::Error::other(format!("only {started} threads can be started")).into());
        }
        both[0].wait();
        let after = memory()?;
        both[1].wait();
        all.into_iter().flatten().for_each(|one| drop(one.join()));
        Ok((after - before) / SLEEPERS as f64)
    })
}

/// Memory of this process, and the kernel's for stacks and page tables of all, in bytes.
fn memory() -> Result<f64, TrialError> {
    let field = |file: &str, names: &[&str]| -> std::io::Result<f64> {
        let text = std::fs::read_to_string(file)?;
        let kib = |line: &str| line.split_whitespace().nth(1)?.parse::<f64>().ok();
        let lines = text.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
        Ok(lines.filter_map(kib).sum::<f64>() * 1024.0)
    };
    Ok(field("/proc/self/status", &["RssAnon:"])? + field("/proc/meminfo", &["KernelStack:", "PageTables:"])?)
}
