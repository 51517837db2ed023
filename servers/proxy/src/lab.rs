//! The truth about a policy: the same code, dispatching to backends that exist in numbers alone (a discrete-event
//! simulation). Nothing else happens on this machine that could disturb it, and the same seed gives the same figures.
//!
//! Requests come by chance (a Poisson process), each to one of the first tiers, which know only their own requests;
//! backends have workers, one queue, and service times by chance (exponential). With one first tier, equal backends
//! and one worker, `random` is M/M/1, whose percentiles are known in closed form.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::AtomicU64;

use crate::dice::mix;
use crate::farm::Farm;
use crate::names::PolicyName;
use crate::policy::{Choice, Dispatch};

/// The mean service time of a backend of speed 1, ns.
const SERVICE_NS: f64 = 1_000_000.0;

/// How many targets are asked for: some more than backends, so that policies that go by them have something to do.
const TARGETS: u64 = 1_000;

/// A farm to try policies on.
#[derive(Debug, Clone, PartialEq)]
pub struct Lab {
    /// How fast each backend is; 1 is the measure.
    pub speeds: Vec<f64>,
    /// Workers of each backend.
    pub workers: usize,
    /// First tiers, each of which knows only its own requests.
    pub balancers: usize,
    /// What is asked of all backends together, as a share of what they can do.
    pub load: f64,
    /// Requests that are counted; a tenth more come before.
    pub requests: u64,
    /// The seed of everything that comes by chance.
    pub seed: u64,
}

/// What came of it. Times are in mean service times of a backend of speed 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The mean time from request to answer.
    pub mean: f64,
    /// The times at these shares of the requests: a half, 99 %, 99.9 %.
    pub percentiles: [f64; 3],
    /// Which share of the requests each backend has had.
    pub shares: Vec<f64>,
    /// Whether the second half of the requests took more than half as long again as the first: then queues grow, and
    /// the times above depend on how long one looks.
    pub grows: bool,
}

/// A stream of random numbers.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mix(self.0)
    }

    /// A time by chance whose mean is given.
    fn exponential(&mut self, mean: f64) -> f64 {
        // From above 0 to 1.
        let share = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        -share.ln() * mean
    }
}

/// A first tier: a policy, and what it knows.
struct Balancer {
    policy: Box<dyn Dispatch>,
    cells: Vec<AtomicU64>,
}

impl Lab {
    /// Tries a policy.
    ///
    /// # Panics
    /// When there are no backends, workers, balancers or requests.
    pub fn truth(&self, policy: PolicyName) -> Truth {
        assert!(self.workers > 0 && self.balancers > 0 && self.requests > 0 && !self.speeds.is_empty());
        let weights = vec![1; self.speeds.len()];
        let make = || {
            let cells = (0..Farm::cells(weights.len())).map(|_| AtomicU64::new(0));
            Balancer { policy: policy.policy(&weights), cells: cells.collect() }
        };
        let balancers: Vec<_> = (0..self.balancers).map(|_| make()).collect();
        let farms: Vec<_> = balancers.iter().map(|balancer| Farm::new(&weights, &balancer.cells)).collect();
        let mut chance = Chance(mix(self.seed));
        let capacity: f64 = self.speeds.iter().sum::<f64>() * self.workers as f64;
        let between_ns = SERVICE_NS / (capacity * self.load);
        // When each worker of a backend is free again: the next request of its queue goes to the first of them.
        let free = || (0..self.workers).map(|_| Reverse(0)).collect::<BinaryHeap<_>>();
        let mut queues: Vec<_> = self.speeds.iter().map(|_| free()).collect();
        // Who is served: when that ends, where, by which first tier, and when it came.
        let mut under_way: BinaryHeap<Reverse<(u64, usize, usize, u64)>> = BinaryHeap::new();
        let (mut now, warm_up) = (1.0, self.requests / 10);
        let (mut times, mut given) = (Vec::new(), vec![0_u64; self.speeds.len()]);
        for number in 0..warm_up + self.requests {
            now += chance.exponential(between_ns);
            let now_ns = now as u64;
            while let Some(Reverse((end, backend, tier, came))) = under_way.peek().copied()
                && end <= now_ns
            {
                under_way.pop();
                let farm: &Farm<'_> = &farms[tier];
                farm.end(backend);
                balancers[tier].policy.took(farm, backend, end - came, end);
            }
            let tier = (chance.next() % self.balancers as u64) as usize;
            let farm = &farms[tier];
            let (key, dice) = (mix(chance.next() % TARGETS), chance.next());
            let choice = Choice { among: farm.all(), key, dice, now_ns };
            let Some(backend) = balancers[tier].policy.pick(farm, &choice) else { continue };
            farm.begin(backend);
            let Reverse(idle_since) = queues[backend].pop().unwrap_or(Reverse(0));
            let service = chance.exponential(SERVICE_NS / self.speeds[backend]) as u64;
            let end = now_ns.max(idle_since) + service;
            queues[backend].push(Reverse(end));
            under_way.push(Reverse((end, backend, tier, now_ns)));
            if number >= warm_up {
                times.push(end - now_ns);
                given[backend] += 1;
            }
        }
        told(times, &given)
    }
}

fn told(mut times: Vec<u64>, given: &[u64]) -> Truth {
    let mean =
        |times: &[u64]| times.iter().map(|time| *time as f64).sum::<f64>() / times.len() as f64 / SERVICE_NS;
    let (first, second) = times.split_at(times.len() / 2);
    let grows = mean(second) > 1.5 * mean(first);
    let all = mean(&times);
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] as f64 / SERVICE_NS;
    let count = times.len() as f64;
    Truth {
        mean: all,
        percentiles: [at(0.5), at(0.99), at(0.999)],
        shares: given.iter().map(|given| *given as f64 / count).collect(),
        grows,
    }
}
