//! Claims about switches, system calls and locks.

use std::hint::black_box;
use std::sync::Mutex;

use dyno_analysis::textbook::TrialRounds;
use dyno_analysis::unit::Unit;
use dyno_record::textbook::ClaimUnit;

use super::claim::{Claim, Effort, MATTERS, Printed, TrialError, about, at_least, at_most, itself};
use super::rounds::{alone, each_ns, in_turns, per};
use crate::unit_costs;

/// Switches for one figure.
const SWITCHES: u32 = 2_000;

/// Calls and locks for one figure.
const CALLS: u32 = 50_000;

const CONCEPTS: Printed = Printed {
    author: "A. Silberschatz, P. B. Galvin and G. Gagne",
    work: "Operating System Concepts, 8th ed. (2008)",
    place: "section 4.1.2, on Solaris",
};

pub(super) const CLAIMS: [Claim; 5] = [
    Claim {
        name: "thread-switch",
        group: "Switching",
        says: "A switch between threads is cheaper than one between processes.",
        source: Printed { place: "section 4.1.2, economy", ..CONCEPTS },
        claimed: at_least(MATTERS),
        figures: &["between processes", "between threads"],
        unit: ClaimUnit::Ns,
        trial: "A byte goes to and fro between two threads, then between two processes, on one core; the calls alone are taken off.",
        if_holds: "Another process has another page table, and entries of the translation buffer are missing after the switch.",
        if_not: "Page tables with identifiers stay in the translation buffer, so the change of address space costs next to nothing.",
        run: switches,
    },
    Claim {
        name: "process-switch-five",
        group: "Switching",
        says: "A switch between processes is about five times slower than one between threads.",
        source: CONCEPTS,
        claimed: about(5.0),
        figures: &["between processes", "between threads"],
        unit: ClaimUnit::Ns,
        trial: "As thread-switch.",
        if_holds: "What a change of address space takes is most of the switch here.",
        if_not: "Threads of the kernel's own go the same way through the scheduler; the change of address space is a small part of it.",
        run: switches,
    },
    Claim {
        name: "switch-microseconds",
        group: "Switching",
        says: "A switch between threads takes one to two microseconds.",
        source: Printed {
            author: "E. Bendersky",
            work: "Measuring context switching and memory overheads for Linux threads (2018)",
            place: "",
        },
        claimed: itself(Some(1_000.0), Some(2_000.0)),
        figures: &["a switch"],
        unit: ClaimUnit::Ns,
        trial: "A byte goes to and fro between two threads on one core; the calls alone are taken off.",
        if_holds: "To sleep, to be woken and to be chosen take that long while caches are warm.",
        if_not: "The processor, mitigations in its kernel or a hypervisor make it another price here.",
        run: |effort| alone(effort, || switch(Unit::Switch)),
    },
    Claim {
        name: "system-call",
        group: "Switching",
        says: "A system call takes about twenty times as long as a call of a function.",
        source: Printed {
            author: "M. Kerrisk",
            work: "The Linux Programming Interface (2010)",
            place: "section 3.1",
        },
        claimed: about(20.0),
        figures: &["getppid", "a function"],
        unit: ClaimUnit::Ns,
        trial: "getppid is called, and a function that gives a number, both many times.",
        if_holds: "The way into the kernel and back is some hundred cycles.",
        if_not: "Calls of functions became cheaper, and mitigations against speculation made the way into the kernel longer or shorter than in 2010.",
        run: calls,
    },
    Claim {
        name: "futex",
        group: "Switching",
        says: "A lock for which nobody waits needs no system call.",
        source: Printed {
            author: "H. Franke, R. Russell and M. Kirkwood",
            work: "Fuss, Futexes and Furwocks: Fast Userlevel Locking in Linux (OLS 2002)",
            place: "",
        },
        claimed: at_most(0.5),
        figures: &["a lock, taken and released", "getppid"],
        unit: ClaimUnit::Ns,
        trial: "A mutex is locked and unlocked by one thread; the figure beside it is the cheapest system call.",
        if_holds: "Two atomic instructions do it, and the kernel is asked only when somebody has to sleep.",
        if_not: "Atomic instructions are as dear here as a way into the kernel.",
        run: locks,
    },
];

fn switch(unit: Unit) -> Result<f64, TrialError> {
    Ok(per(unit_costs::time(unit, SWITCHES)?, SWITCHES))
}

fn switches(effort: &Effort) -> Result<TrialRounds, TrialError> {
    in_turns(effort, || switch(Unit::ProcessSwitch), || switch(Unit::Switch))
}

fn system_call() -> Result<f64, TrialError> {
    Ok(per(unit_costs::time(Unit::SystemCall, CALLS)?, CALLS))
}

/// What a function does that is called for nothing.
#[inline(never)]
fn seven() -> u32 {
    7
}

fn calls(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let function = || {
        each_ns(CALLS, || {
            black_box(black_box(seven as fn() -> u32)());
            Ok(())
        })
    };
    in_turns(effort, system_call, function)
}

fn locks(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let lock = Mutex::new(0u32);
    let own = || {
        each_ns(CALLS, || {
            if let Ok(mut held) = black_box(&lock).lock() {
                *held = held.wrapping_add(1);
            }
            Ok(())
        })
    };
    in_turns(effort, own, system_call)
}
