//! The picks of a workload, and how often each design is one.

use super::{Matrix, Score, Standing, WorkloadRow};

/// The designs of a workload by their standing, each by its place in the matrix; the best of each kind first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picks {
    /// Among the best.
    pub best: Vec<usize>,
    /// They carry the load for more CPU.
    pub costly: Vec<usize>,
    /// Their cores are full earlier.
    pub slower: Vec<usize>,
    /// Their clients wait while cores are idle.
    pub jammed: Vec<usize>,
    /// They fail by a limit of their own.
    pub failed: Vec<usize>,
    /// Nothing can be said of them.
    pub unknown: Vec<usize>,
}

impl WorkloadRow {
    /// The designs by their standing.
    pub fn picks(&self) -> Picks {
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        // Stable: designs with equal shares stay in the order of the table.
        order.sort_by(|one, other| share(&self.scores[*other]).total_cmp(&share(&self.scores[*one])));
        let mut picks = Picks::default();
        for place in order {
            let of = match &self.scores[place].standing {
                Standing::Best => &mut picks.best,
                Standing::Costly => &mut picks.costly,
                Standing::Slower => &mut picks.slower,
                Standing::Jammed => &mut picks.jammed,
                Standing::Fails(_) => &mut picks.failed,
                Standing::Unknown(_) => &mut picks.unknown,
                Standing::Missing => continue,
            };
            of.push(place);
        }
        picks.best.sort_unstable();
        picks
    }
}

fn share(score: &Score) -> f64 {
    score.share.unwrap_or(-1.0)
}

/// Under how many workloads a design stands how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StandingTally {
    /// Workloads in which it is among the best.
    pub best: usize,
    /// Workloads in which its clients wait while cores are idle.
    pub jammed: usize,
    /// Workloads in which it fails.
    pub failed: usize,
    /// Workloads in which it was judged at all.
    pub judged: usize,
}

impl Matrix {
    /// The tally of each design.
    pub fn tallies(&self) -> Vec<StandingTally> {
        let tally = |place: usize| {
            let mut tally = StandingTally::default();
            for row in &self.rows {
                match row.scores[place].standing {
                    Standing::Best => tally.best += 1,
                    Standing::Jammed => tally.jammed += 1,
                    Standing::Fails(_) => tally.failed += 1,
                    Standing::Costly | Standing::Slower => {}
                    Standing::Unknown(_) | Standing::Missing => continue,
                }
                tally.judged += 1;
            }
            tally
        };
        (0..self.designs.len()).map(tally).collect()
    }
}
