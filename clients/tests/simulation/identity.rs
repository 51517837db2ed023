//! Lag + wait + response = total, in integer nanoseconds, for each single request.

use dyno_clients::plan::dispatch::Dispatcher;
use dyno_clients::plan::pacer::Arrivals;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::world::{MS, Request, S, Server, US, books, closed, open, simulate};

fn check(name: &str, request: &Request) {
    let Request { intended_ns, free_ns, sent_ns, done_ns, split } = request;
    let total_ns = done_ns - intended_ns;
    assert_eq!(split.lag_ns + split.wait_ns + split.response_ns, total_ns, "{name}");
    assert_eq!(split.total_ns(), total_ns, "{name}");
    // Each part is what its name says, and nothing is moved from one to the other.
    assert_eq!(split.wait_ns, free_ns.saturating_sub(*intended_ns), "{name}");
    assert_eq!(split.lag_ns, sent_ns - intended_ns.max(free_ns), "{name}");
    assert_eq!(split.response_ns, done_ns - sent_ns, "{name}");
}

#[test]
fn the_parts_of_every_request_add_up_to_its_total() {
    let end_ns = 2 * S;
    let trace: Vec<u64> = (0..3_000).map(|i| i / 3 * MS + i % 3).collect();
    let arms: Vec<(&str, Dispatcher, u32)> = vec![
        ("constant", open(Arrivals::Constant, "2k", 1, end_ns), 64),
        ("constant, one connection", open(Arrivals::Constant, "2k", 1, end_ns), 1),
        ("poisson", open(Arrivals::Poisson, "2k", 2, end_ns), 4),
        ("ramp", open(Arrivals::Poisson, "100..4k/2s", 3, end_ns), 4),
        ("steps", open(Arrivals::Constant, "1k,3k/1s", 4, end_ns), 2),
        ("trace", open(Arrivals::Trace(trace.into()), "1", 5, end_ns), 3),
        ("closed", closed(0, end_ns), 8),
        ("closed, thinking", closed(700 * US, end_ns), 8),
    ];
    for (name, dispatcher, connections) in arms {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        // Odd numbers, so that nothing comes out even by itself; the stall makes requests wait for connections.
        let server = Server::stalling(123_457, 300_000_001, 400_000_003);
        let ran = simulate(books(end_ns), dispatcher, server, connections, |_| rng.random_range(0..40_001));
        assert!(ran.requests.len() > 1_000, "{name}: {}", ran.requests.len());
        ran.requests.iter().for_each(|request| check(name, request));
        // The sums that the books keep are those of the requests, to the nanosecond.
        let sum = |part: fn(&Request) -> u64| ran.requests.iter().map(part).sum::<u64>() as f64;
        let count = ran.requests.len() as f64;
        for (told_ns, sum_ns) in [
            (ran.tally.total.mean_ns(), sum(|r| r.done_ns - r.intended_ns)),
            (ran.tally.lag.mean_ns(), sum(|r| r.split.lag_ns)),
            (ran.tally.wait.mean_ns(), sum(|r| r.split.wait_ns)),
            (ran.tally.response.mean_ns(), sum(|r| r.split.response_ns)),
        ] {
            assert_eq!(told_ns, sum_ns / count, "{name}");
        }
    }
}
