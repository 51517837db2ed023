//! What a fault of one handler costs everybody else: a row for each contestant, a cell for each fault.

use std::collections::BTreeMap;

use dyno_record::header::ContestantLine;
use dyno_record::isolation::{IsolationFigures, Mending, PlantedFault, VictimFates};
use dyno_record::step::Step;
use dyno_statistics::sample::median;
use dyno_units::verdict::Verdict;

use crate::levelling::Levelled;
use crate::limits::EVERYBODY_SHARE;

/// How far a fault reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Radius {
    /// To nobody but who sent the request with the fault.
    OwnConnection,
    /// To those that share something with it, such as its worker.
    OwnWorker,
    /// To everybody.
    Everybody,
}

impl Radius {
    /// The reach of a fault that did this.
    pub fn of(figures: &IsolationFigures) -> Self {
        match figures.hurt_share() {
            share if share >= EVERYBODY_SHARE => Radius::Everybody,
            share if share > 0.0 => Radius::OwnWorker,
            _ => Radius::OwnConnection,
        }
    }

    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Radius::OwnConnection => "its own connection",
            Radius::OwnWorker => "some others",
            Radius::Everybody => "everybody",
        }
    }
}

/// When a server is as it was before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BackAgain {
    /// It never was otherwise.
    AtOnce,
    /// After so many nanoseconds.
    After(f64),
    /// Not within the watch.
    Not,
}

/// One fault of one contestant, over all blocks.
#[derive(Debug, Clone, PartialEq)]
pub struct FaultCell {
    /// The fault.
    pub fault: PlantedFault,
    /// What each block saw that counts.
    pub blocks: Vec<IsolationFigures>,
    /// Blocks that were void.
    pub void: usize,
    /// Why, where none counts.
    pub reason: String,
}

impl FaultCell {
    /// How far the fault reached in most blocks; where two are as frequent, the farther one.
    pub fn radius(&self) -> Option<Radius> {
        most(self.blocks.iter().map(Radius::of))
    }

    /// By what the server is as it was, in most blocks; where two are as frequent, the worse one.
    pub fn mending(&self) -> Option<Mending> {
        most(self.blocks.iter().map(|block| block.mending))
    }

    /// Blocks that agree with both.
    pub fn agreeing(&self) -> usize {
        let (radius, mending) = (self.radius(), self.mending());
        let agrees =
            |block: &&IsolationFigures| Some(Radius::of(block)) == radius && Some(block.mending) == mending;
        self.blocks.iter().filter(agrees).count()
    }

    /// Whether all blocks saw the same.
    pub fn is_stable(&self) -> bool {
        self.agreeing() == self.blocks.len()
    }

    /// Share of the victims that were hurt, the median of the blocks.
    pub fn hurt_share(&self) -> Option<f64> {
        median(&self.blocks.iter().map(IsolationFigures::hurt_share).collect::<Vec<f64>>())
    }

    /// All victims of all blocks.
    pub fn victims(&self) -> VictimFates {
        self.blocks.iter().fold(VictimFates::default(), |sum, block| sum.plus(block.victims()))
    }

    /// The longest that a victim waited, the median of the blocks, in nanoseconds.
    pub fn longest_ns(&self) -> Option<f64> {
        median(&self.blocks.iter().map(|block| block.longest_after_ns as f64).collect::<Vec<f64>>())
    }

    /// When the server was as it was before, the median of the blocks.
    pub fn back_again(&self) -> Option<BackAgain> {
        let times: Vec<f64> = self.blocks.iter().map(|block| back_ns(block).unwrap_or(f64::MAX)).collect();
        Some(match median(&times)? {
            ns if ns >= f64::MAX / 2.0 => BackAgain::Not,
            ns if ns > 0.0 => BackAgain::After(ns),
            _ => BackAgain::AtOnce,
        })
    }
}

/// When the server of a block was as it was before: new clients are served, and what had ended is replaced.
pub fn back_ns(figures: &IsolationFigures) -> Option<f64> {
    let served = figures.served_again_ns.filter(|_| figures.mending.is_whole())?;
    let replaced = figures.processes.replaced_ns.filter(|_| figures.mending == Mending::Respawn);
    Some(served.max(replaced.unwrap_or(0)) as f64)
}

/// The most frequent value; of several the greatest.
fn most<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    // The last of those that are as frequent, and a map is in rising order.
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(value, _)| value)
}

/// A contestant and all its faults.
#[derive(Debug, Clone, PartialEq)]
pub struct IsolationRow {
    /// Who it is.
    pub line: ContestantLine,
    /// A cell for each fault that was planted, in the order of the table.
    pub cells: Vec<FaultCell>,
}

impl IsolationRow {
    /// The cell of a fault.
    pub fn cell(&self, fault: PlantedFault) -> Option<&FaultCell> {
        self.cells.iter().find(|cell| cell.fault == fault)
    }
}

/// The rows of all contestants that were measured, in the order of the header.
pub fn rows(records: &Levelled) -> Vec<IsolationRow> {
    let row = |line: &ContestantLine| {
        let cells = PlantedFault::ALL.into_iter().filter_map(|fault| cell(records, &line.label, fault));
        IsolationRow { line: line.clone(), cells: cells.collect() }
    };
    records.header.contestants.iter().map(row).filter(|row| !row.cells.is_empty()).collect()
}

fn cell(records: &Levelled, label: &str, fault: PlantedFault) -> Option<FaultCell> {
    let all = records.cells_of(label, Step::Isolation);
    let own = || all.iter().filter(|record| record.trial.cell.load.fault == Some(fault));
    let blocks: Vec<IsolationFigures> = own().filter_map(|record| record.isolation().cloned()).collect();
    let mut void = own().filter(|record| record.audit.verdict == Verdict::Void).peekable();
    let reason = void.peek().map(|record| record.audit.reason().to_string()).unwrap_or_default();
    let void = void.count();
    (void > 0 || !blocks.is_empty()).then_some(FaultCell { fault, blocks, void, reason })
}

/// The faults that were planted, in the order of the table, the control left out.
pub fn faults(rows: &[IsolationRow]) -> Vec<PlantedFault> {
    let is_there = |fault: &PlantedFault| rows.iter().any(|row| row.cell(*fault).is_some());
    PlantedFault::ALL.into_iter().filter(|fault| *fault != PlantedFault::Control).filter(is_there).collect()
}

#[cfg(test)]
mod tests;
