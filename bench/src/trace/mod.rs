//! What `dyno trace` tells: where the time of requests went, on a terminal, as JSON, and as a file for a trace viewer.

pub(crate) mod bars;
pub(crate) mod conduct;
pub(crate) mod json;
pub(crate) mod show;
pub(crate) mod slowest;
pub(crate) mod viewer;

use dyno_analysis::timeline::{Level, LevelParts, PartDifference, at_level, difference};
use dyno_measure::traced::run::TracedRun;

/// A design, and what came of its traced load.
#[derive(Debug)]
pub(crate) struct TracedDesign {
    /// Its label.
    pub(crate) label: String,
    /// The load.
    pub(crate) run: TracedRun,
    /// The heights of its latencies that are known, from the lowest on.
    pub(crate) levels: Vec<LevelParts>,
}

impl TracedDesign {
    pub(crate) fn new(label: String, run: TracedRun) -> Self {
        let sorted: Vec<_> = run.joined.requests.iter().map(|request| request.parts).collect();
        let levels = Level::ALL.into_iter().filter_map(|level| at_level(&sorted, level)).collect();
        TracedDesign { label, run, levels }
    }

    /// The requests at a height; `None`: there are too few.
    pub(crate) fn level(&self, level: Level) -> Option<&LevelParts> {
        self.levels.iter().find(|one| one.level == level)
    }
}

/// A design that is slower than the fastest one, and why.
pub(crate) struct SlowerDesign<'a> {
    /// At which height.
    pub(crate) level: Level,
    /// The slower one and the fastest one, with their requests at that height.
    pub(crate) sides: [(&'a TracedDesign, &'a LevelParts); 2],
    /// Why; `None`: they take equally long.
    pub(crate) why: Option<PartDifference>,
}

/// Holds all designs against the fastest one, at the 99th percentile or the highest one below it that all have.
pub(crate) fn slower(designs: &[TracedDesign]) -> Vec<SlowerDesign<'_>> {
    let known = |level: &Level| designs.iter().all(|design| design.level(*level).is_some());
    let Some(level) = [Level::P99, Level::P90, Level::P50, Level::Max].into_iter().find(known) else {
        return Vec::new();
    };
    let mut sides: Vec<_> =
        designs.iter().filter_map(|design| Some((design, design.level(level)?))).collect();
    sides.sort_by(|(_, one), (_, other)| one.total_ns().total_cmp(&other.total_ns()));
    let Some((fastest, others)) = sides.split_first() else { return Vec::new() };
    let slower = others.iter().map(|side| {
        let why = difference(side.1, fastest.1);
        SlowerDesign { level, sides: [*side, *fastest], why }
    });
    slower.collect()
}
