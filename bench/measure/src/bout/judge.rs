//! From what was seen of a bout to the figures of one side, and the laws that they must obey.
//!
//! A side is looked at on a clock of its own, which runs in its own bursts alone. On that clock it was loaded all the
//! time, as in any other cell, and the laws of the other cells hold for it: it was the bottleneck if it used its cores,
//! two accounts of its CPU agree, a request cost as much in the second half as in all.

use std::time::Duration;

use dyno_clients::books::bursts::BurstGroup;
use dyno_record::audit::Finding;
use dyno_record::load::{FailureKind, LoadFigures, Point};
use dyno_record::measured::Record;
use dyno_record::server::MachineFigures;

use crate::audit::{self, Answered, Evidence};
use crate::probe::figures::{self, AnswersBetween, Reading, Readings};
use crate::probe::glance::CpuGlance;
use crate::rig::bout::{Bout, SIDES};
use crate::rig::outcome::failure;

/// Fills the record of the contestant at `place`; gives what is to be said against it.
pub(super) fn fill(bout: &Bout, place: usize, cores: usize, record: &mut Record) -> Vec<Finding> {
    let (side, warm, end) = (&bout.sides[place], bout.warm, bout.groups.len());
    let half = warm + (end - warm) / 2;
    let clock = OwnClock::of(&bout.groups, place);
    let at = |number: usize| CpuGlance {
        at: clock.at[number],
        until: clock.at[number],
        ..side.glances.get(number).copied().unwrap_or_default()
    };
    let (first, middle, second) = (at(warm), at(half), at(end));
    let before = Reading { glance: at(0), ..side.before.clone() };
    let after = Reading { glance: at(end), ..side.after.clone() };
    let answered = |from: usize| answered(&bout.groups[from..], place);
    let readings = Readings { before: &before, first: &first, second: &second, after: &after };
    let between = AnswersBetween { glances: answered(warm), readings: answered(0) };
    let cell = &record.trial.cell;
    let allotted = if cell.cores.server.is_empty() { cores } else { cell.cores.server.len() };
    let server = figures::server(&readings, Some(between), &[], allotted);
    let load = load(&bout.groups[warm..], place, cell.load.connections, server.seconds);
    let machine = machine(bout, cores);
    let evidence = Evidence {
        cell,
        load: &load,
        server: &server,
        machine: &machine,
        pace: &[],
        glances: [&first, &middle, &second],
        threads_end: figures::threads_came_and_went(&before, &after, between.readings),
        is_late: false,
        answered: Answered { between: answered(warm), in_half: answered(half) },
    };
    let findings = audit::findings(&evidence);
    record.load = Some(load);
    record.server = Some(server);
    record.machine = Some(machine);
    findings
}

/// The clock of a side: how long it has had bursts, before the first group and after each.
struct OwnClock {
    at: Vec<Duration>,
}

impl OwnClock {
    fn of(groups: &[BurstGroup], place: usize) -> Self {
        let mut at = vec![Duration::ZERO];
        for group in groups {
            // A server that ends at once has bursts of no length; no time divides by them.
            let active = Duration::from_nanos(group.sides[place].active_ns.max(1));
            at.push(at[at.len() - 1] + active);
        }
        OwnClock { at }
    }
}

fn answered(groups: &[BurstGroup], place: usize) -> f64 {
    groups.iter().map(|group| group.sides[place].answered).sum::<u64>() as f64
}

/// What the generator tells of one side.
fn load(groups: &[BurstGroup], place: usize, planned: u32, seconds: f64) -> LoadFigures {
    let mut load = LoadFigures {
        seconds,
        connections_open: groups.iter().map(|group| group.sides[place].open).min().unwrap_or(planned),
        ..LoadFigures::default()
    };
    let (mut failed, mut busy_ns, mut took_ns) = (0, 0, 0);
    for group in groups {
        let side = &group.sides[place];
        load.answered += side.answered;
        for (kind, count) in &side.failed {
            *load.errors.entry(failure(*kind)).or_default() += count;
            failed += count;
        }
        busy_ns += group.busy_ns;
        took_ns += group.took_ns;
    }
    // A connection that the server has closed after its last answer is opened again by the next request.
    if load.errors.keys().all(|kind| *kind != FailureKind::Connect) && failed == 0 {
        load.connections_open = load.connections_open.max(planned);
    }
    load.rate_per_s = load.answered as f64 / seconds;
    load.series = series(groups, place);
    load.sent_per_s = (load.answered + failed) as f64 / seconds;
    load.generator_busy_share = (took_ns > 0).then(|| (busy_ns as f64 / took_ns as f64).min(1.0));
    load
}

/// The rate in each group, on the side's own clock.
fn series(groups: &[BurstGroup], place: usize) -> Vec<Point> {
    let mut at_ns = 0;
    let point = |group: &BurstGroup| {
        let side = &group.sides[place];
        at_ns += side.active_ns;
        Point {
            at_ms: at_ns / 1_000_000,
            rate_per_s: side.answered as f64 * 1e9 / side.active_ns.max(1) as f64,
            errors: side.failed.values().sum(),
            p99_ns: None,
        }
    };
    groups.iter().map(point).collect()
}

/// The machine over the whole bout: both sides are at work on it.
fn machine(bout: &Bout, cores: usize) -> MachineFigures {
    let end = bout.groups.len();
    let one = &bout.sides[0];
    let wall = |number: usize| together(bout, number);
    let (first, second) = (wall(bout.warm), wall(end));
    let before = Reading { glance: wall(0), ..one.before.clone() };
    let after = Reading { glance: second, ..one.after.clone() };
    figures::machine(&Readings { before: &before, first: &first, second: &second, after: &after }, cores)
}

/// A glance at both sides: what they have used together.
fn together(bout: &Bout, number: usize) -> CpuGlance {
    let mut all = CpuGlance { group: Some(Duration::ZERO), ..CpuGlance::default() };
    for place in 0..SIDES {
        let one = bout.sides[place].glances.get(number).copied().unwrap_or_default();
        all.at = one.at;
        all.until = one.until;
        all.clocks += one.clocks;
        all.clocks_again += one.clocks_again;
        all.children += one.children;
        all.group = all.group.zip(one.group).map(|(sum, own)| sum + own);
        (all.generator, all.own) = (one.generator, one.own);
    }
    all
}

#[cfg(test)]
mod tests;
