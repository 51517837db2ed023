//! Two contestants on the same cores at the same time, one generator, and bursts that take turns.
//!
//! ```text
//! A          start ────────────────────────────────────────────────────────────── stop
//! B              start ────────────────────────────────────────────────────────── stop
//! generator             open ┬ group ┬ group ┬ ... ┬ group ┬ ... ┬ group ┬ end
//! readings               both│       │       │     │       │     │       │both
//! glances                    0       1       2   warm     half   n       │
//! ```
//!
//! A group is A B B A some times over, or B A A B, in bursts of a millisecond. Between groups nothing is under way, and
//! the CPU clocks of both are read: what each has used since the last glance belongs to answers whose number is known.
//! Both were measured in the same fifty milliseconds on the same core, so whatever the machine did meanwhile meets
//! both, and their ratio scatters far less than that of cells that stand one behind the other.

use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::Trial;
use dyno_record::measured::Record;
use dyno_units::verdict::Verdict;

use crate::probe::figures::Reading;
use crate::rig::bout::{DuelRig, SIDES, Toss};
use crate::settle;

mod judge;

/// Measures two contestants in turn, both fresh. What makes one void makes the pair void: a ratio needs both.
///
/// # Returns
/// `None` when the user interrupted it.
pub(crate) fn measure<R: DuelRig>(
    rig: &mut R,
    pair: &[Trial; SIDES],
    toss: Toss,
    turn: u64,
    machine_id: &str,
) -> Option<[Record; SIDES]> {
    let began = rig.now();
    let began_unix_ms = rig.unix_ms();
    let fresh = |place: usize| Record {
        turn: turn + place as u64,
        began_unix_ms,
        ..Record::new(pair[place].clone(), machine_id)
    };
    let mut records = [0, 1].map(fresh);
    let findings = both(rig, pair, toss, &mut records);
    if rig.interrupted() {
        return None;
    }
    let took_ms = (rig.now() - began).as_millis() as u64;
    let is_void = |findings: &[Finding]| findings.iter().any(|one| one.verdict == Verdict::Void);
    let voids = [is_void(&findings[0]), is_void(&findings[1])];
    for (place, (record, mut findings)) in records.iter_mut().zip(findings).enumerate() {
        if voids[1 - place] && !voids[place] {
            findings.push(other_is_void(&pair[1 - place].cell.contestant));
        }
        record.audit = Audit::of(findings);
        record.took_ms = took_ms;
    }
    Some(records)
}

/// Starts both, loads both, ends both, and fills their records; gives the findings on each.
fn both<R: DuelRig>(
    rig: &mut R,
    pair: &[Trial; SIDES],
    toss: Toss,
    records: &mut [Record; SIDES],
) -> [Vec<Finding>; SIDES] {
    let mut findings: [Vec<Finding>; SIDES] = Default::default();
    let mut servers: [Option<R::Server>; SIDES] = [None, None];
    let order = if toss.b_starts_first { [1, 0] } else { [0, 1] };
    for place in order {
        match rig.start(&pair[place].cell) {
            Ok(server) => servers[place] = Some(server),
            Err(fault) => findings[place].push(fault.finding()),
        }
    }
    let mut last: [Option<Reading>; SIDES] = [None, None];
    if let [Some(one), Some(other)] = &servers {
        match rig.bout([one, other], [&pair[0].cell, &pair[1].cell], toss) {
            Err(fault) => findings.iter_mut().for_each(|of| of.push(fault.clone().finding())),
            Ok(bout) => {
                let cores = rig.cores();
                for place in 0..SIDES {
                    findings[place].extend(judge::fill(&bout, place, cores, &mut records[place]));
                }
                last = bout.sides.map(|side| Some(side.after));
            }
        }
    }
    for (place, server) in servers.into_iter().enumerate() {
        let Some(server) = server else { continue };
        findings[place].extend(settle::end(rig, server, last[place].take(), true, &mut records[place]));
    }
    findings
}

fn other_is_void(label: &str) -> Finding {
    let words = format!("{label} is void, and a ratio needs both");
    Finding { law: Law::PartnerCounts, verdict: Verdict::Void, latency: Verdict::Sound, words }
}
