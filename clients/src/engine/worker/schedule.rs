//! What a thread has to send next, and on which connection.

use std::collections::VecDeque;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::limits;
use crate::plan::Plan;
use crate::plan::dispatch::Dispatcher;

/// A thread's part of the schedule and of the mix: requests that are due, under way, or given up.
pub(crate) struct Schedule {
    pub(super) dispatcher: Dispatcher,
    /// Requests that were sent and have not come to their end.
    pub(super) in_flight: u64,
    /// Intended starts of requests that waited when the run was interrupted.
    cut: VecDeque<u64>,
    /// Slots that rest after a failed connect, and until when.
    resting: VecDeque<(u64, u32)>,
    /// When requests that are under way will be given up, on which slots, and when they were due.
    impatient: VecDeque<(u64, u32, u64)>,
    patience_ns: Option<u64>,
    pub(super) mixer: ChaCha8Rng,
    /// Sums of the weights of the mix, up to and with each request.
    weights: Vec<f64>,
    /// The first connection of the second of two servers; each has a request of its own.
    border: Option<u32>,
}

impl Schedule {
    pub(super) fn new(plan: &Plan, dispatcher: Dispatcher, thread: u32) -> Self {
        let mut sum = 0.0;
        let mut add = |weight: f64| {
            sum += weight;
            sum
        };
        Schedule {
            dispatcher,
            in_flight: 0,
            cut: VecDeque::new(),
            resting: VecDeque::new(),
            impatient: VecDeque::new(),
            patience_ns: plan.impatience.patience_ns,
            // The schedule and the mix draw from one seed each, so that neither changes the other.
            mixer: ChaCha8Rng::seed_from_u64(plan.seed ^ 0x6d69_7800 ^ plan.share.lane(thread) << 32),
            weights: plan.mix.iter().map(|r| add(r.weight)).collect(),
            border: plan.rival.as_ref().map(|_| plan.connections),
        }
    }

    /// Chooses a request of the mix for a connection: by its weight, and of two servers by whose connection it is.
    #[inline]
    pub(super) fn choose(&mut self, slot: u32) -> u16 {
        if self.weights.len() == 1 {
            return 0;
        }
        if let Some(border) = self.border {
            return u16::from(slot >= border);
        }
        let sum = self.weights.last().copied().unwrap_or(1.0);
        let at = self.mixer.random::<f64>() * sum;
        self.weights.partition_point(|&w| w <= at).min(self.weights.len() - 1) as u16
    }

    /// A request is under way, and its client waits for so long and no longer.
    #[inline]
    pub(super) fn is_under_way(&mut self, slot: u32, intended_ns: u64) {
        if let Some(patience_ns) = self.patience_ns {
            self.impatient.push_back((intended_ns.saturating_add(patience_ns), slot, intended_ns));
        }
    }

    /// The next request that may be given up at `now_ns`, if it is still under way: its slot, and when it was due.
    #[inline]
    pub(super) fn next_impatient(&mut self, now_ns: u64) -> Option<(u32, u64)> {
        let &(until_ns, slot, intended_ns) = self.impatient.front()?;
        if until_ns > now_ns {
            return None;
        }
        self.impatient.pop_front();
        Some((slot, intended_ns))
    }

    /// When something is to be looked after that no event tells of.
    pub(super) fn awaited_ns(&self) -> u64 {
        self.impatient.front().map_or(u64::MAX, |first| first.0).min(self.rested_ns())
    }

    /// Requests that wait or are under way.
    #[inline]
    pub(super) fn in_system(&self) -> u64 {
        self.in_flight + self.dispatcher.backlog() as u64
    }

    /// Keeps a slot whose connect has failed at `now_ns` from trying again at once.
    pub(super) fn rest(&mut self, slot: u32, now_ns: u64) {
        self.resting.push_back((now_ns + limits::RECONNECT_PAUSE_NS, slot));
    }

    /// When the next slot has rested; `u64::MAX` when none rests.
    fn rested_ns(&self) -> u64 {
        self.resting.front().map_or(u64::MAX, |&(until_ns, _)| until_ns)
    }

    /// Lets the slots try again that have rested.
    pub(super) fn release_rested(&mut self, now_ns: u64) {
        while let Some(&(until_ns, slot)) = self.resting.front() {
            if until_ns > now_ns {
                break;
            }
            self.resting.pop_front();
            self.dispatcher.release(slot, now_ns);
        }
    }

    /// No request falls due any more, and those that wait are not sent.
    pub(super) fn interrupt(&mut self) {
        self.dispatcher.stop();
        self.cut = self.dispatcher.take_backlog();
    }

    /// The intended starts of the requests that were never sent.
    pub(super) fn take_unsent(&mut self) -> VecDeque<u64> {
        let mut unsent = std::mem::take(&mut self.cut);
        unsent.extend(self.dispatcher.take_backlog());
        unsent
    }
}
