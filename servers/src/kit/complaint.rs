//! What peers did wrong, in words for the operator: the peer itself is told the least possible.

use std::io::{Write, stderr};
use std::sync::atomic::Ordering::Relaxed;

use dyno_security::pipe::error::PipeError;

use super::tally::Tally;
use crate::limits::EXPLAINED_FAULTS;

/// Writes on standard error why a peer is given up, unless that has been said often: a flood of faults must not
/// become a flood of words. The count in front is that of the worker; [`Tally::peer_faults`] grows when the session
/// ends.
pub fn explain(tally: &Tally, failure: &PipeError) {
    let count = tally.peer_faults.load(Relaxed) + 1;
    if count <= EXPLAINED_FAULTS || count.is_power_of_two() {
        // Nobody may be listening; that is no reason to stop serving.
        let _ = writeln!(stderr(), "gave up a peer ({count} so far): {failure}");
    }
}
