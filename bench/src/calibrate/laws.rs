//! The laws of the reference servers, and the true values that follow from them in closed form.
//!
//! | law | truth |
//! |---|---|
//! | a constant delay d | every answer takes d |
//! | M/D/1 and M/M/1, service time s, utilization rho | the mean wait is rho s / (2 (1 - rho)) and rho s / (1 - rho) (Pollaczek and Khinchine) |
//! | M/M/1 | the time in the system is exponential with mean s / (1 - rho) |
//! | a stall of D in a period of T | an arrival t after its begin waits D - (1 - rho) t, so p_q = D - (1 - q) T (1 - rho) where that is positive |

use std::fmt;
use std::str::FromStr;

use dyno_units::read;

use crate::calibrate::error::LawError;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

/// The law by which a reference server delays its responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LatencyLaw {
    /// Each answer after the same time, whatever else is under way.
    Delay {
        /// How long after its arrival each request is answered.
        delay_ns: u64,
    },
    /// One server, first come first served.
    Queue {
        /// Service time, or its mean.
        service_ns: u64,
        /// Seed of exponential service times; `None`: constant ones.
        seed: Option<u64>,
        /// When the server stands still.
        stall: Option<Stall>,
    },
}

/// When a server stands still, counted from its first request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stall {
    /// Begin of the first stall.
    pub(crate) from_ns: u64,
    /// Length of a stall.
    pub(crate) length_ns: u64,
    /// From one begin to the next; 0: one stall only.
    pub(crate) period_ns: u64,
}

impl Stall {
    /// The stall that is going on at `at_ns`, or else the next one: its begin and its end.
    fn next_ns(&self, at_ns: u64) -> Option<(u64, u64)> {
        let last = self.period_ns == 0;
        let number = if last { 0 } else { at_ns.saturating_sub(self.from_ns) / self.period_ns };
        let begin_ns = self.from_ns + number * self.period_ns;
        let end_ns = begin_ns + self.length_ns;
        match at_ns < end_ns {
            true => Some((begin_ns, end_ns)),
            false if last => None,
            false => Some((begin_ns + self.period_ns, end_ns + self.period_ns)),
        }
    }

    /// The time at which work of `work_ns` that begins at `begin_ns` is done. The work pauses while the server stands
    /// still.
    pub(crate) fn finish_ns(&self, begin_ns: u64, work_ns: u64) -> u64 {
        let (mut at_ns, mut left_ns) = (begin_ns, work_ns);
        while let Some((stall_ns, end_ns)) = self.next_ns(at_ns) {
            if at_ns < stall_ns {
                if at_ns + left_ns <= stall_ns {
                    break;
                }
                left_ns -= stall_ns - at_ns;
            }
            at_ns = end_ns;
        }
        at_ns + left_ns
    }
}

/// The finishing times of a law, request by request in the order of arrival. Pure: time is an argument.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    law: LatencyLaw,
    free_ns: u64,
    rng: ChaCha8Rng,
}

impl Course {
    /// The course of a server before its first request.
    pub(crate) fn new(law: LatencyLaw) -> Self {
        let seed = match law {
            LatencyLaw::Queue { seed: Some(seed), .. } => seed,
            _ => 0,
        };
        Course { law, free_ns: 0, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// When a request that arrived at `arrived_ns` is finished.
    pub(crate) fn finish_ns(&mut self, arrived_ns: u64) -> u64 {
        match self.law {
            LatencyLaw::Delay { delay_ns } => arrived_ns + delay_ns,
            LatencyLaw::Queue { service_ns, seed, stall } => {
                let begin_ns = self.free_ns.max(arrived_ns);
                let factor: f64 = if seed.is_some() { Exp1.sample(&mut self.rng) } else { 1.0 };
                let work_ns = (service_ns as f64 * factor).round() as u64;
                self.free_ns = match stall {
                    Some(stall) => stall.finish_ns(begin_ns, work_ns),
                    None => begin_ns + work_ns,
                };
                self.free_ns
            }
        }
    }
}

/// The mean wait of the textbook's formula, ns; `None` where it has none.
pub(crate) fn mean_wait_ns(law: LatencyLaw, rate_per_s: f64) -> Option<f64> {
    let LatencyLaw::Queue { service_ns, seed, stall: None } = law else { return None };
    let service_ns = service_ns as f64;
    let rho = rate_per_s * service_ns / 1e9;
    let whole = rho * service_ns / (1.0 - rho);
    Some(if seed.is_some() { whole } else { whole / 2.0 })
}

/// The quantile of the time in the system, ns, where the law has it in closed form.
pub(crate) fn quantile_ns(law: LatencyLaw, rate_per_s: f64, window_ns: u64, quantile: f64) -> Option<f64> {
    match law {
        LatencyLaw::Delay { delay_ns } => Some(delay_ns as f64),
        LatencyLaw::Queue { service_ns, stall: Some(stall), .. } => {
            let rho = rate_per_s * service_ns as f64 / 1e9;
            let period_ns = if stall.period_ns == 0 { window_ns } else { stall.period_ns };
            let wait_ns = stall.length_ns as f64 - (1.0 - quantile) * period_ns as f64 * (1.0 - rho);
            (wait_ns > 0.0).then_some(wait_ns + service_ns as f64)
        }
        LatencyLaw::Queue { service_ns, seed: Some(_), stall: None } => {
            let rho = rate_per_s * service_ns as f64 / 1e9;
            Some(-(1.0 - quantile).ln() * service_ns as f64 / (1.0 - rho))
        }
        LatencyLaw::Queue { .. } => None,
    }
}

/// Mean wait and mean service time of these very arrivals, ns (Lindley's recursion): the truth without the chance of
/// a finite run. Arrivals before `from_ns` pass through the server, but are not counted.
pub(crate) fn path_means_ns(
    law: LatencyLaw,
    arrivals_ns: impl Iterator<Item = u64>,
    from_ns: u64,
) -> (f64, f64) {
    let (mut course, mut wait, mut service, mut count, mut before) = (Course::new(law), 0.0, 0.0, 0u64, 0);
    for arrived_ns in arrivals_ns {
        let begin_ns = before.max(arrived_ns);
        before = course.finish_ns(arrived_ns);
        if arrived_ns >= from_ns {
            wait += (begin_ns - arrived_ns) as f64;
            service += (before - begin_ns) as f64;
            count += 1;
        }
    }
    (wait / count.max(1) as f64, service / count.max(1) as f64)
}

impl fmt::Display for LatencyLaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LatencyLaw::Delay { delay_ns } => write!(f, "delay:{delay_ns}ns"),
            LatencyLaw::Queue { service_ns, seed, stall } => {
                write!(f, "queue:service={service_ns}ns")?;
                if let Some(seed) = seed {
                    write!(f, ",exponential={seed}")?;
                }
                if let Some(s) = stall {
                    write!(f, ",stall={}ns,from={}ns,period={}ns", s.length_ns, s.from_ns, s.period_ns)?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for LatencyLaw {
    type Err = LawError;

    /// Reads `delay:5ms` or `queue:service=500us[,exponential=SEED][,stall=1s,from=5s,period=0]`.
    fn from_str(text: &str) -> Result<Self, LawError> {
        let (name, rest) = text.split_once(':').ok_or_else(|| LawError::NoLaw(text.into()))?;
        if name == "delay" {
            return Ok(LatencyLaw::Delay { delay_ns: read::duration_ns(rest)? });
        }
        if name != "queue" {
            return Err(LawError::Unknown(name.into()));
        }
        let (mut service_ns, mut seed, mut stall) =
            (None, None, Stall { from_ns: 0, length_ns: 0, period_ns: 0 });
        for part in rest.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(|| LawError::NoKey(part.into()))?;
            match key {
                "service" => service_ns = Some(read::duration_ns(value)?),
                "exponential" => seed = Some(read::count(value)?),
                "stall" => stall.length_ns = read::duration_ns(value)?,
                "from" => stall.from_ns = read::duration_ns(value)?,
                "period" => stall.period_ns = read::duration_ns(value)?,
                other => return Err(LawError::UnknownKey(other.into())),
            }
        }
        let service_ns = service_ns.ok_or(LawError::NoService)?;
        if stall.period_ns > 0 && stall.length_ns >= stall.period_ns {
            return Err(LawError::EndlessStall);
        }
        Ok(LatencyLaw::Queue { service_ns, seed, stall: (stall.length_ns > 0).then_some(stall) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_clients::plan::pacer::{Arrivals, Pacer};
    use dyno_clients::plan::profile::parse;

    const S: u64 = 1_000_000_000;

    fn arrivals(process: Arrivals, rate: &str, length_ns: u64) -> impl Iterator<Item = u64> {
        let mut pacer = Pacer::new(process, parse(rate, length_ns).unwrap(), 5, 0, 1);
        std::iter::from_fn(move || {
            let at = pacer.peek_ns();
            pacer.advance();
            at
        })
    }

    #[test]
    fn the_course_of_a_long_run_meets_the_textbook() {
        for (seed, tolerance) in [(None, 0.03), (Some(11), 0.06)] {
            let law = LatencyLaw::Queue { service_ns: 50_000, seed, stall: None };
            let (path, service) = path_means_ns(law, arrivals(Arrivals::Poisson, "10k", 60 * S), 0);
            let book = mean_wait_ns(law, 10_000.0).unwrap();
            assert!((path / book - 1.0).abs() < tolerance, "{path} {book}");
            assert!((service / 50_000.0 - 1.0).abs() < 0.01, "{service}");
        }
    }

    #[test]
    fn the_formula_of_the_stall_meets_its_course() {
        for (rho, period_ns) in [(0.2, 0), (0.5, 0), (0.8, 0), (0.1, S)] {
            let (length_ns, window_ns) = if period_ns == 0 { (S, 20 * S) } else { (S / 10, 20 * S) };
            let stall = Some(Stall { from_ns: S / 2, length_ns, period_ns });
            let law = LatencyLaw::Queue { service_ns: (rho * 1e6) as u64, seed: None, stall };
            let mut course = Course::new(law);
            let mut totals: Vec<u64> =
                arrivals(Arrivals::Constant, "1k", window_ns).map(|t| course.finish_ns(t) - t).collect();
            totals.sort_unstable();
            for q in [0.95, 0.99, 0.999] {
                let Some(truth) = quantile_ns(law, 1_000.0, window_ns, q) else { continue };
                let found = totals[(q * totals.len() as f64) as usize] as f64;
                assert!((found / truth - 1.0).abs() < 0.02, "rho {rho} q {q}: {found} {truth}");
            }
        }
    }

    #[test]
    fn work_rests_while_the_server_stands_still() {
        let once = Stall { from_ns: 100, length_ns: 50, period_ns: 0 };
        let again = Stall { period_ns: 200, ..once };
        for (stall, begin_ns, work_ns, done_ns) in [
            (once, 10, 90, 100),
            (once, 90, 30, 170),
            (once, 100, 5, 155),
            (once, 149, 5, 155),
            (once, 150, 5, 155),
            (once, 900, 5, 905),
            (again, 290, 30, 370),
            (again, 90, 165, 355),
            (again, 120, 0, 150),
        ] {
            assert_eq!(stall.finish_ns(begin_ns, work_ns), done_ns, "{stall:?} {begin_ns} {work_ns}");
        }
    }

    #[test]
    fn laws_are_written_as_they_are_read() {
        for text in [
            "delay:5000000ns",
            "queue:service=100ns",
            "queue:service=100ns,exponential=7",
            "queue:service=100ns,stall=5ns,from=3ns,period=20ns",
        ] {
            assert_eq!(text.parse::<LatencyLaw>().unwrap().to_string(), text);
        }
        for text in [
            "delay",
            "luck:5",
            "queue:service",
            "queue:stall=1s",
            "queue:service=1s,colour=2",
            "queue:service=1s,stall=2s,period=1s",
        ] {
            assert!(text.parse::<LatencyLaw>().is_err(), "{text}");
        }
    }
}
