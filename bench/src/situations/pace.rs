//! How fast a core is at this moment.
//!
//! On a processor whose cores are shared (with a sibling of the same core, with other guests of the same host) the same work
//! takes a third more time while the neighbour is busy, for a second or two at a time. Who sets a cost of one moment against a
//! price of another has to know.

use std::time::Instant;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::host::pin;

/// System calls in one look: about 20 us.
const CALLS: u32 = 200;

/// Looks, of which the shortest counts: one that was interrupted says nothing.
const LOOKS: u32 = 7;

/// Time of a system call that does next to nothing on `core` now, in nanoseconds; absent where the system does not let us go there.
pub fn call_ns(core: usize) -> Option<f64> {
    let before: CpuSet = sched_getaffinity(Pid::from_raw(0)).ok()?;
    pin(core).ok()?;
    let look = || {
        let began = Instant::now();
        for _ in 0..CALLS {
            std::hint::black_box(nix::unistd::getppid());
        }
        began.elapsed().as_nanos() as f64 / f64::from(CALLS)
    };
    let shortest = (0..LOOKS).map(|_| look()).fold(f64::INFINITY, f64::min);
    let _ = sched_setaffinity(Pid::from_raw(0), &before);
    Some(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::machine::online_cores;

    #[test]
    fn a_call_takes_some_time_and_this_thread_comes_back() {
        let before = sched_getaffinity(Pid::from_raw(0)).unwrap();
        assert!(online_cores().into_iter().all(|core| call_ns(core).unwrap() > 1.0));
        assert_eq!(sched_getaffinity(Pid::from_raw(0)).unwrap(), before);
    }
}
