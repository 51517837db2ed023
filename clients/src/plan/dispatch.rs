//! Brings requests and connections together: the one place that knows closed from open loops.
//!
//! Pure: time is an argument, so the engine and the simulated server of the tests drive the very same code.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::plan::bursts::{BurstTimes, Bursts, SIDES};
pub use crate::plan::order::{DueRequest, Next, Order};
use crate::plan::pacer::Pacer;

/// Who decides when the next request starts.
#[derive(Debug, Clone)]
pub enum RequestSource {
    /// The answer to the last one, and a pause in ns.
    Closed(u64),
    /// The schedule.
    Open(Box<Pacer>),
    /// Two servers in turn.
    Bursts(Box<Bursts>),
}

/// Free connections, waiting requests, and the rule that joins them.
#[derive(Debug)]
pub struct Dispatcher {
    source: RequestSource,
    /// Free since, longest first. So a request that finds any connection free has waited for none.
    idle: VecDeque<(u32, u64)>,
    backlog: VecDeque<DueRequest>,
    /// Requests to be tried again, the next one on top.
    retries: BinaryHeap<Reverse<DueRequest>>,
    /// For how long a request may wait for a connection.
    patience_ns: u64,
    is_stopped: bool,
    queued_since_ns: u64,
    bound: usize,
    backlog_max: usize,
    warmup_ns: u64,
    end_ns: u64,
    /// Requests still to be started after the warm-up.
    left: u64,
    late_ns: u64,
}

impl Dispatcher {
    /// No connection is free yet. Requests are due before `end_ns`, and at most `requests` of them after the
    /// warm-up.
    pub fn new(
        source: RequestSource,
        bound: u64,
        warmup_ns: u64,
        end_ns: u64,
        requests: Option<u64>,
    ) -> Self {
        Dispatcher {
            source,
            idle: VecDeque::new(),
            backlog: VecDeque::new(),
            retries: BinaryHeap::new(),
            patience_ns: u64::MAX,
            is_stopped: false,
            queued_since_ns: 0,
            bound: usize::try_from(bound).unwrap_or(usize::MAX),
            backlog_max: 0,
            warmup_ns,
            end_ns,
            left: requests.unwrap_or(u64::MAX),
            late_ns: 0,
        }
    }

    /// With clients that give up a request so long after it was due.
    #[must_use]
    pub fn with_patience(mut self, patience_ns: Option<u64>) -> Self {
        self.patience_ns = patience_ns.unwrap_or(u64::MAX);
        self
    }

    /// A request is to be tried again. One that would fall due after the end is not.
    pub fn retry(&mut self, due: DueRequest) {
        if due.intended_ns < self.end_ns && !self.is_stopped {
            self.retries.push(Reverse(due));
        }
    }

    /// From when requests were due until this was asked for them, added up as far as it lies in the measured
    /// window, ns.
    pub fn late_ns(&self) -> u64 {
        self.late_ns
    }

    /// Connection `slot` is free since `now_ns`.
    pub fn release(&mut self, slot: u32, now_ns: u64) {
        match &mut self.source {
            RequestSource::Bursts(bursts) => bursts.release(slot, now_ns),
            RequestSource::Closed(_) | RequestSource::Open(_) => self.idle.push_back((slot, now_ns)),
        }
    }

    /// Requests that wait for a connection.
    pub fn backlog(&self) -> usize {
        self.backlog.len()
    }

    /// Since when there was always a request that waited, until the last order: what kept the connections from
    /// their work since then, all that waited had to wait for.
    pub fn queued_since_ns(&self) -> u64 {
        self.queued_since_ns
    }

    /// Most requests that have waited at one time.
    pub fn backlog_max(&self) -> usize {
        self.backlog_max
    }

    /// Forgets the waiting requests, from the longest waiting on, and gives their intended starts.
    pub fn take_backlog(&mut self) -> VecDeque<u64> {
        self.backlog.drain(..).map(|due| due.intended_ns).collect()
    }

    /// No further request falls due; those that wait are still sent.
    pub fn stop(&mut self) {
        (self.left, self.is_stopped) = (0, true);
        self.retries.clear();
    }

    /// A request has fallen due; `false`: there is no place for it to wait.
    fn queue(&mut self, due: DueRequest, now_ns: u64) -> bool {
        // Those that a free connection takes in a moment do not wait for one.
        if self.backlog.len() >= self.bound.saturating_add(self.idle.len()) {
            return false;
        }
        if self.backlog.is_empty() {
            self.queued_since_ns = due.intended_ns;
        }
        self.backlog.push_back(due);
        let due_ns = due.intended_ns.max(self.warmup_ns);
        self.late_ns += now_ns.min(self.end_ns).saturating_sub(due_ns);
        true
    }

    /// When the next request of the schedule is due.
    fn next_due_ns(&self) -> Option<u64> {
        let RequestSource::Open(pacer) = &self.source else { return None };
        pacer.peek_ns().filter(|&due_ns| due_ns < self.end_ns && self.left > 0)
    }

    /// What has come of the bursts of each side; nothing where two servers take no turns.
    pub(crate) fn burst_times(&self) -> [BurstTimes; SIDES] {
        match &self.source {
            RequestSource::Bursts(bursts) => bursts.times(),
            RequestSource::Closed(_) | RequestSource::Open(_) => Default::default(),
        }
    }

    /// What to do at `now_ns`. To be asked again after each order, until there is none.
    pub fn next(&mut self, now_ns: u64) -> Next {
        match &mut self.source {
            RequestSource::Bursts(_) if self.left == 0 => Next::Over,
            RequestSource::Bursts(bursts) => bursts.next(now_ns),
            RequestSource::Closed(think_ns) => {
                if self.left == 0 || now_ns >= self.end_ns {
                    return Next::Over;
                }
                let Some(&(slot, free_ns)) = self.idle.front() else { return Next::Wait(self.end_ns) };
                let intended_ns = free_ns + *think_ns;
                if intended_ns >= self.end_ns {
                    return Next::Over;
                }
                if intended_ns > now_ns {
                    return Next::Wait(intended_ns);
                }
                self.idle.pop_front();
                self.left -= u64::from(intended_ns >= self.warmup_ns);
                self.late_ns += now_ns.saturating_sub(intended_ns.max(self.warmup_ns));
                Next::Send(Order { slot, intended_ns, free_ns, attempt: 0 })
            }
            RequestSource::Open(_) => {
                let mut due = self.next_due_ns();
                loop {
                    let again_ns = self.retries.peek().map(|retry| retry.0.intended_ns);
                    let is_again =
                        again_ns.is_some_and(|again_ns| due.is_none_or(|due_ns| again_ns <= due_ns));
                    let Some(intended_ns) = (if is_again { again_ns } else { due }) else { break };
                    if intended_ns > now_ns {
                        break;
                    }
                    let attempt = self.retries.peek().filter(|_| is_again).map_or(0, |retry| retry.0.attempt);
                    if !self.queue(DueRequest { intended_ns, attempt }, now_ns) {
                        return Next::Overflow;
                    }
                    if is_again {
                        self.retries.pop();
                    } else {
                        self.left -= u64::from(intended_ns >= self.warmup_ns);
                        if let RequestSource::Open(pacer) = &mut self.source {
                            pacer.advance();
                        }
                        due = self.next_due_ns();
                    }
                }
                let given_up =
                    |due: &mut DueRequest| due.intended_ns.saturating_add(self.patience_ns) <= now_ns;
                if let Some(due) = self.backlog.pop_front_if(given_up) {
                    return Next::GiveUp(due);
                }
                if let (Some(&DueRequest { intended_ns, attempt }), Some(&(slot, free_ns))) =
                    (self.backlog.front(), self.idle.front())
                {
                    self.backlog.pop_front();
                    self.idle.pop_front();
                    return Next::Send(Order { slot, intended_ns, free_ns, attempt });
                }
                self.backlog_max = self.backlog_max.max(self.backlog.len());
                let again = self.retries.peek().map(|retry| retry.0.intended_ns);
                due.into_iter().chain(again).min().map_or(Next::Over, Next::Wait)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::pacer::Arrivals;
    use crate::plan::profile::parse;

    const MS: u64 = 1_000_000;

    fn open(rate: &str, bound: u64, requests: Option<u64>) -> Dispatcher {
        let pacer = Pacer::new(Arrivals::Constant, parse(rate, 1000 * MS).unwrap(), 1, 0, 1);
        Dispatcher::new(RequestSource::Open(Box::new(pacer)), bound, 0, 1000 * MS, requests)
    }

    #[test]
    fn a_closed_loop_sends_after_the_answer_and_the_pause() {
        let mut d = Dispatcher::new(RequestSource::Closed(5), 0, 0, 100, None);
        d.release(0, 0);
        assert_eq!(d.next(0), Next::Wait(5));
        assert_eq!(d.next(6), Next::Send(Order { slot: 0, intended_ns: 5, free_ns: 0, attempt: 0 }));
        assert_eq!(d.next(6), Next::Wait(100));
        d.release(0, 97);
        assert_eq!(d.next(98), Next::Over, "it would fall due after the end");
    }

    #[test]
    fn an_open_loop_keeps_the_schedule_and_queues_for_connections() {
        let mut d = open("1k", 10, None);
        d.release(7, 0);
        assert_eq!(d.next(0), Next::Send(Order { slot: 7, intended_ns: 0, free_ns: 0, attempt: 0 }));
        assert_eq!(d.next(0), Next::Wait(MS));
        assert_eq!(d.next(3 * MS), Next::Wait(4 * MS), "three are due, no connection is free");
        assert_eq!(d.backlog(), 3);
        d.release(7, 3 * MS + 5);
        assert_eq!(
            d.next(3 * MS + 6),
            Next::Send(Order { slot: 7, intended_ns: MS, free_ns: 3 * MS + 5, attempt: 0 })
        );
        assert_eq!((d.backlog_max(), d.queued_since_ns()), (3, MS));
        d.release(7, 4 * MS + 1);
        assert!(matches!(d.next(4 * MS + 1), Next::Send(Order { intended_ns: 2_000_000, .. })));
        assert_eq!(d.queued_since_ns(), MS, "there was always one that waited");
    }

    #[test]
    fn the_longest_free_connection_goes_first() {
        let mut d = open("1k", 10, None);
        d.release(1, 0);
        d.release(2, 5);
        assert!(matches!(d.next(5), Next::Send(Order { slot: 1, .. })));
    }

    #[test]
    fn the_backlog_is_bounded() {
        assert_eq!(open("1k", 10, None).next(10 * MS), Next::Overflow, "the eleventh falls due at 10 ms");
        let mut d = open("1k", 10, None);
        assert_eq!(d.next(9 * MS), Next::Wait(10 * MS), "ten may wait");
        // A generator that wakes up late finds many due at once: those that free connections take have not waited.
        let mut late = open("1k", 0, None);
        (0..4).for_each(|slot| late.release(slot, 0));
        assert!((0..4).all(|_| matches!(late.next(3 * MS), Next::Send(_))));
        assert_eq!((late.next(3 * MS), late.next(4 * MS)), (Next::Wait(4 * MS), Next::Overflow));
    }

    #[test]
    fn a_number_of_requests_ends_the_run_after_the_last_is_sent() {
        let mut d = open("1k", 10, Some(2));
        assert_eq!((d.next(5 * MS), d.backlog()), (Next::Over, 2), "none falls due any more, two wait");
        d.release(0, 5 * MS);
        assert!(matches!(d.next(5 * MS), Next::Send(Order { intended_ns: 0, .. })));
        d.release(0, 6 * MS);
        assert!(matches!(d.next(6 * MS), Next::Send(Order { intended_ns: MS, .. })));
        assert_eq!((d.next(6 * MS), d.backlog()), (Next::Over, 0));
    }

    #[test]
    fn who_waits_too_long_for_a_connection_gives_up() {
        let mut d = open("1k", 10, None).with_patience(Some(2 * MS));
        assert_eq!(d.next(MS), Next::Wait(2 * MS), "two wait");
        assert_eq!(d.next(2 * MS), Next::GiveUp(DueRequest { intended_ns: 0, attempt: 0 }));
        d.release(0, 2 * MS);
        assert!(matches!(d.next(2 * MS), Next::Send(Order { intended_ns: MS, .. })));
        assert_eq!((d.next(2 * MS), d.backlog()), (Next::Wait(3 * MS), 1));
    }

    #[test]
    fn retries_fall_due_among_the_others_and_none_after_the_end() {
        let mut d = open("1k", 10, Some(2));
        (0..4).for_each(|slot| d.release(slot, 0));
        assert!(matches!(d.next(0), Next::Send(Order { intended_ns: 0, attempt: 0, .. })));
        d.retry(DueRequest { intended_ns: MS / 2, attempt: 1 });
        assert_eq!(d.next(0), Next::Wait(MS / 2));
        assert!(matches!(d.next(MS), Next::Send(Order { intended_ns: 500_000, attempt: 1, .. })));
        assert!(matches!(d.next(MS), Next::Send(Order { intended_ns: MS, attempt: 0, .. })));
        d.retry(DueRequest { intended_ns: 1000 * MS, attempt: 2 });
        assert_eq!(d.next(MS), Next::Over);
        let mut stopped = open("1k", 10, None);
        stopped.retry(DueRequest { intended_ns: MS, attempt: 1 });
        stopped.stop();
        assert_eq!(stopped.next(5 * MS), Next::Over);
    }
}
