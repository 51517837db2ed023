//! The farm that exists in numbers alone: held against what queueing theory knows, and the order of the policies.

use dyno_proxy::lab::{Lab, Truth};
use dyno_proxy::names::PolicyName;

/// Eight equal backends with one worker each, at three quarters of what they can do.
fn lab() -> Lab {
    Lab { speeds: vec![1.0; 8], workers: 1, balancers: 1, load: 0.75, requests: 30_000, seed: 1 }
}

fn is_near(value: f64, expected: f64, share: f64) -> bool {
    (value / expected - 1.0).abs() < share
}

#[test]
fn random_is_the_queue_that_theory_knows() {
    // M/M/1: times from request to answer are exponential, of mean 1 / (1 - load).
    for load in [0.5, 0.75] {
        let truth = Lab { load, requests: 80_000, ..lab() }.truth(PolicyName::Random);
        let mean = 1.0 / (1.0 - load);
        assert!(is_near(truth.mean, mean, 0.05), "{load}: {truth:?}");
        assert!(is_near(truth.percentiles[0], mean * 2.0_f64.ln(), 0.06), "{load}: {truth:?}");
        assert!(is_near(truth.percentiles[1], mean * 100.0_f64.ln(), 0.10), "{load}: {truth:?}");
        assert!(!truth.grows && truth.shares.iter().all(|share| is_near(*share, 0.125, 0.05)), "{truth:?}");
    }
    // One backend with four workers, M/M/4: Erlang's C is 0.5094 at 0.75, so the mean is 1 + 0.5094.
    let many = Lab { speeds: vec![1.0], workers: 4, requests: 80_000, ..lab() };
    let truth = many.truth(PolicyName::Random);
    assert!(is_near(truth.mean, 1.5094, 0.04), "{truth:?}");
}

#[test]
fn who_knows_more_waits_less() {
    let p99 = |lab: &Lab, policy: PolicyName| lab.truth(policy).percentiles[1];
    let [random, robin, two, least, idle] =
        [PolicyName::Random, PolicyName::RoundRobin, PolicyName::P2c, PolicyName::Least, PolicyName::Jiq]
            .map(|policy| p99(&lab(), policy));
    assert!(least < two && two < robin && robin < random, "{least} {two} {robin} {random}");
    assert!(idle < robin, "{idle} {robin}");
}

#[test]
fn one_slow_backend_breaks_those_that_do_not_look() {
    // It can do a quarter, and is given an eighth of what comes: 1.2 times as much as it can do.
    let slow = Lab { speeds: [vec![1.0; 7], vec![0.25]].concat(), ..lab() };
    let grows = |policy: PolicyName| slow.truth(policy).grows;
    assert!(grows(PolicyName::Random) && grows(PolicyName::RoundRobin));
    assert!(!grows(PolicyName::Least) && !grows(PolicyName::P2c) && !grows(PolicyName::Jiq));
    let Truth { shares, .. } = slow.truth(PolicyName::Least);
    assert!(shares[7] < 0.06, "{shares:?}");
}

#[test]
fn several_first_tiers_know_less() {
    let p99 = |balancers| Lab { balancers, ..lab() }.truth(PolicyName::Least).percentiles[1];
    let (one, four, sixteen) = (p99(1), p99(4), p99(16));
    assert!(one < four && four < sixteen, "{one} {four} {sixteen}");
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let small = Lab { requests: 2_000, ..lab() };
    for policy in PolicyName::ALL {
        assert_eq!(small.truth(policy), small.truth(policy), "{policy}");
    }
    assert_ne!(small.truth(PolicyName::P2c), Lab { seed: 2, ..small.clone() }.truth(PolicyName::P2c));
}
