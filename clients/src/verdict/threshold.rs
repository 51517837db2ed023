//! How a run came out by the conditions that its user gave, at its end and while it goes on.
//!
//! A figure that was not measured, for want of samples, fails a threshold of either kind: silence is no success. One
//! that is void, or a bound that does not decide, leaves it undecided.

use crate::books::coarse::Coarse;
use crate::books::glance::WindowGlance;
use crate::books::histogram::{decode, samples_beyond};
use crate::limits::{RATE_KNOWN_NS, SAMPLES_BEYOND_MIN};
use crate::outcome::{ConditionRole, Distribution, Outcome, Threshold};
use crate::verdict::condition::{Condition, Metric, Statistic};
use dyno_units::verdict::Verdict;

impl Condition {
    /// Compares with what was measured.
    pub fn check(&self, role: ConditionRole, outcome: &Outcome) -> Threshold {
        let (measured, verdict) = self.measured(outcome);
        let fails = |measured: f64| self.holds(measured) != (role == ConditionRole::Require);
        let undecided = measured.is_some_and(|measured| match verdict {
            Verdict::Void => true,
            // The value is this or any higher one.
            Verdict::AtLeast => fails(measured) != fails(f64::INFINITY),
            Verdict::Sound | Verdict::Doubtful => false,
        });
        let failed = !undecided && measured.is_none_or(fails);
        Threshold { role, expression: self.expression.clone(), measured, failed, undecided }
    }

    /// The figure by which the run is to be ended now, if the condition holds and is known to.
    pub fn comes_true(&self, window: &WindowGlance, latencies: &Coarse) -> Option<f64> {
        self.seen(window, latencies).filter(|&value| self.holds(value))
    }

    /// As a threshold of a run during which it was looked at: `ended_at` is the figure that ended it.
    pub fn watched(&self, ended_at: Option<f64>) -> Threshold {
        Threshold {
            role: ConditionRole::AbortOn,
            expression: self.expression.clone(),
            measured: ended_at,
            failed: ended_at.is_some(),
            undecided: false,
        }
    }

    /// The figure so far; `None` as long as there are too few samples for it.
    fn seen(&self, window: &WindowGlance, latencies: &Coarse) -> Option<f64> {
        let WindowGlance { elapsed_ns, answered, completed, failed, sum_ns, max_ns, .. } = *window;
        match &self.metric {
            Metric::Rate => (elapsed_ns >= RATE_KNOWN_NS).then(|| answered as f64 * 1e9 / elapsed_ns as f64),
            Metric::Errors => {
                let known = failed >= SAMPLES_BEYOND_MIN || completed >= SAMPLES_BEYOND_MIN && failed == 0;
                known.then(|| failed as f64 / (completed + failed) as f64)
            }
            Metric::Latency { .. } if completed == 0 => None,
            Metric::Latency { statistic, .. } => match *statistic {
                Statistic::Mean => {
                    (completed >= SAMPLES_BEYOND_MIN).then(|| sum_ns as f64 / completed as f64)
                }
                Statistic::Max => Some(max_ns as f64),
                Statistic::Min => None,
                Statistic::Quantile(q) => {
                    let known = samples_beyond(latencies.count(), q) >= SAMPLES_BEYOND_MIN;
                    latencies.quantile_ns(q).filter(|_| known).map(|ns| ns as f64)
                }
            },
        }
    }

    /// What it is about, and how far that may be believed.
    fn measured(&self, outcome: &Outcome) -> (Option<f64>, Verdict) {
        match &self.metric {
            Metric::Rate => (Some(outcome.rates.achieved_per_s), outcome.audit.rate),
            Metric::Errors => {
                let all = outcome.counts.completed + outcome.counts.failed;
                ((all > 0).then(|| outcome.counts.failed as f64 / all as f64), Verdict::Sound)
            }
            Metric::Latency { part, statistic } => {
                let latency = &outcome.latency;
                let (distribution, verdict) = match part.as_str() {
                    "response" => (&latency.response, outcome.audit.latency),
                    "wait" => (&latency.wait, outcome.audit.latency),
                    // These are about the generator itself, which is what made them so.
                    "lag" => (&latency.lag, Verdict::Sound),
                    "reading" => (&latency.reading, Verdict::Sound),
                    "connect" => (&latency.connect, outcome.audit.latency),
                    _ => (&latency.total, outcome.audit.latency),
                };
                (value(distribution, *statistic), verdict)
            }
        }
    }
}

fn value(distribution: &Distribution, statistic: Statistic) -> Option<f64> {
    if distribution.count == 0 {
        return None;
    }
    match statistic {
        Statistic::Mean => Some(distribution.mean_ns),
        Statistic::Min => Some(distribution.min_ns as f64),
        Statistic::Max => Some(distribution.max_ns as f64),
        Statistic::Quantile(q) => {
            // Any percentile may be asked for, as long as there are samples enough beyond it.
            let beyond = samples_beyond(distribution.count, q);
            let histogram = decode(&distribution.hdr_v2_base64).ok()?;
            (beyond >= SAMPLES_BEYOND_MIN).then(|| histogram.value_at_quantile(q) as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::condition::parse;

    #[test]
    fn a_condition_on_a_figure_that_is_void_or_a_bound_is_undecided() {
        let text = include_str!("../../tests/data/outcome.json");
        let mut outcome: Outcome = serde_json::from_str(text).unwrap();
        let rate = outcome.rates.achieved_per_s;
        let (below, above) = (format!("{:.0}", rate / 2.0), format!("{:.0}", rate * 2.0));
        use Verdict::{AtLeast, Doubtful, Sound, Void};
        // (verdict on the rate, and on the latencies, the condition, whether it failed, and is undecided)
        for (of_rate, of_latency, expression, failed, undecided) in [
            (Sound, Sound, "p50>1ns", true, false),
            (Sound, Doubtful, "p50>1h", false, false),
            (Sound, Void, "p50>1ns", false, true),
            (Sound, Void, "p50>1h", false, true),
            (Sound, Void, "response.mean>1h", false, true),
            (Sound, Void, "lag.mean>1h", false, false),
            (AtLeast, Void, &format!("rate<{below}"), false, false),
            (AtLeast, Void, &format!("rate<{above}"), false, true),
            (AtLeast, Void, &format!("rate>{above}"), false, true),
            (AtLeast, Void, &format!("rate>{below}"), true, false),
            (Void, Sound, &format!("rate<{above}"), false, true),
            (Void, Void, "errors>50%", false, false),
        ] {
            (outcome.audit.rate, outcome.audit.latency) = (of_rate, of_latency);
            let told = parse(expression).unwrap().check(ConditionRole::FailIf, &outcome);
            assert_eq!(
                (told.failed, told.undecided),
                (failed, undecided),
                "{expression} {of_rate:?} {of_latency:?}"
            );
        }
    }

    /// Whatever fails by the one fails by its opposite in the other role, and what is not known never passes.
    #[test]
    fn a_requirement_is_the_opposite_of_a_failure_and_is_never_met_in_silence() {
        let text = include_str!("../../tests/data/outcome.json");
        let whole: Outcome = serde_json::from_str(text).unwrap();
        let grades = [Verdict::Sound, Verdict::Doubtful, Verdict::AtLeast, Verdict::Void];
        for metric in ["p50", "p90", "p99", "p99.9", "max", "mean", "min", "lag.p99", "wait.max"] {
            for (limit, grade) in
                ["1ns", "1h"].into_iter().flat_map(|limit| grades.map(|grade| (limit, grade)))
            {
                let mut outcome = whole.clone();
                (outcome.audit.rate, outcome.audit.latency) = (grade, grade);
                let failure =
                    parse(&format!("{metric}>={limit}")).unwrap().check(ConditionRole::FailIf, &outcome);
                let requirement =
                    parse(&format!("{metric}<{limit}")).unwrap().check(ConditionRole::Require, &outcome);
                let came_out = |t: &Threshold| (t.failed, t.undecided, t.measured);
                assert_eq!(came_out(&failure), came_out(&requirement), "{metric} {limit} {grade:?}");
            }
        }
        // Too few answers for the percentile, none at all, and a void one.
        for (expression, count) in [("p99.999<1h", 5), ("p50<1h", 0), ("max<1h", 0), ("mean<1h", 0)] {
            let mut outcome = whole.clone();
            outcome.latency.total.count = count;
            let told = parse(expression).unwrap().check(ConditionRole::Require, &outcome);
            assert!(told.failed && told.measured.is_none(), "{expression} {told:?}");
        }
        let mut outcome = whole;
        (outcome.counts.completed, outcome.counts.failed) = (0, 0);
        let told = parse("errors<50%").unwrap().check(ConditionRole::Require, &outcome);
        assert!(told.failed, "no request, no success: {told:?}");
    }

    #[test]
    fn a_run_is_ended_by_what_is_known_and_not_by_its_first_few_answers() {
        let mut latencies = Coarse::default();
        (0..1_000).for_each(|_| latencies.record(7_000_000));
        let window = WindowGlance {
            elapsed_ns: 2_000_000_000,
            answered: 1_000,
            completed: 1_000,
            failed: 20,
            sum_ns: 7_000_000_000,
            max_ns: 7_000_000,
            lag_sum_ns: 0,
        };
        let few = WindowGlance { elapsed_ns: 1, answered: 1, completed: 1, failed: 1, ..window };
        for (expression, comes_true, among_few) in [
            ("errors>1%", true, false),
            ("errors>5%", false, false),
            ("p99>5ms", true, true),
            ("p99.9>5ms", false, false),
            ("p99>9ms", false, false),
            ("mean>6ms", true, false),
            ("max>6ms", true, true),
            ("rate<600", true, false),
            ("rate<400", false, false),
        ] {
            let condition = parse(expression).unwrap();
            assert_eq!(condition.comes_true(&window, &latencies).is_some(), comes_true, "{expression}");
            assert_eq!(condition.comes_true(&few, &latencies).is_some(), among_few, "{expression}, few");
        }
    }
}
