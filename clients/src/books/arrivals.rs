//! Tests of an arrival process against its law, on a bounded sample of gaps.
//!
//! Gaps are taken in windows spread over the run, complete within each window, so that several threads' requests can
//! be joined to the process that the server saw. Each gap is multiplied by the planned rate at its place: its mean is
//! then 1, on ramps too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::stored::at_most;
use crate::limits::{
    ARRIVAL_GAPS, ARRIVAL_GAPS_MIN, ARRIVAL_WINDOWS, CONSTANT_VARIATION_MAX, POISSON_STATISTIC_MAX,
    SENT_GRAIN_NS,
};
use crate::outcome::verdict::ArrivalTest;
use crate::plan::as_run::Stretch;
use crate::plan::profile::Inverse;

/// Collects intended and actual times inside the windows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// Begin and end of each window, ns from the start.
    #[serde(deserialize_with = "at_most::<_, _, ARRIVAL_WINDOWS>")]
    windows: Vec<(u64, u64)>,
    #[serde(skip)]
    current: usize,
    /// When each request of the sample was due, and when it was sent, ns from the start.
    times: Vec<(u64, u64)>,
}

impl Sample {
    /// Chooses windows between `from_ns` and `to_ns` in which the profile brings [`ARRIVAL_GAPS`] arrivals in all.
    pub fn new(stretches: &[Stretch], from_ns: u64, to_ns: u64) -> Self {
        let part = to_ns.saturating_sub(from_ns) / ARRIVAL_WINDOWS as u64;
        let window = |i: usize| {
            let start = from_ns + i as u64 * part;
            let before = crate::plan::profile::expected_arrivals(stretches, 0, start);
            let enough = before + (ARRIVAL_GAPS / ARRIVAL_WINDOWS) as f64;
            let end = Inverse::new(stretches.to_vec()).time_ns(enough).unwrap_or(u64::MAX);
            (start, end.min(start + part))
        };
        Sample {
            windows: (0..ARRIVAL_WINDOWS).map(window).collect(),
            current: 0,
            times: Vec::with_capacity(ARRIVAL_GAPS),
        }
    }

    /// A request that was due at `intended_ns` was sent at `sent_ns`. Requests come in the order of their intended
    /// times.
    #[inline]
    pub fn sent(&mut self, intended_ns: u64, sent_ns: u64) {
        // The first request beyond a window may be the first in the next.
        while let Some(&(start, end)) = self.windows.get(self.current) {
            if intended_ns < end {
                if intended_ns >= start && self.times.len() < 2 * ARRIVAL_GAPS {
                    self.times.push((intended_ns, sent_ns));
                }
                return;
            }
            self.current += 1;
        }
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: Sample) {
        if self.windows.is_empty() {
            self.windows = other.windows;
        }
        self.times.extend(other.times);
    }

    /// Tests the intended and the actual times against a share of the planned rate; empty when there are too few.
    pub fn test(&self, process: &str, stretches: &[Stretch], share: f64) -> Vec<ArrivalTest> {
        let mut intended: Vec<u64> = self.times.iter().map(|t| t.0).collect();
        let mut sent: Vec<u64> = self.times.iter().map(|t| t.1).collect();
        intended.sort_unstable();
        sent.sort_unstable();
        // Nobody sends two requests at once: below the grain the order of sends is nobody's business.
        let tests = [("intended", intended, 0), ("sent", sent, SENT_GRAIN_NS)];
        let told = tests.iter().filter_map(|(which, times, grain_ns)| {
            test(which, process, &self.gaps(times, stretches, share), *grain_ns)
        });
        told.collect()
    }

    /// Gaps inside one window: their lengths, and the same in units of the planned mean gap.
    fn gaps(&self, times: &[u64], stretches: &[Stretch], share: f64) -> Vec<(u64, f64)> {
        let window_of = |t: u64| self.windows.iter().rposition(|w| w.0 <= t);
        let inside = times.windows(2).filter(|w| window_of(w[0]) == window_of(w[1]));
        let expected = |w: &[u64]| crate::plan::profile::expected_arrivals(stretches, w[0], w[1]);
        let gap = |w: &[u64]| (w[1] - w[0], share * expected(w));
        inside.map(gap).collect()
    }
}

fn test(which: &str, process: &str, gaps: &[(u64, f64)], grain_ns: u64) -> Option<ArrivalTest> {
    if gaps.len() < ARRIVAL_GAPS_MIN {
        return None;
    }
    let (test, statistic, limit) = match process {
        "constant" => ("coefficient-of-variation", variation(gaps), CONSTANT_VARIATION_MAX),
        "poisson" => ("anderson-darling", anderson_darling(shares(gaps, grain_ns)), POISSON_STATISTIC_MAX),
        _ => return None,
    };
    Some(ArrivalTest {
        which: which.into(),
        process: process.into(),
        test: test.into(),
        gaps: gaps.len() as u64,
        statistic,
        limit,
        passed: statistic <= limit,
    })
}

/// For each gap the share of gaps that the exponential law has below it. Gaps shorter than the grain are only counted:
/// they lie at even distances below it, as many as there are, so that a law which has too many or too few of them is
/// found, and one that has them elsewhere below the grain is not.
fn shares(gaps: &[(u64, f64)], grain_ns: u64) -> Vec<f64> {
    // A gap below the clock's resolution must not become minus infinity.
    let share = |gap: f64| -(-gap.max(1e-6)).exp_m1();
    let short = gaps.iter().filter(|(ns, _)| *ns < grain_ns).count().max(1) as f64;
    let mut place = 0.5;
    let one = |&(ns, gap): &(u64, f64)| {
        if ns >= grain_ns {
            return share(gap);
        }
        // The rate at the gap, where it has any length, tells what the grain is in units of its mean.
        let per_ns = if ns > 0 { gap / ns as f64 } else { mean_per_ns(gaps) };
        let even = share(per_ns * grain_ns as f64) * place / short;
        place += 1.0;
        even
    };
    gaps.iter().map(one).collect()
}

fn mean_per_ns(gaps: &[(u64, f64)]) -> f64 {
    let (ns, mean) = gaps.iter().fold((0.0, 0.0), |(ns, sum), gap| (ns + gap.0 as f64, sum + gap.1));
    if ns > 0.0 { mean / ns } else { 0.0 }
}

fn variation(gaps: &[(u64, f64)]) -> f64 {
    let mean = gaps.iter().map(|gap| gap.1).sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap.1 - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
    variance.sqrt() / mean
}

/// The Anderson-Darling statistic of values that are even between 0 and 1 if the law holds (Anderson and Darling,
/// 1954).
fn anderson_darling(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    let clear = |value: f64| value.clamp(1e-12, 1.0 - 1e-12);
    let sum: f64 = (0..n)
        .map(|i| (2 * i + 1) as f64 * (clear(values[i]).ln() + (1.0 - clear(values[n - 1 - i])).ln()))
        .sum();
    -(n as f64) - sum / n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::pacer::{Arrivals, Pacer};
    use crate::plan::profile::parse;

    const S: u64 = 1_000_000_000;

    fn sample(
        arrivals: Arrivals,
        rate: &str,
        seed: u64,
        threads: u64,
        sent: impl Fn(u64) -> u64,
    ) -> Vec<ArrivalTest> {
        let process = arrivals.name();
        let profile = parse(rate, 10 * S).unwrap();
        let mut all = Sample::default();
        for thread in 0..threads {
            let mut pacer = Pacer::new(arrivals.clone(), profile.clone(), seed, thread, threads);
            let mut sample = Sample::new(&profile, S, 10 * S);
            while let Some(t) = pacer.peek_ns() {
                sample.sent(t, sent(t));
                pacer.advance();
            }
            all.merge(sample);
        }
        all.test(process, &profile, 1.0)
    }

    #[test]
    fn a_true_process_passes_whatever_the_seed_the_threads_and_the_ramp() {
        for seed in 0..30 {
            for rate in ["10k", "500", "1k..5k/10s"] {
                for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
                    let tests = sample(arrivals, rate, seed, 1 + seed % 3, |t| t + 3_000);
                    assert_eq!(tests.len(), 2);
                    // 1 of 1,000 true processes fails by design; none of these does.
                    assert!(tests.iter().all(|t| t.passed && t.gaps > 1_000), "{seed} {rate} {tests:?}");
                }
            }
        }
    }

    /// A thread sends one request after the other, each in some microseconds: that is no other process.
    #[test]
    fn the_time_that_a_send_takes_is_no_lump() {
        for rate in ["5k", "20k", "1k..20k/10s"] {
            let free_ns = std::cell::Cell::new(0);
            let busy = |due: u64| {
                let sent = due.max(free_ns.get());
                free_ns.set(sent + 12_000);
                sent
            };
            let tests = sample(Arrivals::Poisson, rate, 5, 1, busy);
            assert!(tests.iter().all(|test| test.passed), "{rate}: {tests:?}");
        }
    }

    #[test]
    fn sends_in_lumps_are_found() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let tests = sample(arrivals, "10k", 3, 1, |t| t.next_multiple_of(1_000_000));
            assert!(
                tests[0].passed && !tests[1].passed,
                "a timer of one millisecond at 10,000 a second: {tests:?}"
            );
        }
    }

    #[test]
    fn even_arrivals_are_no_poisson_process() {
        let even = vec![(100_000, 1.0); 500];
        assert!(anderson_darling(shares(&even, 0)) > 50.0);
        assert!(anderson_darling(shares(&even, SENT_GRAIN_NS)) > 50.0);
    }
}
