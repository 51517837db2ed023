//! Two that took turns: what a request costs the one over the other, and how many it answers, from the ratios of the
//! bouts.

use dyno_record::header::ContestantLine;
use dyno_record::step::Step;
use dyno_statistics::verdict::{Comparison, compare};

use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};

/// A pair of contestants.
#[derive(Debug, Clone, PartialEq)]
pub struct DuelRow {
    /// The first and the second of the pair.
    pub sides: [DuelSide; 2],
    /// CPU per request of the first over that of the second.
    pub cpu: Comparison,
    /// Requests a second of the first over those of the second.
    pub rate: Comparison,
    /// Bouts that are void.
    pub void: usize,
    /// Why the first of them is.
    pub reason: String,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq)]
pub struct DuelSide {
    /// Who it is.
    pub line: ContestantLine,
    /// CPU per request, in nanoseconds.
    pub cpu_ns: RowFigure,
    /// Requests a second in its own bursts.
    pub rate_per_s: RowFigure,
}

impl DuelRow {
    /// Whether the rate of either is only a lower bound, so that their ratio tells nothing of what they can do.
    pub fn is_rate_bound(&self) -> bool {
        self.sides.iter().any(|side| side.rate_per_s.at_least)
    }

    /// Whether any bout counts.
    pub fn is_known(&self) -> bool {
        self.cpu.ratio.is_some()
    }
}

/// The pairs that were measured, in the order of the header: its first two are the first pair.
pub fn rows(records: &Levelled) -> Vec<DuelRow> {
    let pairs = records.header.contestants.chunks_exact(2);
    pairs.map(|pair| row(records, pair)).filter(|row| row.is_known() || row.void > 0).collect()
}

fn row(records: &Levelled, pair: &[ContestantLine]) -> DuelRow {
    let seed = records.header.seed;
    let cells = [0, 1].map(|place: usize| records.cells_of(&pair[place].label, Step::Duel));
    let sides = [0, 1].map(|place: usize| DuelSide {
        line: pair[place].clone(),
        cpu_ns: RowFigure::of_cost(&cells[place], seed, LevelledCell::cpu_per_request_ns),
        rate_per_s: RowFigure::of(&cells[place], seed, LevelledCell::rate_per_s),
    });
    let ratio = |read: fn(&DuelSide) -> &RowFigure| {
        let (one, other) = (read(&sides[0]), read(&sides[1]));
        let both = one.by_round.iter().filter_map(|(block, own)| Some((*own, *other.by_round.get(block)?)));
        compare(&both.collect::<Vec<_>>(), records.header.threshold, seed)
    };
    let (cpu, rate) = (ratio(|side| &side.cpu_ns), ratio(|side| &side.rate_per_s));
    // Where one is void because the other is, that one's reason is the one.
    let blames = cells.iter().flatten().filter(|cell| !cell.counts());
    let own = blames.clone().find(|cell| cell.audit.wall().is_some()).or(blames.clone().next());
    DuelRow {
        cpu,
        rate,
        void: blames.map(|cell| cell.trial.block).collect::<std::collections::BTreeSet<_>>().len(),
        reason: own.map(|cell| cell.audit.reason().to_string()).unwrap_or_default(),
        sides,
    }
}
