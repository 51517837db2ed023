//! Conditions on the figures of a run, such as `p99>5ms`: how they are written.
//!
//! | metric | value |
//! |---|---|
//! | `p50` ... `p99.999`, `median`, `mean`, `max`, `min` | a duration; of the total latency, or with a prefix: `response.p99`, `wait.`, `lag.`, `reading.`, `connect.` |
//! | `rate` | verified answers a second |
//! | `errors` | share of failed requests, such as `0.1%` |

use dyno_units::read::{self, ReadError};

/// A condition on a figure of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub(super) expression: String,
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
pub enum ConditionError {
    /// It compares nothing.
    #[error("'{0}': compare with > or <, such as p99>5ms")]
    NoComparison(String),
    /// It compares for equality, which no measured figure has.
    #[error("'{0}': a measured figure equals no other; compare with > or <, such as p99>5ms")]
    Equality(String),
    /// The latency has no such part.
    #[error("'{0}' is no part of a latency: total, response, wait, lag, reading or connect")]
    NoPart(String),
    /// It is no figure of a run.
    #[error("'{0}' is no metric: p50 to p99.999, mean, min, max, rate or errors")]
    NoMetric(String),
    /// The percentile lies beyond all or below all.
    #[error("'{0}': a percentile lies between p0 and p100, such as p99.9")]
    PercentileOutside(String),
    /// The figure is not known before the run has ended.
    #[error("'{0}' is not known while a run goes on: p50 to p99.999, mean, max, rate or errors")]
    NotLive(String),
    /// The limit cannot be read.
    #[error(transparent)]
    Number(#[from] ReadError),
}

/// Reads a condition such as `p99>5ms`.
///
/// # Errors
/// Says what is wrong and what would be right.
pub fn parse(expression: &str) -> Result<Condition, ConditionError> {
    let written = expression.replace('≤', "<=").replace('≥', ">=");
    let at = written.find(['<', '>', '=']).ok_or_else(|| ConditionError::NoComparison(expression.into()))?;
    let (name, rest) = written.split_at(at);
    let found = [">=", "<=", ">", "<"].into_iter().find(|c| rest.starts_with(c));
    let comparison = found.ok_or_else(|| ConditionError::Equality(expression.into()))?;
    let (name, value) = (name.trim().to_ascii_lowercase(), rest[comparison.len()..].trim());
    let (metric, limit) = match name.as_str() {
        "rate" => (Metric::Rate, read::rate(value)?),
        "errors" => (Metric::Errors, read::share(value)?),
        _ => {
            // A percentile holds a dot itself.
            let (part, statistic) = match name.split_once('.') {
                Some((part, statistic)) if !part.starts_with('p') => (part, statistic),
                _ => ("total", name.as_str()),
            };
            if !["total", "response", "wait", "lag", "reading", "connect"].contains(&part) {
                return Err(ConditionError::NoPart(part.into()));
            }
            let statistic = statistic_of(statistic)?;
            (Metric::Latency { part: part.into(), statistic }, read::duration_ns(value)? as f64)
        }
    };
    Ok(Condition { expression: expression.into(), metric, comparison, limit })
}

/// Reads a condition on a figure that is known while the run goes on.
///
/// # Errors
/// As [`parse`].
pub fn parse_live(expression: &str) -> Result<Condition, ConditionError> {
    let condition = parse(expression)?;
    let is_known = match &condition.metric {
        Metric::Rate | Metric::Errors => true,
        Metric::Latency { part, statistic } => part == "total" && *statistic != Statistic::Min,
    };
    if is_known { Ok(condition) } else { Err(ConditionError::NotLive(expression.into())) }
}

fn statistic_of(name: &str) -> Result<Statistic, ConditionError> {
    let unknown = || ConditionError::NoMetric(name.into());
    Ok(match name {
        "mean" => Statistic::Mean,
        "min" => Statistic::Min,
        "max" => Statistic::Max,
        "median" => Statistic::Quantile(0.5),
        _ => {
            let percent: f64 = name.strip_prefix('p').and_then(|p| p.parse().ok()).ok_or_else(unknown)?;
            if !(percent > 0.0 && percent < 100.0) {
                return Err(ConditionError::PercentileOutside(name.into()));
            }
            Statistic::Quantile(percent / 100.0)
        }
    })
}

impl Condition {
    /// As it was written.
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Whether it holds for a figure.
    pub(super) fn holds(&self, measured: f64) -> bool {
        match self.comparison {
            ">" => measured > self.limit,
            ">=" => measured >= self.limit,
            "<" => measured < self.limit,
            _ => measured <= self.limit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_in_every_spelling_and_refused_with_advice() {
        for text in [
            "p99<5ms",
            " P99 <= 5 ms ",
            "p99≤5ms",
            "response.p99.9>=1s",
            "median<1us",
            "rate>10k/s",
            "errors<0.1%",
        ] {
            assert!(parse(text).is_ok(), "{text}: {:?}", parse(text));
        }
        for (text, word) in [
            ("p99", "compare with"),
            ("p99=5ms", "equals no other"),
            ("p99==5ms", "equals no other"),
            ("p999<5ms", "p99.9"),
            ("latency<5ms", "no metric"),
            ("server.p99<5ms", "no part"),
            ("p99<5parsec", "parsec"),
            ("rate<0", "above zero"),
            ("errors<200%", "100 %"),
            ("", "compare with"),
        ] {
            let refused = parse(text).unwrap_err().to_string();
            assert!(refused.contains(word), "{text}: {refused}");
        }
        for (text, live) in [("p99>1s", true), ("max>1s", true), ("errors>1%", true), ("rate<1", true)]
            .into_iter()
            .chain([("min>1s", false), ("lag.p99>1s", false), ("response.mean>1s", false)])
        {
            assert_eq!(parse_live(text).is_ok(), live, "{text}");
        }
    }
}
