//! CPU work of a given length: the loop that `/compute`, `/mix` and `/fault` run, and how many of its rounds make a
//! microsecond.

use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use crate::shared::Shared;

/// How many rounds of [`work`] make a microsecond: given, or measured at the first use. Forked workers share it.
#[derive(Debug)]
pub struct WorkRounds {
    /// 0 until it is known.
    per_us: Shared<AtomicU64>,
}

impl WorkRounds {
    /// `given` rounds a microsecond; `None`: they are measured at the first use.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new(given: Option<u64>) -> io::Result<Self> {
        let per_us = Shared::<AtomicU64>::new(1)?;
        per_us[0].store(given.unwrap_or(0), Relaxed);
        Ok(WorkRounds { per_us })
    }

    /// The figure. The first caller takes some milliseconds to measure it; callers at the same time measure as well,
    /// and the first to finish decides for all.
    pub fn per_us(&self) -> u64 {
        match self.per_us[0].load(Relaxed) {
            0 => self.settle(calibrate()),
            known => known,
        }
    }

    fn settle(&self, measured: u64) -> u64 {
        match self.per_us[0].compare_exchange(0, measured, Relaxed, Relaxed) {
            Ok(_) => measured,
            Err(earlier) => earlier,
        }
    }
}

/// Does `rounds` rounds of work (the mixing step of SplitMix64; Steele, Lea, Flood 2014).
pub fn work(rounds: u64) -> u64 {
    let mut state = black_box(0x9e37_79b9_7f4a_7c15_u64);
    for _ in 0..rounds {
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    black_box(state)
}

/// Measures how many rounds make a microsecond: the best of several tries, since whatever disturbs can only slow down.
fn calibrate() -> u64 {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_measured_once_and_then_stay() {
        let rounds = WorkRounds::new(None).expect("a page of memory");
        let first = rounds.per_us();
        assert!(first > 0);
        assert_eq!(rounds.settle(first + 1), first, "a second measurement must not change the work");
        assert_eq!(rounds.per_us(), first);
        assert_eq!(WorkRounds::new(Some(77)).expect("a page of memory").per_us(), 77);
    }
}
