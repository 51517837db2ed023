//! What a run says, in sentences without a term of statistics.

use crate::outcome::{Outcome, Partial};
use crate::plan::as_run::Load;
use dyno_units::show;
use dyno_units::verdict::Verdict;

/// The sentences: what may be believed, how much was answered, how fast, what failed.
pub fn sentences(outcome: &Outcome) -> Vec<String> {
    let mut said = vec![believed(outcome)];
    said.push(answered(outcome));
    said.extend(fast(outcome));
    let (failed, all) = (outcome.counts.failed, outcome.counts.failed + outcome.counts.completed);
    said.push(match failed {
        0 if all > 0 => "No request failed.".into(),
        0 => "No request came to an end.".into(),
        _ => {
            let share = show::share(failed as f64 / all as f64);
            let kinds: Vec<&str> = outcome.errors.iter().map(|error| error.kind.name()).collect();
            format!("{} failed ({share}: {}).", show::many(failed, "request"), kinds.join(", "))
        }
    });
    said
}

fn believed(outcome: &Outcome) -> String {
    let audit = &outcome.audit;
    let cut = match outcome.partial {
        Some(Partial::Interrupted) => " It was interrupted.",
        Some(Partial::Condition) => " A condition ended it early.",
        Some(Partial::Backlog) => " It was ended, because too many requests waited.",
        None => "",
    };
    let told = match (audit.rate, audit.latency) {
        (Verdict::Sound, Verdict::Sound) => "Sound: no check of this run found anything.",
        (Verdict::Void, Verdict::Void) => "Void: the figures of this run do not describe the server.",
        (Verdict::Void, _) => "The rate of this run is void: it does not describe the server.",
        (Verdict::AtLeast, Verdict::Void) => {
            "The rate is a lower bound, and the latencies are void: the generator was the limit."
        }
        (_, Verdict::Void) => "The latencies of this run are void: they do not describe the server.",
        (Verdict::AtLeast, _) => "The rate of this run is a lower bound.",
        _ => "Doubtful: the figures count, read with what was found.",
    };
    format!("{told}{cut}")
}

fn answered(outcome: &Outcome) -> String {
    let rates = &outcome.rates;
    let sign = if outcome.audit.rate == Verdict::AtLeast { "at least " } else { "" };
    let answered = show::rate(rates.achieved_per_s);
    let over = show::time(outcome.window_ns as f64);
    match outcome.plan.load {
        Load::Open { .. } => {
            let asked = show::rate(rates.offered_per_s);
            format!("The server answered {answered} requests a second of {asked} asked, over {over}.")
        }
        Load::Closed { .. } => {
            let connections = show::many(u64::from(outcome.plan.connections), "connection");
            format!("The server answered {sign}{answered} requests a second over {connections}, for {over}.")
        }
    }
}

/// How long answers took, as far as there are enough of them and they are not void.
pub(super) fn fast(outcome: &Outcome) -> Option<String> {
    let total = &outcome.latency.total;
    if outcome.audit.latency == Verdict::Void || total.count == 0 {
        return None;
    }
    let time = |ns: u64| show::time(ns as f64);
    let half = total.percentile_ns(0.5).map(|ns| format!("half of the answers came within {}", time(ns)));
    let most = total.percentile_ns(0.99).map(|ns| format!("99 of 100 within {}", time(ns)));
    let slowest = format!("the slowest took {}", time(total.max_ns));
    let parts: Vec<String> = half.into_iter().chain(most).chain([slowest]).collect();
    let told = parts.join(", ");
    let (first, rest) = told.split_at(1);
    Some(format!("{}{rest}.", first.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_has_its_words_and_void_latencies_are_not_told() {
        let text = include_str!("../../tests/data/outcome.json");
        let mut outcome: Outcome = serde_json::from_str(text).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for rate in Verdict::ALL {
            for latency in Verdict::ALL {
                (outcome.audit.rate, outcome.audit.latency) = (rate, latency);
                let said = sentences(&outcome);
                let tells_latency = said.iter().any(|sentence| sentence.contains("half of the answers"));
                let tells_latency = tells_latency || said.iter().any(|sentence| sentence.contains("Half of"));
                assert_eq!(tells_latency, latency != Verdict::Void, "{said:?}");
                assert!(said[0].starts_with("Sound") == (rate.max(latency) == Verdict::Sound), "{said:?}");
                seen.insert(said[0].clone());
            }
        }
        assert_eq!(seen.len(), 7, "{seen:?}");
    }
}
