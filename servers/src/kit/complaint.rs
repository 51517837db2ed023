//! What goes wrong, explained to the operator. A peer is told as little as possible.

use std::io::{self, Write, stderr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_security::pipe::error::PipeError;
use nix::errno::Errno;

use super::tally::{Tallies, Tally};
use crate::limits::EXPLAINED_FAULTS;

/// Writes to standard error why a connection is given up. After the first [`EXPLAINED_FAULTS`] it writes only when
/// their number has doubled, so that a flood of faults does not become a flood of lines. The number in the line
/// counts the faults of this worker; [`Tally::peer_faults`] itself grows when the session ends.
pub fn explain(tally: &Tally, failure: &PipeError) {
    let count = tally.peer_faults.load(Relaxed) + 1;
    if count <= EXPLAINED_FAULTS || count.is_power_of_two() {
        // Standard error may be closed; that is no reason to stop serving.
        let _ = writeln!(stderr(), "gave up a peer ({count} so far): {failure}");
    }
}

/// Writes to standard error that no process can be started for a worker that died.
pub fn vacancy(place: usize, error: &io::Error) {
    // As above.
    let _ = writeln!(stderr(), "worker {place} cannot be replaced for now, the others go on: {error}");
}

/// Counts that accepting pauses, because of `cause`, and writes so to standard error, at most once a minute.
pub fn exhausted(tallies: &Tallies, cause: Errno) {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if let Some(count) = tallies.pause(now_s) {
        // As above.
        let _ = writeln!(
            stderr(),
            "clients have to wait, no connection can be accepted for now ({count} pauses so far): {}",
            cause.desc()
        );
    }
}
