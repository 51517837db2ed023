//! `/compute/MICROS`: CPU work, the same on every architecture.
//!
//! The work is a chain of multiplications in which each round needs the result of the one before, so neither the
//! compiler nor a processor that runs several instructions at once can shorten it; and it touches no memory. How many
//! rounds make a microsecond is measured once. A comparison passes the same number to all its servers
//! (`rounds_per_us`), so that they do the same work even if the measurement was disturbed.

use std::hint::black_box;
use std::time::Instant;

use super::service::{Needs, Reply, Service, number, text};
use crate::limits::MICROS_MAX;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "compute",
    path: "/compute/MICROS",
    idea: "CPU work that takes MICROS microseconds on an idle core",
    answer: "computed MICROS us",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    call: |services, _, rest| {
        let micros = match number(rest, MICROS_MAX) {
            Ok(micros) => micros,
            Err(refusal) => return Reply::now(refusal),
        };
        work(micros * services.rounds_per_us);
        Reply::now(text(200, format!("computed {micros} us\n")))
    },
};

/// Does `rounds` rounds of work (the mixing step of SplitMix64; Steele, Lea, Flood 2014).
pub fn work(rounds: u64) -> u64 {
    let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..rounds {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    black_box(state)
}

/// Measures how many rounds make a microsecond: the best of several tries, since disturbances can only slow a try
/// down.
pub fn calibrate() -> u64 {
    const ROUNDS: u64 = 200_000;
    const TRIES: usize = 15;
    let fastest_ns = (0..TRIES).map(|_| {
        let start = Instant::now();
        work(ROUNDS);
        start.elapsed().as_nanos() as u64
    });
    let fastest_ns = fastest_ns.min().unwrap_or(u64::MAX);
    (ROUNDS * 1000 / fastest_ns.max(1)).max(1)
}
