//! The audit on simulated runs whose faults were made on purpose: each must be found, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};

use dyno_clients::books::absence::Absence;
use dyno_clients::books::arrivals::Sample;
use dyno_clients::books::tally::RunTally;
use dyno_clients::engine::measured::Measured;
use dyno_clients::outcome::{Connections, Outcome, Partial};
use dyno_clients::plan::dispatch::Dispatcher;
use dyno_clients::plan::pacer::Arrivals;
use dyno_clients::plan::profile::parse;
use dyno_clients::plan::request::RequestParts;
use dyno_clients::plan::{Length, Pace, Plan};
use dyno_clients::report::text::{Statistics, summary};
use dyno_clients::verdict::judge::judge;
use dyno_units::paint::Paint;

use crate::world::{MS, S, Server, US, schedule, simulate_until};
use dyno_units::verdict::Verdict;

/// A run of ten seconds after one of warm-up.
struct Run {
    planned: Arrivals,
    /// What the pacer does instead, if it is broken.
    paced: Arrivals,
    server: Server,
    connections: u32,
    backlog: u64,
    lag_ns: fn(u64) -> u64,
    /// Requests times ns that the books count twice.
    twice_ns: u64,
    /// When somebody interrupts it.
    cut_ns: u64,
}

impl Default for Run {
    fn default() -> Self {
        Run {
            planned: Arrivals::Poisson,
            paced: Arrivals::Poisson,
            server: Server::new(40 * US),
            connections: 64,
            backlog: 1_000_000,
            lag_ns: |_| 2 * US,
            twice_ns: 0,
            cut_ns: u64::MAX,
        }
    }
}

fn judged(run: Run) -> Outcome {
    let (warmup_ns, end_ns) = (S, 11 * S);
    let stretches = parse("5k", end_ns).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
    let request =
        RequestParts { target: "/".into(), authority: "test".into(), weight: 1.0, ..RequestParts::default() };
    let length = Length::Duration(end_ns - warmup_ns);
    let mut plan = Plan::closed(address, run.connections, length, request.prepare().unwrap());
    plan.warmup_ns = warmup_ns;
    plan.backlog = run.backlog;
    plan.pace = Pace::Open { arrivals: run.planned, stretches: stretches.clone() };
    let sample = Sample::new(&stretches, warmup_ns, end_ns);
    let tally = RunTally::new(warmup_ns, end_ns, sample);
    let source = schedule(run.paced, "5k", 3, end_ns);
    let dispatcher = Dispatcher::new(source, run.backlog, warmup_ns, end_ns, None);
    let mut ran = simulate_until(run.cut_ns, tally, dispatcher, run.server, run.connections, run.lag_ns);
    ran.tally.entered_late(run.twice_ns);
    let open = u64::from(run.connections);
    judge(
        &plan,
        &Measured {
            tally: ran.tally,
            window_ns: end_ns
                .min(ran.overflow_ns.unwrap_or(end_ns))
                .min(run.cut_ns)
                .saturating_sub(warmup_ns),
            partial: match ran.overflow_ns {
                Some(_) => Some(Partial::Backlog),
                None => (run.cut_ns < end_ns).then_some(Partial::Interrupted),
            },
            ended_ns: ran.ended_ns,
            meters: Vec::new(),
            connections: Connections {
                planned: open,
                open_max: open,
                open_at_end: open,
                opened: open,
                ..Connections::default()
            },
            started_unix_ms: 0,
            absence: Absence::default(),
            throttled_periods: 0,
            hosts: 1,
        },
        |_| None,
    )
}

#[test]
fn what_was_done_on_purpose_is_found_and_nothing_else() {
    let cases: Vec<(Verdict, &[&str], Run)> = vec![
        (Verdict::Sound, &[], Run::default()),
        (
            Verdict::Sound,
            &[],
            Run { planned: Arrivals::Constant, paced: Arrivals::Constant, ..Run::default() },
        ),
        // It takes longer to send than the server to serve, so short gaps grow longer, too.
        (
            Verdict::Void,
            &["generator-late", "arrivals-off"],
            Run { lag_ns: |_| 60 * US, server: Server::new(10 * US), ..Run::default() },
        ),
        // It wakes up each 2 ms, and sends in lumps what fell due meanwhile.
        (
            Verdict::Void,
            &["generator-late", "arrivals-off"],
            Run { lag_ns: |now| (2 * MS - now % (2 * MS)) % (2 * MS), ..Run::default() },
        ),
        (Verdict::Doubtful, &["arrivals-off"], Run { planned: Arrivals::Constant, ..Run::default() }),
        (Verdict::Doubtful, &["server-overloaded"], Run { server: Server::new(250 * US), ..Run::default() }),
        (
            Verdict::Void,
            &["backlog-overflow"],
            Run { server: Server::stalling(40 * US, 6 * S, 20 * S), backlog: 1_000, ..Run::default() },
        ),
        // Interrupted half-way, a little after the warm-up, and before anything could be measured.
        (Verdict::Doubtful, &["cut-short"], Run { cut_ns: 6 * S, ..Run::default() }),
        (Verdict::Doubtful, &["cut-short", "few-answers"], Run { cut_ns: S + MS, ..Run::default() }),
        (Verdict::Void, &["nothing-measured"], Run { cut_ns: S / 2, ..Run::default() }),
        // Some 2 % of what a server that is at work for a fifth of ten seconds has in it.
        (Verdict::Doubtful, &["littles-law-broken"], Run { twice_ns: 60 * MS, ..Run::default() }),
    ];
    for (number, (verdict, doubts, run)) in cases.into_iter().enumerate() {
        let outcome = judged(run);
        let found: Vec<String> = outcome
            .audit
            .findings
            .iter()
            .map(|f| serde_json::to_value(f).unwrap()["doubt"].as_str().unwrap().to_string())
            .collect();
        let told = &outcome.audit.findings;
        assert!(doubts.iter().all(|doubt| found.iter().any(|f| f == doubt)), "case {number}: {told:?}");
        assert!(found.iter().all(|f| doubts.contains(&f.as_str())), "case {number}: {told:?}");
        assert_eq!(outcome.audit.verdict, verdict, "case {number}: {told:?}");
    }
}

#[test]
fn a_stall_makes_the_tail_doubtful_and_not_wrong() {
    let outcome =
        judged(Run { server: Server::stalling(40 * US, 6 * S, 6 * S + 300 * MS), ..Run::default() });
    assert_eq!(outcome.audit.verdict, Verdict::Doubtful);
    let truth = 300e6 - 0.01 * 10e9 * 0.8;
    let p99 = outcome.latency.total.percentile_ns(0.99).unwrap() as f64;
    assert!((p99 / truth - 1.0).abs() < 0.05, "{p99} {truth}");
    let told = outcome.latency.total.percentiles.iter().find(|p| p.quantile == 0.99).unwrap();
    assert!(told.effective_beyond < 5.0, "one bunch of slow answers is no five: {told:?}");
}

#[test]
fn a_run_cut_short_states_no_percentile_that_its_answers_cannot_carry() {
    for (cut_ns, answers, highest) in [
        (S + MS, 1..20, None),
        (S + 30 * MS, 110..190, Some(0.9)),
        (S + 300 * MS, 1_100..1_900, Some(0.99)),
        (6 * S, 24_000..26_000, Some(0.999)),
    ] {
        let outcome = judged(Run { cut_ns, ..Run::default() });
        let total = &outcome.latency.total;
        assert!(answers.contains(&total.count), "{} answers until {cut_ns}", total.count);
        assert_eq!(total.percentiles.last().map(|p| p.quantile), highest, "{} answers", total.count);
        let text = summary(&outcome, Paint(false), Statistics::Shown);
        assert!(
            text.contains("DOUBTFUL") && text.contains("cut short: ") && text.contains("PARTIAL"),
            "{text}"
        );
        let told = text.lines().find(|line| line.starts_with("total ")).map(|line| line.contains('–'));
        assert_eq!(told, Some(true), "what it cannot carry stands as a dash: {text}");
        for partial in [Partial::Interrupted, Partial::Condition, Partial::Backlog] {
            let outcome = Outcome { partial: Some(partial), ..outcome.clone() };
            let text = summary(&outcome, Paint(false), Statistics::Shown);
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert_eq!(text.matches("PARTIAL: ").count(), 1, "{text}");
        }
    }
}
