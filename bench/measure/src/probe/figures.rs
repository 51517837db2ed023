//! Computes the figures of a window from what was read.
//!
//! CPU time comes from glances at both ends of the window, because rates and costs are told of that time alone. Events
//! (switches, faults, waits) are counted between two readings, of which the first lies before the window and the
//! second after the load: their number per answer is that of the longer time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::limits::BIRTHS_AN_ANSWER;
use crate::probe::counters::CounterSample;
use crate::probe::glance::CpuGlance;
use crate::probe::machine::MachineSample;
use crate::probe::network::NetworkSample;
use crate::probe::process::ThreadCounters;
use crate::probe::quota_group::QuotaSample;
use crate::probe::tree::TreeSample;
use dyno_record::quota::QuotaFigures;
use dyno_record::server::{CpuAccount, MachineFigures, ServerFigures};
use dyno_statistics::parallelism::{shares, tlp};

/// Everything that is read of a cell, in some milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// When it began, on the rig's clock.
    pub began: Duration,
    /// When it was over.
    pub ended: Duration,
    /// CPU time of both sides, at the instant at which the machine's account was read.
    pub glance: CpuGlance,
    /// The contestant's tree.
    pub tree: TreeSample,
    /// The same tree, counted by the kernel.
    pub counters: CounterSample,
    /// The whole machine.
    pub machine: MachineSample,
    /// CPU time of the kernel's threads that work for the load.
    pub kernel_threads: Duration,
    /// The network stack.
    pub network: NetworkSample,
    /// How often a CPU quota has stopped the groups of both sides; absent where there is no quota.
    pub throttled: Option<u64>,
    /// What the quota did that is the subject of the cell.
    pub quota: Option<QuotaSample>,
}

/// What was read of a cell.
#[derive(Debug, Clone, Copy)]
pub struct Readings<'a> {
    /// Before the window.
    pub before: &'a Reading,
    /// At the first end of the window.
    pub first: &'a CpuGlance,
    /// At the second end of the window.
    pub second: &'a CpuGlance,
    /// After the load.
    pub after: &'a Reading,
}

impl Readings<'_> {
    /// The time between the glances.
    pub fn seconds(&self) -> f64 {
        (self.second.at - self.first.at).as_secs_f64()
    }

    /// The time between the readings.
    pub fn span_seconds(&self) -> f64 {
        (self.after.glance.at - self.before.glance.at).as_secs_f64()
    }
}

/// Right answers of a cell, for events that are told per answer.
#[derive(Debug, Clone, Copy)]
pub struct AnswersBetween {
    /// Between the glances.
    pub glances: f64,
    /// Between the readings.
    pub readings: f64,
}

/// What the contestant cost in the window.
///
/// `running` are counts of runnable threads. `answers` are absent where the generator told of none; then events are
/// told by the time in which they were counted.
pub fn server(
    readings: &Readings,
    answers: Option<AnswersBetween>,
    running: &[usize],
    allotted: usize,
) -> ServerFigures {
    let seconds = readings.seconds();
    let (old, new) = (&readings.before.tree, &readings.after.tree);
    // Events go with answers: as many in a second of the window as fall to its answers.
    let per_s = match answers {
        Some(AnswersBetween { glances, readings }) if readings > 0.0 && glances > 0.0 => {
            glances / readings / seconds
        }
        _ => 1.0 / readings.span_seconds().max(1e-9),
    };
    let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 * per_s;
    let cores_used = readings.second.cpu_since(readings.first).as_secs_f64() / seconds;
    let user = new.user_ticks.saturating_sub(old.user_ticks);
    let system = new.system_ticks.saturating_sub(old.system_ticks);
    let threads = old.threads.as_ref().zip(new.threads.as_ref()).and_then(|(old, new)| sum(old, new));
    let counted = |read: fn(&CounterSample) -> Option<u64>| {
        Some(rate(read(&readings.before.counters)?, read(&readings.after.counters)?))
    };
    let switches = counted(|sample| sample.switches);
    let by_group = readings.second.group_since(readings.first).is_some();
    ServerFigures {
        seconds,
        cores_used,
        account: Some(if by_group { CpuAccount::Group } else { CpuAccount::Clocks }),
        system_share: (user + system > 0).then(|| system as f64 / (user + system) as f64),
        cores_allotted: allotted,
        switches_voluntary_per_s: threads.map(|sum| sum.switches_voluntary as f64 * per_s),
        switches_involuntary_per_s: threads.map(|sum| sum.switches_involuntary as f64 * per_s),
        switches_per_s: switches.or_else(|| {
            threads.map(|sum| (sum.switches_voluntary + sum.switches_involuntary) as f64 * per_s)
        }),
        migrations_per_s: counted(|sample| sample.migrations),
        faults_minor_per_s: counted(|sample| sample.faults_minor)
            .or_else(|| Some(rate(old.faults_minor, new.faults_minor))),
        faults_major_per_s: counted(|sample| sample.faults_major)
            .or_else(|| Some(rate(old.faults_major, new.faults_major))),
        system_calls_per_s: counted(|sample| sample.calls),
        instructions_per_s: counted(|sample| sample.instructions),
        cycles_per_s: counted(|sample| sample.cycles),
        run_queue_waiting: threads.and_then(|sum| Some(sum.run_queue_wait_ns? as f64 / 1e9 * per_s)),
        threads: old.thread_count.max(new.thread_count),
        processes: old.process_count.max(new.process_count),
        parallelism: if allotted == 1 {
            // One core runs one thread at a time, so there is nothing to sample.
            (cores_used > 0.0).then_some(1.0)
        } else {
            tlp(&shares(running, allotted))
        },
        quota: quota(readings),
        source: if switches.is_some() { "perf events, /proc" } else { "/proc" }.to_string(),
        ..ServerFigures::default()
    }
}

/// What a quota did between the readings.
fn quota(readings: &Readings) -> Option<QuotaFigures> {
    let (before, after) = (readings.before.quota?, readings.after.quota?);
    Some(QuotaFigures {
        seconds: readings.span_seconds(),
        periods: after.periods.saturating_sub(before.periods),
        throttled_periods: after.throttled_periods.saturating_sub(before.throttled_periods),
        throttled_seconds: after.throttled.saturating_sub(before.throttled).as_secs_f64(),
    })
}

/// Whether threads started or ended between two readings; where there were too many to read, nobody knows. Those that
/// started and ended between them show as births, one or two for each connection and so for many an answer.
pub fn threads_came_and_went(old: &Reading, new: &Reading, answers: f64) -> bool {
    let births = new.machine.births.saturating_sub(old.machine.births);
    if births as f64 > BIRTHS_AN_ANSWER * answers.max(1.0) {
        return true;
    }
    match (&old.tree.threads, &new.tree.threads) {
        (Some(old), Some(new)) => !old.keys().eq(new.keys()),
        _ => true,
    }
}

/// The counters of all threads together; `None` when a thread started or ended in between, because no file then holds
/// what it did, and the sum would be silently wrong.
fn sum(old: &BTreeMap<i32, ThreadCounters>, new: &BTreeMap<i32, ThreadCounters>) -> Option<ThreadCounters> {
    if !old.keys().eq(new.keys()) {
        return None;
    }
    let mut sum = ThreadCounters { run_queue_wait_ns: Some(0), ..ThreadCounters::default() };
    for (thread, after) in new {
        let before = old.get(thread)?;
        sum.switches_voluntary += after.switches_voluntary.saturating_sub(before.switches_voluntary);
        sum.switches_involuntary += after.switches_involuntary.saturating_sub(before.switches_involuntary);
        let waited = after.run_queue_wait_ns.zip(before.run_queue_wait_ns);
        sum.run_queue_wait_ns = sum
            .run_queue_wait_ns
            .zip(waited)
            .map(|(sum, (after, before))| sum + after.saturating_sub(before));
    }
    Some(sum)
}

/// What the whole machine did. The account of the machine is too coarse for a window, so what others used is told of
/// the time between the readings, and added to what both sides used between the glances.
pub fn machine(readings: &Readings, cores: usize) -> MachineFigures {
    let (before, after) = (readings.before, readings.after);
    let span_seconds = readings.span_seconds().max(1e-9);
    let of_span = |time: Duration| time.as_secs_f64() / span_seconds;
    let known = of_span(after.glance.cpu_since(&before.glance))
        + of_span(after.glance.generator.saturating_sub(before.glance.generator))
        + of_span(after.glance.own.saturating_sub(before.glance.own));
    let busy = of_span(after.machine.busy.saturating_sub(before.machine.busy));
    let kernel_threads = of_span(after.kernel_threads.saturating_sub(before.kernel_threads));
    let generator = readings.second.generator.saturating_sub(readings.first.generator);
    let sides = (readings.second.cpu_since(readings.first) + generator).as_secs_f64() / readings.seconds();
    let all = after.machine.all.saturating_sub(before.machine.all).as_secs_f64();
    let steal = after.machine.steal.saturating_sub(before.machine.steal).as_secs_f64();
    let counted = |before: Option<u64>, after: Option<u64>| Some(after?.saturating_sub(before?));
    MachineFigures {
        cores_used: (sides + busy - known).max(0.0),
        others_cores_used: (busy - known - kernel_threads).max(0.0),
        kernel_threads_cores_used: Some(kernel_threads),
        observed_seconds: Some(span_seconds),
        steal_share: if all > 0.0 { steal / all } else { 0.0 },
        cores,
        listen_overflows: counted(before.network.listen_overflows, after.network.listen_overflows),
        retransmissions: counted(before.network.retransmissions, after.network.retransmissions),
        throttled: counted(before.throttled, after.throttled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn at(at_ms: u64, cpu_ms: u64, threads: &[(i32, u64)]) -> Reading {
        let threads = threads
            .iter()
            .map(|(thread, switches)| {
                (*thread, ThreadCounters { switches_voluntary: *switches, ..ThreadCounters::default() })
            })
            .collect();
        Reading {
            glance: CpuGlance { at: ms(at_ms), clocks: ms(cpu_ms), ..CpuGlance::default() },
            tree: TreeSample { threads: Some(threads), ..TreeSample::default() },
            ..Reading::default()
        }
    }

    fn figures(before: &Reading, after: &Reading, answers: Option<AnswersBetween>) -> ServerFigures {
        let readings = Readings { before, first: &before.glance, second: &after.glance, after };
        server(&readings, answers, &[], 1)
    }

    #[test]
    fn rates_are_differences_over_the_window() {
        let figures = figures(&at(1_000, 100, &[(7, 10)]), &at(3_000, 1_100, &[(7, 210)]), None);
        assert_eq!(figures.seconds, 2.0);
        assert_eq!((figures.cores_used, figures.account), (0.5, Some(CpuAccount::Clocks)));
        assert_eq!(figures.switches_voluntary_per_s, Some(100.0));
        assert_eq!(figures.parallelism, Some(1.0));
    }

    #[test]
    fn events_are_told_by_the_answers_of_the_longer_time() {
        let (before, after) = (at(1_000, 0, &[(7, 0)]), at(3_000, 0, &[(7, 1_500)]));
        let glance =
            |at_ms, clocks_ms| CpuGlance { at: ms(at_ms), clocks: ms(clocks_ms), ..CpuGlance::default() };
        let (first, second) = (glance(1_500, 400), glance(2_500, 1_300));
        let readings = Readings { before: &before, first: &first, second: &second, after: &after };
        // Of 1,500 answers in all, 1,000 came in the second between the glances: so many switches fell to it.
        let answers = AnswersBetween { glances: 1_000.0, readings: 1_500.0 };
        let figures = server(&readings, Some(answers), &[], 1);
        assert_eq!((figures.cores_used, figures.switches_per_s), (0.9, Some(1_000.0)));
        // Where nothing was answered there are events all the same.
        let none = AnswersBetween { glances: 0.0, readings: 0.0 };
        assert_eq!(server(&readings, Some(none), &[], 1).switches_per_s, Some(750.0));
    }

    #[test]
    fn what_a_thread_that_is_gone_did_is_not_available() {
        let figures = figures(&at(1_000, 100, &[(7, 10), (8, 4)]), &at(3_000, 1_100, &[(7, 210)]), None);
        assert_eq!(figures.switches_voluntary_per_s, None);
        assert_eq!(figures.run_queue_waiting, None);
    }

    #[test]
    fn threads_that_came_and_went_between_two_looks_show_as_births() {
        let (before, mut after) = (at(1_000, 0, &[(7, 1)]), at(2_000, 0, &[(7, 2)]));
        assert!(!threads_came_and_went(&before, &after, 1_000.0));
        after.machine.births = 90;
        assert!(!threads_came_and_went(&before, &after, 1_000.0), "others start processes, too");
        after.machine.births = 1_000;
        assert!(threads_came_and_went(&before, &after, 1_000.0));
        assert!(threads_came_and_went(&before, &at(2_000, 0, &[(8, 2)]), 1_000.0));
    }

    #[test]
    fn the_machine_has_both_sides_strangers_and_threads_of_the_kernel() {
        let (mut before, mut after) = (at(1_000, 0, &[]), at(2_000, 500, &[]));
        after.glance.generator = ms(300);
        after.glance.own = ms(10);
        (before.machine.busy, after.machine.busy) = (ms(5_000), ms(6_000));
        after.kernel_threads = ms(150);
        let readings =
            Readings { before: &before, first: &before.glance, second: &after.glance, after: &after };
        let figures = machine(&readings, 2);
        let is = |value: f64, wanted: f64| assert!((value - wanted).abs() < 1e-9, "{value} {wanted}");
        is(figures.cores_used, 0.99);
        is(figures.kernel_threads_cores_used.unwrap(), 0.15);
        is(figures.others_cores_used, 0.04);
    }
}
