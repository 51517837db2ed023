//! `/fault/...`: planted faults, to see what a handler that fails costs everybody else under each architecture. They
//! exist only in a server that was started with them.
//!
//! All but one fail in the call, where services compute. `late-panic` fails where a job goes on that has waited, which
//! is called by the driver and not by who calls services.

use std::hint::black_box;
use std::mem;
use std::process;
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::job::{For, JobStep, WaitingJob};
use super::service::{Needs, Reply, Service, text};
use super::work::work;
use crate::limits::{FAULT_LASTS, FAULT_LEAK_BYTES, FAULT_WAIT};

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "fault",
    path: "/fault/KIND",
    idea: "a handler that panics, aborts, exits, spins, blocks, leaks or overflows",
    answer: "none, or 500 for a panic",
    methods: &["GET"],
    needs: Needs::Faults,
    is_long: false,
    call: |services, _, rest| match rest {
        "control" => Reply::Now(text(200, "no fault\n")),
        "panic" => panic!("a planted fault"),
        "late-panic" => Reply::Later(Box::new(LatePanic { due: None })),
        "abort" => process::abort(),
        "exit" => process::exit(1),
        "overflow" => Reply::Now(text(200, format!("{} calls deep\n", descend(0)))),
        "spin" => {
            let start = Instant::now();
            while start.elapsed() < FAULT_LASTS {
                work(1000 * services.rounds.per_us());
            }
            Reply::Now(text(200, "spun\n"))
        }
        "block" => {
            // What no service may do: the thread waits here, and its architecture does not know it.
            thread::sleep(FAULT_LASTS);
            Reply::Now(text(200, "blocked\n"))
        }
        "leak" => {
            // Every page is written to, or the kernel would give none.
            mem::forget(black_box(vec![1_u8; FAULT_LEAK_BYTES]));
            Reply::Now(text(200, format!("leaked {FAULT_LEAK_BYTES} bytes\n")))
        }
        // No fault: whoever watches a server from outside learns which of its processes serves this connection.
        "process" => Reply::Now(text(200, format!("{}\n", process::id()))),
        _ => Reply::Now(text(404, KNOWN)),
    },
};

const KNOWN: &str = "the faults are panic, late-panic, abort, exit, overflow, spin, block and leak; control is none, and process tells who serves\n";

/// Calls itself until the stack is used up. Each call keeps a piece of it, and what follows the call keeps the compiler
/// from making a loop of it.
fn descend(depth: usize) -> usize {
    let piece = black_box([depth; 64]);
    if black_box(depth) == usize::MAX { 0 } else { descend(depth + 1) + piece[depth % 64] }
}

/// Waits for a moment, then panics.
struct LatePanic {
    due: Option<Instant>,
}

impl WaitingJob for LatePanic {
    fn go_on(&mut self, now: Instant, _waker: &Waker) -> JobStep {
        let due = *self.due.get_or_insert(now + FAULT_WAIT);
        assert!(now < due, "a planted fault, after a wait");
        JobStep::Wait(For::Time, Some(due.max(now + Duration::from_millis(1))))
    }
}
