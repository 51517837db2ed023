//! Two by chance, and of these the one whose latency times requests under way is lower. The latency is a mean that
//! fades, but a higher one counts at once and in full (Finagle's "peak EWMA"): a backend that has become slow is left
//! before its queue has grown.

use std::sync::atomic::Ordering::Relaxed;

use super::p2c::two;
use crate::farm::{Farm, FarmCell};
use crate::limits::LATENCY_DECAY;
use crate::policy::{Choice, Dispatch};

/// The policy.
#[derive(Debug)]
pub struct PeakEwma;

impl Dispatch for PeakEwma {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let (one, other) = two(choice)?;
        let is_less = cost(farm, other, choice.now_ns) < cost(farm, one, choice.now_ns);
        Some(if is_less { other } else { one })
    }

    fn took(&self, farm: &Farm<'_>, backend: usize, time_ns: u64, now_ns: u64) {
        let since = farm.cell(backend, FarmCell::LatencySince).swap(now_ns, Relaxed);
        let old = farm.cell(backend, FarmCell::Latency).load(Relaxed);
        let fresh = if time_ns >= old { time_ns } else { mean(old, time_ns, now_ns.saturating_sub(since)) };
        farm.cell(backend, FarmCell::Latency).store(fresh, Relaxed);
    }
}

/// What a request more would cost. Of a backend that nobody has heard of nothing is feared.
fn cost(farm: &Farm<'_>, backend: usize, now_ns: u64) -> u128 {
    let age = now_ns.saturating_sub(farm.cell(backend, FarmCell::LatencySince).load(Relaxed));
    // One that nobody asks because it was slow gets another chance as its latency fades.
    let latency = mean(farm.cell(backend, FarmCell::Latency).load(Relaxed), 0, age);
    u128::from(latency + 1) * u128::from(farm.load_with_one_more(backend))
}

/// The mean of an old value that is so old, and a new one.
fn mean(old: u64, new: u64, age_ns: u64) -> u64 {
    let kept = (-(age_ns as f64) / LATENCY_DECAY.as_nanos() as f64).exp();
    (old as f64 * kept + new as f64 * (1.0 - kept)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let cells = std::array::from_fn::<_, 24, _>(|_| AtomicU64::new(0));
        let farm = Farm::new(&[1, 1], &cells);
        let (second, ms) = (1_000_000_000, 1_000_000);
        for backend in [0, 1] {
            PeakEwma.took(&farm, backend, ms, second);
        }
        PeakEwma.took(&farm, 0, 100 * ms, 2 * second);
        let pick = |now_ns| PeakEwma.pick(&farm, &Choice { among: farm.all(), key: 0, dice: 0, now_ns });
        assert_eq!(pick(2 * second), Some(1));
        // Many small latencies, over time, make it equal again.
        for now in 3..100 {
            PeakEwma.took(&farm, 0, ms, now * second);
        }
        assert!(farm.cell(0, FarmCell::Latency).load(Relaxed) < 2 * ms);
    }
}
