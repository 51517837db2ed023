//! Which part makes one design's percentile larger than another's.

use super::level::LevelParts;
use super::part::TimePart;

/// Why one is slower than the other at a height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartDifference {
    /// So many times as long.
    pub ratio: f64,
    /// The difference, ns.
    pub ns: f64,
    /// The part that adds most to it.
    pub part: TimePart,
    /// The share of the difference that it is; more than 1 where other parts are smaller in the slower one.
    pub share: f64,
}

/// Why `slower` takes longer than `faster`; `None`: it does not.
pub fn difference(slower: &LevelParts, faster: &LevelParts) -> Option<PartDifference> {
    let ns = slower.total_ns() - faster.total_ns();
    if ns <= 0.0 || faster.total_ns() <= 0.0 {
        return None;
    }
    let more = |part: TimePart| slower.of(part) - faster.of(part);
    let part = TimePart::ALL.into_iter().max_by(|one, other| more(*one).total_cmp(&more(*other)))?;
    Some(PartDifference { ratio: slower.total_ns() / faster.total_ns(), ns, part, share: more(part) / ns })
}
