//! Percentiles of whole requests: not of each part by itself, whose percentiles do not add up.

use super::part::{PartsNs, TimePart};

/// A height in the distribution of latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The median.
    P50,
    /// Nine of ten are faster.
    P90,
    /// Ninety-nine of a hundred are.
    P99,
    /// 999 of a thousand are.
    P999,
    /// The slowest request.
    Max,
}

impl Level {
    /// All of them, from the lowest on.
    pub const ALL: [Level; 5] = [Level::P50, Level::P90, Level::P99, Level::P999, Level::Max];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Level::P50 => "p50",
            Level::P90 => "p90",
            Level::P99 => "p99",
            Level::P999 => "p99.9",
            Level::Max => "max",
        }
    }

    /// The share of requests that are faster.
    fn quantile(self) -> f64 {
        match self {
            Level::P50 => 0.5,
            Level::P90 => 0.9,
            Level::P99 => 0.99,
            Level::P999 => 0.999,
            Level::Max => 1.0,
        }
    }
}

/// The requests around a height, on average.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelParts {
    /// Which height.
    pub level: Level,
    /// So many requests stand for it.
    pub requests: usize,
    /// The mean of each part, ns, in the order of [`TimePart::ALL`].
    pub parts_ns: [f64; TimePart::COUNT],
}

impl LevelParts {
    /// The mean of one part, ns.
    pub fn of(&self, part: TimePart) -> f64 {
        self.parts_ns[part as usize]
    }

    /// The mean latency of these requests, ns: the sum of the parts.
    pub fn total_ns(&self) -> f64 {
        self.parts_ns.iter().sum()
    }
}

/// Of the requests beyond a height, the share that stands for it on each side: enough to level out single requests, and
/// few enough that the mean stays at that height.
const NEIGHBOURS_SHARE: f64 = 0.1;

/// Where so few requests lie beyond a height, nobody knows it.
const BEYOND_LEAST: f64 = 5.0;

/// The requests at a height of `sorted`, whose latencies rise; `None`: there are too few for it.
pub fn at_level(sorted: &[PartsNs], level: Level) -> Option<LevelParts> {
    let last = sorted.len().checked_sub(1)?;
    let beyond = sorted.len() as f64 * (1.0 - level.quantile());
    if level != Level::Max && beyond < BEYOND_LEAST {
        return None;
    }
    let place = (sorted.len() as f64 * level.quantile()) as usize;
    let around = (beyond * NEIGHBOURS_SHARE).round() as usize;
    let chosen = &sorted[place.min(last) - around.min(place.min(last))..=(place + around).min(last)];
    let mean = |part| chosen.iter().map(|parts| parts.of(part) as f64).sum::<f64>() / chosen.len() as f64;
    Some(LevelParts { level, requests: chosen.len(), parts_ns: TimePart::ALL.map(mean) })
}
