//! What is sent and counted in each phase of a run: warm-up, window, drain; ramps, steps, numbers, and the bound of the
//! backlog.

use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::tally::RunTally;
use dyno_clients::plan::dispatch::Dispatcher;
use dyno_clients::plan::pacer::Arrivals;

use crate::world::{MS, Ran, S, Server, US, books, open, punctual, schedule, simulate};

fn due_between(ran: &Ran, from_ns: u64, to_ns: u64) -> usize {
    ran.requests.iter().filter(|r| (from_ns..to_ns).contains(&r.intended_ns)).count()
}

#[test]
fn the_warm_up_is_sent_and_left_out_and_the_drain_is_counted() {
    let (warmup_ns, end_ns) = (S, 3 * S);
    let even = schedule(Arrivals::Constant, "1k", 1, 10 * S);
    let dispatcher = Dispatcher::new(even, 1_000_000, warmup_ns, end_ns, None);
    // It stands still over the end of the window, so a tenth of a second is answered after it.
    let server = Server::stalling(10 * US, end_ns - 100 * MS, end_ns + 50 * MS);
    let tally = RunTally::new(warmup_ns, end_ns, Sample::default());
    let ran = simulate(tally, dispatcher, server, 8, punctual);
    assert_eq!((due_between(&ran, 0, warmup_ns), due_between(&ran, warmup_ns, end_ns)), (1_000, 2_000));
    assert_eq!(ran.requests.len(), 3_000, "the schedule goes on, but nothing is due after the window");
    let c = &ran.tally.counts;
    assert_eq!((c.intended, c.sent, c.completed, c.failed), (2_000, 2_000, 2_000, 0));
    assert_eq!(c.completed_in_window, 1_900);
    assert_eq!(ran.tally.total.distribution(1.0).count, 2_000);
    assert_eq!(ran.tally.total.distribution(1.0).max_ns / MS, 150, "the first that met the stall");
    assert!(ran.ended_ns > end_ns + 50 * MS);
}

#[test]
fn ramps_and_steps_bring_what_their_rates_promise() {
    // A rate over the whole run, and the arrivals in each of its seconds.
    for (rate, seconds) in [
        ("1k", &[1_000.0, 1_000.0, 1_000.0, 1_000.0][..]),
        ("100,400/2s", &[100.0, 100.0, 400.0, 400.0]),
        ("1k,10,1k/1s", &[1_000.0, 10.0, 1_000.0]),
        ("0.001..800/4s", &[100.0, 300.0, 500.0, 700.0]),
        ("1k..500,500..0.001/2s", &[875.0, 625.0, 375.0, 125.0]),
    ] {
        for (arrivals, deviations) in [(Arrivals::Constant, 0.0), (Arrivals::Poisson, 4.0)] {
            let end_ns = seconds.len() as u64 * S;
            let ran = simulate(books(end_ns), open(arrivals, rate, 6, end_ns), Server::new(US), 4, punctual);
            for (second, &mean) in (0..).zip(seconds) {
                let found = due_between(&ran, second * S, (second + 1) * S) as f64;
                let most = 1.5 + deviations * f64::sqrt(mean);
                assert!((found - mean).abs() < most, "{rate}, second {second}: {found} for {mean}");
            }
        }
    }
}

#[test]
fn every_request_is_sent_once_and_a_number_of_requests_is_kept() {
    let poisson = schedule(Arrivals::Poisson, "1k", 9, 1_000 * S);
    let dispatcher = Dispatcher::new(poisson, 1_000, S, u64::MAX, Some(5_000));
    let ran = simulate(books(u64::MAX), dispatcher, Server::new(10 * US), 8, punctual);
    let sent = ran.requests.len();
    assert!((900..1_100).contains(&(sent - 5_000)), "the warm-up second is sent on top: {sent}");
    assert_eq!(ran.tally.counts.completed, sent as u64);
    let mut intended: Vec<u64> = ran.requests.iter().map(|r| r.intended_ns).collect();
    intended.sort_unstable();
    intended.dedup();
    assert_eq!(intended.len(), sent);
}

#[test]
fn the_run_ends_when_one_more_waits_than_may() {
    // Nobody is answered: four are sent at 0 to 3 ms, the next hundred wait, and the one after that is too much.
    let even = schedule(Arrivals::Constant, "1k", 1, 10 * S);
    let dispatcher = Dispatcher::new(even, 100, 0, 10 * S, None);
    let ran = simulate(books(10 * S), dispatcher, Server::stalling(US, 0, 20 * S), 4, punctual);
    assert_eq!(ran.overflow_ns, Some(104 * MS));
    assert_eq!((ran.tally.counts.sent, ran.tally.counts.intended, ran.requests.len()), (4, 104, 0));
    assert_eq!(ran.tally.counts.backlog_max, 100);
}
