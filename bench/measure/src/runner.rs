//! How one cell is measured: the steps in their order.
//!
//! ```text
//! contestant  start ──────────────────────────────────────────────────────────── stop
//! generator           begin ── warm-up ──┬───────── measured window ──────┬─ end
//! samples        idle           memory   first        half      second
//! ```
//!
//! The generator reports when its connections are open and its clock starts, so both sides know the same window. The
//! first and the second sample lie inside it; the costs of opening and closing connections lie outside of all samples
//! but the idle one.

use std::time::Duration;

use crate::audit;
use crate::limits::{SAMPLE_LEAD, SAMPLE_TAIL, START_LEAD};
use crate::probe::figures;
use crate::probe::machine::cores;
use crate::rig::{CellFault, Rig};
use dyno_record::audit::{Audit, Finding};
use dyno_record::cell::Trial;
use dyno_record::measured::Record;
use dyno_record::server::Memory;
use dyno_units::verdict::Verdict;

/// Measures one cell with a fresh contestant. Any failure of contestant or generator makes the cell void.
///
/// # Returns
/// `None` when the user interrupted it: an incomplete cell is no measurement.
pub(crate) fn measure<R: Rig>(rig: &mut R, trial: &Trial, turn: u64, machine_id: &str) -> Option<Record> {
    let began = rig.now();
    let mut record = Record { turn, began_unix_ms: rig.unix_ms(), ..Record::new(trial.clone(), machine_id) };
    let findings = match rig.start(&trial.cell) {
        Err(fault) => vec![void(fault)],
        Ok(server) => {
            let mut findings = load(rig, &server, &mut record);
            match rig.stop(server) {
                Ok(farewell) => {
                    findings.extend(farewell.crew.and_then(audit::whole_crew));
                    if let Some(figures) = &mut record.server {
                        figures.spread = farewell.requests_by_worker;
                    }
                }
                Err(fault) => findings.push(void(fault)),
            }
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

/// Loads a contestant that is ready, and fills the record.
fn load<R: Rig>(rig: &mut R, server: &R::Server, record: &mut Record) -> Vec<Finding> {
    let cell = &record.trial.cell;
    let memory_idle = rig.memory(server);
    let generator = match rig.begin(server, cell) {
        Ok(generator) => generator,
        Err(fault) => return vec![void(fault)],
    };
    let start = rig.now() + START_LEAD;
    let warm_up = Duration::from_millis(cell.load.warm_up_ms);
    let warm = start + warm_up;
    rig.sleep((start + warm_up / 2).saturating_sub(rig.now()));
    // The kernel walks the server's page tables for this, which slows the server down, so it must be over before the
    // window begins.
    let memory_loaded = if cell.wants_memory() { rig.memory(server) } else { Memory::default() };
    rig.sleep((warm + SAMPLE_LEAD).saturating_sub(rig.now()));
    let first = rig.sample(server, Some(&generator));
    let end = warm + Duration::from_millis(cell.load.duration_ms).saturating_sub(SAMPLE_TAIL);
    let left = |rig: &R| end.saturating_sub(rig.now());
    let mut running = rig.watch(server, left(rig) / 2);
    let (cpu_at_half, half) = rig.cpu(server, &first);
    running.extend(rig.watch(server, left(rig)));
    let second = rig.sample(server, Some(&generator));
    let drive = rig.finish(generator, cell);

    let allotted = if cell.cores.server.is_empty() { cores() } else { cell.cores.server.len() };
    let mut figures = figures::server(&first, &second, &running, allotted);
    figures.memory_idle = memory_idle;
    figures.memory_loaded = memory_loaded;
    let machine = figures::machine(&first, &second, cores());
    let findings = match drive {
        Err(fault) => vec![void(fault)],
        Ok(drive) => {
            let until = warm + Duration::from_millis(cell.load.duration_ms);
            record.pace = drive.beats.iter().map(|core| core.between(warm, until)).collect();
            let answered = |at: Duration| drive.answers.until(at.saturating_sub(start));
            let evidence = audit::Evidence {
                cell,
                load: &drive.figures,
                server: &figures,
                machine: &machine,
                pace: &record.pace,
                cpu_in_half: second.tree.cpu.saturating_sub(cpu_at_half),
                answered: audit::Answered {
                    between: answered(second.at) - answered(first.at),
                    in_half: answered(second.at) - answered(half),
                },
            };
            let findings = audit::findings(&evidence);
            record.load = Some(drive.figures);
            findings
        }
    };
    record.server = Some(figures);
    record.machine = Some(machine);
    findings
}

fn void(fault: CellFault) -> Finding {
    Finding { law: fault.law, verdict: Verdict::Void, latency: Verdict::Sound, words: fault.words }
}
