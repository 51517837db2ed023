//! Whether a new program costs more than an old one: what two that took turns say, and what was counted.
//!
//! Only what is decided is called a regression: the whole interval of a ratio lies beyond the threshold. Both kinds of
//! figures are asked. A count scatters least, and sees neither caches nor wake-ups; a duel sees them.

use dyno_statistics::bootstrap::Interval;
use dyno_statistics::verdict::{Comparison, ComparisonVerdict};

use crate::difference::{Change, Difference};
use crate::duel::DuelRow;

/// What is said of one architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Its name.
    pub label: String,
    /// The duel of the new program, which comes first, with the old one.
    pub duel: Option<DuelRow>,
    /// What was counted, new over old, by figure.
    pub counts: Vec<Difference>,
    /// What follows.
    pub verdict: RegressionVerdict,
    /// The figures that became worse, and by which ratio.
    pub worse: Vec<(&'static str, Interval)>,
    /// The figures that became better.
    pub better: Vec<(&'static str, Interval)>,
}

/// What follows from all figures of an architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegressionVerdict {
    /// A figure became worse, and its whole interval says so.
    Regression,
    /// None became worse, and one better.
    Improvement,
    /// None changed by more than the threshold, or not certainly.
    NoneSeen,
    /// There is no figure that counts.
    Void,
}

/// Judges each pair of the duel: its first contestant is the new program. `counts` are the differences of counted
/// figures, judged by their own threshold already.
pub fn judge(rows: &[DuelRow], counts: &[Difference]) -> Vec<Judgement> {
    let mut labels: Vec<&str> = rows.iter().map(|row| row.sides[0].line.label.as_str()).collect();
    for count in counts {
        if !labels.contains(&count.contestant.as_str()) {
            labels.push(&count.contestant);
        }
    }
    labels.into_iter().map(|label| one(label, rows, counts)).collect()
}

fn one(label: &str, rows: &[DuelRow], counts: &[Difference]) -> Judgement {
    let duel = rows.iter().find(|row| row.sides[0].line.label == label).cloned();
    let counts: Vec<Difference> = counts.iter().filter(|count| count.contestant == label).cloned().collect();
    let (mut worse, mut better) = (Vec::new(), Vec::new());
    let mut known = !counts.is_empty();
    if let Some(row) = &duel {
        let mut take = |name: &'static str, comparison: &Comparison, higher_is_worse: bool| {
            let Some(ratio) = comparison.ratio else { return };
            known |= comparison.verdict != ComparisonVerdict::TooFewBlocks;
            match (comparison.verdict, higher_is_worse) {
                (ComparisonVerdict::Higher, true) | (ComparisonVerdict::Lower, false) => {
                    worse.push((name, ratio));
                }
                (ComparisonVerdict::Lower, true) | (ComparisonVerdict::Higher, false) => {
                    better.push((name, ratio));
                }
                (ComparisonVerdict::NoDifferenceSeen | ComparisonVerdict::TooFewBlocks, _) => {}
            }
        };
        take("CPU of a request", &row.cpu, true);
        // A rate that is only a bound says nothing of what the server can do.
        if !row.is_rate_bound() {
            take("rate", &row.rate, false);
        }
    }
    for count in &counts {
        match count.change {
            Change::Worse => worse.push((count.figure, count.ratio)),
            Change::Better => better.push((count.figure, count.ratio)),
            Change::Same | Change::Inconclusive => {}
        }
    }
    let verdict = match (known, worse.is_empty(), better.is_empty()) {
        (false, ..) => RegressionVerdict::Void,
        (true, false, _) => RegressionVerdict::Regression,
        (true, true, false) => RegressionVerdict::Improvement,
        (true, true, true) => RegressionVerdict::NoneSeen,
    };
    Judgement { label: label.to_string(), duel, counts, verdict, worse, better }
}

#[cfg(test)]
mod tests;
