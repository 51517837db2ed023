//! Laws of CPU time: two accounts of it agree, and it goes with the requests.

use std::time::Duration;

use super::{Evidence, apart, finding, period_share};
use crate::limits::{
    DRIFT_NOTED, DRIFT_VOID, ENDED_THREADS_SHARE, ENDING_CPU, ENDING_CPU_EACH, MACHINE_TICK, RATE_TOLERANCE,
    UTILIZATION_TOLERANCE,
};
use crate::probe::figures::Reading;
use crate::probe::glance::CpuGlance;
use dyno_record::audit::{Finding, Law};
use dyno_units::verdict::Verdict;

/// CPU time by the account of the contestant's control group, and by the clocks of its processes. The first counts
/// whoever was ever started, and the second those that were found: a process that is not found, or one that is
/// somebody else's, is seen as their difference.
pub(super) fn utilization_law(evidence: &Evidence) -> Option<Finding> {
    let [first, _, second] = evidence.glances;
    let group = second.group_since(first)?.as_secs_f64();
    let (least, most) = second.clocks_about(first);
    let coarse = coarse_s(second);
    let clocks = second.clocks_since(first).as_secs_f64();
    let too_much = least.as_secs_f64() - group > UTILIZATION_TOLERANCE * clocks + coarse;
    // A thread that ends takes out of the clocks what it has used since it was last put on its core.
    let forgotten = if evidence.threads_end { ENDED_THREADS_SHARE } else { 0.0 };
    let too_little = group - most.as_secs_f64() > (UTILIZATION_TOLERANCE + forgotten) * group + coarse;
    if !too_much && !too_little {
        return None;
    }
    disagree("its control group", group, "the clocks of its processes", clocks)
}

/// CPU time of the contestant's whole life, told when it has ended, and what was `last` read of it before. The first
/// may be larger by what its end took. It holds processes that were waited for alone: where there were others, it may
/// be smaller.
pub(crate) fn whole_life(last: &Reading, life: Duration) -> Option<Finding> {
    let (tree, seen) = (&last.tree, last.glance.clocks);
    let (seen, life) = (seen.as_secs_f64(), life.as_secs_f64());
    let each = ENDING_CPU_EACH * (tree.thread_count + tree.process_count);
    let coarse = coarse_s(&last.glance);
    let ending = (ENDING_CPU + each).as_secs_f64() + coarse;
    let too_much = life > seen + ending + UTILIZATION_TOLERANCE * life;
    let is_alone = tree.process_count == 1 && last.glance.children.is_zero();
    let too_little = is_alone && life + coarse < seen * (1.0 - UTILIZATION_TOLERANCE);
    if !too_much && !too_little {
        return None;
    }
    disagree("the end of its first process", life, "what was read before", seen)
}

/// By how much clocks may be off, in seconds: the time of children that have ended is known in ticks, of which user and
/// system time have an end each; and of those that live, some are not known yet.
fn coarse_s(glance: &CpuGlance) -> f64 {
    if glance.children.is_zero() { 0.0 } else { 2.0 * MACHINE_TICK }
}

fn disagree(one: &str, one_s: f64, other: &str, other_s: f64) -> Option<Finding> {
    finding(
        Law::UtilizationLaw,
        Verdict::Void,
        format!(
            "two accounts of the server's CPU disagree: {:.1} ms by {one}, {:.1} ms by {other}",
            one_s * 1e3,
            other_s * 1e3
        ),
    )
}

/// CPU per request is computed from the time between the glances, and the rate is that of the generator's window. As
/// long as the rate is the same in both, their product is the CPU used.
pub(super) fn rate_even(evidence: &Evidence) -> Option<Finding> {
    if evidence.is_late {
        let words = "the clocks were not read in time: CPU was counted beyond the window";
        return finding(Law::RateEven, Verdict::Void, words.into());
    }
    let between = evidence.answered.between;
    // Where clients give up, most of the work is for others than those that were answered.
    if between <= 0.0 || evidence.cell.load.patience_ms.is_some() {
        return None;
    }
    let (seen_per_s, whole_per_s) = (between / evidence.server.seconds, evidence.load.rate_per_s);
    let off = apart(seen_per_s, whole_per_s);
    // The ends of the window lie outside the glances, and how many answers fall there is chance: two standard errors
    // are allowed for it.
    let outside = 1.0 - (evidence.server.seconds / evidence.load.seconds).min(1.0);
    let chance = 2.0 * (outside / between).sqrt();
    if off <= RATE_TOLERANCE + chance + period_share(evidence) {
        return None;
    }
    finding(
        Law::RateEven,
        Verdict::Void,
        format!(
            "{seen_per_s:.0} answers a second while CPU was counted, {whole_per_s:.0} in the whole window ({:.1} % apart)",
            off * 100.0
        ),
    )
}

/// CPU per request in the second half of the time is the same as in all of it, as long as the work is caused by
/// requests, and not by the clock or by something that began meanwhile.
pub(super) fn cost_even(evidence: &Evidence) -> Option<Finding> {
    let [first, half, second] = evidence.glances;
    let super::Answered { between, in_half } = evidence.answered;
    // Where the rate changes by plan, the cost of a request changes with it.
    let load = &evidence.cell.load;
    if between <= 0.0 || in_half <= 0.0 || !load.steps.is_empty() || load.patience_ms.is_some() {
        return None;
    }
    let in_half_s = second.cpu_since(half).as_secs_f64();
    let (later, all) = (in_half_s / in_half, second.cpu_since(first).as_secs_f64() / between);
    let drift = apart(later, all);
    // Requests differ in what they cost, and clocks know the CPU time of children that have ended in ticks.
    let coarse = if second.group.is_none() { coarse_s(second) / 2.0 / in_half_s } else { 0.0 };
    let beyond = drift - coarse - 1.0 / in_half.sqrt() - period_share(evidence);
    if beyond <= DRIFT_NOTED {
        return None;
    }
    let verdict = if beyond > DRIFT_VOID { Verdict::Void } else { Verdict::Doubtful };
    finding(
        Law::CostEven,
        verdict,
        format!(
            "a request took {:.1} µs of CPU in the second half, {:.1} µs in all: work did not go with requests",
            later * 1e6,
            all * 1e6
        ),
    )
}
