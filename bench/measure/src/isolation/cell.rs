//! One cell: a fresh server, the watch, and what follows from it.

use std::cell::Cell as Slot;
use std::time::Duration;

use dyno_record::audit::{Audit, Finding};
use dyno_record::cell::Trial;
use dyno_record::isolation::{CulpritEnd, IsolationFigures, PlantedFault, ProcessFates};
use dyno_record::measured::Record;
use dyno_units::verdict::Verdict;

use super::judge::{self, ServerFacts};
use super::processes::has_one_each;
use super::watch::{WatchPlan, WatchSeen, watch};
use crate::limits::KEPT_BYTES;
use crate::rig::process::Running;
use crate::rig::system::{System, interrupted};
use crate::rig::{CellFault, Rig};

/// Measures one cell with a fresh server, which is ended whatever becomes of it.
///
/// # Returns
/// `None` when the user interrupted it: an incomplete cell is no measurement.
pub(super) fn measure(rig: &mut System, trial: &Trial, turn: u64, machine_id: &str) -> Option<Record> {
    let began = rig.now();
    let mut record = Record { turn, began_unix_ms: rig.unix_ms(), ..Record::new(trial.clone(), machine_id) };
    let findings = match rig.start(&trial.cell) {
        Ok(server) => plant(rig, server, &mut record),
        Err(fault) => Err(fault),
    };
    if rig.interrupted() {
        return None;
    }
    record.audit = Audit::of(findings.unwrap_or_else(|CellFault { law, words }| {
        vec![Finding { law, verdict: Verdict::Void, latency: Verdict::Sound, words }]
    }));
    record.took_ms = (rig.now() - began).as_millis() as u64;
    Some(record)
}

fn plant(rig: &mut System, server: Running, record: &mut Record) -> Result<Vec<Finding>, CellFault> {
    let cell = &record.trial.cell;
    let fault = cell.load.fault.unwrap_or(PlantedFault::Control);
    let plan = WatchPlan {
        address: server.address,
        first: server.pid(),
        fault,
        warm_up: Duration::from_millis(cell.load.warm_up_ms),
        time: Duration::from_millis(cell.load.duration_ms),
    };
    // To read memory takes some milliseconds, in which no victim is served; so it is read where it is the result.
    let before = Slot::new(None);
    let own_bytes = |rig: &mut System, server: &Running| rig.memory(server).anonymous_bytes;
    let seen = watch(plan, &interrupted, || {
        if fault == PlantedFault::Leak {
            before.set(own_bytes(rig, &server));
        }
    });
    let kept_bytes = before.get().and_then(|before| Some(own_bytes(rig, &server)?.saturating_sub(before)));
    // What is left of it: its children are looked at before they are ended with it.
    let one_each = has_one_each(&cell.contestant);
    let processes = seen.as_ref().ok().map(|seen| seen.processes.fates(seen.window.fault, one_each));
    let first_ended = server.end_now();
    let (seen, mut processes) = (seen?, processes.unwrap_or_default());
    processes.first_ended = first_ended;
    let lives = processes.first_ended.is_none();
    if !lives {
        processes.replaced_ns = None;
    }
    let findings =
        judge::findings(seen.victims(), seen.window, fault, seen.culprit, processes.culprits_ended);
    record.isolation = Some(figures(&seen, processes, kept_bytes, one_each, lives));
    Ok(findings)
}

fn figures(
    seen: &WatchSeen,
    processes: ProcessFates,
    kept_bytes: Option<u64>,
    one_each: bool,
    lives: bool,
) -> IsolationFigures {
    let window = seen.window;
    let tries = judge::tries(seen.victims(), window);
    let ns = |time: Duration| time.as_nanos() as u64;
    let facts = ServerFacts {
        lives,
        culprits_ended: processes.culprits_ended,
        is_replaced: processes.replaced_ns.is_some(),
        one_each,
        serves: judge::serves(&tries),
        is_occupied: seen.culprit == CulpritEnd::Silent,
        keeps_memory: kept_bytes.is_some_and(|bytes| bytes >= KEPT_BYTES),
    };
    let [before, after] = judge::longest(seen.victims(), window);
    IsolationFigures {
        running: judge::fates(seen.running.iter(), window),
        idle: judge::fates(seen.idle.iter(), window),
        new: judge::fates(seen.new.iter(), window),
        longest_before_ns: ns(before),
        longest_after_ns: ns(after),
        served_again_ns: judge::served_again(&tries, window).map(ns),
        culprit: seen.culprit,
        mending: judge::mending(facts),
        processes,
        kept_bytes,
        watched_ns: ns(window.end - window.fault),
    }
}
