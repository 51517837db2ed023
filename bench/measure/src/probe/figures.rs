//! Computes the figures of a window from two samples.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::probe::counters::CounterSample;
use crate::probe::machine::MachineSample;
use crate::probe::network::NetworkSample;
use crate::probe::process::ThreadCounters;
use crate::probe::tree::TreeSample;
use dyno_record::server::{MachineFigures, ServerFigures};
use dyno_statistics::parallelism::{shares, tlp};

/// Everything that is sampled at one instant.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// When, on the monotonic clock.
    pub at: Duration,
    /// The contestant's tree.
    pub tree: TreeSample,
    /// The same tree, counted by the kernel.
    pub counters: CounterSample,
    /// The whole machine.
    pub machine: MachineSample,
    /// The network stack.
    pub network: NetworkSample,
    /// How often a CPU quota has stopped the groups of both sides; absent where there is no quota.
    pub throttled: Option<u64>,
    /// CPU of the generator.
    pub generator_cpu: Duration,
    /// CPU of this program.
    pub own_cpu: Duration,
}

/// What the contestant cost between two samples.
///
/// `running` are counts of runnable threads seen in between.
pub fn server(before: &Reading, after: &Reading, running: &[usize], allotted: usize) -> ServerFigures {
    let seconds = (after.at - before.at).as_secs_f64();
    let rate = |before: u64, after: u64| after.saturating_sub(before) as f64 / seconds;
    let (old, new) = (&before.tree, &after.tree);
    let cores_used = new.cpu.saturating_sub(old.cpu).as_secs_f64() / seconds;
    let user = new.user_ticks.saturating_sub(old.user_ticks);
    let system = new.system_ticks.saturating_sub(old.system_ticks);
    let threads = old.threads.as_ref().zip(new.threads.as_ref()).and_then(|(old, new)| sum(old, new));
    let counted = |read: fn(&CounterSample) -> Option<u64>| {
        Some(read(&after.counters)?.saturating_sub(read(&before.counters)?) as f64 / seconds)
    };
    let switches = counted(|sample| sample.switches);
    ServerFigures {
        seconds,
        cores_used,
        system_share: (user + system > 0).then(|| system as f64 / (user + system) as f64),
        cores_allotted: allotted,
        switches_voluntary_per_s: threads.map(|sum| sum.switches_voluntary as f64 / seconds),
        switches_involuntary_per_s: threads.map(|sum| sum.switches_involuntary as f64 / seconds),
        switches_per_s: switches.or_else(|| {
            threads.map(|sum| (sum.switches_voluntary + sum.switches_involuntary) as f64 / seconds)
        }),
        migrations_per_s: counted(|sample| sample.migrations),
        faults_minor_per_s: counted(|sample| sample.faults_minor)
            .or_else(|| Some(rate(old.faults_minor, new.faults_minor))),
        faults_major_per_s: counted(|sample| sample.faults_major)
            .or_else(|| Some(rate(old.faults_major, new.faults_major))),
        system_calls_per_s: counted(|sample| sample.calls),
        instructions_per_s: counted(|sample| sample.instructions),
        cycles_per_s: counted(|sample| sample.cycles),
        run_queue_waiting: threads.and_then(|sum| Some(sum.run_queue_wait_ns? as f64 / 1e9 / seconds)),
        threads: old.thread_count.max(new.thread_count),
        processes: old.process_count.max(new.process_count),
        parallelism: if allotted == 1 {
            // One core runs one thread at a time, so there is nothing to sample.
            (cores_used > 0.0).then_some(1.0)
        } else {
            tlp(&shares(running, allotted))
        },
        source: if switches.is_some() { "perf events, /proc" } else { "/proc" }.to_string(),
        ..ServerFigures::default()
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

/// What the whole machine did between two samples.
pub fn machine(before: &Reading, after: &Reading, cores: usize) -> MachineFigures {
    let seconds = (after.at - before.at).as_secs_f64();
    let used = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64() / seconds;
    let cores_used = used(before.machine.busy, after.machine.busy);
    let known = used(before.tree.cpu, after.tree.cpu)
        + used(before.generator_cpu, after.generator_cpu)
        + used(before.own_cpu, after.own_cpu);
    let all = after.machine.all.saturating_sub(before.machine.all).as_secs_f64();
    let steal = after.machine.steal.saturating_sub(before.machine.steal).as_secs_f64();
    let counted = |before: Option<u64>, after: Option<u64>| Some(after?.saturating_sub(before?));
    MachineFigures {
        cores_used,
        others_cores_used: (cores_used - known).max(0.0),
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

    fn at(seconds: u64, cpu_ms: u64, threads: &[(i32, u64)]) -> Reading {
        let threads = threads
            .iter()
            .map(|(thread, switches)| {
                (*thread, ThreadCounters { switches_voluntary: *switches, ..ThreadCounters::default() })
            })
            .collect();
        Reading {
            at: Duration::from_secs(seconds),
            tree: TreeSample {
                cpu: Duration::from_millis(cpu_ms),
                threads: Some(threads),
                ..TreeSample::default()
            },
            ..Reading::default()
        }
    }

    #[test]
    fn rates_are_differences_over_the_window() {
        let figures = server(&at(1, 100, &[(7, 10)]), &at(3, 1100, &[(7, 210)]), &[], 1);
        assert_eq!(figures.seconds, 2.0);
        assert_eq!(figures.cores_used, 0.5);
        assert_eq!(figures.switches_voluntary_per_s, Some(100.0));
        assert_eq!(figures.parallelism, Some(1.0));
    }

    #[test]
    fn what_a_thread_that_is_gone_did_is_not_available() {
        let figures = server(&at(1, 100, &[(7, 10), (8, 4)]), &at(3, 1100, &[(7, 210)]), &[], 1);
        assert_eq!(figures.switches_voluntary_per_s, None);
        assert_eq!(figures.run_queue_waiting, None);
    }
}
