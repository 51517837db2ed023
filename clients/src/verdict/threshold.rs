//! Thresholds that a run must keep, such as `p99>5ms`.
//!
//! | metric | value |
//! |---|---|
//! | `p50` ... `p99.999`, `mean`, `max`, `min` | a duration; of the total latency, or with a prefix: `response.p99`, `wait.`, `lag.`, `reading.`, `connect.` |
//! | `rate` | verified answers a second |
//! | `errors` | share of failed requests, such as `0.1%` |

use crate::outcome::{Distribution, Outcome, Threshold};
use dyno_units::read::{self, ReadError};
use dyno_units::verdict::Verdict;

/// A condition under which a run counts as failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    expression: String,
    pub(crate) metric: Metric,
    comparison: &'static str,
    limit: f64,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Metric {
    Latency { part: String, statistic: Statistic },
    Rate,
    Errors,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Statistic {
    Quantile(f64),
    Mean,
    Min,
    Max,
}

/// Why an expression is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// It compares nothing.
    #[error("'{0}': compare with > or <, such as p99>5ms")]
    NoComparison(String),
    /// The latency has no such part.
    #[error("'{0}' is no part of a latency: total, response, wait, lag, reading or connect")]
    NoPart(String),
    /// It is no figure of a run.
    #[error("'{0}' is no metric: p50 to p99.999, mean, min, max, rate or errors")]
    NoMetric(String),
    /// The percentile lies beyond all or below all.
    #[error("'{0}': a percentile lies between p0 and p100")]
    PercentileOutside(String),
    /// The limit cannot be read.
    #[error(transparent)]
    Number(#[from] ReadError),
}

/// Reads a condition such as `p99>5ms`.
///
/// # Errors
/// Says what is wrong and what would be right.
pub fn parse(expression: &str) -> Result<Condition, ThresholdError> {
    let at = expression.find(['<', '>']).ok_or_else(|| ThresholdError::NoComparison(expression.into()))?;
    let (name, rest) = expression.split_at(at);
    let comparison = [">=", "<=", ">", "<"].into_iter().find(|c| rest.starts_with(c)).unwrap_or(">");
    let (name, value) = (name.trim(), rest[comparison.len()..].trim());
    let (metric, limit) = match name {
        "rate" => (Metric::Rate, read::rate(value)?),
        "errors" => (Metric::Errors, read::share(value)?),
        _ => {
            // A percentile holds a dot itself.
            let (part, statistic) = match name.split_once('.') {
                Some((part, statistic)) if !part.starts_with('p') => (part, statistic),
                _ => ("total", name),
            };
            if !["total", "response", "wait", "lag", "reading", "connect"].contains(&part) {
                return Err(ThresholdError::NoPart(part.into()));
            }
            let statistic = statistic_of(statistic)?;
            (Metric::Latency { part: part.into(), statistic }, read::duration_ns(value)? as f64)
        }
    };
    Ok(Condition { expression: expression.into(), metric, comparison, limit })
}

fn statistic_of(name: &str) -> Result<Statistic, ThresholdError> {
    let unknown = || ThresholdError::NoMetric(name.into());
    Ok(match name {
        "mean" => Statistic::Mean,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        _ => {
            let percent: f64 = name.strip_prefix('p').and_then(|p| p.parse().ok()).ok_or_else(unknown)?;
            if !(percent > 0.0 && percent < 100.0) {
                return Err(ThresholdError::PercentileOutside(name.into()));
            }
            Statistic::Quantile(percent / 100.0)
        }
    })
}

impl Condition {
    /// Compares with what was measured. What was not measured fails: silence is no success. What is void, or a
    /// bound that does not decide, is undecided.
    pub fn check(&self, outcome: &Outcome) -> Threshold {
        let (measured, verdict) = self.measured(outcome);
        let holds = |measured: f64| match self.comparison {
            ">" => measured > self.limit,
            ">=" => measured >= self.limit,
            "<" => measured < self.limit,
            _ => measured <= self.limit,
        };
        let undecided = measured.is_some_and(|measured| match verdict {
            Verdict::Void => true,
            // The value is this or any higher one.
            Verdict::AtLeast => holds(measured) != holds(f64::INFINITY),
            Verdict::Sound | Verdict::Doubtful => false,
        });
        let failed = !undecided && measured.is_none_or(holds);
        Threshold { expression: self.expression.clone(), measured, failed, undecided }
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
            let beyond = crate::books::histogram::samples_beyond(distribution.count, q);
            let histogram = crate::books::histogram::decode(&distribution.hdr_v2_base64).ok()?;
            (beyond >= crate::limits::SAMPLES_BEYOND_MIN).then(|| histogram.value_at_quantile(q) as f64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let told = parse(expression).unwrap().check(&outcome);
            assert_eq!(
                (told.failed, told.undecided),
                (failed, undecided),
                "{expression} {of_rate:?} {of_latency:?}"
            );
        }
    }
}
