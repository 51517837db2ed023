//! What every policy keeps to, and what each promises.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use dyno_proxy::dice::mix;
use dyno_proxy::farm::{Backends, Farm};
use dyno_proxy::limits::{BACKENDS, LARD_HIGH_REQUESTS};
use dyno_proxy::names::PolicyName;
use dyno_proxy::policy::Choice;
use proptest::prelude::*;

fn cells(backends: usize) -> Vec<AtomicU64> {
    (0..Farm::cells(backends)).map(|_| AtomicU64::new(0)).collect()
}

fn load(farm: &Farm<'_>, outstanding: &[u64]) {
    for (backend, count) in outstanding.iter().enumerate() {
        (0..*count).for_each(|_| farm.begin(backend));
    }
}

/// How often each backend is picked in so many choices, each with another key and other dice.
fn shares(policy: PolicyName, farm: &Farm<'_>, among: Backends, choices: u64) -> Vec<u64> {
    let policy = policy.policy(farm.weights());
    let mut picked = vec![0; farm.weights().len()];
    for number in 0..choices {
        let choice = Choice { among, key: mix(number), dice: mix(number + (1 << 40)), now_ns: 1 };
        picked[policy.pick(farm, &choice).expect("somebody is up")] += 1;
    }
    picked
}

proptest! {
    /// Whatever the loads, weights and dice: one of those that may be asked is picked, and nobody only where there is
    /// nobody.
    #[test]
    fn only_who_may_be_asked_is_picked(
        farm in (1..=BACKENDS).prop_flat_map(|count| (
            proptest::collection::vec(1_u32..=100, count),
            proptest::collection::vec(0_u64..200, count),
        )),
        among: u64,
        key: u64,
        dice: u64,
        policy in proptest::sample::select(PolicyName::ALL.to_vec()),
    ) {
        let (weights, outstanding) = farm;
        let cells = cells(weights.len());
        let farm = Farm::new(&weights, &cells);
        load(&farm, &outstanding);
        let among = Backends(among & farm.all().0);
        let policy = policy.policy(&weights);
        for turn in 0..4 {
            let picked = policy.pick(&farm, &Choice { among, key, dice: mix(dice ^ turn), now_ns: 1 });
            prop_assert_eq!(picked.is_some(), among.count() > 0);
            prop_assert!(picked.is_none_or(|backend| among.has(backend)));
        }
    }

    /// In each round everybody has as many turns as its weight says, whoever begins.
    #[test]
    fn round_robin_is_exact(weights in proptest::collection::vec(1_u32..=9, 1..8)) {
        let cells = cells(weights.len());
        let farm = Farm::new(&weights, &cells);
        let round: u32 = weights.iter().sum();
        let picked = shares(PolicyName::RoundRobin, &farm, farm.all(), u64::from(round) * 3);
        let expected: Vec<_> = weights.iter().map(|weight| u64::from(*weight) * 3).collect();
        prop_assert_eq!(picked, expected);
    }

    /// Nobody has fewer requests under way, for its weight, than who is picked.
    #[test]
    fn least_is_least(
        farm in (1_usize..10).prop_flat_map(|count| (
            proptest::collection::vec(1_u32..=9, count),
            proptest::collection::vec(0_u64..30, count),
        )),
        dice: u64,
    ) {
        let (weights, outstanding) = farm;
        let cells = cells(weights.len());
        let farm = Farm::new(&weights, &cells);
        load(&farm, &outstanding);
        let choice = Choice { among: farm.all(), key: 0, dice, now_ns: 1 };
        let picked = PolicyName::Least.policy(&weights).pick(&farm, &choice).unwrap();
        let least = (0..weights.len()).map(|backend| farm.load_with_one_more(backend)).min();
        prop_assert_eq!(Some(farm.load_with_one_more(picked)), least);
    }

    /// Who is picked by hash has at most a quarter more than its share, and one request.
    #[test]
    fn the_load_of_a_hash_is_bounded(outstanding in proptest::collection::vec(0_u64..60, 1..12), key: u64) {
        let weights = vec![1; outstanding.len()];
        let cells = cells(weights.len());
        let farm = Farm::new(&weights, &cells);
        load(&farm, &outstanding);
        let choice = Choice { among: farm.all(), key, dice: 0, now_ns: 1 };
        let picked = PolicyName::Hash.policy(&weights).pick(&farm, &choice).unwrap();
        let bound = ((outstanding.iter().sum::<u64>() + 1) * 125).div_ceil(weights.len() as u64 * 100);
        prop_assert!(farm.outstanding(picked) < bound);
    }
}

#[test]
fn shares_follow_the_weights() {
    let weights = [3, 1, 1];
    for policy in [PolicyName::RoundRobin, PolicyName::Random, PolicyName::Jiq, PolicyName::Hash] {
        let cells = cells(3);
        let picked = shares(policy, &Farm::new(&weights, &cells), Backends(0b111), 20_000);
        // Places on the ring lie by chance as well, so that its shares are the least exact.
        assert!((9_000..15_000).contains(&picked[0]), "{policy}: {picked:?}");
        assert!(picked[1..].iter().all(|share| (2_000..6_000).contains(share)), "{policy}: {picked:?}");
    }
}

#[test]
fn an_idle_farm_of_equals_is_used_evenly() {
    for policy in PolicyName::ALL {
        let cells = cells(4);
        let picked = shares(policy, &Farm::new(&[1; 4], &cells), Backends(0b1111), 8_000);
        assert!(picked.iter().all(|share| (1_300..2_700).contains(share)), "{policy}: {picked:?}");
    }
}

#[test]
fn one_that_is_down_is_replaced_by_all_others() {
    for policy in PolicyName::ALL {
        let cells = cells(4);
        let picked = shares(policy, &Farm::new(&[1; 4], &cells), Backends(0b1101), 9_000);
        assert_eq!(picked[1], 0, "{policy}");
        let others = [0, 2, 3].map(|backend| picked[backend]);
        assert!(others.iter().all(|share| (1_800..4_400).contains(share)), "{policy}: {picked:?}");
    }
}

#[test]
fn two_choices_and_an_idle_one_find_who_has_less() {
    let cells = cells(4);
    let farm = Farm::new(&[1; 4], &cells);
    load(&farm, &[9, 9, 9, 0]);
    // Each pair has the same chance, and half of the pairs have the idle one.
    let picked = shares(PolicyName::P2c, &farm, farm.all(), 8_000);
    assert!((3_600..4_400).contains(&picked[3]), "{picked:?}");
    assert_eq!(shares(PolicyName::Jiq, &farm, farm.all(), 100), [0, 0, 0, 100]);
    assert_eq!(shares(PolicyName::Least, &farm, farm.all(), 100), [0, 0, 0, 100]);
}

#[test]
fn a_key_keeps_its_backend_and_moves_only_with_it() {
    let cells = cells(5);
    let farm = Farm::new(&[1; 5], &cells);
    let homes = |among: u64| -> BTreeMap<u64, usize> {
        let policy = PolicyName::Hash.policy(&[1; 5]);
        let pick = |key| {
            policy.pick(&farm, &Choice { among: Backends(among), key, dice: mix(key ^ among), now_ns: 1 })
        };
        (0..2_000).map(|key| (key, pick(key).expect("somebody is up"))).collect()
    };
    let (all, four) = (homes(0b11111), homes(0b11011));
    for (key, home) in &all {
        assert!(*home == 2 || four[key] == *home, "key {key} moved from {home} to {}", four[key]);
    }
    assert_eq!(all, homes(0b11111));
}

#[test]
fn lard_keeps_a_target_until_its_backend_is_busy() {
    let cells = cells(3);
    let farm = Farm::new(&[1; 3], &cells);
    let policy = PolicyName::Lard.policy(&[1; 3]);
    let pick = |dice| policy.pick(&farm, &Choice { among: farm.all(), key: 5, dice, now_ns: 1 }).unwrap();
    let home = pick(0);
    assert!((0..50).all(|dice| pick(mix(dice)) == home));
    (0..=LARD_HIGH_REQUESTS).for_each(|_| farm.begin(home));
    let moved = pick(1);
    assert!(moved != home && (0..50).all(|dice| pick(mix(dice)) == moved), "it stays where it went");
}

#[test]
fn names_are_read_as_they_are_written() {
    for policy in PolicyName::ALL {
        assert_eq!(policy.to_string().parse(), Ok(policy));
    }
    assert!("leest".parse::<PolicyName>().is_err());
}
