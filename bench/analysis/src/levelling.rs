//! Figures as they would be had the cores run at their full pace all the time.
//!
//! What shares a core's execution units comes and goes (see the probe of pace in `measure`), so two cells that saw
//! different shares of it differ by that alone. How much a share costs is the same question for all cells of a step,
//! and there are hundreds of them: analysis of covariance answers it. For each step one slope for the share of time
//! in which the contestant's cores were slowed and one for the generator's, common to all contestants; then each cell
//! is brought to a share of zero.
//!
//! What is left still comes in spells, for a system call does not feel all that a neighbour does to caches and
//! memory. But cells that were measured within the same second feel it together, whoever was measured. So what the
//! [neighbours in time](dyno_statistics::neighbours) have in common is taken off as well.
//!
//! Nothing is lost by it: [`Levelled`] is a value beside the records, which hold what was measured. Where cores were
//! not looked at, or were left alone, what was measured is what reports show.

use std::ops::Deref;
use std::time::Duration;

use dyno_record::cell::Cell;
use dyno_record::header::Header;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_statistics::covariance::{Observation, along, slopes};
use dyno_statistics::neighbours::{Timed, moments};

use crate::limits::LEAST_CELLS_FOR_PACE;

/// What brings a cell's figures to full pace and a usual moment: they are multiplied by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// Right answers a second, in closed loop.
    pub rate: f64,
    /// CPU of the contestant per right answer.
    pub cpu: f64,
}

/// A record, and what brings its figures to full pace.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelledCell {
    /// What was measured.
    pub record: Record,
    /// The correction; absent where too few cells of the step tell what it should be.
    pub factors: Option<Factors>,
}

impl LevelledCell {
    /// Right answers a second with the cores at their full pace, unless the cell is void.
    pub fn rate_per_s(&self) -> Option<f64> {
        Some(self.record.rate_as_measured_per_s()? * self.factors.map_or(1.0, |factors| factors.rate))
    }

    /// CPU of the contestant per right answer with the cores at their full pace, in nanoseconds, unless the cell is
    /// void.
    pub fn cpu_per_request_ns(&self) -> Option<f64> {
        Some(self.record.cpu_as_measured_ns()? * self.factors.map_or(1.0, |factors| factors.cpu))
    }
}

impl Deref for LevelledCell {
    type Target = Record;

    fn deref(&self) -> &Record {
        &self.record
    }
}

/// The records of one experiment with what brings them to full pace.
#[derive(Debug, Clone, PartialEq)]
pub struct Levelled {
    /// What was asked, and on which machine.
    pub header: Header,
    /// All cells, in the order measured.
    pub cells: Vec<LevelledCell>,
}

impl Levelled {
    /// Finds the correction of each cell, where enough cells of its step (and workload) were looked at.
    pub fn of(records: Records) -> Self {
        Levelled { header: records.header, cells: level(records.cells) }
    }

    /// The cells of one step of one contestant.
    pub fn cells_of(&self, contestant: &str, step: Step) -> Vec<&LevelledCell> {
        let own =
            |cell: &&LevelledCell| cell.trial.cell.contestant == contestant && cell.trial.cell.step == step;
        self.cells.iter().filter(own).collect()
    }
}

/// Gives each record its correction.
fn level(records: Vec<Record>) -> Vec<LevelledCell> {
    let factors = factors(&records);
    let cells = records.into_iter().zip(factors);
    cells.map(|(record, factors)| LevelledCell { record, factors }).collect()
}

/// The correction of each record.
fn factors(records: &[Record]) -> Vec<Option<Factors>> {
    let mut found = vec![None; records.len()];
    let mut kinds: Vec<(Step, Option<&str>)> = records.iter().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for one in kinds {
        let (places, cells): (Vec<usize>, Vec<&Record>) = records
            .iter()
            .enumerate()
            .filter(|(_, record)| kind(record) == one && slowed(record).is_some())
            .unzip();
        if cells.len() < LEAST_CELLS_FOR_PACE {
            continue;
        }
        // Being slowed never makes a server faster, nor a request cheaper: a slope that says so is chance.
        let rates = excess(&cells, Record::rate_as_measured_per_s, |slope| slope < 0.0);
        let costs = excess(&cells, Record::cpu_as_measured_ns, |slope| slope > 0.0);
        for (number, place) in places.into_iter().enumerate() {
            let closed = cells[number].trial.cell.load.rate_per_s.is_none();
            let rate = if closed { (-rates[number]).exp() } else { 1.0 };
            found[place] = Some(Factors { rate, cpu: (-costs[number]).exp() });
        }
    }
    found
}

/// For each cell, by how much slowed cores and drift over time together have raised the natural logarithm of the
/// figure.
fn excess(cells: &[&Record], read: fn(&Record) -> Option<f64>, makes_sense: fn(f64) -> bool) -> Vec<f64> {
    let slopes = bounded(cells, read, makes_sense);
    let mut excess: Vec<f64> =
        cells.iter().map(|record| slowed(record).map_or(0.0, |beside| along(slopes, beside))).collect();
    let (places, timed): (Vec<usize>, Vec<Timed>) = cells
        .iter()
        .enumerate()
        .filter_map(|(place, record)| {
            let value = read(record).filter(|value| *value > 0.0)?.ln() - excess[place];
            let at = Duration::from_millis(record.began_unix_ms + record.took_ms);
            Some((place, Timed { group: group(&record.trial.cell), value, at }))
        })
        .unzip();
    for (place, moment) in places.into_iter().zip(moments(&timed)) {
        excess[place] += moment;
    }
    excess
}

/// Slopes of the logarithm of a figure, of the sign that makes sense, or zero.
fn bounded(cells: &[&Record], read: fn(&Record) -> Option<f64>, makes_sense: fn(f64) -> bool) -> [f64; 2] {
    let observations: Vec<Observation> = cells
        .iter()
        .filter_map(|record| {
            let value = read(record).filter(|value| *value > 0.0)?.ln();
            Some(Observation { group: group(&record.trial.cell), value, beside: slowed(record)? })
        })
        .collect();
    let mut wanted = [true; 2];
    loop {
        let found = slopes(&observations, wanted);
        let sound = [0, 1].map(|place| found[place] == 0.0 || makes_sense(found[place]));
        if sound == [true; 2] {
            return found;
        }
        wanted = [0, 1].map(|place| wanted[place] && sound[place]);
    }
}

/// Cells for which being slowed costs the same share: those of a step, under one workload.
fn kind(record: &Record) -> (Step, Option<&str>) {
    let cell = &record.trial.cell;
    (cell.step, cell.load.workload.as_deref())
}

/// Cells that differ in nothing but their block.
fn group(cell: &Cell) -> String {
    format!("{}|{:?}|{}", cell.contestant, cell.cores, cell.load.words())
}

/// Share of the time in which the contestant's cores, and those of the generator, were slowed; where both share their
/// cores, the first stands for both.
fn slowed(record: &Record) -> Option<[f64; 2]> {
    let cores = &record.trial.cell.cores;
    let mean = |side: &[usize]| {
        let seen = record.pace.iter().filter(|core| side.is_empty() || side.contains(&core.core));
        let shares: Vec<f64> = seen.filter(|core| core.looks > 0).map(|core| core.slowed_share).collect();
        (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
    };
    let server = mean(&cores.server)?;
    Some([server, if cores.shared() { server } else { mean(&cores.generator)? }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_record::cell::{Cores, Load, Trial};
    use dyno_record::load::LoadFigures;
    use dyno_record::pace::CorePace;
    use dyno_record::server::ServerFigures;
    use dyno_record::transport::TransportKind;
    use dyno_statistics::sample::relative_deviation;

    /// A cell of a server that does `full_per_s`, which falls by 40 % (in the logarithm) while its core is slowed.
    fn record(step: Step, contestant: &str, full_per_s: f64, slowed: f64) -> Record {
        let offered = (step == Step::Latency).then_some(1_000.0);
        let cell = Cell {
            step,
            contestant: contestant.into(),
            service: "/".into(),
            transport: TransportKind::Plain,
            cores: Cores { server: vec![0], generator: vec![1] },
            workers: None,
            load: Load { rate_per_s: offered, ..Load::closed(64, 100, 500) },
        };
        let rate_per_s = offered.unwrap_or(full_per_s * (-0.4 * slowed).exp());
        let core =
            |core, slowed_share| CorePace { core, looks: 40, full_ns: 100.0, median_ns: 100.0, slowed_share };
        Record {
            load: Some(LoadFigures { rate_per_s, ..LoadFigures::default() }),
            server: Some(ServerFigures {
                cores_used: rate_per_s / full_per_s * (0.4 * slowed).exp(),
                ..ServerFigures::default()
            }),
            pace: vec![core(0, slowed), core(1, 1.0 - slowed * slowed)],
            ..Record::new(Trial { cell, block: 0 }, "m")
        }
    }

    fn records(step: Step) -> Vec<Record> {
        (0..LEAST_CELLS_FOR_PACE * 2)
            .map(|number| {
                let slowed = (number * 7 % 10) as f64 / 10.0;
                if number % 2 == 0 {
                    record(step, "fast", 100_000.0, slowed)
                } else {
                    record(step, "slow", 50_000.0, slowed)
                }
            })
            .collect()
    }

    #[test]
    fn figures_are_those_of_cores_left_alone() {
        let cells = records(Step::Capacity);
        let cells = level(cells);
        for cell in &cells {
            let full = if cell.trial.cell.contestant == "fast" { 100_000.0 } else { 50_000.0 };
            assert!((cell.rate_per_s().unwrap() / full - 1.0).abs() < 1e-3, "{cell:?}");
            assert!((cell.cpu_per_request_ns().unwrap() * full / 1e9 - 1.0).abs() < 1e-3, "{cell:?}");
        }
        // What was measured stays.
        assert!(cells.iter().any(|cell| cell.rate_as_measured_per_s().unwrap() < 40_000.0));
    }

    #[test]
    fn a_rate_that_was_asked_for_stays_and_what_it_cost_does_not() {
        let cells = records(Step::Latency);
        let cells = level(cells);
        assert!(cells.iter().all(|cell| cell.rate_per_s() == Some(1_000.0)));
        let fast = cells.iter().filter(|cell| cell.trial.cell.contestant == "fast");
        assert!(fast.clone().all(|cell| (cell.cpu_per_request_ns().unwrap() / 10_000.0 - 1.0).abs() < 1e-3));
    }

    #[test]
    fn what_cells_of_the_same_second_have_in_common_is_taken_off() {
        // Every other two seconds all is slower by 30 %, and no look at a core tells of it.
        let cells: Vec<Record> = (0..96)
            .map(|number| {
                let (contestant, full) =
                    if number % 2 == 0 { ("fast", 100_000.0) } else { ("slow", 50_000.0) };
                let moment = if number / 8 % 2 == 0 { 0.7 } else { 1.0 };
                let mut cell = record(Step::Capacity, contestant, full * moment, 0.0);
                cell.began_unix_ms = 250 * number;
                cell
            })
            .collect();
        let cells = level(cells);
        let scatter = |read: fn(&LevelledCell) -> Option<f64>| {
            let of = cells.iter().filter(|cell| cell.trial.cell.contestant == "fast");
            relative_deviation(&of.filter_map(read).collect::<Vec<_>>()).unwrap()
        };
        let (before, after) =
            (scatter(|cell| cell.rate_as_measured_per_s()), scatter(LevelledCell::rate_per_s));
        assert!(after < before * 0.5, "{before} {after}");
        let (before, after) =
            (scatter(|cell| cell.cpu_as_measured_ns()), scatter(LevelledCell::cpu_per_request_ns));
        assert!(after < before * 0.5, "{before} {after}");
    }

    #[test]
    fn few_cells_are_left_as_measured() {
        let mut cells = records(Step::Capacity);
        cells.truncate(LEAST_CELLS_FOR_PACE - 1);
        let cells = level(cells);
        assert!(cells.iter().all(|cell| cell.factors.is_none()));
    }

    #[test]
    fn cells_that_nobody_looked_at_are_left_as_measured() {
        let mut cells = records(Step::Capacity);
        cells.iter_mut().for_each(|cell| cell.pace.clear());
        let cells = level(cells);
        assert!(cells.iter().all(|cell| cell.factors.is_none()));
    }

    #[test]
    fn being_slowed_never_helps() {
        let mut cells = records(Step::Capacity);
        for cell in &mut cells {
            let slowed = cell.pace[0].slowed_share;
            if let Some(load) = &mut cell.load {
                load.rate_per_s = 10_000.0 * (1.0 + slowed);
            }
        }
        let cells = level(cells);
        assert!(cells.iter().all(|cell| cell.factors.is_some_and(|factors| factors.rate == 1.0)));
    }
}
