//! How two sides take turns.

use std::io;
use std::time::{Duration, Instant};

use dyno_analysis::textbook::TrialRounds;

use super::claim::{Effort, TrialError};

/// Both sides in turns, the first one first in every other round. A round before those that count warms up.
pub(super) fn in_turns(
    effort: &Effort,
    mut first: impl FnMut() -> Result<f64, TrialError>,
    mut second: impl FnMut() -> Result<f64, TrialError>,
) -> Result<TrialRounds, TrialError> {
    let mut found = TrialRounds::default();
    for round in 0..=effort.rounds {
        let (one, other) = if round % 2 == 0 {
            let one = first()?;
            (one, second()?)
        } else {
            let other = second()?;
            (first()?, other)
        };
        if round > 0 {
            found.first.push(one);
            found.second.push(other);
        }
    }
    Ok(found)
}

/// One side alone, after a round that warms up.
pub(super) fn alone(
    effort: &Effort,
    mut first: impl FnMut() -> Result<f64, TrialError>,
) -> Result<TrialRounds, TrialError> {
    let mut found = TrialRounds::default();
    for round in 0..=effort.rounds {
        let value = first()?;
        if round > 0 {
            found.first.push(value);
        }
    }
    Ok(found)
}

/// The time of each of so many, in nanoseconds.
pub(super) fn each_ns(count: u32, mut step: impl FnMut() -> io::Result<()>) -> Result<f64, TrialError> {
    let began = Instant::now();
    for _ in 0..count {
        step()?;
    }
    Ok(per(began.elapsed(), count))
}

/// The share of one of so many, in nanoseconds.
pub(super) fn per(time: Duration, count: u32) -> f64 {
    time.as_nanos() as f64 / f64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_take_turns_and_the_first_round_is_left_out() {
        let effort = Effort { rounds: 3, directory: std::env::temp_dir() };
        let order = std::cell::RefCell::new(String::new());
        let step = |name: char, value: f64| {
            order.borrow_mut().push(name);
            Ok(value + order.borrow().len() as f64)
        };
        let found = in_turns(&effort, || step('a', 0.0), || step('b', 100.0)).unwrap();
        assert_eq!(*order.borrow(), "abbaabba");
        assert_eq!(found, TrialRounds { first: vec![4.0, 5.0, 8.0], second: vec![103.0, 106.0, 107.0] });
        assert_eq!(alone(&effort, || Ok(1.0)).unwrap().first, [1.0; 3]);
    }
}
