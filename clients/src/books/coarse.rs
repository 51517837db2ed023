//! Latencies in few classes: small enough to be told ten times a second while a run goes on.

/// Classes of each doubling: eight, so that a value is known to 5 % from the middle of its class.
const CLASSES_PER_DOUBLING: usize = 8;
const SHIFT: u32 = CLASSES_PER_DOUBLING.trailing_zeros();
const CLASSES: usize = 64 * CLASSES_PER_DOUBLING;

/// Counts of latencies by class.
#[derive(Clone, PartialEq, Eq)]
pub struct Coarse {
    counts: [u32; CLASSES],
}

impl Default for Coarse {
    fn default() -> Self {
        Coarse { counts: [0; CLASSES] }
    }
}

impl std::fmt::Debug for Coarse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coarse").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// The class of a latency: values below eight have one each, the others one of eight in their doubling.
#[inline]
fn class(ns: u64) -> usize {
    let doubling = 63 - (ns | CLASSES_PER_DOUBLING as u64).leading_zeros();
    let within = (ns >> (doubling - SHIFT)) as usize;
    // The first doubling holds both 0..8 and 8..16, so `within` continues it without a gap.
    (doubling - SHIFT) as usize * CLASSES_PER_DOUBLING + within
}

/// The lowest latency of a class, ns.
fn lowest_ns(class: usize) -> u64 {
    let doubling = (class / CLASSES_PER_DOUBLING).saturating_sub(1);
    ((class - doubling * CLASSES_PER_DOUBLING) as u64) << doubling
}

impl Coarse {
    /// Counts a latency.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        let count = &mut self.counts[class(ns)];
        *count = count.saturating_add(1);
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: &Coarse) {
        for (mine, others) in self.counts.iter_mut().zip(&other.counts) {
            *mine = mine.saturating_add(*others);
        }
    }

    /// What was counted since `earlier`, an earlier state of the same counts.
    #[must_use]
    pub fn since(&self, earlier: &Coarse) -> Coarse {
        let mut since = self.clone();
        for (mine, others) in since.counts.iter_mut().zip(&earlier.counts) {
            *mine = mine.saturating_sub(*others);
        }
        since
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|&count| u64::from(count)).sum()
    }

    /// The value at a quantile, to 5 %; `None` where nothing was counted.
    pub fn quantile_ns(&self, quantile: f64) -> Option<u64> {
        let wanted = ((self.count() as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        let class = self.counts.iter().position(|&count| {
            seen += u64::from(count);
            seen >= wanted
        })?;
        Some((lowest_ns(class) + lowest_ns(class + 1).saturating_sub(1)) / 2)
    }

    /// Values from `low_ns` on and below `high_ns`, by the lowest value of their class.
    pub fn between(&self, low_ns: u64, high_ns: u64) -> u64 {
        let inside = self.counts.iter().enumerate().filter(|&(class, _)| {
            let lowest = lowest_ns(class);
            low_ns <= lowest && lowest < high_ns
        });
        inside.map(|(_, &count)| u64::from(count)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_each_other_without_gap_or_overlap() {
        for index in 0..CLASSES - CLASSES_PER_DOUBLING * 3 {
            let (low, next) = (lowest_ns(index), lowest_ns(index + 1));
            assert!(low < next, "{index}");
            assert_eq!((class(low), class(next - 1)), (index, index));
        }
        assert!(class(u64::MAX) < CLASSES);
    }

    #[test]
    fn quantiles_are_right_to_a_class() {
        let mut coarse = Coarse::default();
        assert_eq!(coarse.quantile_ns(0.5), None);
        (1..=100_000u64).for_each(|us| coarse.record(us * 1_000));
        for (quantile, right_ns) in [(0.5, 50e6), (0.99, 99e6), (0.999, 99.9e6), (1.0, 100e6)] {
            let told = coarse.quantile_ns(quantile).unwrap() as f64;
            assert!((told / right_ns - 1.0).abs() < 0.07, "{quantile}: {told}");
        }
        let mut twice = coarse.clone();
        twice.merge(&coarse);
        assert_eq!((twice.count(), twice.quantile_ns(0.5)), (200_000, coarse.quantile_ns(0.5)));
        assert_eq!(coarse.between(0, u64::MAX), 100_000);
        let mut later = coarse.clone();
        later.record(5_000_000_000);
        let since = later.since(&coarse);
        assert_eq!((since.count(), since.quantile_ns(0.5)), (1, since.quantile_ns(1.0)));
        assert_eq!(coarse.since(&later).count(), 0);
    }
}
