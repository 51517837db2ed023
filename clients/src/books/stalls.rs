//! Stretches in which nothing at all was answered although a request was waiting for its answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::stored::at_most;
use crate::limits::{STALL_NOTED_NS, STALLS_MAX};

/// A stretch without an answer of one thread, or of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
struct Gap {
    /// When the last answer before it came.
    from_ns: u64,
    /// When an answer came; [`u64::MAX`]: none has come since.
    to_ns: u64,
    /// How long that answer had been waited for.
    waited_ns: u64,
}

impl Gap {
    fn length_ns(self) -> u64 {
        // What is read from a file may be out of order.
        self.to_ns.saturating_sub(self.from_ns)
    }

    /// The part of the gap in which the answer that ended it was waited for.
    fn stall_ns(self) -> u64 {
        if self.to_ns == u64::MAX { 0 } else { self.length_ns().min(self.waited_ns) }
    }

    /// The stretch in which both were without an answer.
    fn and(self, other: Gap) -> Option<Gap> {
        let (first, from_ns) =
            (if self.to_ns <= other.to_ns { self } else { other }, self.from_ns.max(other.from_ns));
        (from_ns + STALL_NOTED_NS <= first.to_ns).then_some(Gap { from_ns, ..first })
    }
}

/// Records the longest gaps between answers. Threads that ran at the same time are joined: a stall of the server is a
/// gap of all of them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Stalls {
    /// When the last answer came, or the window began.
    since_ns: u64,
    #[serde(deserialize_with = "at_most::<_, _, STALLS_MAX>")]
    gaps: Vec<Gap>,
}

impl Stalls {
    /// Nothing was answered yet; the window begins at `from_ns`.
    pub fn new(from_ns: u64) -> Self {
        Stalls { since_ns: from_ns, gaps: Vec::new() }
    }

    /// An answer came at `now_ns`, `total_ns` after its request was due.
    #[inline]
    pub fn answered(&mut self, now_ns: u64, total_ns: u64) {
        if now_ns.saturating_sub(self.since_ns) >= STALL_NOTED_NS {
            self.note(Gap { from_ns: self.since_ns, to_ns: now_ns, waited_ns: total_ns });
        }
        self.since_ns = self.since_ns.max(now_ns);
    }

    #[cold]
    fn note(&mut self, gap: Gap) {
        self.gaps.push(gap);
        if self.gaps.len() > STALLS_MAX {
            let shortest = (0..self.gaps.len()).min_by_key(|&place| self.gaps[place].length_ns());
            shortest.map(|place| self.gaps.swap_remove(place));
        }
    }

    /// Joins what another thread has recorded over the same time.
    pub fn merge(&mut self, other: &Stalls) {
        let open = |stalls: &Stalls| Gap { from_ns: stalls.since_ns, to_ns: u64::MAX, waited_ns: 0 };
        let mut mine = std::mem::take(&mut self.gaps);
        mine.push(open(self));
        let others: Vec<Gap> = other.gaps.iter().copied().chain([open(other)]).collect();
        for gap in mine {
            let both = others.iter().filter_map(|other| gap.and(*other));
            both.filter(|gap| gap.to_ns != u64::MAX).for_each(|gap| self.note(gap));
        }
        self.since_ns = self.since_ns.max(other.since_ns);
    }

    /// How long each stall was, ns.
    pub fn lengths_ns(&self) -> Vec<u64> {
        self.gaps.iter().map(|gap| gap.stall_ns()).filter(|&length_ns| length_ns > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn recorded(answers: &[(u64, u64)]) -> Stalls {
        let mut stalls = Stalls::new(0);
        answers.iter().for_each(|&(now_ms, total_ms)| stalls.answered(now_ms * MS, total_ms * MS));
        stalls
    }

    #[test]
    fn a_stall_is_a_gap_in_which_somebody_waited() {
        for (what, answers, stalls_ms) in [
            ("answers follow each other", &[(10, 10), (20, 10), (30, 10)][..], &[][..]),
            ("one is late", &[(10, 10), (2_010, 2_000), (2_020, 10)], &[2_000]),
            ("nobody asked", &[(10, 10), (2_010, 10), (4_010, 10)], &[10, 10]),
            ("it was asked for in the middle", &[(10, 10), (2_010, 1_500)], &[1_500]),
            ("it was asked for before the last answer", &[(10, 10), (2_010, 2_005)], &[2_000]),
            ("the first is late", &[(900, 900), (901, 1)], &[900]),
        ] {
            let expected: Vec<u64> = stalls_ms.iter().map(|ms| ms * MS).collect();
            assert_eq!(recorded(answers).lengths_ns(), expected, "{what}");
        }
        let mut warm = Stalls::new(1_000 * MS);
        warm.answered(500 * MS, 500 * MS);
        warm.answered(1_600 * MS, 1_100 * MS);
        assert_eq!(warm.lengths_ns(), [600 * MS], "only what lies in the window");
    }

    #[test]
    fn a_stall_of_the_server_is_one_of_all_threads() {
        let one = recorded(&[(100, 1), (2_100, 2_000), (3_000, 1), (5_000, 2_000)]);
        for (what, answers, stalls_ms) in [
            (
                "both stood still",
                &[(150, 1), (2_050, 1_900), (3_100, 1), (4_900, 10)][..],
                &[10, 100, 1_900][..],
            ),
            (
                "the other went on",
                &[(150, 1), (1_000, 1), (1_800, 1), (3_100, 1), (4_000, 1), (4_900, 1)],
                &[100, 300],
            ),
            ("the other never had an answer", &[], &[2_000, 2_000]),
            ("the other ended before", &[(150, 1)], &[1_950, 2_000]),
        ] {
            let mut both = one.clone();
            both.merge(&recorded(answers));
            let mut lengths: Vec<u64> = both.lengths_ns().iter().map(|ns| ns / MS).collect();
            // Answers that were waited for hardly at all end no stall.
            lengths.retain(|&ms| ms > 1);
            lengths.sort_unstable();
            assert_eq!(lengths, stalls_ms, "{what}");
        }
    }

    #[test]
    fn the_longest_are_kept() {
        let mut stalls = Stalls::new(0);
        let mut now_ns = 0;
        for k in 0..10 * STALLS_MAX as u64 {
            let gap_ns = STALL_NOTED_NS + k;
            now_ns += gap_ns;
            stalls.answered(now_ns, gap_ns);
        }
        let kept = stalls.lengths_ns();
        assert_eq!(kept.len(), STALLS_MAX);
        assert!(kept.iter().all(|&ns| ns >= STALL_NOTED_NS + 9 * STALLS_MAX as u64));
    }
}
