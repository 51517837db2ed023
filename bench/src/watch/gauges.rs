//! What a server uses, looked at now and then while it is watched.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dyno_measure::probe::process::ThreadCounters;
use dyno_measure::probe::{glance, memory, tree};
use procfs::net::TcpState;
use serde::Serialize;

/// The latest figures of a server; what is absent cannot be read here, or not yet.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Gauges {
    /// Cores that it keeps busy.
    pub(crate) cpu_cores: Option<f64>,
    /// Context switches a second because a thread waited, and because the scheduler wanted so.
    pub(crate) switches_per_s: Option<[f64; 2]>,
    /// Memory that it occupies, shared pages by their share.
    pub(crate) memory_bytes: Option<u64>,
    pub(crate) processes: u32,
    pub(crate) threads: u32,
    /// Connections that nobody has accepted yet.
    pub(crate) accept_queue: Option<u32>,
}

/// Reads the gauges of a process tree.
#[derive(Debug)]
pub(crate) struct TreeMeter {
    root: i32,
    /// What was read last.
    before: Option<Reading>,
}

#[derive(Debug)]
struct Reading {
    at: Instant,
    cpu: Duration,
    threads: Option<BTreeMap<i32, ThreadCounters>>,
}

impl TreeMeter {
    /// Of the tree below a process.
    pub(crate) fn of(root: i32) -> Self {
        TreeMeter { root, before: None }
    }

    /// CPU time and context switches since the last look, and how many serve.
    pub(crate) fn look(&mut self, gauges: &mut Gauges) {
        let sample = tree::sample(self.root, None);
        let (own, children) = glance::clocks(&sample.members);
        let now = Reading { at: Instant::now(), cpu: own + children, threads: sample.threads };
        (gauges.processes, gauges.threads) = (sample.process_count, sample.thread_count);
        if let Some(before) = &self.before {
            let seconds = now.at.duration_since(before.at).as_secs_f64().max(1e-3);
            gauges.cpu_cores = Some(now.cpu.saturating_sub(before.cpu).as_secs_f64() / seconds);
            gauges.switches_per_s = match (&before.threads, &now.threads) {
                (Some(before), Some(now)) => Some(switches(before, now).map(|count| count as f64 / seconds)),
                _ => None,
            };
        }
        self.before = Some(now);
    }

    /// The memory, for which the kernel walks the page tables.
    pub(crate) fn weigh(&self, gauges: &mut Gauges) {
        gauges.memory_bytes = memory::sample(self.root, None).pss_bytes;
    }
}

/// Switches between two looks. Those of a thread that has ended meanwhile are known to nobody.
fn switches(before: &BTreeMap<i32, ThreadCounters>, now: &BTreeMap<i32, ThreadCounters>) -> [u64; 2] {
    let mut sum = [0; 2];
    for (thread, now) in now {
        let before = before.get(thread).copied().unwrap_or_default();
        sum[0] += now.switches_voluntary.saturating_sub(before.switches_voluntary);
        sum[1] += now.switches_involuntary.saturating_sub(before.switches_involuntary);
    }
    sum
}

/// Connections in the accept queues of the listeners at an address, which the kernel tells where it tells of bytes that
/// wait elsewhere; `None`: it does not tell.
pub(crate) fn accept_queue(address: &SocketAddr) -> Option<u32> {
    let all = procfs::net::tcp().ok()?;
    let listeners = all.iter().filter(|one| one.state == TcpState::Listen && one.local_address == *address);
    Some(listeners.map(|one| one.rx_queue).sum())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn connections_that_nobody_accepts_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(accept_queue(&address), Some(0));
        let _clients: Vec<TcpStream> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        assert_eq!(accept_queue(&address), Some(3));
        listener.accept().unwrap();
        assert_eq!(accept_queue(&address), Some(2));
    }

    #[test]
    fn this_process_uses_something() {
        let (mut meter, mut gauges) = (TreeMeter::of(std::process::id() as i32), Gauges::default());
        meter.look(&mut gauges);
        assert_eq!((gauges.cpu_cores, gauges.switches_per_s), (None, None), "one look has no rate");
        let end = Instant::now() + Duration::from_millis(20);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        meter.look(&mut gauges);
        meter.weigh(&mut gauges);
        assert!(gauges.cpu_cores.unwrap() > 0.0 && gauges.memory_bytes.unwrap() > 0, "{gauges:?}");
        assert!(gauges.processes >= 1 && gauges.threads >= 1, "{gauges:?}");
    }

    #[test]
    fn a_thread_that_is_new_counts_from_nothing_and_one_that_is_gone_not_at_all() {
        let counters = |waited, forced| ThreadCounters {
            switches_voluntary: waited,
            switches_involuntary: forced,
            run_queue_wait_ns: None,
        };
        let before = BTreeMap::from([(1, counters(10, 1)), (2, counters(99, 99))]);
        let now = BTreeMap::from([(1, counters(15, 2)), (3, counters(4, 0))]);
        assert_eq!(switches(&before, &now), [9, 1]);
    }
}
