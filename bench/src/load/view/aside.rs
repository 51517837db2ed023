//! Keeps the thread that draws out of the way of what is measured.

use dyno_measure::probe::machine::{online_cores, pin};

/// From now on the calling thread runs only where nobody else wants to, and not on the cores in `spared` if there are
/// others. Where the system does not allow it, it stays as it is.
pub(crate) fn step(spared: &[usize]) {
    let others: Vec<usize> = online_cores().into_iter().filter(|core| !spared.contains(core)).collect();
    if !others.is_empty() && !spared.is_empty() {
        let _ = pin(&others);
    }
    schedule(libc::SCHED_IDLE);
}

/// Takes part again as every thread does, on `cores`.
pub(crate) fn step_back(cores: &[usize]) {
    schedule(libc::SCHED_OTHER);
    let _ = pin(cores);
}

fn schedule(policy: libc::c_int) {
    // SAFETY: the structure holds numbers alone, and zero is a value of each; musl has more of them than glibc.
    let parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the parameters live for the call, and 0 is the calling thread (sched_setscheduler(2)).
    let _ = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
}
