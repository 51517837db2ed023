//! What the single steps cost of which architectures are made, on this machine: the unit prices behind `dyno explain`.
//!
//! Some are steps that stand alone, see [`steps`]. What a wake-up costs in a loaded server, among many sleepers whose caches have
//! gone cold, is measured in that situation, see [`situations`](crate::situations).

pub mod apart;
pub mod steps;

use std::io;
use std::time::Duration;

use nix::sched::{sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::unistd::Pid;

use crate::probe::machine::{online_cores, pin};
use crate::situations::host::Answered;
use crate::situations::{callers, relay, rouse};

/// A step and how it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub what: &'static str,
    measure: Measure,
}

/// How a step is measured.
#[derive(Debug, Clone, Copy)]
enum Measure {
    /// Done so many times on one core: the time of all.
    Step(fn(rounds: u32) -> io::Result<Duration>),
    /// In a situation that finds cores for itself and knows what it contains.
    Situation(fn() -> io::Result<Cost>),
}

/// What one of a step costs, and what it contains of other steps, so that these are not counted twice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Time, in nanoseconds.
    pub ns: f64,
    /// Context switches in it.
    pub switches: f64,
    /// Page faults without input or output in it.
    pub faults: f64,
}

impl Cost {
    /// The price of one switch, when everything that `more` took was switching.
    fn of_a_switch(more: Answered) -> Cost {
        Cost { ns: more.ns / more.switches.max(1.0), switches: 1.0, faults: 0.0 }
    }

    /// The price of a step and of the switches in it.
    fn with_switches(more: Answered) -> Cost {
        Cost { ns: more.ns, switches: more.switches.max(0.0), faults: 0.0 }
    }
}

/// A switch from one thread to another and what goes with it: going to sleep on a descriptor, being woken. Caches stay warm, as
/// they do where few take turns.
pub const SWITCH: Unit = Unit {
    name: "switch",
    what: "a switch between two threads: to sleep, woken by a byte",
    measure: Measure::Step(|rounds| steps::switch(rounds, false)),
};
/// The same between processes: another page table, and cold entries of the translation buffer after it.
pub const PROCESS_SWITCH: Unit = Unit {
    name: "process-switch",
    what: "a switch between two processes, the same way",
    measure: Measure::Step(|rounds| steps::switch(rounds, true)),
};
/// The same in a loaded server: one of many is woken, and what it needs has gone cold since its last turn.
pub const WOKEN: Unit = Unit {
    name: "woken",
    what: "one of 64 threads woken for a request",
    measure: Measure::Situation(|| relay::more(relay::Way::Threads).map(Cost::of_a_switch)),
};
/// The same for a process, whose translations have gone as well.
pub const WOKEN_PROCESS: Unit = Unit {
    name: "woken-process",
    what: "one of 64 processes woken for a request",
    measure: Measure::Situation(|| relay::more(relay::Way::Processes).map(Cost::of_a_switch)),
};
/// A connection that epoll tells of.
pub const EVENT: Unit = Unit {
    name: "event",
    what: "a ready connection told by epoll, 64 at a time",
    measure: Measure::Situation(|| relay::told().map(|ns| Cost { ns, switches: 0.0, faults: 0.0 })),
};
/// A thread that waits for a connection, or for what is said on it, where each request has a connection of its own.
pub const CALLED: Unit = Unit {
    name: "called",
    what: "one of 16 threads woken for a caller, in accept or recv",
    measure: Measure::Situation(|| {
        callers::more(callers::Way::Threads, callers::Way::Ready).map(Cost::of_a_switch)
    }),
};
/// The same for a process.
pub const CALLED_PROCESS: Unit = Unit {
    name: "called-process",
    what: "one of 16 processes woken for a caller, the same way",
    measure: Measure::Situation(|| {
        callers::more(callers::Way::Processes, callers::Way::Ready).map(Cost::of_a_switch)
    }),
};
/// A connection for one request through epoll: added, told of, taken out again, and the empty accept queue found empty.
pub const WATCHED: Unit = Unit {
    name: "watched",
    what: "a caller watched by epoll, from accept to close",
    measure: Measure::Situation(|| {
        callers::more(callers::Way::Epoll, callers::Way::Ready).map(Cost::with_switches)
    }),
};
/// A connection through a queue from the one who accepts to one of a crew.
pub const PASSED_ON: Unit = Unit {
    name: "passed-on",
    what: "a caller passed on through a queue to one of 16 threads",
    measure: Measure::Situation(|| {
        callers::more(callers::Way::Queue, callers::Way::Threads).map(Cost::with_switches)
    }),
};
/// An answer to a client that sleeps, beyond one to a client that is awake.
pub const ROUSE: Unit = Unit {
    name: "rouse",
    what: "a client roused by an answer, asleep on another core",
    measure: Measure::Situation(|| rouse::roused().map(|ns| Cost { ns, switches: 0.0, faults: 0.0 })),
};
/// A thread for each caller, beyond one of a crew.
pub const BORN: Unit = Unit {
    name: "born",
    what: "a thread born for a caller, beyond one of a crew",
    measure: Measure::Situation(|| {
        callers::more(callers::Way::Births, callers::Way::Threads).map(Cost::with_switches)
    }),
};
/// A thread's life.
pub const SPAWN: Unit =
    Unit { name: "spawn", what: "a thread started and joined", measure: Measure::Step(steps::spawn) };
/// A process' life.
pub const FORK: Unit = Unit {
    name: "fork",
    what: "a process forked that answers a request and ends",
    measure: Measure::Step(steps::fork_and_wait),
};
/// A message to another thread that sleeps until it comes.
pub const HAND_OVER: Unit = Unit {
    name: "hand-over",
    what: "a message through a queue to a crew that sleeps",
    measure: Measure::Step(steps::hand_over),
};
/// A page of memory touched for the first time.
pub const FAULT: Unit =
    Unit { name: "fault", what: "a page touched for the first time", measure: Measure::Step(steps::fault) };
/// A page that a parent and its child share, written to.
pub const COPY: Unit = Unit {
    name: "copy",
    what: "a page copied after a fork, when written to",
    measure: Measure::Step(steps::copy),
};
/// A system call that does next to nothing.
pub const CALL: Unit = Unit {
    name: "call",
    what: "a system call that does next to nothing",
    measure: Measure::Step(steps::call),
};
/// A connection's life, seen by the one who accepts.
pub const ACCEPT: Unit = Unit {
    name: "accept",
    what: "a connection opened, accepted and closed, both ends",
    measure: Measure::Step(steps::accept),
};

/// All of them.
pub const ALL: [Unit; 18] = [
    FORK,
    COPY,
    PROCESS_SWITCH,
    SWITCH,
    SPAWN,
    HAND_OVER,
    FAULT,
    CALL,
    ACCEPT,
    WOKEN_PROCESS,
    WOKEN,
    EVENT,
    CALLED_PROCESS,
    CALLED,
    WATCHED,
    PASSED_ON,
    BORN,
    ROUSE,
];

/// How often a step is done for one price, and before it, so that its code and data are where they would be in a server.
const ROUNDS: u32 = 200;
const WARM_UP_ROUNDS: u32 = 20;

impl Unit {
    /// The same as [`Unit::cost`] in a process of its own, so that this one stays as small as it is.
    ///
    /// # Errors
    /// As [`Unit::cost`], or when there is no room for a process.
    pub fn cost_apart(&self) -> io::Result<Cost> {
        let [ns, switches, faults] =
            apart::apart(|| self.cost().map(|cost| [cost.ns, cost.switches, cost.faults]))?;
        Ok(Cost { ns, switches, faults })
    }

    /// What one costs, by one short attempt. Prices scatter as the machine's speed does: take the median of many attempts, with
    /// whatever they are set against in between.
    ///
    /// # Errors
    /// When the machine has no core to spare for a situation that needs two, or something is not to be had.
    pub fn cost(&self) -> io::Result<Cost> {
        let run = match self.measure {
            Measure::Situation(run) => return run(),
            Measure::Step(run) => run,
        };
        let timed = on_one_core(|| {
            run(WARM_UP_ROUNDS)?;
            let seen = usage()?;
            Ok((run(ROUNDS)?, seen, usage()?))
        });
        let (time, seen, now) = timed?;
        let each = |before: i64, after: i64| (after - before) as f64 / f64::from(ROUNDS);
        Ok(Cost {
            ns: time.as_nanos() as f64 / f64::from(ROUNDS),
            switches: each(seen.0, now.0),
            faults: each(seen.1, now.1),
        })
    }

    /// The time of `rounds` of them, as criterion asks for it.
    ///
    /// # Errors
    /// As [`Unit::cost`].
    pub fn run(&self, rounds: u32) -> io::Result<Duration> {
        match self.measure {
            Measure::Step(run) => on_one_core(|| run(rounds)),
            Measure::Situation(run) => {
                Ok(Duration::from_nanos((run()?.ns * f64::from(rounds)).max(0.0) as u64))
            }
        }
    }
}

/// Does something on the first core that this thread may use, as a server does that has one, and comes back.
fn on_one_core<T>(work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = sched_getaffinity(Pid::from_raw(0))?;
    let first = *online_cores().first().ok_or_else(|| io::Error::other("there is no core to run on"))?;
    pin(&[first])?;
    let done = work();
    sched_setaffinity(Pid::from_raw(0), &before)?;
    done
}

/// Switches and page faults of this program and of its children that it has waited for.
fn usage() -> io::Result<(i64, i64)> {
    let (own, children) = (getrusage(UsageWho::RUSAGE_SELF)?, getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let switches = |usage: &Usage| usage.voluntary_context_switches() + usage.involuntary_context_switches();
    Ok((switches(&own) + switches(&children), own.minor_page_faults() + children.minor_page_faults()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_takes_some_time() {
        // Forks of the test program are left out here: they would run in the middle of other tests' threads.
        for step in [steps::spawn, steps::hand_over, steps::fault, steps::call, steps::accept] {
            assert!(step(30).unwrap() > Duration::ZERO);
        }
        assert!(steps::switch(30, false).unwrap() > Duration::ZERO);
    }

    #[test]
    fn a_page_is_touched_for_the_first_time_each_time() {
        for _ in 0..2 {
            let before = getrusage(UsageWho::RUSAGE_SELF).unwrap().minor_page_faults();
            steps::fault(200).unwrap();
            assert!(getrusage(UsageWho::RUSAGE_SELF).unwrap().minor_page_faults() >= before + 200);
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = ALL.iter().map(|unit| unit.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}
