//! The critical point: the highest rate that keeps the limit, and how sure that is.
//!
//! A rate is judged by all cells that offered it, whenever they were measured. One cell proves nothing: on a shared
//! machine a good rate misses its limit now and then, and a bad one is lucky. So a rate counts as confirmed when at
//! least three cells kept the limit and more than twice as many as missed it, and as refuted when two missed it and no
//! more than twice as many kept it. The critical point is the highest confirmed rate below all that are refuted.
//!
//! [`RateEvidence::next`] says what to measure next, so the search is a function of what is known: it can be continued,
//! and the report comes to the same end from the records.

mod tries;

use std::collections::BTreeMap;

use dyno_record::header::{Header, RateLimit};
use dyno_record::load::LoadFigures;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_units::verdict::Verdict;

pub use tries::{RateStanding, TriedRate, Tries};

use crate::limits::BRACKET;

/// Whether the figures of a load keep the limit.
pub fn keeps(load: &LoadFigures, limit: RateLimit) -> bool {
    let offered = load.offered_per_s.unwrap_or(load.rate_per_s);
    // Poisson arrivals scatter: in a window of n arrivals the rate is off by about one part in the square root of n.
    let chance = 3.0 / (offered * load.seconds).max(1.0).sqrt();
    load.total.at_ns(99.0).is_some_and(|p99| p99 <= limit.p99_ns)
        && load.error_share() <= limit.missed
        && load.rate_per_s >= offered * (1.0 - limit.missed - chance)
}

/// The limit that an experiment was asked for. Records from before the header held it have the usual one, unless the
/// user gave another.
pub fn limit_of(header: &Header) -> Option<RateLimit> {
    let given = |name: &str| header.spec.as_ref().is_some_and(|spec| spec.contains_key(name));
    let usual = (!given("limit") && !given("missed")).then_some(RateLimit::USUAL);
    header.limit.or(usual)
}

/// The critical point, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bracket {
    /// The highest rate that is confirmed, and lies below all that are refuted.
    pub confirmed: Option<TriedRate>,
    /// The lowest rate above it that did not keep the limit, or could not be measured.
    pub beyond: Option<TriedRate>,
}

/// What is known of all rates that were offered to one contestant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RateEvidence {
    /// By rate, in thousandths of a request a second: rates are rounded, so equal ones are equal here.
    by_rate: BTreeMap<u64, Tries>,
}

impl RateEvidence {
    /// The evidence in the records of one contestant.
    pub fn of<'r>(records: impl IntoIterator<Item = &'r Record>, contestant: &str, limit: RateLimit) -> Self {
        let mut evidence = RateEvidence::default();
        for record in records {
            let cell = &record.trial.cell;
            let is_evidence = matches!(cell.step, Step::CurveSearch | Step::Curve);
            if let Some(rate) = cell.load.rate_per_s.filter(|_| is_evidence && cell.contestant == contestant)
            {
                evidence.add(rate, verdict(record, limit));
            }
        }
        evidence
    }

    /// Adds a cell: whether it kept the limit, or nothing if it was void.
    pub fn add(&mut self, rate_per_s: f64, kept: Option<bool>) {
        let tries = self.by_rate.entry(key(rate_per_s)).or_default();
        match kept {
            Some(true) => tries.kept += 1,
            Some(false) => tries.missed += 1,
            None => tries.void += 1,
        }
    }

    /// The cells that offered this rate.
    pub fn tries(&self, rate_per_s: f64) -> Tries {
        self.by_rate.get(&key(rate_per_s)).copied().unwrap_or_default()
    }

    /// The critical point between the highest confirmed rate and the lowest one beyond it.
    pub fn bracket(&self) -> Bracket {
        let confirmed = self.below_refuted().rfind(|rate| rate.standing() == RateStanding::Confirmed);
        Bracket { confirmed, beyond: self.beyond(confirmed) }
    }

    /// The rate to measure next; `None` once the critical point lies between two rates that are
    /// [close enough](BRACKET), the lower one confirmed and the upper one refuted.
    ///
    /// `hint` is where to begin.
    pub fn next(&self, hint: f64) -> Option<f64> {
        let good = |rate: &TriedRate| matches!(rate.standing(), RateStanding::Confirmed | RateStanding::Kept);
        let low = self.below_refuted().rfind(good);
        // A rate that is worse than a higher one was unlucky, or the higher one was lucky: more cells tell which.
        let doubtful = |rate: &TriedRate| match rate.standing() {
            RateStanding::Open => {
                low.is_none_or(|low| rate.rate_per_s > low.rate_per_s || rate.tries.kept > 0)
            }
            RateStanding::Missed => low.is_some_and(|low| rate.rate_per_s < low.rate_per_s),
            _ => false,
        };
        if let Some(rate) = self.below_refuted().find(doubtful) {
            return Some(rate.rate_per_s);
        }
        match (low, self.beyond(low)) {
            (None, None) => Some(round3(hint)),
            (Some(low), None) => Some(round3(low.rate_per_s * 1.25)),
            (None, Some(high)) => Some(round3(high.rate_per_s * 0.6)).filter(|next| *next < high.rate_per_s),
            (Some(low), Some(high)) => {
                let middle = round3((low.rate_per_s * high.rate_per_s).sqrt());
                let is_between = middle > low.rate_per_s && middle < high.rate_per_s;
                match (low.standing(), high.standing()) {
                    _ if high.rate_per_s > low.rate_per_s * (1.0 + BRACKET) && is_between => Some(middle),
                    (RateStanding::Kept, _) => Some(low.rate_per_s),
                    (_, RateStanding::Missed) => Some(high.rate_per_s),
                    _ => None,
                }
            }
        }
    }

    /// Where a curve is drawn: around the critical point, or else around the best guess.
    pub fn center(&self, hint: f64) -> f64 {
        let kept = self.below_refuted().rfind(|rate| rate.standing() == RateStanding::Kept);
        let guess = || self.beyond(None).map_or(hint, |rate| rate.rate_per_s) * 0.5;
        self.bracket().confirmed.or(kept).map_or_else(guess, |rate| rate.rate_per_s)
    }

    /// The highest rate that kept the limit at least once, where none is confirmed.
    pub fn best_kept(&self) -> Option<TriedRate> {
        self.rates().rfind(|rate| rate.tries.kept > 0)
    }

    fn rates(&self) -> impl DoubleEndedIterator<Item = TriedRate> {
        self.by_rate.iter().map(|(rate, tries)| TriedRate { rate_per_s: *rate as f64 / 1e3, tries: *tries })
    }

    fn below_refuted(&self) -> impl DoubleEndedIterator<Item = TriedRate> {
        let ceiling = self.rates().find(|rate| rate.standing() == RateStanding::Refuted);
        let ceiling = ceiling.map_or(f64::INFINITY, |rate| rate.rate_per_s);
        self.rates().filter(move |rate| rate.rate_per_s < ceiling)
    }

    /// The lowest rate above `low` that is not good.
    fn beyond(&self, low: Option<TriedRate>) -> Option<TriedRate> {
        let mut above = self.rates().filter(|rate| low.is_none_or(|low| rate.rate_per_s > low.rate_per_s));
        above.find(|rate| {
            matches!(rate.standing(), RateStanding::Missed | RateStanding::Refuted | RateStanding::Unmeasured)
        })
    }
}

/// Whether a cell kept the limit; `None` where it says nothing of its rate.
fn verdict(record: &Record, limit: RateLimit) -> Option<bool> {
    if record.audit.verdict == Verdict::Void {
        return None;
    }
    record.load.as_ref().map(|load| keeps(load, limit))
}

fn key(rate_per_s: f64) -> u64 {
    (rate_per_s * 1e3).round() as u64
}

/// Rounds to three significant digits, which are enough for the width of the bracket.
fn round3(rate: f64) -> f64 {
    let scale = 10f64.powf(rate.max(1.0).log10().floor() - 2.0);
    ((rate / scale).round() * scale).max(1.0)
}

#[cfg(test)]
mod tests;
