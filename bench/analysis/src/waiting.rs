//! What requests that wait do, one row a contestant.

use std::collections::{BTreeMap, BTreeSet};

use crate::figure::RowFigure;
use crate::levelling::{Levelled, LevelledCell};
use dyno_record::header::ContestantLine;
use dyno_record::step::Step;
use dyno_record::waiting::{HeldWaiters, WaitingFigures};
use dyno_statistics::sample::median;

/// How others fared beside some number of waiters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Others {
    /// They were served in this time, in nanoseconds: the median of the blocks.
    Served(f64),
    /// They stood still in at least half of the blocks.
    StoodStill,
}

/// Everything that is known of a contestant whose requests wait.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingRow {
    /// Who it is.
    pub line: ContestantLine,
    /// How others fared, by the number of waiters; numbers that bisection tried are among them.
    pub beside: BTreeMap<u32, Others>,
    /// The numbers of waiters that stopped everybody else, of each block; absent for a block in which none did.
    pub stopped_by: Vec<Option<u32>>,
    /// Memory of the server's own that a waiter took, in bytes.
    pub memory: RowFigure,
    /// Memory of the kernel that a waiter took, in bytes.
    pub kernel: RowFigure,
    /// CPU that a waiter took in a second, in nanoseconds.
    pub cpu_ns: RowFigure,
    /// From the end of a client's side by a FIN to the server's letting go, in nanoseconds: the median of each block.
    pub fin_ns: RowFigure,
    /// The same after a reset.
    pub reset_ns: RowFigure,
}

impl WaitingRow {
    /// The number of waiters that stops everybody else: the least and the largest of the blocks that had one.
    pub fn stops(&self) -> Option<(u32, u32)> {
        let known = || self.stopped_by.iter().flatten().copied();
        Some((known().min()?, known().max()?))
    }

    /// The largest number of waiters that was tried.
    pub fn most(&self) -> Option<u32> {
        self.beside.keys().last().copied()
    }

    /// Why there are no figures; empty where there are some.
    pub fn reason(&self) -> &str {
        let figures = [&self.memory, &self.cpu_ns, &self.fin_ns, &self.reset_ns];
        figures
            .into_iter()
            .map(|figure| figure.reason.as_str())
            .find(|reason| !reason.is_empty())
            .unwrap_or_default()
    }
}

/// The rows of all contestants that were looked at, in the order of the header.
pub fn rows(records: &Levelled) -> Vec<WaitingRow> {
    records.header.contestants.iter().filter_map(|line| row(records, line)).collect()
}

/// The numbers of waiters that doubling tries, up to the largest that was tried.
pub fn ladder(rows: &[WaitingRow]) -> Vec<u32> {
    let all: BTreeSet<u32> = rows.iter().flat_map(|row| row.beside.keys().copied()).collect();
    let largest = all.last().copied().unwrap_or_default();
    all.into_iter().filter(|one| *one == 0 || one.is_power_of_two() || *one == largest).collect()
}

fn row(records: &Levelled, line: &ContestantLine) -> Option<WaitingRow> {
    let of = |step| records.cells_of(&line.label, step);
    let (jam, held, left) = (of(Step::WaitingJam), of(Step::WaitingHeld), of(Step::WaitingLeft));
    if jam.is_empty() && held.is_empty() && left.is_empty() {
        return None;
    }
    let seed = records.header.seed;
    let held_figure = |read: fn(&HeldWaiters) -> Option<f64>| {
        RowFigure::of_cost(&held, seed, |record| read(&record.waiting()?.held?))
    };
    let left_figure = |read: fn(&WaitingFigures) -> &[u64]| {
        RowFigure::of_cost(&left, seed, |record| {
            let times: Vec<f64> = read(record.waiting()?).iter().map(|time| *time as f64).collect();
            median(&times)
        })
    };
    Some(WaitingRow {
        line: line.clone(),
        beside: beside(&jam),
        stopped_by: jam.iter().filter_map(|record| Some(record.waiting()?.stopped_by)).collect(),
        memory: held_figure(|held| each(held.memory_bytes? as f64, held.waiting)),
        kernel: held_figure(|held| each(held.kernel_bytes? as f64, held.waiting)),
        cpu_ns: held_figure(|held| each(held.cores_used * 1e9, held.waiting)),
        fin_ns: left_figure(|figures| &figures.released_fin_ns),
        reset_ns: left_figure(|figures| &figures.released_reset_ns),
    })
}

fn each(all: f64, waiting: u32) -> Option<f64> {
    (waiting > 0).then(|| all / f64::from(waiting))
}

fn beside(jam: &[&LevelledCell]) -> BTreeMap<u32, Others> {
    let mut seen: BTreeMap<u32, Vec<Option<u64>>> = BTreeMap::new();
    for one in jam.iter().filter_map(|record| record.waiting()).flat_map(|figures| &figures.beside) {
        seen.entry(one.waiting).or_default().push(one.other_p50_ns);
    }
    let told = |(waiting, times): (u32, Vec<Option<u64>>)| {
        let served: Vec<f64> = times.iter().flatten().map(|time| *time as f64).collect();
        let others = match median(&served) {
            Some(time) if served.len() * 2 > times.len() => Others::Served(time),
            _ => Others::StoodStill,
        };
        (waiting, others)
    };
    seen.into_iter().map(told).collect()
}
