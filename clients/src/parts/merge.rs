//! One result of the parts of a load: histograms are added, and the audit is run again on the whole.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::engine::measured::Measured;
use crate::outcome::Outcome;
use crate::outcome::verdict::Audit;
use crate::parts::merged_part::MergedPart;
use crate::parts::{LoadPart, doubts};
use crate::plan::terms::Terms;
use crate::verdict::judge::judge_by;
use crate::verdict::parts_words::numbered;
use crate::verdict::self_check::judged;

/// Why parts do not make a whole.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One is of another plan.
    #[error("{name} is of another plan than {first}: {what} is {here}, and {there} there")]
    OtherPlan {
        /// The one.
        name: String,
        /// The part that was read first.
        first: String,
        /// What differs.
        what: String,
        /// The value in the one.
        here: String,
        /// The value in the other.
        there: String,
    },
    /// One is there twice.
    #[error("part {number} of {of} is there twice: {first} and {second}")]
    Twice {
        /// Its number.
        number: u32,
        /// How many parts there are.
        of: u32,
        /// Where it was read first.
        first: String,
        /// Where it was read again.
        second: String,
    },
    /// Some are not there.
    #[error("{} of {of} {} missing", numbered(numbers), if numbers.len() == 1 { "is" } else { "are" })]
    Missing {
        /// Their numbers.
        numbers: Vec<u32>,
        /// How many parts there are.
        of: u32,
    },
    /// None was read.
    #[error("there is no part to merge")]
    Nothing,
}

/// What has been read of a load so far. Each part is added to the others at once, so a thousand of them need no more
/// memory than two.
#[derive(Debug, Default)]
pub struct Merger {
    first: Option<First>,
    whole: Option<Measured>,
    names: BTreeMap<u32, String>,
    parts: Vec<MergedPart>,
}

/// What all parts have in common.
#[derive(Debug)]
struct First {
    name: String,
    common: Value,
    terms: Terms,
    start_unix_ns: u64,
    of: u32,
}

impl Merger {
    /// Adds a part that was read from the place of this name.
    ///
    /// # Errors
    /// That it does not belong to the others.
    pub fn add(&mut self, name: &str, part: LoadPart) -> Result<(), MergeError> {
        let share = part.terms.share();
        let common = common(&part);
        let first = self.first.get_or_insert_with(|| First {
            name: name.into(),
            common: common.clone(),
            terms: part.terms.of_whole(),
            start_unix_ns: part.start_unix_ns,
            of: share.of,
        });
        if let Some((what, here, there)) = difference("", &common, &first.common) {
            let (name, first) = (name.into(), first.name.clone());
            return Err(MergeError::OtherPlan { name, first, what, here, there });
        }
        let (number, of) = (share.number, share.of);
        if let Some(before) = self.names.insert(number, name.into()) {
            return Err(MergeError::Twice { number, of, first: before, second: name.into() });
        }
        self.parts.push(MergedPart::of(&part));
        match &mut self.whole {
            Some(whole) => whole.add(part.measured),
            whole @ None => *whole = Some(part.measured),
        }
        Ok(())
    }

    /// The result of all parts. Where some may be missing, the result is of those that are there, and says so.
    ///
    /// # Errors
    /// Which parts are missing, or that there is none.
    pub fn finish(self, may_miss: bool) -> Result<Outcome, MergeError> {
        let (Some(first), Some(mut whole)) = (self.first, self.whole) else {
            return Err(MergeError::Nothing);
        };
        let numbers: Vec<u32> = (1..=first.of).filter(|number| !self.names.contains_key(number)).collect();
        if !numbers.is_empty() && !may_miss {
            return Err(MergeError::Missing { numbers, of: first.of });
        }
        let mut parts = self.parts;
        parts.sort_by_key(|part| part.told.number);
        whole.hosts = parts.len() as u32;
        whole.close(first.terms.plan.warmup_ns, first.terms.end_ns());
        let mut outcome = judge_by(&first.terms, &whole, |_| None);
        outcome.started_unix_ms = first.start_unix_ns / 1_000_000;
        let window_ns = outcome.window_ns;
        let more = doubts::of_parts(&outcome.audit, &parts, &numbers, first.of, window_ns);
        let Audit { findings, figures, .. } = outcome.audit;
        let findings = findings.into_iter().chain(more).collect();
        outcome.audit = judged(findings, first.terms.finds_rate(), figures);
        outcome.parts = parts.into_iter().map(|part| part.told).collect();
        Ok(outcome)
    }
}

/// What must be the same in all parts.
fn common(part: &LoadPart) -> Value {
    let terms = serde_json::to_value(part.terms.of_whole()).unwrap_or_default();
    serde_json::json!({
        "program": part.program,
        "parts": part.terms.share().of,
        "start_unix_ns": part.start_unix_ns,
        "terms": terms,
    })
}

/// The first place at which two values differ, and both values there.
fn difference(place: &str, here: &Value, there: &Value) -> Option<(String, String, String)> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match (here, there) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            let of = |values: &serde_json::Map<String, Value>, name: &str| {
                values.get(name).cloned().unwrap_or_default()
            };
            let mut found =
                names.filter_map(|name| difference(&below(name), &of(one, name), &of(other, name)));
            found.next()
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut found = (0..).zip(one.iter().zip(other)).filter_map(|(index, (one, other)): (u32, _)| {
                difference(&below(&index.to_string()), one, other)
            });
            found.next()
        }
        _ if here == there => None,
        _ => {
            let place = place.trim_start_matches("terms.").trim_start_matches("plan.");
            Some((place.to_owned(), here.to_string(), there.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named_by_its_place() {
        let one = serde_json::json!({"terms": {"plan": {"connections": 64, "mix": [{"target": "/a"}]}}});
        let mut other = one.clone();
        assert_eq!(difference("", &one, &other), None);
        other["terms"]["plan"]["mix"][0]["target"] = "/b".into();
        let found = difference("", &one, &other).unwrap();
        assert_eq!(found, ("mix.0.target".into(), "\"/a\"".into(), "\"/b\"".into()));
    }
}
