//! Dispatcher, split and books against a simulated server on a simulated clock: no socket, no sleep, and a truth that is
//! known to the nanosecond.

use std::collections::BinaryHeap;

use dyno_clients::arrivals::Sample;
use dyno_clients::dispatch::{Dispatcher, Next, Order, Source};
use dyno_clients::pacer::{Arrivals, Pacer};
use dyno_clients::profile::parse;
use dyno_clients::split::Split;
use dyno_clients::tally::Tally;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;

/// One server, first come first served, that stands still between two times.
struct Server {
    service_ns: u64,
    stall: (u64, u64),
    free_ns: u64,
}

impl Server {
    fn serve(&mut self, arrived_ns: u64) -> u64 {
        let mut begin = self.free_ns.max(arrived_ns);
        if (self.stall.0..self.stall.1).contains(&begin) {
            begin = self.stall.1;
        }
        self.free_ns = begin + self.service_ns;
        self.free_ns
    }
}

/// A request under way: when it is done, its slot, intended start, since when the slot was free, when it was sent.
type UnderWay = std::cmp::Reverse<(u64, u32, u64, u64, u64)>;

/// Runs the dispatcher against the server; the generator notices everything `lag_ns` late.
fn simulate(
    dispatcher: Dispatcher,
    server: Server,
    connections: u32,
    lag_ns: u64,
    end_ns: u64,
) -> (Tally, u64) {
    let tally = Tally::new(0, end_ns, Sample::default());
    keep_books(tally, dispatcher, server, connections, lag_ns)
}

fn keep_books(
    mut tally: Tally,
    mut dispatcher: Dispatcher,
    mut server: Server,
    connections: u32,
    lag_ns: u64,
) -> (Tally, u64) {
    let mut under_way: BinaryHeap<UnderWay> = BinaryHeap::new();
    let mut now_ns = 0;
    let mut sent = 0;
    for slot in 0..connections {
        dispatcher.release(slot, 0);
    }
    loop {
        let wake_ns = match dispatcher.next(now_ns) {
            Next::Send(Order { slot, intended_ns, free_ns }) => {
                tally.in_system(now_ns, under_way.len() as u64 + 1 + dispatcher.backlog() as u64);
                now_ns += lag_ns;
                let done_ns = server.serve(now_ns);
                under_way.push(std::cmp::Reverse((done_ns, slot, intended_ns, free_ns, now_ns)));
                tally.sent(intended_ns, now_ns, 0);
                sent += 1;
                continue;
            }
            Next::Wait(at_ns) => at_ns,
            Next::Over if under_way.is_empty() => {
                tally.entered_late(dispatcher.late_ns());
                return (tally, sent);
            }
            Next::Over => u64::MAX,
            Next::Overflow => panic!("the backlog is large enough in these tests"),
        };
        let done_ns = under_way.peek().map_or(u64::MAX, |c| c.0.0);
        // Only what waits at the moment is in the system, so the count is brought up to date at each step.
        tally.in_system(now_ns, under_way.len() as u64 + dispatcher.backlog() as u64);
        if done_ns <= wake_ns {
            let Some(std::cmp::Reverse((done_ns, slot, intended_ns, free_ns, sent_ns))) = under_way.pop()
            else {
                panic!("somebody waits, and nothing is under way");
            };
            now_ns = now_ns.max(done_ns);
            let split = Split::new(intended_ns, free_ns, sent_ns, now_ns);
            assert_eq!(split.wait_ns + split.lag_ns + split.response_ns, now_ns - intended_ns);
            tally.completed(intended_ns, &split, now_ns);
            dispatcher.release(slot, now_ns);
        } else {
            now_ns = now_ns.max(wake_ns);
        }
    }
}

fn open(arrivals: Arrivals, rate: &str, seed: u64, end_ns: u64) -> Dispatcher {
    let pacer = Pacer::new(arrivals, parse(rate, end_ns).unwrap(), seed, 0, 1);
    Dispatcher::new(Source::Open(Box::new(pacer)), 10_000_000, 0, end_ns, None)
}

/// For one stall of D in a run of T at utilization rho, p_q = D - (1 - q) T (1 - rho) where that is positive.
#[test]
fn one_stall_shows_up_in_full_in_an_open_loop_whatever_the_connections() {
    let (d, t) = (S, 20 * S);
    for (rho, connections) in [(0.2, 1), (0.2, 64), (0.5, 4), (0.8, 64)] {
        let rate = 2_000.0;
        let service_ns = (rho / rate * 1e9) as u64;
        let server = Server { service_ns, stall: (5 * S, 5 * S + d), free_ns: 0 };
        let (tally, _) = simulate(open(Arrivals::Constant, "2k", 1, t), server, connections, 0, t);
        let told = tally.total.distribution(1.0);
        assert_eq!(told.count, 40_000);
        for q in [0.95, 0.99, 0.999] {
            let truth = d as f64 - (1.0 - q) * t as f64 * (1.0 - rho);
            let told = told.percentile_ns(q).unwrap() as f64;
            if truth > 0.0 {
                assert!(
                    (told / truth - 1.0).abs() < 0.02,
                    "rho {rho}, {connections} connections, q {q}: {told} for {truth}"
                );
            }
        }
    }
}

#[test]
fn the_same_stall_hides_in_a_closed_loop_and_in_the_naive_response() {
    let server = || Server { service_ns: 100 * US, stall: (5 * S, 6 * S), free_ns: 0 };
    let closed = Dispatcher::new(Source::Closed(0), 0, 0, 20 * S, None);
    let (closed, _) = simulate(closed, server(), 4, 0, 20 * S);
    assert!(
        closed.total.distribution(1.0).percentile_ns(0.999).unwrap() < MS,
        "a closed loop sees four slow answers"
    );
    let (open, _) = simulate(open(Arrivals::Constant, "2k", 1, 20 * S), server(), 4, 0, 20 * S);
    assert!(open.response.distribution(1.0).percentile_ns(0.99).unwrap() < MS);
    assert!(open.total.distribution(1.0).percentile_ns(0.99).unwrap() > 800 * MS);
    assert!(open.counts.waited > 1_900, "{}", open.counts.waited);
}

/// Pollaczek and Khinchine: the mean wait is rho / (2 (1 - rho)) services for constant service times.
#[test]
fn the_mean_wait_at_a_simulated_m_d_1_is_the_textbooks() {
    for rho in [0.3, 0.5, 0.7] {
        let service_ns = (rho * 1e9 / 10_000.0) as u64;
        let server = Server { service_ns, stall: (0, 0), free_ns: 0 };
        let (tally, _) = simulate(open(Arrivals::Poisson, "10k", 3, 50 * S), server, 4, 0, 50 * S);
        let wait = tally.total.mean_ns() - service_ns as f64;
        let truth = rho / (2.0 * (1.0 - rho)) * service_ns as f64;
        assert!((wait / truth - 1.0).abs() < 0.03, "rho {rho}: {wait} for {truth}");
    }
}

/// In its operational form the law holds exactly, in a short window, with a stall across its edge and a late generator too.
#[test]
fn littles_law_holds_in_the_books() {
    for (lag_ns, end_ns, stall) in [
        (0, 20 * S, (2 * S, 3 * S)),
        (0, 400 * MS, (350 * MS, 600 * MS)),
        (40 * US, 400 * MS, (10 * MS, 130 * MS)),
    ] {
        let server = Server { service_ns: 70 * US, stall, free_ns: 0 };
        let pacer = Pacer::new(Arrivals::Poisson, parse("10k", end_ns).unwrap(), 3, 0, 1);
        let from_ns = 100 * MS;
        let dispatcher = Dispatcher::new(Source::Open(Box::new(pacer)), 10_000_000, from_ns, end_ns, None);
        let tally = Tally::new(from_ns, end_ns, Sample::default());
        let (tally, _) = keep_books(tally, dispatcher, server, 16, lag_ns);
        let (counted, stamped) = (tally.in_system_area(), tally.time_in_system_ns());
        assert!((counted / stamped - 1.0).abs() < 1e-9, "lag {lag_ns}: {counted} {stamped}");
    }
}

#[test]
fn lag_is_ours_and_told_apart_from_the_server() {
    let server = Server { service_ns: 10 * US, stall: (0, 0), free_ns: 0 };
    let (tally, _) = simulate(open(Arrivals::Constant, "1k", 1, 5 * S), server, 8, 300 * US, 5 * S);
    let (lag, response) = (tally.lag.distribution(1.0), tally.response.distribution(1.0));
    // A histogram tells the edge of a bucket: up to one part in a thousand off.
    assert!(lag.min_ns.abs_diff(300 * US) <= 300 && lag.max_ns.abs_diff(300 * US) <= 300, "{lag:?}");
    assert!(response.max_ns.abs_diff(10 * US) <= 10, "{response:?}");
    assert_eq!(tally.wait.distribution(1.0).max_ns, 0);
    assert_eq!(tally.total.mean_ns(), 310.0 * US as f64);
}

#[test]
fn every_request_is_sent_once_and_a_number_of_requests_is_kept() {
    let pacer = Pacer::new(Arrivals::Poisson, parse("1k", 1_000 * S).unwrap(), 9, 0, 1);
    let dispatcher = Dispatcher::new(Source::Open(Box::new(pacer)), 1_000, S, u64::MAX, Some(5_000));
    let server = Server { service_ns: 10 * US, stall: (0, 0), free_ns: 0 };
    let (tally, sent) = simulate(dispatcher, server, 8, 0, u64::MAX);
    assert!((900..1_100).contains(&(sent - 5_000)), "the warm-up second is sent on top: {sent}");
    assert_eq!(tally.counts.completed, sent);
}
