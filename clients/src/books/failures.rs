//! Failed requests by kind, with the first of each in words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::{Cause, RequestFailure};
use crate::outcome::{ErrorCount, ErrorKind};

/// Counts of failures, and the first of each kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(into = "Vec<ErrorCount>", from = "Vec<ErrorCount>")]
#[schemars(with = "Vec<ErrorCount>")]
pub struct Failures {
    counts: [u64; ErrorKind::ALL.len()],
    /// The first failure of each kind, as it is told, and its cause.
    examples: [Option<(String, Cause)>; ErrorKind::ALL.len()],
}

impl Failures {
    /// Counts one.
    pub fn add(&mut self, failure: &RequestFailure) {
        let index = failure.kind().index();
        self.counts[index] += 1;
        self.examples[index].get_or_insert_with(|| (failure.to_string(), failure.cause()));
    }

    /// Those that occurred.
    pub fn told(&self) -> Vec<ErrorCount> {
        let kinds = ErrorKind::ALL.iter().zip(&self.counts).zip(&self.examples);
        kinds
            .filter_map(|((&kind, &count), example)| {
                let (example, _) = example.as_ref()?;
                Some(ErrorCount { kind, count, example: example.clone() })
            })
            .collect()
    }

    /// The cause of the first failure of the kind that came most often; `None` when nothing failed.
    pub fn usual_cause(&self) -> Option<Cause> {
        let causes = self.counts.iter().zip(&self.examples);
        let occurred = causes.filter_map(|(count, example)| Some((count, example.as_ref()?.1)));
        occurred.max_by_key(|(count, _)| **count).map(|(_, cause)| cause)
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: Failures) {
        for (mine, others) in self.counts.iter_mut().zip(other.counts) {
            *mine += others;
        }
        for (mine, others) in self.examples.iter_mut().zip(other.examples) {
            if mine.is_none() {
                *mine = others;
            }
        }
    }
}

impl From<Failures> for Vec<ErrorCount> {
    fn from(failures: Failures) -> Self {
        failures.told()
    }
}

/// What suggested a remedy is not written down: whoever was there has told it.
impl From<Vec<ErrorCount>> for Failures {
    fn from(told: Vec<ErrorCount>) -> Self {
        let mut failures = Failures::default();
        for ErrorCount { kind, count, example } in told {
            failures.counts[kind.index()] += count;
            failures.examples[kind.index()].get_or_insert((example, Cause::Other));
        }
        failures
    }
}
