//! The rate over the run: stretches in which it goes in a straight line from one value to another.
//!
//! An arrival process of unit rate becomes one that follows the profile by a change of time: if the profile would
//! have brought `m` arrivals up to time `t`, then the unit process's time `m` is the run's time `t` (Lewis and
//! Shedler, 1979; Çinlar's inversion). So constant and Poisson arrivals, steps and ramps are one piece of code.

use crate::plan::as_run::Stretch;
use crate::plan::error::PlanError;
use dyno_units::read;

const NS_PER_S: f64 = 1e9;

/// Reads a rate: `10k`, a ramp `1k..50k/10s`, or steps `1k,5k,1k..9k/10s`, each as long as said at the end.
///
/// `length_ns` is the length where the text says none.
///
/// # Errors
/// Says what is wrong; several stretches need a length.
pub fn parse(text: &str, length_ns: u64) -> Result<Vec<Stretch>, PlanError> {
    let (rates, length) = match text.trim().strip_suffix("/s").unwrap_or(text.trim()).rsplit_once('/') {
        Some((rates, length)) => (rates, Some(read::duration_ns(length)?)),
        None => (text, None),
    };
    if rates.contains(',') && length.is_none() {
        return Err(PlanError::StepsNeedLength(text.into()));
    }
    if rates.contains("..") && length.is_none() {
        return Err(PlanError::RampNeedsLength(text.into()));
    }
    if length == Some(0) {
        return Err(PlanError::EmptyStretch(text.into()));
    }
    let length_ns = length.unwrap_or(length_ns);
    rates
        .split(',')
        .map(|step| {
            let (from, to) = step.split_once("..").unwrap_or((step, step));
            Ok(Stretch { from_per_s: read::rate(from)?, to_per_s: read::rate(to)?, length_ns })
        })
        .collect()
}

/// Total length, ns.
pub fn length_ns(stretches: &[Stretch]) -> u64 {
    stretches.iter().map(|s| s.length_ns).sum()
}

/// Arrivals that the profile brings on average between `from_ns` and `to_ns`.
pub fn expected_arrivals(stretches: &[Stretch], from_ns: u64, to_ns: u64) -> f64 {
    let mut start = 0;
    let mut sum = 0.0;
    for s in stretches {
        let end = start + s.length_ns;
        let (a, b) = (from_ns.clamp(start, end), to_ns.clamp(start, end));
        let rate_at =
            |t: u64| s.from_per_s + (s.to_per_s - s.from_per_s) * (t - start) as f64 / s.length_ns as f64;
        sum += (rate_at(a) + rate_at(b)) / 2.0 * (b - a) as f64 / NS_PER_S;
        start = end;
    }
    sum
}

/// Turns times of a unit-rate process into times of the run. Times must be asked for in rising order.
#[derive(Debug, Clone)]
pub struct Inverse {
    stretches: Vec<Stretch>,
    current: usize,
    start_ns: u64,
    arrivals_before: f64,
}

impl Inverse {
    /// Begins at time 0 of the run.
    pub fn new(stretches: Vec<Stretch>) -> Self {
        Inverse { stretches, current: 0, start_ns: 0, arrivals_before: 0.0 }
    }

    /// The time of the run, ns, at which the profile has brought `arrivals`; `None` past its end.
    pub fn time_ns(&mut self, arrivals: f64) -> Option<u64> {
        loop {
            let s = self.stretches.get(self.current)?;
            let length_s = s.length_ns as f64 / NS_PER_S;
            let inside = (s.from_per_s + s.to_per_s) / 2.0 * length_s;
            let m = arrivals - self.arrivals_before;
            if m < inside {
                let slope = (s.to_per_s - s.from_per_s) / length_s;
                // The root of from*x + slope*x*x/2 = m, in the form that loses no digits when the slope is small.
                let root = (s.from_per_s * s.from_per_s + 2.0 * slope * m).max(0.0).sqrt();
                let x = if m == 0.0 { 0.0 } else { 2.0 * m / (s.from_per_s + root) };
                return Some(self.start_ns + (x * NS_PER_S) as u64);
            }
            self.arrivals_before += inside;
            self.start_ns += s.length_ns;
            self.current += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn rates_ramps_and_steps_are_read() {
        let one = parse("10k", 5 * S).unwrap();
        assert_eq!(one, [Stretch { from_per_s: 1e4, to_per_s: 1e4, length_ns: 5 * S }]);
        let ramp = parse("1k..50k/10s", S).unwrap();
        assert_eq!(ramp, [Stretch { from_per_s: 1e3, to_per_s: 5e4, length_ns: 10 * S }]);
        let steps = parse("1k,2k..3k,500/2s", S).unwrap();
        assert_eq!(steps.len(), 3);
        assert_eq!(length_ns(&steps), 6 * S);
        assert!(parse("1k..2k", S).unwrap_err().to_string().contains("length"));
        assert!(parse("1k,2k", S).unwrap_err().to_string().contains("length"));
        assert!(parse("0", S).is_err());
        assert!(parse("1k/0s", S).is_err());
    }

    #[test]
    fn inversion_agrees_with_the_integral() {
        let profile = parse("100..1k,50,1k..10/3s", S).unwrap();
        let mut inverse = Inverse::new(profile.clone());
        let all = expected_arrivals(&profile, 0, u64::MAX);
        let mut m = 0.0;
        while m < all {
            let t = inverse.time_ns(m).unwrap();
            assert!((expected_arrivals(&profile, 0, t) - m).abs() < 1e-5, "{m} arrivals at {t} ns");
            m += 0.37;
        }
        assert_eq!(inverse.time_ns(all + 1e-6), None);
    }
}
