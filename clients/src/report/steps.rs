//! The table of a rate that changes: a row for each step, or each tenth of a ramp.

use std::fmt::Write;

use dyno_units::paint::Paint;
use dyno_units::show;

use crate::outcome::Outcome;

/// The steps of a rate that changes, a row each.
pub(super) fn table(o: &mut String, outcome: &Outcome, paint: Paint) {
    if outcome.steps.is_empty() {
        return;
    }
    let heading = ["answered", "p50", "p99", "p99.9", "max", "wait", "failed"];
    let heading: String = heading.iter().map(|name| format!("{name:>9}")).collect();
    let _ = writeln!(o, "{}", paint.dim(&format!("{:<16}{heading}", "rate asked")));
    for step in &outcome.steps {
        let asked = match (show::rate(step.from_per_s), show::rate(step.to_per_s)) {
            (from, to) if from == to => from,
            (from, to) => format!("{from}..{to}"),
        };
        let total = &step.total;
        let time = |ns: Option<u64>| ns.map_or("–".into(), |ns| show::time(ns as f64));
        let told = [
            show::rate(step.answered_per_s),
            time(total.percentile_ns(0.5)),
            time(total.percentile_ns(0.99)),
            time(total.percentile_ns(0.999)),
            time((total.count > 0).then_some(total.max_ns)),
            show::time(step.wait_mean_ns),
            show::whole(step.failed),
        ];
        let cells: String = told.iter().map(|cell| format!("{cell:>9}")).collect();
        let _ = writeln!(o, "{asked:<16}{cells}");
    }
    o.push('\n');
}
