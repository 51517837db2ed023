//! How one cell is measured: the steps in their order.
//!
//! ```text
//! contestant  start ─────────────────────────────────────────────────────────────────── stop
//! generator           begin ── warm-up ──┬────── measured window ──────┬─ over ── held ─ end
//! readings       idle       memory first │                             │          second
//! glances                                │  first    half     second   │
//! ```
//!
//! The generator reports when its connections are open and its clock starts, so both sides know the same window. While
//! it is measured nothing is read but the clocks of processes, which takes some tens of microseconds: whatever takes
//! longer would take it from the generator's core, and from some designs more than from others. So everything else is
//! read at the end of the warm-up, and when the load is over and the connections are still open. In counted cells,
//! which are not timed, all is read within the window.

use std::time::Duration;

use crate::audit;
use crate::limits::{SAMPLE_LEAD, SAMPLE_TAIL, START_LEAD};
use crate::probe::figures::{self, AnswersBetween, Reading, Readings};
use crate::probe::glance::CpuGlance;
use crate::rig::{Answers, Rig};
use crate::settle;
use dyno_record::audit::{Audit, Finding};
use dyno_record::cell::Trial;
use dyno_record::measured::Record;
use dyno_record::server::Memory;

/// Measures one cell with a fresh contestant. Any failure of contestant or generator makes the cell void.
///
/// # Returns
/// `None` when the user interrupted it: an incomplete cell is no measurement.
pub(crate) fn measure<R: Rig>(rig: &mut R, trial: &Trial, turn: u64, machine_id: &str) -> Option<Record> {
    let began = rig.now();
    let mut record = Record { turn, began_unix_ms: rig.unix_ms(), ..Record::new(trial.clone(), machine_id) };
    let findings = match rig.start(&trial.cell) {
        Err(fault) => vec![fault.finding()],
        Ok(server) => {
            let (mut findings, last) = if trial.cell.step.waits() {
                (wait(rig, &server, &mut record), None)
            } else {
                load(rig, &server, &mut record)
            };
            // Whoever was given up is served after the load, and that is in no earlier reading.
            let is_over = trial.cell.load.patience_ms.is_none();
            findings.extend(settle::end(rig, server, last, is_over, &mut record));
            findings
        }
    };
    if rig.interrupted() {
        return None;
    }
    record.audit = Audit::of(findings);
    record.took_ms = (rig.now() - began).as_millis() as u64;
    Some(record)
}

/// Lets requests wait, and fills the record with what was seen.
fn wait<R: Rig>(rig: &mut R, server: &R::Server, record: &mut Record) -> Vec<Finding> {
    match rig.wait(server, &record.trial.cell) {
        Ok(figures) => {
            record.waiting = Some(figures);
            Vec::new()
        }
        Err(fault) => vec![fault.finding()],
    }
}

/// What was seen of a load, on the rig's clock.
struct Seen {
    start: Duration,
    warm: Duration,
    until: Duration,
    memory_loaded: Memory,
    running: Vec<usize>,
    before: Reading,
    first: CpuGlance,
    half: CpuGlance,
    second: CpuGlance,
    after: Reading,
}

/// Loads a contestant that is ready, and fills the record; returns also what was read last.
fn load<R: Rig>(rig: &mut R, server: &R::Server, record: &mut Record) -> (Vec<Finding>, Option<Reading>) {
    let cell = &record.trial.cell;
    let memory_idle = rig.memory(server);
    let mut generator = match rig.begin(server, cell) {
        Ok(generator) => generator,
        Err(fault) => return (vec![fault.finding()], None),
    };
    let seen = watch(rig, server, &mut generator, record);
    let drive = rig.finish(generator, cell);

    let Seen { start, warm, until, memory_loaded, running, before, first, half, second, after } = seen;
    let readings = Readings { before: &before, first: &first, second: &second, after: &after };
    let answers = drive.as_ref().ok().map(|drive| between(&drive.answers, start, &readings));
    let allotted = if cell.cores.server.is_empty() { rig.cores() } else { cell.cores.server.len() };
    let mut figures = figures::server(&readings, answers, &running, allotted);
    figures.memory_idle = memory_idle;
    figures.memory_loaded = memory_loaded;
    figures.looks_ms = looks_ms(
        &[
            (before.began, before.ended),
            (first.at, first.until),
            (half.at, half.until),
            (second.at, second.until),
        ],
        warm,
        until,
    );
    let machine = figures::machine(&readings, rig.cores());
    let findings = match drive {
        Err(fault) => vec![fault.finding()],
        Ok(drive) => {
            record.pace = drive.beats.iter().map(|core| core.between(warm, until)).collect();
            let answered = |at: Duration| drive.answers.until(at.saturating_sub(start));
            let evidence = audit::Evidence {
                cell,
                load: &drive.figures,
                server: &figures,
                machine: &machine,
                pace: &record.pace,
                glances: [&first, &half, &second],
                threads_end: figures::threads_came_and_went(
                    &before,
                    &after,
                    answers.map_or(0.0, |answers| answers.readings),
                ),
                is_late: second.until > until,
                answered: audit::Answered {
                    between: answered(second.at) - answered(first.at),
                    in_half: answered(second.at) - answered(half.at),
                },
            };
            let findings = audit::findings(&evidence);
            record.load = Some(drive.figures);
            findings
        }
    };
    record.server = Some(figures);
    record.machine = Some(machine);
    (findings, Some(after))
}

/// Observes a load that was begun, until it is over.
fn watch<R: Rig>(rig: &mut R, server: &R::Server, generator: &mut R::Generator, record: &Record) -> Seen {
    let cell = &record.trial.cell;
    let start = rig.now() + START_LEAD;
    let warm_up = Duration::from_millis(cell.load.warm_up_ms);
    let warm = start + warm_up;
    let until = warm + Duration::from_millis(cell.load.duration_ms);
    let sleep_until = |rig: &mut R, instant: Duration| rig.sleep(instant.saturating_sub(rig.now()));
    let is_counted = cell.step.is_counted();
    let mut running = Vec::new();
    // So early that all is read before the window also where that takes long.
    let early = start + warm_up / 4;
    if is_counted {
        sleep_until(rig, early);
    } else {
        running = rig.watch(server, early.saturating_sub(rig.now()));
    }
    // The kernel walks the server's page tables for this, which slows the server down.
    let memory_loaded = if cell.wants_memory() { rig.memory(server) } else { Memory::default() };
    let mut before = Reading::default();
    if !is_counted {
        before = rig.sample(server, Some(generator));
    }
    sleep_until(rig, warm + SAMPLE_LEAD);
    if is_counted {
        before = rig.sample(server, Some(generator));
    }
    let glance = |rig: &mut R, generator: &R::Generator| rig.glance(server, Some(generator), &before);
    let first = if is_counted { before.glance } else { glance(rig, generator) };
    let end = until.saturating_sub(SAMPLE_TAIL);
    let mut pass = |rig: &mut R, time: Duration| match is_counted {
        true => running.extend(rig.watch(server, time)),
        false => rig.sleep(time),
    };
    let left = end.saturating_sub(rig.now());
    pass(rig, left / 2);
    let half = glance(rig, generator);
    let left = end.saturating_sub(rig.now());
    pass(rig, left);
    let (second, after) = if is_counted {
        let after = rig.sample(server, Some(generator));
        rig.await_over(generator, cell);
        (after.glance, after)
    } else {
        let second = glance(rig, generator);
        rig.await_over(generator, cell);
        (second, rig.sample(server, Some(generator)))
    };
    Seen { start, warm, until, memory_loaded, running, before, first, half, second, after }
}

/// Right answers between the glances and between the readings.
fn between(answers: &Answers, start: Duration, readings: &Readings) -> AnswersBetween {
    let until = |at: Duration| answers.until(at.saturating_sub(start));
    AnswersBetween {
        glances: until(readings.second.at) - until(readings.first.at),
        readings: until(readings.after.glance.at) - until(readings.before.glance.at),
    }
}

/// Those parts of `looks` that lie in the window, in milliseconds from its start.
fn looks_ms(looks: &[(Duration, Duration)], warm: Duration, until: Duration) -> Vec<(f64, f64)> {
    let inside = looks.iter().filter(|(from, to)| *to > warm && *from < until);
    let ms = |at: Duration| at.clamp(warm, until).saturating_sub(warm).as_secs_f64() * 1e3;
    inside.map(|(from, to)| (ms(*from), ms(*to))).collect()
}
