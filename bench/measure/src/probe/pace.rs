//! How fast a core runs now, measured by the time that a system call takes on it.
//!
//! Two threads of execution share the units of one physical core (SMT). The work of one slows the other down by up to
//! a half. On a virtual machine the other one may belong to a stranger: this is not steal, because the core was ours
//! all the time, and no counter that a guest can read shows it. But the duration of a system call does. A system call
//! takes a fixed path through the slowest parts of the processor, so a few calls every few milliseconds on the same
//! core show at which pace all other work runs there.
//!
//! Each look, as a sample is called here, takes some 5 us, about a thousandth of the core's time.

use dyno_analysis::limits::PACE_SLOWED;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::unistd::getppid;

use crate::limits::{
    LEAST_LOOKS_FOR_PACE, MOST_LOOKS_FOR_PACE, PACE_CALLS, PACE_FIRST_LOOK, PACE_INTERVAL, PACE_LOOKS_AT_ONCE,
};
use crate::probe::machine::pin;
use dyno_record::pace::CorePace;
use dyno_statistics::sample::{median, quantile_of_sorted};

/// One sample of a core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beat {
    /// When, on the rig's clock.
    pub at: Duration,
    /// The time that a system call took, in nanoseconds.
    pub call_ns: f64,
}

/// All samples of a core during a load, and the value with which they are compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Beats {
    /// Number of the core.
    pub core: usize,
    /// The time that a call takes on the core when nothing slows it, in nanoseconds.
    pub full_ns: f64,
    /// The samples, in order.
    pub beats: Vec<Beat>,
}

impl Beats {
    /// The core's pace between two instants.
    pub fn between(&self, from: Duration, until: Duration) -> CorePace {
        let seen = self.beats.iter().filter(|beat| (from..until).contains(&beat.at));
        let calls_ns: Vec<f64> = seen.map(|beat| beat.call_ns).collect();
        let slowed = calls_ns.iter().filter(|call_ns| **call_ns > self.full_ns * PACE_SLOWED).count();
        CorePace {
            core: self.core,
            looks: calls_ns.len() as u32,
            full_ns: self.full_ns,
            median_ns: median(&calls_ns).unwrap_or_default(),
            slowed_share: slowed as f64 / calls_ns.len().max(1) as f64,
        }
    }
}

/// Samples cores until it is stopped.
#[derive(Debug, Default)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    threads: Vec<(usize, JoinHandle<Vec<Beat>>)>,
}

impl Watch {
    /// Starts to sample each of `cores`; times are counted from `epoch`.
    pub fn start(cores: &[usize], epoch: Instant) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let watch = |core: usize| {
            let stop = stop.clone();
            (core, thread::spawn(move || look(core, epoch, &stop)))
        };
        let threads = cores.iter().map(|core| watch(*core)).collect();
        Watch { stop, threads }
    }

    /// Stops, without waiting for the threads.
    pub fn pause(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Stops, and returns the samples.
    pub fn finish(mut self) -> Vec<(usize, Vec<Beat>)> {
        self.stop.store(true, Ordering::Relaxed);
        // A watcher that failed has no samples.
        self.threads.drain(..).map(|(core, thread)| (core, thread.join().unwrap_or_default())).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn look(core: usize, epoch: Instant, stop: &AtomicBool) -> Vec<Beat> {
    if pin(&[core]).is_err() {
        return Vec::new();
    }
    come_first();
    let mut beats = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        thread::sleep(PACE_INTERVAL);
        let at = epoch.elapsed();
        beats.push(Beat { at, call_ns: call_ns() });
    }
    beats
}

/// Samples a core without a pause, as long as a first look takes. This thread takes its turn among all others: with
/// precedence and without a pause it would let nobody else run there.
fn look_first(core: usize) -> Vec<f64> {
    if pin(&[core]).is_err() {
        return Vec::new();
    }
    let begun = Instant::now();
    let looks = std::iter::from_fn(|| (begun.elapsed() < PACE_FIRST_LOOK).then(call_ns));
    looks.collect()
}

/// The time that a system call takes on `core` at this moment, in nanoseconds; `None` where the thread may not run
/// there.
pub fn call_ns_on(core: usize) -> Option<f64> {
    let look = move || {
        pin(&[core]).ok().map(|()| (0..PACE_LOOKS_AT_ONCE).map(|_| call_ns()).fold(f64::INFINITY, f64::min))
    };
    thread::spawn(look).join().ok().flatten()
}

/// Lets this thread run as soon as it is due, where that is allowed. Where it is not, a sample may come late, but is
/// still correct.
fn come_first() {
    // SAFETY: the structure holds numbers alone, and zero is a value of each; musl has more of them than glibc.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = 1;
    // SAFETY: the call reads the structure, which outlives it, and changes nothing but the scheduling of this thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &parameters) };
}

/// The time that a system call takes now: the least of four batches, so that an interrupt in one of them does not
/// count.
fn call_ns() -> f64 {
    let batch = || {
        let began = Instant::now();
        for _ in 0..PACE_CALLS {
            std::hint::black_box(getppid());
        }
        began.elapsed().as_nanos() as f64 / f64::from(PACE_CALLS)
    };
    // The first batch finds the caches as the server left them.
    batch();
    (0..4).map(|_| batch()).fold(f64::INFINITY, f64::min)
}

/// The full pace of each core, learnt from all samples so far.
#[derive(Debug, Default)]
pub struct FullPace {
    first: BTreeMap<usize, Vec<f64>>,
    seen: BTreeMap<usize, Vec<f64>>,
}

impl FullPace {
    /// Samples cores that were never seen before, all at once and without a pause: later they will be sampled under
    /// load.
    pub fn meet(&mut self, cores: &[usize]) {
        let new: Vec<usize> = cores.iter().copied().filter(|core| !self.first.contains_key(core)).collect();
        if new.is_empty() {
            return;
        }
        let looks = new.into_iter().map(|core| (core, thread::spawn(move || look_first(core))));
        for (core, look) in looks.collect::<Vec<_>>() {
            // A look that failed has no samples.
            self.first.insert(core, look.join().unwrap_or_default());
        }
    }

    /// Takes in the samples of a load.
    pub fn learn(&mut self, core: usize, beats: Vec<Beat>) -> Beats {
        let seen = self.seen.entry(core).or_default();
        seen.extend(beats.iter().map(|beat| beat.call_ns));
        seen.drain(..seen.len().saturating_sub(MOST_LOOKS_FOR_PACE));
        // Samples under load count more than the first ones, because clocks change with load.
        let enough = seen.len() >= LEAST_LOOKS_FOR_PACE;
        let mut known =
            if enough { seen.clone() } else { self.first.get(&core).cloned().unwrap_or_default() };
        known.sort_by(f64::total_cmp);
        Beats { core, full_ns: quantile_of_sorted(&known, 0.05).unwrap_or_default(), beats }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::machine::online_cores;

    fn beats(calls_ns: &[f64]) -> Vec<Beat> {
        calls_ns.iter().map(|call_ns| Beat { at: Duration::ZERO, call_ns: *call_ns }).collect()
    }

    #[test]
    fn a_core_is_looked_at_until_the_watch_ends() {
        let core = online_cores()[0];
        let epoch = Instant::now();
        let watch = Watch::start(&[core], epoch);
        thread::sleep(PACE_INTERVAL * 10);
        let seen = watch.finish();
        let [(seen_core, beats)] = seen.as_slice() else { panic!("{seen:?}") };
        assert_eq!(*seen_core, core);
        assert!(!beats.is_empty());
        assert!(beats.iter().all(|beat| beat.call_ns > 1.0 && beat.at <= epoch.elapsed()), "{beats:?}");
        assert!(beats.windows(2).all(|pair| pair[0].at < pair[1].at));
    }

    #[test]
    fn one_look_takes_a_moment_and_leaves_this_thread_where_it_is() {
        let before = nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap();
        assert!(online_cores().into_iter().all(|core| call_ns_on(core).unwrap() > 1.0));
        assert_eq!(call_ns_on(100_000), None);
        assert_eq!(nix::sched::sched_getaffinity(nix::unistd::Pid::from_raw(0)).unwrap(), before);
    }

    /// The longest time for which a thread that wakes every millisecond had to wait for this core.
    fn longest_wait(core: usize, over: &AtomicBool) -> Duration {
        pin(&[core]).unwrap();
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !over.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        longest
    }

    #[test]
    fn a_first_look_leaves_the_cores_to_others() {
        let (cores, over) = (online_cores(), AtomicBool::new(false));
        let longest = thread::scope(|scope| {
            let others: Vec<_> =
                cores.iter().map(|core| scope.spawn(|| longest_wait(*core, &over))).collect();
            FullPace::default().meet(&cores);
            over.store(true, Ordering::Relaxed);
            others.into_iter().map(|other| other.join().unwrap()).max().unwrap()
        });
        // Threads with precedence that never pause have the cores for 950 ms of each second (sched(7)).
        assert!(longest < PACE_FIRST_LOOK * 2, "somebody waited for {longest:?}");
    }

    #[test]
    fn the_full_pace_is_what_the_core_did_at_its_best() {
        let mut full = FullPace::default();
        let calls: Vec<f64> =
            (0..LEAST_LOOKS_FOR_PACE).map(|n| if n % 3 == 0 { 100.0 } else { 150.0 }).collect();
        let learnt = full.learn(0, beats(&calls));
        assert_eq!(learnt.full_ns, 100.0);
        let seen = learnt.between(Duration::ZERO, Duration::from_secs(1));
        assert_eq!((seen.core, seen.looks as usize, seen.median_ns), (0, LEAST_LOOKS_FOR_PACE, 150.0));
        assert!((seen.slowed_share - 2.0 / 3.0).abs() < 0.01, "{seen:?}");
        assert_eq!(learnt.between(Duration::from_secs(1), Duration::from_secs(2)).looks, 0);
    }

    #[test]
    fn a_machine_that_became_slower_is_not_held_against_its_youth() {
        let mut full = FullPace::default();
        full.learn(0, beats(&vec![100.0; LEAST_LOOKS_FOR_PACE]));
        assert_eq!(full.learn(0, beats(&vec![130.0; MOST_LOOKS_FOR_PACE])).full_ns, 130.0);
    }

    #[test]
    fn one_fast_look_makes_no_pace() {
        let mut full = FullPace::default();
        let mut calls = vec![100.0; LEAST_LOOKS_FOR_PACE];
        calls[7] = 20.0;
        let learnt = full.learn(0, beats(&calls));
        assert_eq!(learnt.full_ns, 100.0);
        assert_eq!(learnt.between(Duration::ZERO, Duration::from_secs(1)).slowed_share, 0.0);
    }

    #[test]
    fn a_core_that_was_only_met_is_judged_by_that() {
        let core = online_cores()[0];
        let mut full = FullPace::default();
        full.meet(&[core]);
        assert!(full.learn(core, beats(&[1e9])).full_ns < 1e6);
    }
}
