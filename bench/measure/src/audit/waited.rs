//! The wait was waited: an answer that comes sooner than its wait was not made by doing what was asked.

use super::{Evidence, finding};
use crate::limits::WAIT_TOLERANCE;
use dyno_record::audit::{Finding, Law};
use dyno_units::show;
use dyno_units::verdict::Verdict;

/// The shortest answer of the cell beside the wait that its path asks for. It bounds the rate as well: so many
/// connections cannot answer more often than once in each wait.
pub(super) fn waited(evidence: &Evidence) -> Option<Finding> {
    let wait_ns = evidence.cell.wait_ns()? as f64;
    let shortest_ns = evidence.load.response.min_ns? as f64;
    if shortest_ns >= wait_ns * (1.0 - WAIT_TOLERANCE) {
        return None;
    }
    finding(
        Law::Waited,
        Verdict::Void,
        format!(
            "an answer came after {}, and each has to wait {}: the wait was not waited",
            show::time(shortest_ns),
            show::time(wait_ns)
        ),
    )
}
