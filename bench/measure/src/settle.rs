//! The end of a contestant, and a last look at its clocks, when it has come to rest.
//!
//! When the load is over, a server may still work: it has read requests whose clients are gone by now, and thousands of
//! connections that end at once cost it as much as that many requests. Its last reading was made before, and the
//! account of its whole life is told after; between the two is CPU time that both are right about.

use crate::audit;
use crate::limits::{REST_LIMIT, REST_LOOK, REST_SHARE};
use crate::probe::figures::Reading;
use crate::rig::Rig;
use dyno_record::audit::Finding;
use dyno_record::measured::Record;

/// Ends a contestant of which `last` was read last, or nothing; with `lives`, the account of its whole life is held
/// against that. Fills the record, and gives the findings.
pub(crate) fn end<R: Rig>(
    rig: &mut R,
    server: R::Server,
    last: Option<Reading>,
    lives: bool,
    record: &mut Record,
) -> Vec<Finding> {
    let last = last.map(|last| settled(rig, &server, last));
    let farewell = match rig.stop(server) {
        Ok(farewell) => farewell,
        Err(fault) => return vec![fault.finding()],
    };
    let mut findings: Vec<Finding> = farewell.crew.and_then(audit::whole_crew).into_iter().collect();
    let lives = last.as_ref().zip(farewell.cpu_whole_life).filter(|_| lives);
    findings.extend(lives.and_then(|(last, life)| audit::cpu::whole_life(last, life)));
    if let Some(figures) = &mut record.server {
        figures.spread = farewell.requests_by_worker;
    }
    findings
}

/// The reading `last` with the clocks of the moment at which the contestant has nothing more to do, or of the end of
/// the time that it has for that.
fn settled<R: Rig>(rig: &mut R, server: &R::Server, last: Reading) -> Reading {
    let deadline = rig.now() + REST_LIMIT;
    let mut last = last;
    loop {
        let glance = rig.glance(server, None, &last);
        let (used, passed) = (glance.clocks.saturating_sub(last.glance.clocks), glance.at - last.glance.at);
        let rests = passed >= REST_LOOK && used <= passed.mul_f64(REST_SHARE);
        last.glance = glance;
        if rests || rig.now() >= deadline {
            return last;
        }
        rig.sleep(REST_LOOK);
    }
}
