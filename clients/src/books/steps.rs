//! The latencies of a rate that changes, for each of its steps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::histogram::Recorder;
use crate::books::split::Split;
use crate::books::stored::{at_most, decimal};
use crate::limits::{RAMP_PARTS, STEPS_TOLD_MAX};
use crate::plan::as_run::Stretch;

/// The steps of a run, and what came of the requests that were due in each.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Steps(#[serde(deserialize_with = "at_most::<_, _, STEPS_TOLD_MAX>")] Vec<StepTally>);

/// One step.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct StepTally {
    /// Its time, ns from the start of the run, and the planned rate at both ends, per second.
    pub stretch: (u64, u64),
    /// The planned rate at both ends, per second.
    pub rate: (f64, f64),
    /// Total latencies.
    pub total: Recorder,
    /// All the time that requests waited for a connection, ns.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    pub wait_ns: u128,
    /// Failed requests.
    pub failed: u64,
}

impl Steps {
    /// The steps of a profile from `from_ns` to `to_ns`, ramps in [`RAMP_PARTS`] parts each. None where all is
    /// one rate, or where there are more than anybody would read.
    pub fn of(stretches: &[Stretch], from_ns: u64, to_ns: u64) -> Self {
        let (mut steps, mut start_ns) = (Vec::new(), 0);
        for stretch in stretches {
            let parts = if stretch.from_per_s == stretch.to_per_s { 1 } else { RAMP_PARTS };
            let at = |part: u64| {
                let share = part as f64 / parts as f64;
                let rate = stretch.from_per_s + (stretch.to_per_s - stretch.from_per_s) * share;
                (start_ns + stretch.length_ns / parts * part, rate)
            };
            for part in 0..parts {
                let ((begin_ns, from_per_s), (end_ns, to_per_s)) = (at(part), at(part + 1));
                let (begin_ns, end_ns) = (begin_ns.max(from_ns), end_ns.min(to_ns));
                if begin_ns < end_ns {
                    steps.push(StepTally::new((begin_ns, end_ns), (from_per_s, to_per_s)));
                }
            }
            start_ns += stretch.length_ns;
        }
        Steps(if (2..=STEPS_TOLD_MAX).contains(&steps.len()) { steps } else { Vec::new() })
    }

    /// An answer to a request that was due at `intended_ns`.
    #[inline]
    pub fn completed(&mut self, intended_ns: u64, split: &Split) {
        if !self.0.is_empty()
            && let Some(step) = self.at(intended_ns)
        {
            step.total.record(split.total_ns());
            step.wait_ns += u128::from(split.wait_ns);
        }
    }

    /// A request that was due at `intended_ns` has failed.
    pub fn failed(&mut self, intended_ns: u64) {
        if let Some(step) = self.at(intended_ns) {
            step.failed += 1;
        }
    }

    fn at(&mut self, ns: u64) -> Option<&mut StepTally> {
        let index = self.0.partition_point(|step| step.stretch.1 <= ns);
        self.0.get_mut(index).filter(|step| step.stretch.0 <= ns)
    }

    /// Each of them, in the order of time.
    pub fn all(&self) -> &[StepTally] {
        &self.0
    }

    /// Adds another thread's, of the same plan.
    pub fn merge(&mut self, other: Steps) {
        for (mine, others) in self.0.iter_mut().zip(other.0) {
            mine.total.merge(&others.total);
            mine.wait_ns += others.wait_ns;
            mine.failed += others.failed;
        }
    }
}

impl StepTally {
    fn new(stretch: (u64, u64), rate: (f64, f64)) -> Self {
        StepTally { stretch, rate, total: Recorder::default(), wait_ns: 0, failed: 0 }
    }

    /// Verified answers, per second.
    pub fn answered_per_s(&self) -> f64 {
        self.total.count() as f64 * 1e9 / (self.stretch.1 - self.stretch.0).max(1) as f64
    }

    /// Whether its rate is one value.
    pub fn is_level(&self) -> bool {
        self.rate.0 == self.rate.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::profile::parse;

    const S: u64 = 1_000_000_000;

    /// The parts as (begin and end in tenths of a second, rates).
    fn parts(rate: &str, from_ns: u64, to_ns: u64) -> Vec<(u64, u64, f64, f64)> {
        let steps = Steps::of(&parse(rate, 10 * S).unwrap(), from_ns, to_ns);
        let tenth = S / 10;
        steps.all().iter().map(|s| (s.stretch.0 / tenth, s.stretch.1 / tenth, s.rate.0, s.rate.1)).collect()
    }

    #[test]
    fn steps_and_tenths_of_ramps_are_told_apart_and_one_rate_is_none() {
        assert_eq!(parts("1k", S, 10 * S), []);
        assert_eq!(parts("1k,2k/2s", S, 4 * S), [(10, 20, 1e3, 1e3), (20, 40, 2e3, 2e3)]);
        assert_eq!(parts("1k,2k/2s", 2 * S, 4 * S), [], "the rest is one rate");
        let ramp = parts("1k..11k/10s", 0, 10 * S);
        assert_eq!(ramp.len(), 10);
        assert_eq!((ramp[0], ramp[9]), ((0, 10, 1e3, 2e3), (90, 100, 1e4, 1.1e4)));
        assert_eq!(parts("1k,1k..2k/1s", 0, 2 * S).len(), 11);
        let many = ["1k", "2k"].repeat(STEPS_TOLD_MAX).join(",") + "/1s";
        assert_eq!(parts(&many, 0, u64::MAX), []);
    }

    #[test]
    fn requests_count_where_they_were_due() {
        let stretches = parse("1k,2k/1s", S).unwrap();
        let mut one = Steps::of(&stretches, 0, 2 * S);
        let mut other = one.clone();
        one.completed(S - 1, &Split::new(S - 1, S + 4, S + 4, S + 10));
        other.completed(S, &Split::new(S, 0, S, S + 7));
        other.failed(S + 1);
        other.completed(2 * S, &Split::new(2 * S, 0, 2 * S, 2 * S + 7));
        one.merge(other);
        let told: Vec<_> = one.all().iter().map(|s| (s.total.count(), s.wait_ns, s.failed)).collect();
        assert_eq!(told, [(1, 5, 0), (1, 0, 1)], "and what was due after the end in none");
    }
}
