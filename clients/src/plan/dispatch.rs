//! Brings requests and connections together: the one place that knows closed from open loops.
//!
//! Pure: time is an argument, so the engine and the simulated server of the tests drive the very same code.

use std::collections::VecDeque;

use crate::plan::bursts::{BurstTimes, Bursts, SIDES};
pub use crate::plan::order::{Next, Order};
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
    backlog: VecDeque<u64>,
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
            queued_since_ns: 0,
            bound: usize::try_from(bound).unwrap_or(usize::MAX),
            backlog_max: 0,
            warmup_ns,
            end_ns,
            left: requests.unwrap_or(u64::MAX),
            late_ns: 0,
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
        std::mem::take(&mut self.backlog)
    }

    /// No further request falls due; those that wait are still sent.
    pub fn stop(&mut self) {
        self.left = 0;
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
                Next::Send(Order { slot, intended_ns, free_ns })
            }
            RequestSource::Open(pacer) => {
                let mut due = pacer.peek_ns().filter(|&t| t < self.end_ns && self.left > 0);
                while let Some(intended_ns) = due.filter(|&t| t <= now_ns) {
                    // Those that a free connection takes in a moment do not wait for one.
                    if self.backlog.len() >= self.bound.saturating_add(self.idle.len()) {
                        return Next::Overflow;
                    }
                    if self.backlog.is_empty() {
                        self.queued_since_ns = intended_ns;
                    }
                    self.backlog.push_back(intended_ns);
                    self.late_ns += now_ns.min(self.end_ns).saturating_sub(intended_ns.max(self.warmup_ns));
                    self.left -= u64::from(intended_ns >= self.warmup_ns);
                    pacer.advance();
                    due = pacer.peek_ns().filter(|&t| t < self.end_ns && self.left > 0);
                }
                if let (Some(&intended_ns), Some(&(slot, free_ns))) =
                    (self.backlog.front(), self.idle.front())
                {
                    self.backlog.pop_front();
                    self.idle.pop_front();
                    return Next::Send(Order { slot, intended_ns, free_ns });
                }
                self.backlog_max = self.backlog_max.max(self.backlog.len());
                due.map_or(Next::Over, Next::Wait)
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
        assert_eq!(d.next(6), Next::Send(Order { slot: 0, intended_ns: 5, free_ns: 0 }));
        assert_eq!(d.next(6), Next::Wait(100));
        d.release(0, 97);
        assert_eq!(d.next(98), Next::Over, "it would fall due after the end");
    }

    #[test]
    fn an_open_loop_keeps_the_schedule_and_queues_for_connections() {
        let mut d = open("1k", 10, None);
        d.release(7, 0);
        assert_eq!(d.next(0), Next::Send(Order { slot: 7, intended_ns: 0, free_ns: 0 }));
        assert_eq!(d.next(0), Next::Wait(MS));
        assert_eq!(d.next(3 * MS), Next::Wait(4 * MS), "three are due, no connection is free");
        assert_eq!(d.backlog(), 3);
        d.release(7, 3 * MS + 5);
        assert_eq!(d.next(3 * MS + 6), Next::Send(Order { slot: 7, intended_ns: MS, free_ns: 3 * MS + 5 }));
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
}
