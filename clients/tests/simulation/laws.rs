//! What queueing theory says of the simulated server, and what the books say.

use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::tally::RunTally;
use dyno_clients::plan::dispatch::Dispatcher;
use dyno_clients::plan::pacer::Arrivals;

use crate::world::{MS, S, Server, US, books, closed, open, punctual, schedule, simulate};

/// For one stall of D in a run of T at utilization rho, p_q = D - (1 - q) T (1 - rho) where that is positive.
#[test]
fn one_stall_shows_up_in_full_in_an_open_loop_whatever_the_connections() {
    let (d, t) = (S, 20 * S);
    for (rho, connections) in [(0.2, 1), (0.2, 64), (0.5, 4), (0.8, 64)] {
        let rate = 2_000.0;
        let server = Server::stalling((rho / rate * 1e9) as u64, 5 * S, 5 * S + d);
        let ran = simulate(books(t), open(Arrivals::Constant, "2k", 1, t), server, connections, punctual);
        let told = ran.tally.total.distribution(1.0);
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
    let server = || Server::stalling(100 * US, 5 * S, 6 * S);
    let looped = simulate(books(20 * S), closed(0, 20 * S), server(), 4, punctual).tally;
    assert!(
        looped.total.distribution(1.0).percentile_ns(0.999).unwrap() < MS,
        "a closed loop sees four slow answers"
    );
    let even = open(Arrivals::Constant, "2k", 1, 20 * S);
    let even = simulate(books(20 * S), even, server(), 4, punctual).tally;
    assert!(even.response.distribution(1.0).percentile_ns(0.99).unwrap() < MS);
    assert!(even.total.distribution(1.0).percentile_ns(0.99).unwrap() > 800 * MS);
    assert!(even.counts.waited > 1_900, "{}", even.counts.waited);
}

/// Pollaczek and Khinchine: the mean wait is rho / (2 (1 - rho)) services for constant service times.
#[test]
fn the_mean_wait_at_a_simulated_m_d_1_is_the_textbooks() {
    for rho in [0.3, 0.5, 0.7] {
        let service_ns = (rho * 1e9 / 10_000.0) as u64;
        let poisson = open(Arrivals::Poisson, "10k", 3, 50 * S);
        let ran = simulate(books(50 * S), poisson, Server::new(service_ns), 4, punctual);
        let wait = ran.tally.total.mean_ns() - service_ns as f64;
        let truth = rho / (2.0 * (1.0 - rho)) * service_ns as f64;
        assert!((wait / truth - 1.0).abs() < 0.03, "rho {rho}: {wait} for {truth}");
    }
}

/// In its operational form the law holds exactly, in a short window, with a stall across its edge and a late
/// generator too.
#[test]
fn littles_law_holds_in_the_books() {
    for (lag_ns, end_ns, stall) in [
        (0, 20 * S, (2 * S, 3 * S)),
        (0, 400 * MS, (350 * MS, 600 * MS)),
        (40 * US, 400 * MS, (10 * MS, 130 * MS)),
    ] {
        let from_ns = 100 * MS;
        let poisson = schedule(Arrivals::Poisson, "10k", 3, end_ns);
        let dispatcher = Dispatcher::new(poisson, 10_000_000, from_ns, end_ns, None);
        let tally = RunTally::new(from_ns, end_ns, Sample::default());
        let server = Server::stalling(70 * US, stall.0, stall.1);
        let tally = simulate(tally, dispatcher, server, 16, |_| lag_ns).tally;
        let (counted, stamped) = (tally.in_system_area(), tally.time_in_system_ns());
        assert!((counted / stamped - 1.0).abs() < 1e-9, "lag {lag_ns}: {counted} {stamped}");
    }
}

#[test]
fn lag_is_ours_and_told_apart_from_the_server() {
    let even = open(Arrivals::Constant, "1k", 1, 5 * S);
    let tally = simulate(books(5 * S), even, Server::new(10 * US), 8, |_| 300 * US).tally;
    let (lag, response) = (tally.lag.distribution(1.0), tally.response.distribution(1.0));
    // A histogram tells the edge of a bucket: up to one part in a thousand off.
    assert!(lag.min_ns.abs_diff(300 * US) <= 300 && lag.max_ns.abs_diff(300 * US) <= 300, "{lag:?}");
    assert!(response.max_ns.abs_diff(10 * US) <= 10, "{response:?}");
    assert_eq!(tally.wait.distribution(1.0).max_ns, 0);
    assert_eq!(tally.total.mean_ns(), 310.0 * US as f64);
}

/// Also where clients give up before a connection is free.
#[test]
fn littles_law_holds_with_clients_that_give_up() {
    for (connections, patience_ns) in [(1, 50 * MS), (2, 3 * MS), (4, 400 * MS)] {
        let (from_ns, end_ns) = (100 * MS, 3 * S);
        let poisson = schedule(Arrivals::Poisson, "10k", 3, end_ns);
        let dispatcher =
            Dispatcher::new(poisson, 10_000_000, from_ns, end_ns, None).with_patience(Some(patience_ns));
        let tally = RunTally::new(from_ns, end_ns, Sample::default()).with_patience(Some(patience_ns));
        let server = Server::stalling(70 * US, 500 * MS, S);
        let tally = simulate(tally, dispatcher, server, connections, punctual).tally;
        let (counted, stamped) = (tally.in_system_area(), tally.time_in_system_ns());
        assert!((counted / stamped - 1.0).abs() < 1e-9, "{connections}, {patience_ns}: {counted} {stamped}");
        let impatient = &tally.impatient;
        assert!(impatient.abandoned_unsent > 0 && impatient.good > 0, "{impatient:?}");
        assert_eq!(impatient.abandoned, tally.counts.failed);
    }
}
