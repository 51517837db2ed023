//! What the kernel says of the system's clock: whether somebody keeps it, and by how much it may be wrong
//! (adjtimex(2)).

use nix::libc;

use crate::engine::appointment::ClockReading;
use crate::outcome::parts::{ClockTold, Offset};

/// What can be told of the clock of this host, which was read before and after a run.
pub fn told(before: ClockReading, after: ClockReading, server_ahead: Option<Offset>) -> ClockTold {
    let (is_synchronized, error_max_ns) = kernel().unzip();
    ClockTold { server_ahead, is_synchronized, error_max_ns, moved_ns: after.moved_since(before) }
}

/// Whether the clock is kept by another one, and by how much it may be wrong, ns.
fn kernel() -> Option<(bool, u64)> {
    // SAFETY: `timex` is plain numbers, for which zeros are valid; no mode is set, so nothing is changed.
    let mut state: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a value that lives during the call.
    let code = unsafe { libc::adjtimex(&raw mut state) };
    let error_us = u64::try_from(state.maxerror).ok()?;
    (code >= 0).then(|| (state.status & libc::STA_UNSYNC == 0, error_us.saturating_mul(1_000)))
}
