//! The probe leaves no mark: the rate is the same while it reads and while it does not.

use super::{Evidence, claims_maximum, finding};
use crate::limits::{WATCHED_ERRORS, WATCHED_SHARE};
use dyno_record::audit::{Finding, Law};
use dyno_statistics::dip::dip;
use dyno_units::verdict::Verdict;

/// The rate in those intervals of the series in which something was read, beside that of all others. Intervals
/// scatter, so a fall is judged by the cell's own scatter; what all cells of a contestant have in common is judged by
/// the report.
pub(super) fn unwatched(evidence: &Evidence) -> Option<Finding> {
    // A rate that was asked for is what it is.
    if !claims_maximum(evidence) || evidence.cell.step.is_counted() {
        return None;
    }
    let found = dip(&evidence.load.rates(), &evidence.load.watched(&evidence.server.looks_ms))?;
    if found.share <= WATCHED_SHARE + WATCHED_ERRORS * found.error {
        return None;
    }
    finding(
        Law::Unwatched,
        Verdict::Void,
        format!(
            "the rate fell by {:.0} % in the intervals in which clocks were read (scatter explains {:.0} %): reading took time from the load",
            found.share * 100.0,
            WATCHED_ERRORS * found.error * 100.0
        ),
    )
}
