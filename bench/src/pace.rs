//! Figures as they would be had the cores run at their full pace all the time.
//!
//! What shares a core's execution units comes and goes (see [`probe::pace`](crate::probe::pace)), so two cells that saw different
//! shares of it differ by that alone. How much a share costs is the same question for all cells of a step, and there are
//! hundreds of them: analysis of covariance answers it. For each step one slope for the share of time in which the contestant's
//! cores were slowed and one for the generator's, common to all contestants; then each cell is brought to a share of zero.
//!
//! What is left still comes in spells, for a system call does not feel all that a neighbour does to caches and memory. But cells
//! that were measured within the same second feel it together, whoever was measured. So what the
//! [neighbours in time](crate::statistics::neighbours) have in common is taken off as well.
//!
//! Nothing is lost by it: the records and the CSV hold what was measured, and where cores were not looked at, or were left alone,
//! that is what reports show.

use std::time::Duration;

use crate::limits::LEAST_CELLS_FOR_PACE;
use crate::record::cell::Cell;
use crate::record::measured::Record;
use crate::record::pace::Factors;
use crate::statistics::covariance::{Observation, along, slopes};
use crate::statistics::neighbours::{Timed, moments};

/// Gives each cell its factors, where enough cells of its step were looked at.
pub fn level(records: &mut [Record]) {
    let mut steps: Vec<String> = records.iter().map(|record| record.trial.cell.step.clone()).collect();
    steps.sort_unstable();
    steps.dedup();
    for step in steps {
        let mut cells: Vec<&mut Record> = records
            .iter_mut()
            .filter(|record| record.trial.cell.step == step && slowed(record).is_some())
            .collect();
        if cells.len() < LEAST_CELLS_FOR_PACE {
            continue;
        }
        // Being slowed never makes a server faster, nor a request cheaper: a slope that says so is chance.
        let rates = owed(&cells, Record::rate_as_measured_per_s, |slope| slope < 0.0);
        let costs = owed(&cells, Record::cpu_as_measured_ns, |slope| slope > 0.0);
        for (place, record) in cells.iter_mut().enumerate() {
            let closed = record.trial.cell.load.rate_per_s.is_none();
            let rate = if closed { (-rates[place]).exp() } else { 1.0 };
            record.factors = Some(Factors { rate, cpu: (-costs[place]).exp() });
        }
    }
}

/// What each cell's figure owes, in its logarithm, to slowed cores and to its moment.
fn owed(cells: &[&mut Record], read: fn(&Record) -> Option<f64>, makes_sense: fn(f64) -> bool) -> Vec<f64> {
    let slopes = bounded(cells, read, makes_sense);
    let mut owed: Vec<f64> =
        cells.iter().map(|record| slowed(record).map_or(0.0, |beside| along(slopes, beside))).collect();
    let (places, timed): (Vec<usize>, Vec<Timed>) = cells
        .iter()
        .enumerate()
        .filter_map(|(place, record)| {
            let value = read(record).filter(|value| *value > 0.0)?.ln() - owed[place];
            let at = Duration::from_millis(record.began_unix_ms + record.took_ms);
            Some((place, Timed { group: group(&record.trial.cell), value, at }))
        })
        .unzip();
    for (place, moment) in places.into_iter().zip(moments(&timed)) {
        owed[place] += moment;
    }
    owed
}

/// Slopes of the logarithm of a figure, of the sign that makes sense, or zero.
fn bounded(
    cells: &[&mut Record],
    read: fn(&Record) -> Option<f64>,
    makes_sense: fn(f64) -> bool,
) -> [f64; 2] {
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

/// Cells that differ in nothing but their block.
fn group(cell: &Cell) -> String {
    format!("{}|{:?}|{}", cell.contestant, cell.cores, cell.load.words())
}

/// Share of the time in which the contestant's cores, and those of the generator, were slowed; where both share their cores, the
/// first stands for both.
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
    use crate::contestant::foreign::bare;
    use crate::experiment::compare::{CAPACITY, LATENCY};
    use crate::experiment::setup::tests::setup;
    use crate::record::audit::Audit;
    use crate::record::cell::{Cores, Trial};
    use crate::record::load::LoadFigures;
    use crate::record::pace::CorePace;
    use crate::record::server::ServerFigures;
    use crate::statistics::sample::relative_deviation;

    /// A cell of a server that does `full_per_s`, which falls by 40 % (in the logarithm) while its core is slowed.
    fn record(step: &str, contestant: &str, full_per_s: f64, slowed: f64) -> Record {
        let offered = (step == LATENCY).then_some(1_000.0);
        let setup = setup(vec![bare(contestant, vec!["x".into()])]);
        let mut cell = setup.cell(step, &setup.contestants[0]);
        cell.cores = Cores { server: vec![0], generator: vec![1] };
        cell.load.rate_per_s = offered;
        let rate_per_s = offered.unwrap_or(full_per_s * (-0.4 * slowed).exp());
        let core =
            |core, slowed_share| CorePace { core, looks: 40, full_ns: 100.0, median_ns: 100.0, slowed_share };
        Record {
            schema: crate::record::SCHEMA,
            trial: Trial { cell, block: 0 },
            turn: 0,
            began_unix_ms: 0,
            took_ms: 0,
            machine_id: String::new(),
            load: Some(LoadFigures { rate_per_s, ..LoadFigures::default() }),
            server: Some(ServerFigures {
                cores_used: rate_per_s / full_per_s * (0.4 * slowed).exp(),
                ..ServerFigures::default()
            }),
            machine: None,
            pace: vec![core(0, slowed), core(1, 1.0 - slowed * slowed)],
            audit: Audit::of(Vec::new()),
            factors: None,
        }
    }

    fn records(step: &str) -> Vec<Record> {
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
        let mut cells = records(CAPACITY);
        level(&mut cells);
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
        let mut cells = records(LATENCY);
        level(&mut cells);
        assert!(cells.iter().all(|cell| cell.rate_per_s() == Some(1_000.0)));
        let fast = cells.iter().filter(|cell| cell.trial.cell.contestant == "fast");
        assert!(fast.clone().all(|cell| (cell.cpu_per_request_ns().unwrap() / 10_000.0 - 1.0).abs() < 1e-3));
    }

    #[test]
    fn what_cells_of_the_same_second_have_in_common_is_taken_off() {
        // Every other two seconds all is slower by 30 %, and no look at a core tells of it.
        let mut cells: Vec<Record> = (0..96)
            .map(|number| {
                let (contestant, full) =
                    if number % 2 == 0 { ("fast", 100_000.0) } else { ("slow", 50_000.0) };
                let moment = if number / 8 % 2 == 0 { 0.7 } else { 1.0 };
                let mut cell = record(CAPACITY, contestant, full * moment, 0.0);
                cell.began_unix_ms = 250 * number;
                cell
            })
            .collect();
        level(&mut cells);
        let scatter = |read: fn(&Record) -> Option<f64>| {
            let of = cells.iter().filter(|cell| cell.trial.cell.contestant == "fast");
            relative_deviation(&of.filter_map(read).collect::<Vec<_>>())
        };
        let (before, after) = (scatter(Record::rate_as_measured_per_s), scatter(Record::rate_per_s));
        assert!(after < before * 0.5, "{before} {after}");
        let (before, after) = (scatter(Record::cpu_as_measured_ns), scatter(Record::cpu_per_request_ns));
        assert!(after < before * 0.5, "{before} {after}");
    }

    #[test]
    fn few_cells_are_left_as_measured() {
        let mut cells = records(CAPACITY);
        cells.truncate(LEAST_CELLS_FOR_PACE - 1);
        level(&mut cells);
        assert!(cells.iter().all(|cell| cell.factors.is_none()));
    }

    #[test]
    fn cells_that_nobody_looked_at_are_left_as_measured() {
        let mut cells = records(CAPACITY);
        cells.iter_mut().for_each(|cell| cell.pace.clear());
        level(&mut cells);
        assert!(cells.iter().all(|cell| cell.factors.is_none()));
    }

    #[test]
    fn being_slowed_never_helps() {
        let mut cells = records(CAPACITY);
        for cell in &mut cells {
            let slowed = cell.pace[0].slowed_share;
            if let Some(load) = &mut cell.load {
                load.rate_per_s = 10_000.0 * (1.0 + slowed);
            }
        }
        level(&mut cells);
        assert!(cells.iter().all(|cell| cell.factors.is_some_and(|factors| factors.rate == 1.0)));
    }
}
