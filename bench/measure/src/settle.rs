//! A last look at a contestant's clocks, when it has come to rest.
//!
//! When the load is over, a server may still work: it has read requests whose clients are gone by now, and thousands of
//! connections that end at once cost it as much as that many requests. Its last reading was made before, and the
//! account of its whole life is told after; between the two is CPU time that both are right about.

use crate::limits::{REST_LIMIT, REST_LOOK, REST_SHARE};
use crate::probe::figures::Reading;
use crate::rig::Rig;

/// The reading `last` with the clocks of the moment at which the contestant has nothing more to do, or of the end of
/// the time that it has for that.
pub(crate) fn settled<R: Rig>(rig: &mut R, server: &R::Server, last: Reading) -> Reading {
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
