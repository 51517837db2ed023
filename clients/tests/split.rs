//! How the arrivals of a plan are dealt out to several hosts: all together they are the arrivals of one, and Poisson
//! arrivals stay a Poisson process even where the hosts' clocks are apart.

use dyno_clients::books::arrivals::Sample;
use dyno_clients::plan::pacer::{Arrivals, Deal, Pacer};
use dyno_clients::plan::profile::parse;
use dyno_clients::plan::share::PlanShare;

const S: u64 = 1_000_000_000;

fn times(mut pacer: Pacer) -> Vec<u64> {
    let next = || {
        let time = pacer.peek_ns()?;
        pacer.advance();
        Some(time)
    };
    std::iter::from_fn(next).collect()
}

/// The arrivals of each part, of all its threads.
fn dealt(
    arrivals: &Arrivals,
    rate: &str,
    (of, threads): (u32, u64),
    most: Option<(u64, u64)>,
) -> Vec<Vec<u64>> {
    let part = |number| {
        let share = PlanShare { number, of };
        let deal = |thread| Deal { share, thread, threads, most };
        let of_thread =
            |thread| times(Pacer::dealt(arrivals.clone(), parse(rate, 4 * S).unwrap(), 11, deal(thread)));
        let mut all: Vec<u64> = (0..threads).flat_map(of_thread).collect();
        all.sort_unstable();
        all
    };
    (1..=of).map(part).collect()
}

fn joined(parts: &[Vec<u64>]) -> Vec<u64> {
    let mut all = parts.concat();
    all.sort_unstable();
    all
}

#[test]
fn all_parts_together_have_the_arrivals_of_one_host() {
    let trace = Arrivals::Trace((0..500).map(|k| k * k * 1_000).collect());
    for arrivals in [Arrivals::Constant, Arrivals::Poisson, trace] {
        for rate in ["500", "100..900/4s", "200,700/2s"] {
            let one = times(Pacer::new(arrivals.clone(), parse(rate, 4 * S).unwrap(), 11, 0, 1));
            assert!(one.len() >= 500, "{arrivals:?}");
            for of in [1, 2, 3, 7, 16] {
                for threads in [1, 3] {
                    let parts = dealt(&arrivals, rate, (of, threads), None);
                    assert_eq!(joined(&parts), one, "{} {rate} {of} {threads}", arrivals.name());
                    assert!(parts.iter().all(|part| part.len() > one.len() / of as usize / 3));
                }
            }
        }
    }
}

#[test]
fn of_even_arrivals_each_part_has_every_nth() {
    let one = times(Pacer::new(Arrivals::Constant, parse("500", 4 * S).unwrap(), 11, 0, 1));
    for of in [2, 3, 7] {
        for (index, part) in dealt(&Arrivals::Constant, "500", (of, 2), None).iter().enumerate() {
            let every: Vec<u64> = one.iter().copied().skip(index).step_by(of as usize).collect();
            assert_eq!(*part, every, "{index} of {of}");
        }
    }
}

#[test]
fn each_part_of_a_poisson_process_is_one_by_itself_and_even_parts_are_even() {
    for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
        for of in [2, 3, 5] {
            let stretches = parse("8k", 4 * S).unwrap();
            let mut all = Sample::default();
            for (index, part) in dealt(&arrivals, "8k", (of, 1), None).iter().enumerate() {
                let mut sample = Sample::new(&stretches, 0, 4 * S);
                part.iter().for_each(|&time| sample.sent(time, time));
                let share = 1.0 / f64::from(of);
                let tests = sample.test(arrivals.name(), &stretches, share);
                assert!(
                    tests.len() == 2 && tests.iter().all(|test| test.passed),
                    "{index} of {of}: {tests:?}"
                );
                all.merge(sample);
            }
            let tests = all.test(arrivals.name(), &stretches, 1.0);
            assert!(tests.iter().all(|test| test.passed && test.gaps > 1_900), "{of}: {tests:?}");
        }
    }
}

/// Variance over mean of the numbers of arrivals in windows of 2 ms: 1 for a Poisson process.
fn dispersion(times: &[u64]) -> f64 {
    let window_ns = 2_000_000;
    let windows = (4 * S / window_ns) as usize;
    let mut counts = vec![0.0; windows];
    for time in times {
        if let Some(count) = counts.get_mut((time / window_ns) as usize) {
            *count += 1.0;
        }
    }
    // The edges are not covered by all parts.
    let counts = &counts[50..windows - 50];
    let mean = counts.iter().sum::<f64>() / counts.len() as f64;
    counts.iter().map(|count| (count - mean).powi(2)).sum::<f64>() / counts.len() as f64 / mean
}

#[test]
fn clocks_that_are_apart_make_poisson_arrivals_no_more_regular() {
    let apart = |parts: Vec<Vec<u64>>| {
        let shifted = (0..).zip(parts).map(|(k, part): (u64, _)| {
            part.into_iter().map(|time| time + k * 7_000_000).collect::<Vec<u64>>()
        });
        joined(&shifted.collect::<Vec<_>>())
    };
    let by_lot = dispersion(&apart(dealt(&Arrivals::Poisson, "10k", (6, 1), None)));
    // 1,900 windows: the figure is known to 3 %; four standard errors.
    assert!((by_lot - 1.0).abs() < 0.13, "{by_lot}");
    // What dealing in turn would do to it.
    let stretches = parse("10k", 4 * S).unwrap();
    let in_turn = (0..6).map(|k| times(Pacer::new(Arrivals::Poisson, stretches.clone(), 11, k, 6)));
    let in_turn = dispersion(&apart(in_turn.collect()));
    assert!(in_turn < 0.6, "{in_turn}");
}

#[test]
fn a_number_of_requests_is_kept_over_all_parts() {
    let (warmup_ns, requests) = (S / 2, 777);
    let one = times(Pacer::new(Arrivals::Poisson, parse("500", 4 * S).unwrap(), 11, 0, 1));
    let measured = one.iter().filter(|&&time| time >= warmup_ns).take(requests);
    let expected: Vec<u64> = one.iter().filter(|&&time| time < warmup_ns).chain(measured).copied().collect();
    for of in 2..=16 {
        let parts = dealt(&Arrivals::Poisson, "500", (of, 2), Some((requests as u64, warmup_ns)));
        assert_eq!(joined(&parts), expected, "{of}");
    }
}
