//! What peers did wrong, explained to the operator. The peer itself is told as little as possible.

use std::io::{Write, stderr};
use std::sync::atomic::Ordering::Relaxed;

use dyno_security::pipe::error::PipeError;

use super::tally::Tally;
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
