//! Runs every fuzz target of `tests/fuzz/targets`, each from its seeds through a seeded mutator: the same inputs
//! every time, and a bounded number of them. For longer:
//!
//! ```sh
//! DYNO_FUZZ_SECONDS=600 cargo test --release -p dyno-tests --test fuzz -- --nocapture
//! ```
//!
//! is 600 seconds for each target, with a seed of the day that is printed. A failure prints its input in hexadecimal.
//! Guided by coverage, with cargo-fuzz (`tests/fuzz/Cargo.toml`):
//!
//! ```sh
//! cargo fuzz run -s none --fuzz-dir tests/fuzz records -- -max_total_time=120
//! ```

#[path = "../../security/tests/support/mod.rs"]
mod secure_support;
#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use targets::Target;

/// Inputs for each target in a plain test run: a few seconds for all of them in a debug build.
const INPUTS: u64 = 1500;

/// The mutator keeps inputs below this many octets: more than the longest handshake message.
const INPUT_OCTETS: usize = 2048;

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }
}

/// One to four changes: a bit, an octet, a cut, a part doubled or dropped, a splice with another seed, noise at the
/// end.
fn mutate(dice: &mut Dice, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        let place = dice.below(input.len());
        match dice.below(8) {
            0 if !input.is_empty() => input[place] ^= 1 << dice.below(8),
            1 if !input.is_empty() => input[place] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            2 if !input.is_empty() => input[place] = dice.roll() as u8,
            3 => input.truncate(place),
            4 => {
                let end = place + dice.below(input.len() - place + 1);
                let part = input[place..end].to_vec();
                input.splice(place..place, part);
            }
            5 => {
                let end = place + dice.below(input.len() - place + 1);
                input.drain(place..end);
            }
            6 => {
                let other = &seeds[dice.below(seeds.len())];
                input.truncate(place);
                input.extend_from_slice(&other[dice.below(other.len())..]);
            }
            _ => input.extend((0..dice.below(40)).map(|_| dice.roll() as u8)),
        }
    }
    input.truncate(INPUT_OCTETS);
    input
}

fn play(target: &Target, seed: u64, mut more: impl FnMut(u64) -> bool) {
    let seeds = (target.seeds)();
    let mut dice = Dice(seed);
    let mut count = 0;
    while more(count) {
        let at = usize::try_from(count).unwrap_or(usize::MAX);
        let input = seeds.get(at).cloned().unwrap_or_else(|| mutate(&mut dice, &seeds));
        if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
            let digits: String = input.iter().map(|octet| format!("{octet:02x}")).collect();
            panic!("{}: input {count} of seed {seed} breaks a rule: {digits}", target.name);
        }
        count += 1;
    }
    println!("{}: {count} inputs of seed {seed}", target.name);
}

#[test]
fn every_parser_keeps_its_rules() {
    let seconds = std::env::var("DYNO_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    for target in targets::all() {
        match seconds.map(Duration::from_secs) {
            None => play(target, 1, |count| count < INPUTS),
            Some(time) => {
                let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_secs());
                let start = Instant::now();
                play(target, seed, |_| start.elapsed() < time);
            }
        }
    }
}

/// The coverage-guided driver has a program for each target.
#[test]
fn cargo_fuzz_knows_every_target() {
    let manifest = include_str!("../fuzz/Cargo.toml");
    let programs: Vec<_> =
        manifest.split("[[bin]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(programs, targets::all().map(|target| target.name).collect::<Vec<_>>());
}

/// A driver that never saw a failure would be worth nothing: this one finds a planted fault.
#[test]
fn the_mutator_finds_a_planted_fault() {
    let planted = Target {
        name: "planted",
        seeds: || vec![vec![1, 2, 3, 4]],
        run: |input| assert!(input.first() != Some(&0xff) || input.len() == 4),
    };
    let found = catch_unwind(|| play(&planted, 1, |count| count < 20_000));
    assert!(found.is_err(), "20,000 inputs, and the fault was not found");
}
