//! Backends that fail: when they are left alone, when they are tried again, and what is sent again meanwhile.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use dyno_proxy::farm::{Backends, Farm};
use dyno_proxy::health::{self, HealthSign, down_time};
use dyno_proxy::limits::{DOWN_FIRST, DOWN_MOST, RETRIES_PER_S, TRIAL_TIME};
use dyno_proxy::retry::{self, SendProgress, earn, may_repeat};
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;

fn cells(backends: usize) -> Vec<AtomicU64> {
    (0..Farm::cells(backends)).map(|_| AtomicU64::new(0)).collect()
}

#[test]
fn a_backend_that_fails_is_left_alone_and_tried_again_by_one() {
    let cells = cells(2);
    let farm = Farm::new(&[1, 1], &cells);
    let all = Backends(0b11);
    assert_eq!(health::up(&farm), all);
    assert_eq!(health::take_trial(&farm, all, SECOND), None, "nobody is down");
    // Many that were under way fail together; that is one failure.
    for _ in 0..100 {
        health::note(&farm, 0, HealthSign::Failure, false, SECOND);
    }
    assert_eq!(health::up(&farm), Backends(0b10));
    let due = SECOND + DOWN_FIRST.as_nanos() as u64;
    assert_eq!(health::take_trial(&farm, all, due - 1), None, "too early");
    assert_eq!(health::take_trial(&farm, Backends(0b10), due), None, "it was asked already");
    assert_eq!(health::take_trial(&farm, all, due), Some(0));
    assert_eq!(health::take_trial(&farm, all, due), None, "one at a time");
    assert_eq!(health::up(&farm), Backends(0b10), "until the trial has succeeded");
    // It fails again, and is left alone for twice as long.
    health::note(&farm, 0, HealthSign::Failure, true, due);
    let again = due + 2 * DOWN_FIRST.as_nanos() as u64;
    assert_eq!(health::take_trial(&farm, all, again - 1), None);
    assert_eq!(health::take_trial(&farm, all, again), Some(0));
    // A trial that is never heard of again is taken on by somebody else.
    let later = again + TRIAL_TIME.as_nanos() as u64;
    assert_eq!(health::take_trial(&farm, all, later), Some(0));
    health::note(&farm, 0, HealthSign::Success, true, later);
    assert_eq!(health::up(&farm), all);
    // The next failure is a first one.
    health::note(&farm, 0, HealthSign::Failure, false, later);
    assert_eq!(health::seconds_until_trial(&farm, later), 1, "the other one is up");
    assert_eq!(health::take_trial(&farm, all, later + SECOND), Some(0));
}

#[test]
fn times_double_up_to_a_bound() {
    let times: Vec<_> = (0..8).map(|failures| down_time(failures).as_secs()).collect();
    assert_eq!(times, [1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(down_time(u64::MAX), DOWN_MOST);
}

#[test]
fn all_down_says_when_to_come_back() {
    let cells = cells(2);
    let farm = Farm::new(&[1, 1], &cells);
    health::note(&farm, 0, HealthSign::Failure, false, SECOND);
    health::note(&farm, 1, HealthSign::Failure, false, SECOND + SECOND / 2);
    assert_eq!(health::up(&farm), Backends(0));
    assert_eq!(health::seconds_until_trial(&farm, SECOND + SECOND / 2), 1);
    let trial = health::take_trial(&farm, Backends(0b11), 2 * SECOND);
    assert_eq!(trial, Some(0));
    health::note(&farm, 0, HealthSign::Failure, true, 2 * SECOND);
    assert_eq!(health::take_trial(&farm, Backends(0b11), 3 * SECOND), Some(1));
}

#[test]
fn only_what_may_be_done_twice_is_sent_again() {
    for (method, is_idempotent) in [
        ("GET", true),
        ("HEAD", true),
        ("OPTIONS", true),
        ("TRACE", true),
        ("PUT", true),
        ("DELETE", true),
        ("POST", false),
        ("PATCH", false),
        ("get", false),
        ("LOCK", false),
    ] {
        assert_eq!(retry::is_idempotent(method), is_idempotent, "{method}");
        let cells = cells(1);
        let farm = Farm::new(&[1], &cells);
        assert!(
            may_repeat(&farm, is_idempotent, SendProgress::Unsent, SECOND),
            "{method}: nobody has seen it"
        );
        assert_eq!(may_repeat(&farm, is_idempotent, SendProgress::Sent, SECOND), is_idempotent, "{method}");
    }
}

proptest! {
    /// Whatever comes when: retries never exceed ten quiet seconds' worth, ten a second, and a fifth of the requests.
    #[test]
    fn retries_keep_to_their_budget(steps in proptest::collection::vec((0_u64..300, 0_u64..20, 0_u64..200), 1..80)) {
        let cells = cells(1);
        let farm = Farm::new(&[1], &cells);
        let (mut now, mut requests, mut retries) = (SECOND, 0, 0);
        for (wait_ms, asked, failed) in steps {
            now += wait_ms * 1_000_000;
            (0..asked).for_each(|_| earn(&farm, now));
            requests += asked;
            retries += (0..failed).filter(|_| may_repeat(&farm, true, SendProgress::Sent, now)).count() as u64;
            let seconds = now / SECOND - 1;
            let most = RETRIES_PER_S * (10 + seconds + 1) + requests / 5 + 1;
            prop_assert!(retries <= most, "{retries} retries of {requests} requests in {seconds} s");
        }
    }

    /// Whatever is seen when: a backend is up exactly if the last thing that counted was a success; and one that is
    /// down is tried again within the longest time of being left alone.
    #[test]
    fn health_is_what_was_seen_last(steps in proptest::collection::vec((0_u64..20_000, any::<bool>()), 1..60)) {
        let cells = cells(1);
        let farm = Farm::new(&[1], &cells);
        let (mut now, mut is_up) = (SECOND, true);
        for (wait_ms, success) in steps {
            now += wait_ms * 1_000_000;
            let trial = health::take_trial(&farm, Backends(1), now);
            prop_assert!(trial.is_none() || !is_up);
            if trial.is_some() || is_up {
                health::note(&farm, 0, if success { HealthSign::Success } else { HealthSign::Failure }, trial.is_some(), now);
                is_up = success;
            }
            prop_assert_eq!(health::up(&farm).has(0), is_up);
            let longest = now + (DOWN_MOST + Duration::from_millis(1)).as_nanos() as u64;
            let cells: Vec<_> = cells.iter().map(|cell| AtomicU64::new(cell.load(std::sync::atomic::Ordering::Relaxed))).collect();
            let copy = Farm::new(&[1], &cells);
            prop_assert_eq!(health::take_trial(&copy, Backends(1), longest).is_some(), !is_up);
        }
    }
}
