//! Gives the target that this program is named after to libFuzzer, and mixes its seeds among the inputs.
#![no_main]

#[path = "../../security/tests/support/mod.rs"]
mod secure_support;
mod targets;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use std::sync::LazyLock;

static TARGET: LazyLock<&targets::Target> = LazyLock::new(|| {
    let named = |target: &&targets::Target| target.name == env!("CARGO_BIN_NAME");
    targets::all().find(named).expect("a row for each program")
});
static SEEDS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| (TARGET.seeds)());

/// Of so many inputs one starts from a seed again: keys are fresh in each run, so no corpus can hold them.
const FRESH_START: u32 = 16;

fuzz_target!(|input: &[u8]| (TARGET.run)(input));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, dice: u32| {
    let mut size = size;
    if dice.is_multiple_of(FRESH_START) {
        let seed = &SEEDS[(dice / FRESH_START) as usize % SEEDS.len()];
        size = seed.len().min(max_size);
        data[..size].copy_from_slice(&seed[..size]);
    }
    fuzzer_mutate(data, size, max_size)
});
