//! The simulated world: one server, and a generator that is as late as it is told to be.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::split::Split;
use dyno_clients::books::tally::RunTally;
use dyno_clients::failure::RequestFailure;
use dyno_clients::plan::dispatch::{Dispatcher, Next, Order, RequestSource};
use dyno_clients::plan::pacer::{Arrivals, Pacer};
use dyno_clients::plan::profile::parse;

pub(crate) const US: u64 = 1_000;
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;

/// One server, first come first served, that stands still between two times.
pub(crate) struct Server {
    pub service_ns: u64,
    pub stall: (u64, u64),
    free_ns: u64,
}

impl Server {
    /// One that never stands still.
    pub(crate) fn new(service_ns: u64) -> Self {
        Server::stalling(service_ns, 0, 0)
    }

    /// One that stands still between two times.
    pub(crate) fn stalling(service_ns: u64, from_ns: u64, to_ns: u64) -> Self {
        Server { service_ns, stall: (from_ns, to_ns), free_ns: 0 }
    }

    fn serve(&mut self, arrived_ns: u64) -> u64 {
        let mut begin = self.free_ns.max(arrived_ns);
        if (self.stall.0..self.stall.1).contains(&begin) {
            begin = self.stall.1;
        }
        self.free_ns = begin + self.service_ns;
        self.free_ns
    }
}

/// What happened to one request, as the world saw it, and what its split says. Times are ns from the start.
pub(crate) struct Request {
    pub intended_ns: u64,
    pub free_ns: u64,
    pub sent_ns: u64,
    pub done_ns: u64,
    pub split: Split,
}

/// How a simulated run went.
pub(crate) struct Ran {
    pub tally: RunTally,
    /// Answered ones, in the order of their answers.
    pub requests: Vec<Request>,
    /// When more waited than the bound allows.
    pub overflow_ns: Option<u64>,
    pub ended_ns: u64,
}

/// A request under way.
struct UnderWay {
    order: Order,
    sent_ns: u64,
}

/// Runs the dispatcher against the server. At each send the generator is as late as `lag_ns` of that moment says.
pub(crate) fn simulate(
    tally: RunTally,
    dispatcher: Dispatcher,
    server: Server,
    connections: u32,
    lag_ns: impl FnMut(u64) -> u64,
) -> Ran {
    simulate_until(u64::MAX, tally, dispatcher, server, connections, lag_ns)
}

/// The same, and somebody interrupts it at `cut_ns`: what is under way then leaves without an answer.
pub(crate) fn simulate_until(
    cut_ns: u64,
    mut tally: RunTally,
    mut dispatcher: Dispatcher,
    mut server: Server,
    connections: u32,
    mut lag_ns: impl FnMut(u64) -> u64,
) -> Ran {
    let mut under_way: Vec<Option<UnderWay>> = (0..connections).map(|_| None).collect();
    let mut answers: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
    let (mut requests, mut now_ns) = (Vec::new(), 0);
    for slot in 0..connections {
        dispatcher.release(slot, 0);
    }
    let overflow_ns = loop {
        let wake_ns = match dispatcher.next(now_ns) {
            Next::Send(order) => {
                tally.in_system(now_ns, answers.len() as u64 + 1 + dispatcher.backlog() as u64);
                now_ns += lag_ns(now_ns);
                tally.sent(order.intended_ns, now_ns, 0);
                let done_ns = server.serve(now_ns);
                answers.push(Reverse((done_ns, order.slot)));
                let carried = under_way[order.slot as usize].replace(UnderWay { order, sent_ns: now_ns });
                assert!(carried.is_none(), "a connection carries one request at a time");
                continue;
            }
            Next::Wait(at_ns) => at_ns,
            Next::Over if answers.is_empty() => break None,
            Next::Over => u64::MAX,
            Next::Overflow => break Some(now_ns),
            Next::GiveUp(due) => {
                tally.failed(&RequestFailure::AbandonedUnsent, due.intended_ns, now_ns);
                continue;
            }
        };
        // Only what waits at the moment is in the system, so the count is brought up to date at each step.
        tally.in_system(now_ns, answers.len() as u64 + dispatcher.backlog() as u64);
        let next_ns = answers.peek().map_or(u64::MAX, |answer| answer.0.0);
        if next_ns.min(wake_ns) > cut_ns {
            now_ns = cut_ns;
            break None;
        }
        if next_ns > wake_ns {
            now_ns = now_ns.max(wake_ns);
            continue;
        }
        let Some(Reverse((done_ns, slot))) = answers.pop() else { panic!("somebody waits for nobody") };
        let Some(UnderWay { order, sent_ns }) = under_way[slot as usize].take() else {
            panic!("an answer that nobody asked for")
        };
        now_ns = now_ns.max(done_ns);
        let Order { intended_ns, free_ns, .. } = order;
        let split = Split::new(intended_ns, free_ns, sent_ns, now_ns);
        tally.completed(intended_ns, &split, now_ns);
        requests.push(Request { intended_ns, free_ns, sent_ns, done_ns: now_ns, split });
        dispatcher.release(slot, now_ns);
    };
    tally.in_system(now_ns, answers.len() as u64 + dispatcher.backlog() as u64);
    tally.entered_late(dispatcher.late_ns());
    tally.counts.intended = tally.counts.sent + dispatcher.backlog() as u64;
    tally.counts.backlog_max = dispatcher.backlog_max() as u64;
    // Those that an overflow or an interruption cuts off leave without an answer.
    let sent = under_way.iter().flatten().map(|one| one.order.intended_ns);
    sent.chain(dispatcher.take_backlog()).for_each(|intended_ns| tally.left_system(intended_ns, now_ns));
    Ran { tally, requests, overflow_ns, ended_ns: now_ns }
}

/// A generator that is never late.
pub(crate) fn punctual(_now_ns: u64) -> u64 {
    0
}

/// Books without a warm-up and without a sample of the arrivals.
pub(crate) fn books(end_ns: u64) -> RunTally {
    RunTally::new(0, end_ns, Sample::default())
}

/// An open loop of one thread, without a warm-up, whose backlog is as good as unbounded.
pub(crate) fn open(arrivals: Arrivals, rate: &str, seed: u64, end_ns: u64) -> Dispatcher {
    Dispatcher::new(schedule(arrivals, rate, seed, end_ns), 10_000_000, 0, end_ns, None)
}

/// A closed loop without a warm-up.
pub(crate) fn closed(think_ns: u64, end_ns: u64) -> Dispatcher {
    Dispatcher::new(RequestSource::Closed(think_ns), 0, 0, end_ns, None)
}

/// A schedule of one thread.
pub(crate) fn schedule(arrivals: Arrivals, rate: &str, seed: u64, length_ns: u64) -> RequestSource {
    RequestSource::Open(Box::new(Pacer::new(arrivals, parse(rate, length_ns).unwrap(), seed, 0, 1)))
}
