//! What came of impatient clients, in one line for the terminal and one for Markdown.

use dyno_units::show;

use crate::outcome::Outcome;

/// The figures of impatient clients; `None`: they were patient.
pub(crate) fn line(outcome: &Outcome) -> Option<String> {
    let found = outcome.impatient.as_ref()?;
    let mut parts = Vec::new();
    if let Some(patience_ns) = outcome.plan.impatience.patience_ns {
        let within = show::time(patience_ns as f64);
        parts.push(format!("good-put {}/s within {within}", show::rate(found.good_per_s)));
        parts.push(format!("{} given up", show::whole(found.abandoned)));
        if found.abandoned_unsent > 0 {
            let unsent = show::whole(found.abandoned_unsent);
            parts.push(format!("{unsent} of them before a connection was free"));
        }
    }
    parts.push(format!("{} refused", show::whole(found.refused)));
    if outcome.plan.impatience.retries > 0 {
        parts.push(format!("{} tried again", show::whole(found.retried)));
    }
    Some(parts.join(" · "))
}
