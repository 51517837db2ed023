//! When requests shall start: a seeded, pure sequence of times that knows no clock.
//!
//! Several hosts have one schedule between them, which depends on the seed alone and not on their number. Even
//! arrivals and traces are dealt out in turn: of N hosts each has every N-th. Poisson arrivals are dealt out by
//! lot: a second seeded sequence, the same on all hosts, says whose each arrival is. So each part is a Poisson
//! process of its own that knows nothing of the others (thinning; Kingman, "Poisson Processes", 1993, section
//! 5.1), and the whole is one even where the hosts' clocks are apart. Dealt out in turn, parts would be more
//! regular than that, and clocks that are apart would make the whole more regular as well, which flatters a
//! server.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

use crate::plan::as_run::Stretch;
use crate::plan::error::PlanError;
use crate::plan::profile::Inverse;
use crate::plan::share::PlanShare;

/// Added to the seed for the lots, so that they and the gaps are drawn independently.
const LOTS: u64 = 0x6c6f_7473;

/// The arrival process.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrivals {
    /// At even distances (over a ramp: at even distances in expected arrivals).
    Constant,
    /// Gaps are exponential and independent.
    Poisson,
    /// As recorded: ns from the start of the run, in rising order.
    Trace(std::sync::Arc<[u64]>),
}

impl Arrivals {
    /// `constant`, `poisson` or `trace`.
    pub fn name(&self) -> &'static str {
        match self {
            Arrivals::Constant => "constant",
            Arrivals::Poisson => "poisson",
            Arrivals::Trace(_) => "trace",
        }
    }
}

/// The intended start times, one after the other, in rising order.
///
/// With several threads each takes every n-th arrival of the same sequence, so the whole schedule depends on the seed
/// alone and not on the number of threads; nor does it depend on the number of hosts.
#[derive(Debug, Clone)]
pub struct Pacer {
    arrivals: Arrivals,
    inverse: Inverse,
    rng: ChaCha8Rng,
    drawn: u64,
    unit_time: f64,
    stride: u64,
    next_ns: Option<u64>,
    lots: Option<Box<Lots>>,
}

/// Who takes which arrivals of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct Deal {
    /// The share of this host.
    pub share: PlanShare,
    /// The thread, from 0 on.
    pub thread: u64,
    /// Out of so many on each host.
    pub threads: u64,
    /// Of a schedule that is dealt out by lot: only so many arrivals from this time on, ns, whoever has them.
    pub most: Option<(u64, u64)>,
}

/// Whose each arrival is, where it is dealt out by lot.
#[derive(Debug, Clone)]
struct Lots {
    rng: ChaCha8Rng,
    share: PlanShare,
    most: Option<(u64, u64)>,
}

impl Lots {
    fn is_own(&mut self) -> bool {
        self.rng.random_range(0..self.share.of) == self.share.number - 1
    }

    /// Counts an arrival; `false`: it comes after the last.
    fn is_among_them(&mut self, time_ns: Option<u64>) -> bool {
        match (&mut self.most, time_ns) {
            (Some((0, from_ns)), Some(time_ns)) if time_ns >= *from_ns => false,
            (Some((left, from_ns)), Some(time_ns)) if time_ns >= *from_ns => {
                *left -= 1;
                true
            }
            _ => true,
        }
    }
}

impl Pacer {
    /// The share of thread `thread` out of `threads` in the schedule of `seed`.
    ///
    /// # Panics
    /// When `thread` is not below `threads`.
    pub fn new(arrivals: Arrivals, stretches: Vec<Stretch>, seed: u64, thread: u64, threads: u64) -> Self {
        let deal = Deal { share: PlanShare::WHOLE, thread, threads, most: None };
        Pacer::dealt(arrivals, stretches, seed, deal)
    }

    /// What one thread of one host has of the schedule of `seed`.
    ///
    /// # Panics
    /// When the thread is not below the number of threads.
    pub fn dealt(arrivals: Arrivals, stretches: Vec<Stretch>, seed: u64, deal: Deal) -> Self {
        let Deal { share, thread, threads, most } = deal;
        assert!(thread < threads);
        let by_lot = matches!(arrivals, Arrivals::Poisson) && !share.is_whole();
        let rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(LOTS));
        let lots = by_lot.then(|| Box::new(Lots { rng, share, most }));
        let (host, hosts) = (u64::from(share.number - 1), u64::from(share.of));
        let (first, stride) =
            if by_lot { (thread, threads) } else { (host + thread * hosts, threads * hosts) };
        let mut pacer = Pacer {
            arrivals,
            inverse: Inverse::new(stretches),
            rng: ChaCha8Rng::seed_from_u64(seed),
            drawn: 0,
            unit_time: 0.0,
            stride,
            next_ns: None,
            lots,
        };
        pacer.draw(first + 1);
        pacer
    }

    /// The next intended start, ns from the start of the run; `None` when the schedule is over.
    pub fn peek_ns(&self) -> Option<u64> {
        self.next_ns
    }

    /// Goes on to the one after it.
    pub fn advance(&mut self) {
        self.draw(self.stride);
    }

    fn draw(&mut self, count: u64) {
        match &self.arrivals {
            Arrivals::Constant => {
                self.drawn += count;
                self.next_ns = self.inverse.time_ns((self.drawn - 1) as f64);
            }
            Arrivals::Poisson if self.lots.is_some() => self.draw_by_lot(count),
            Arrivals::Poisson => {
                for _ in 0..count {
                    let gap: f64 = Exp1.sample(&mut self.rng);
                    self.unit_time += gap;
                }
                self.next_ns = self.inverse.time_ns(self.unit_time);
            }
            Arrivals::Trace(times) => {
                self.drawn += count;
                self.next_ns = times.get((self.drawn - 1) as usize).copied();
            }
        }
    }

    fn draw_by_lot(&mut self, count: u64) {
        let Some(lots) = &mut self.lots else { return };
        let mut left = count;
        while left > 0 {
            let gap: f64 = Exp1.sample(&mut self.rng);
            self.unit_time += gap;
            if lots.most.is_some() && !lots.is_among_them(self.inverse.time_ns(self.unit_time)) {
                self.next_ns = None;
                return;
            }
            left -= u64::from(lots.is_own());
        }
        self.next_ns = self.inverse.time_ns(self.unit_time);
    }
}

/// Reads a recorded trace: one time a line, such as `0.25` (seconds) or `250ms`; blank lines and `#` lines are skipped.
///
/// # Errors
/// Names the line that is no time, or that lies before its predecessor.
pub fn parse_trace(text: &str) -> Result<Vec<u64>, PlanError> {
    let mut times: Vec<u64> = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let ns = match line.parse::<f64>() {
            Ok(seconds) if (0.0..1e9).contains(&seconds) => (seconds * 1e9).round() as u64,
            Ok(_) => return Err(PlanError::TraceTime { line: i + 1, text: line.into() }),
            Err(_) => dyno_units::read::duration_ns(line)
                .map_err(|error| PlanError::TraceDuration { line: i + 1, error })?,
        };
        if times.last().is_some_and(|&last| ns < last) {
            return Err(PlanError::TraceOrder { line: i + 1, text: line.into() });
        }
        if times.len() == crate::limits::TRACE_ARRIVALS_MAX {
            return Err(PlanError::TraceTooLong);
        }
        times.push(ns);
    }
    if times.is_empty() { Err(PlanError::EmptyTrace) } else { Ok(times) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::profile::parse;

    const S: u64 = 1_000_000_000;

    fn all(mut pacer: Pacer) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(t) = pacer.peek_ns() {
            times.push(t);
            pacer.advance();
        }
        times
    }

    #[test]
    fn constant_arrivals_are_even_to_the_nanosecond() {
        let times = all(Pacer::new(Arrivals::Constant, parse("1k", 2 * S).unwrap(), 1, 0, 1));
        assert_eq!(times.len(), 2000);
        for (k, t) in times.iter().enumerate() {
            assert!(t.abs_diff(k as u64 * 1_000_000) <= 1, "arrival {k} at {t}");
        }
    }

    #[test]
    fn poisson_arrivals_have_the_mean_and_the_spread_of_their_law() {
        let times = all(Pacer::new(Arrivals::Poisson, parse("10k", 20 * S).unwrap(), 7, 0, 1));
        let gaps: Vec<f64> = times.windows(2).map(|w| (w[1] - w[0]) as f64 / 1e5).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // 200,000 gaps: the mean is known to 0.22 %, the variance to 0.63 %; four standard errors.
        assert!((mean - 1.0).abs() < 0.009, "mean gap {mean}");
        assert!((variance - 1.0).abs() < 0.026, "variance {variance}");
    }

    #[test]
    fn the_schedule_depends_on_the_seed_and_not_on_the_threads() {
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let profile = parse("100..2k/3s", S).unwrap();
            let one = all(Pacer::new(arrivals.clone(), profile.clone(), 42, 0, 1));
            let mut three: Vec<u64> =
                (0..3).flat_map(|i| all(Pacer::new(arrivals.clone(), profile.clone(), 42, i, 3))).collect();
            three.sort_unstable();
            assert_eq!(one, three);
        }
        let profile = parse("100", 3 * S).unwrap();
        let a = all(Pacer::new(Arrivals::Poisson, profile.clone(), 1, 0, 1));
        let b = all(Pacer::new(Arrivals::Poisson, profile, 2, 0, 1));
        assert_ne!(a, b);
    }

    #[test]
    fn a_ramp_speeds_up() {
        let times = all(Pacer::new(Arrivals::Constant, parse("0.001..1k/10s", S).unwrap(), 1, 0, 1));
        assert!((4_990..=5_001).contains(&times.len()), "{}", times.len());
        let early = times.iter().filter(|&&t| t < 5 * S).count();
        assert!(
            (1_240..=1_260).contains(&early),
            "a quarter of the arrivals fall into the first half: {early}"
        );
    }

    #[test]
    fn traces_are_read_and_replayed() {
        let times = parse_trace("# recorded\n0\n0.001\n\n5ms\n").unwrap();
        assert_eq!(times, [0, 1_000_000, 5_000_000]);
        let pacer = Pacer::new(Arrivals::Trace(times.clone().into()), vec![], 1, 0, 1);
        assert_eq!(all(pacer), times);
        assert!(parse_trace("2\n1").unwrap_err().to_string().contains("line 2"));
        assert!(parse_trace("soon").unwrap_err().to_string().contains("line 1"));
        assert!(parse_trace("# nothing").is_err());
    }
}
