//! Where the time of requests goes: parts of each latency that add up to it, percentiles of whole requests, and which
//! part makes one design's percentile larger than another's.

mod difference;
mod level;
mod part;
#[cfg(test)]
mod tests;

pub use self::difference::{PartDifference, difference};
pub use self::level::{Level, LevelParts, at_level};
pub use self::part::{PartsNs, TimePart};
