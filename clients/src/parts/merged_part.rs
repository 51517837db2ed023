//! What is kept of a part when its books have become part of the whole.

use dyno_units::verdict::Verdict;

use crate::outcome::parts::PartTold;
use crate::outcome::verdict::{Audit, Doubt, Finding};
use crate::parts::LoadPart;

/// A part without its books.
#[derive(Debug)]
pub(super) struct MergedPart {
    pub(super) told: PartTold,
    pub(super) audit: Audit,
}

impl MergedPart {
    pub(super) fn of(part: &LoadPart) -> Self {
        let tally = &part.measured.tally;
        let window_s = (part.measured.window_ns as f64 / 1e9).max(1e-9);
        let (rate, latency) = own_verdicts(&part.audit);
        let told = PartTold {
            number: part.terms.share().number,
            host: part.host.clone(),
            boot: part.boot.clone(),
            rate,
            latency,
            completed: tally.counts.completed,
            failed: tally.counts.failed,
            achieved_per_s: tally.counts.completed_in_window as f64 / window_s,
            own_p99_ns: part.audit.figures.own_p99_ns,
            clock: part.clock.told.clone(),
        };
        MergedPart { told, audit: part.audit.clone() }
    }
}

/// Doubts that come of a part being a part: together the parts may have answers enough.
const OF_SMALL_PARTS: [&str; 2] = ["few-answers", "few-independent-samples"];

/// The name of a doubt, as it stands in the file.
pub(super) fn kind(doubt: &Doubt) -> String {
    let value = serde_json::to_value(doubt).unwrap_or_default();
    value["doubt"].as_str().unwrap_or_default().to_owned()
}

/// Whether a finding of a part is one of the load.
pub(super) fn is_own(finding: &Finding) -> bool {
    !OF_SMALL_PARTS.contains(&kind(&finding.doubt).as_str())
}

/// What a part's own audit makes of its rate and its latencies, but for what comes of its size.
fn own_verdicts(audit: &Audit) -> (Verdict, Verdict) {
    let own = || audit.findings.iter().filter(|finding| is_own(finding));
    let worst = |of: fn(&Finding) -> Verdict| own().map(of).max().unwrap_or_default();
    (worst(|finding| finding.rate), worst(|finding| finding.latency))
}
