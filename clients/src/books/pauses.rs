//! When a thread of the generator stood still although it had something to do: stopped, preempted, or out of
//! its quota.

use std::collections::VecDeque;

use crate::limits::PAUSES_KEPT;

/// The pauses of one thread, as far back as requests may still wait because of them.
#[derive(Debug, Clone, Default)]
pub struct Pauses {
    kept: VecDeque<Pause>,
    longest_ns: u64,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    from_ns: u64,
    to_ns: u64,
    /// The lengths of all pauses before it, added up.
    before_ns: u64,
}

impl Pause {
    /// The lengths of all pauses until `at_ns`, where that is not before this one.
    fn until_ns(&self, at_ns: u64) -> u64 {
        self.before_ns + at_ns.min(self.to_ns).saturating_sub(self.from_ns)
    }
}

impl Pauses {
    /// The thread stood still from `from_ns` to `to_ns`. Pauses are told in the order of their ends; what was told
    /// before is not counted twice, and one that has the end of the last makes that longer.
    pub fn add(&mut self, from_ns: u64, to_ns: u64) {
        if self.kept.back().is_some_and(|last| last.to_ns == to_ns && from_ns < last.from_ns) {
            self.kept.pop_back();
        }
        let last = self.kept.back();
        let from_ns = from_ns.max(last.map_or(0, |last| last.to_ns));
        if from_ns >= to_ns {
            return;
        }
        let before_ns = last.map_or(0, |last| last.until_ns(last.to_ns));
        self.longest_ns = self.longest_ns.max(to_ns - from_ns);
        self.kept.push_back(Pause { from_ns, to_ns, before_ns });
        if self.kept.len() > PAUSES_KEPT {
            self.kept.pop_front();
        }
    }

    /// When the last pause ended; 0 without one.
    #[inline]
    pub fn last_end_ns(&self) -> u64 {
        self.kept.back().map_or(0, |last| last.to_ns)
    }

    /// For how long the thread stood still between two times.
    #[inline]
    pub fn inside_ns(&self, from_ns: u64, to_ns: u64) -> u64 {
        if self.last_end_ns() <= from_ns {
            return 0;
        }
        self.until_ns(to_ns).saturating_sub(self.until_ns(from_ns))
    }

    /// All pauses, ns.
    pub fn sum_ns(&self) -> u64 {
        self.kept.back().map_or(0, |last| last.until_ns(last.to_ns))
    }

    /// The longest pause, ns.
    pub fn longest_ns(&self) -> u64 {
        self.longest_ns
    }

    fn until_ns(&self, at_ns: u64) -> u64 {
        let after = self.kept.partition_point(|pause| pause.from_ns <= at_ns);
        // Before the first that is kept, nothing is known but what stands in that one.
        after.checked_sub(1).map_or_else(
            || self.kept.front().map_or(0, |first| first.before_ns),
            |last| self.kept[last].until_ns(at_ns),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_pauses_is_counted_once() {
        let mut pauses = Pauses::default();
        assert_eq!((pauses.inside_ns(0, u64::MAX), pauses.last_end_ns()), (0, 0));
        pauses.add(100, 200);
        pauses.add(150, 250);
        pauses.add(400, 500);
        for (from_ns, to_ns, inside_ns) in [
            (0, 50, 0),
            (0, 1000, 250),
            (120, 130, 10),
            (150, 400, 100),
            (90, 101, 1),
            (300, 390, 0),
            (300, 450, 50),
            (499, 600, 1),
            (500, 600, 0),
        ] {
            assert_eq!(pauses.inside_ns(from_ns, to_ns), inside_ns, "{from_ns}..{to_ns}");
        }
        assert_eq!((pauses.longest_ns(), pauses.last_end_ns(), pauses.sum_ns()), (100, 500, 250));
    }

    #[test]
    fn a_pause_that_began_earlier_than_was_thought_is_made_longer() {
        let mut pauses = Pauses::default();
        pauses.add(0, 100);
        pauses.add(900, 1000);
        pauses.add(950, 1000);
        pauses.add(500, 1000);
        pauses.add(50, 1000);
        assert_eq!((pauses.inside_ns(0, 2000), pauses.longest_ns()), (1000, 900));
        assert_eq!(pauses.inside_ns(0, 500), 500);
    }

    #[test]
    fn the_memory_is_bounded_and_the_latest_are_kept() {
        let mut pauses = Pauses::default();
        let count = 3 * PAUSES_KEPT as u64;
        for at in 0..count {
            pauses.add(at * 10, at * 10 + 4);
        }
        assert_eq!(pauses.kept.len(), PAUSES_KEPT);
        assert_eq!(pauses.inside_ns((count - 10) * 10, u64::MAX), 40);
        assert_eq!(pauses.inside_ns(0, u64::MAX), PAUSES_KEPT as u64 * 4, "of the others nothing is known");
    }
}
