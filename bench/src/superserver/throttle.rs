//! When a service may be started again. Time is an argument, so a test needs no waiting.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::limits::{
    QUICK_DEATH, QUICK_DEATHS, QUICK_DEATHS_WITHIN, REST_FIRST, REST_LONGEST, STARTS_WITHIN,
};

/// Why a service rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rest {
    /// It has ended so often in a row as soon as it was started.
    Looping(Duration),
    /// It was started as often in a minute as it may be.
    TooOften(Duration),
}

/// The starts of one service.
#[derive(Debug)]
pub(super) struct Throttle {
    most_starts: usize,
    starts: VecDeque<Instant>,
    /// Ends in a row that came as soon as the program was started, and when the last one was.
    deaths: u32,
    last_death: Option<Instant>,
    next_rest: Duration,
    rests_until: Option<Instant>,
}

impl Throttle {
    /// A service that may be started so often in a minute.
    pub(super) fn new(most_starts: u32) -> Self {
        Throttle {
            most_starts: most_starts as usize,
            starts: VecDeque::new(),
            deaths: 0,
            last_death: None,
            next_rest: REST_FIRST,
            rests_until: None,
        }
    }

    /// Until when the service rests; `None`: it may be started.
    pub(super) fn rests_until(&self, now: Instant) -> Option<Instant> {
        self.rests_until.filter(|until| *until > now)
    }

    /// The service was started; the rest that this brings.
    pub(super) fn started(&mut self, now: Instant) -> Option<Rest> {
        let is_past = |start: &Instant| now.saturating_duration_since(*start) >= STARTS_WITHIN;
        while self.starts.front().is_some_and(is_past) {
            self.starts.pop_front();
        }
        self.starts.push_back(now);
        if self.starts.len() < self.most_starts {
            return None;
        }
        // The first of them leaves the minute.
        let until = self.starts[0] + STARTS_WITHIN;
        self.rests_until = self.rests_until.max(Some(until));
        Some(Rest::TooOften(until - now))
    }

    /// A program has ended that ran for `ran`; `was_wanted`: it did what it was started for. The rest that this brings.
    pub(super) fn ended(&mut self, now: Instant, ran: Duration, was_wanted: bool) -> Option<Rest> {
        let is_far = |last| now.saturating_duration_since(last) >= QUICK_DEATHS_WITHIN + self.next_rest;
        if was_wanted || ran >= QUICK_DEATH || self.last_death.is_some_and(is_far) {
            (self.deaths, self.next_rest) = (0, REST_FIRST);
        }
        if was_wanted || ran >= QUICK_DEATH {
            return None;
        }
        (self.deaths, self.last_death) = (self.deaths + 1, Some(now));
        // After a rest one more such death is enough for the next, longer one.
        if self.deaths < QUICK_DEATHS {
            return None;
        }
        let rest = self.next_rest;
        self.next_rest = (rest * 2).min(REST_LONGEST);
        self.rests_until = self.rests_until.max(Some(now + rest));
        Some(Rest::Looping(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICKLY: Duration = Duration::from_millis(1);

    #[test]
    fn a_service_that_dies_at_once_rests_longer_and_longer() {
        let (mut throttle, mut now) = (Throttle::new(10_000), Instant::now());
        for _ in 1..QUICK_DEATHS {
            assert_eq!(throttle.ended(now, QUICKLY, false), None);
            assert_eq!(throttle.rests_until(now), None);
        }
        let mut rest = REST_FIRST;
        for _ in 0..10 {
            assert_eq!(throttle.ended(now, QUICKLY, false), Some(Rest::Looping(rest)));
            assert_eq!(throttle.rests_until(now), Some(now + rest));
            now += rest;
            assert_eq!(throttle.rests_until(now), None);
            rest = (rest * 2).min(REST_LONGEST);
        }
        assert_eq!(throttle.ended(now, QUICK_DEATH, false), None, "it has lived");
        assert_eq!(throttle.ended(now, QUICKLY, false), None, "and is as new");
    }

    #[test]
    fn ends_that_were_wanted_or_are_rare_bring_no_rest() {
        let (mut throttle, mut now) = (Throttle::new(10_000), Instant::now());
        for _ in 0..100 {
            assert_eq!(throttle.ended(now, QUICKLY, true), None);
        }
        for _ in 0..100 {
            assert_eq!(throttle.ended(now, QUICKLY, false), None);
            now += QUICK_DEATHS_WITHIN + REST_FIRST;
        }
    }

    #[test]
    fn no_more_starts_in_a_minute_than_are_allowed() {
        let (mut throttle, start) = (Throttle::new(3), Instant::now());
        let second = Duration::from_secs(1);
        assert_eq!(throttle.started(start), None);
        assert_eq!(throttle.started(start + second), None);
        let rest = Some(Rest::TooOften(STARTS_WITHIN - 2 * second));
        assert_eq!(throttle.started(start + 2 * second), rest);
        assert!(throttle.rests_until(start + STARTS_WITHIN - second).is_some());
        assert!(throttle.rests_until(start + STARTS_WITHIN).is_none());
        assert!(throttle.started(start + STARTS_WITHIN).is_some());
    }
}
