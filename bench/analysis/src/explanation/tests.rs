use super::*;
use crate::cost_part::CostPart;
use crate::explanation::build::Sleepers;
use crate::explanation::stack::stacks;
use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::header::UnitPrice;
use dyno_record::step::Step;
use dyno_record::transport::TransportKind;
use dyno_units::verdict::Verdict;

/// A cell in which a request takes this much CPU and so many of everything that is counted.
fn cell(name: &str, step: Step, cpu_ns: f64, counts: [Option<f64>; 4]) -> Record {
    const RATE: f64 = 50_000.0;
    let [switches, faults, calls, roused] = counts.map(|count| count.map(|count| count * RATE));
    let cell = Cell {
        step,
        contestant: name.into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores::default(),
        workers: None,
        load: Load::closed(64, 60, 200),
    };
    Record {
        load: Some(LoadFigures {
            rate_per_s: RATE,
            generator_sleeps_per_s: roused,
            ..LoadFigures::default()
        }),
        server: Some(ServerFigures {
            cores_used: cpu_ns * RATE / 1e9,
            switches_per_s: switches,
            faults_minor_per_s: faults,
            system_calls_per_s: calls,
            ..ServerFigures::default()
        }),
        ..Record::new(Trial { cell, block: 0 }, "m")
    }
}

/// How the servers are built that these tests name.
fn side(name: &str) -> Side<'_> {
    let build = match name {
        "fork" => Build { sleepers: Sleepers::Processes, started: Some(Unit::Fork), ..Build::UNKNOWN },
        "prefork" => Build { sleepers: Sleepers::Processes, ..Build::UNKNOWN },
        "thread-pool" => Build { sleepers: Sleepers::Threads, queued: 1.0, ..Build::UNKNOWN },
        "epoll" => Build { epoll: true, ..Build::UNKNOWN },
        _ => Build::UNKNOWN,
    };
    Side { name, build }
}

/// Planted prices: what is asked for that is not here is not to be had.
fn price(unit: Unit) -> Option<Cost> {
    let (ns, switches, faults) = match unit {
        Unit::WakeOneOfMany => (4_000.0, 1.0, 0.0),
        Unit::WakeOneOfManyProcesses => (5_500.0, 1.0, 0.0),
        Unit::WakeForConnection => (4_500.0, 1.0, 0.0),
        Unit::WakeProcessForConnection => (5_000.0, 1.0, 0.0),
        Unit::Switch => (1_500.0, 1.0, 0.0),
        Unit::Event => (200.0, 0.0, 0.0),
        Unit::WatchConnection => (5_000.0, 0.5, 0.0),
        Unit::QueueConnection => (6_000.0, 4.0, 0.0),
        Unit::SpawnForConnection => (30_000.0, 2.0, 3.0),
        Unit::Fork => (400_000.0, 2.0, 50.0),
        Unit::WakeClient => (2_000.0, 0.0, 0.0),
        Unit::SystemCall => (100.0, 0.0, 0.0),
        Unit::PageFault => (1_000.0, 0.0, 0.0),
        Unit::PageCopy => (3_000.0, 0.0, 0.0),
        _ => return None,
    };
    Some(Cost { ns, switches, faults })
}

fn explained(cells: &[Record], names: [&str; 2]) -> Vec<Explanation> {
    explain(&cells.iter().collect::<Vec<_>>(), names.map(side), &price)
}

fn adds(explanation: &Explanation) -> Vec<(&'static str, f64)> {
    explanation.reasons.iter().map(|reason| (reason.what, reason.adds_ns().round())).collect()
}

#[test]
fn lasting_connections_are_explained_by_wake_ups_and_the_sum_is_right() {
    let cells = [
        cell("prefork", Step::Capacity, 12_000.0, [Some(1.0), Some(0.1), None, Some(0.5)]),
        cell("epoll", Step::Capacity, 5_000.0, [Some(0.2), Some(0.0), None, Some(0.0)]),
        // Calls are counted in cells of their own; what those would say of switches is not asked.
        cell("prefork", Step::Pilot, 30_000.0, [Some(9.0), None, Some(2.0), Some(9.0)]),
        cell("epoll", Step::Pilot, 30_000.0, [Some(9.0), None, Some(3.0), Some(9.0)]),
    ];
    let found = explained(&cells, ["prefork", "epoll"]);
    assert_eq!(found.len(), 1, "there are no cells with a connection each");
    let expected = [
        ("events", -200.0),
        ("context switches", 5_500.0 - 300.0),
        ("page faults", 300.0),
        ("clients woken", 1_000.0),
        ("system calls", -100.0),
    ];
    assert_eq!(adds(&found[0]), expected);
    assert_eq!(found[0].difference_ns().round(), 7_000.0);
    assert_eq!(found[0].unexplained_ns().round(), 800.0);
    assert!((found[0].unexplained_share() - 0.8 / 7.0).abs() < 1e-9);
    assert_eq!(
        found[0].words(["prefork", "epoll"]),
        "74.3 % of it: prefork takes 1.00 context switches a request (one of 64 processes woken for a request), epoll takes \
         0.200.\n14.3 % of it: prefork takes 0.500 clients woken a request (a client on another core woken by an \
         answer), epoll takes none."
    );
}

#[test]
fn what_a_step_contains_is_not_counted_twice() {
    let cells = [
        cell("thread-pool", Step::Connect, 30_000.0, [Some(6.0), Some(0.0), None, Some(0.0)]),
        cell("fork", Step::Connect, 430_000.0, [None, Some(52.0), None, Some(0.0)]),
        cell("fork", Step::Counts, 900_000.0, [Some(2.5), Some(52.0), None, Some(0.0)]),
    ];
    let found = explained(&cells, ["fork", "thread-pool"]);
    let expected = [
        ("processes", 400_000.0),
        ("connections queued", -6_000.0),
        // Two of fork's and four of the pool's are in the prices above.
        ("context switches", 0.5 * 5_000.0 - 2.0 * 4_500.0),
        ("page faults", 2.0 * 3_000.0),
    ];
    assert_eq!(adds(&found[0]), expected);
}

#[test]
fn what_is_not_known_is_said_and_not_taken_for_nothing() {
    let mut void = cell("epoll", Step::Capacity, 1.0, [Some(1.0); 4]);
    void.audit = Audit::of(vec![Finding {
        law: Law::UtilizationLaw,
        verdict: Verdict::Void,
        latency: Verdict::Sound,
        words: "spoilt".into(),
    }]);
    let cells = [
        cell("thread-pool", Step::Capacity, 9_000.0, [Some(1.0), None, None, Some(0.0)]),
        cell("epoll", Step::Capacity, 5_000.0, [Some(0.0), None, None, Some(0.0)]),
        void,
    ];
    let found = explained(&cells, ["thread-pool", "epoll"]);
    assert_eq!(found[0].cpu_ns.map(f64::round), [9_000.0, 5_000.0], "a void cell counts for nothing");
    assert_eq!(found[0].not_available, ["page faults", "system calls"]);
}

#[test]
fn the_units_asked_for_are_those_that_are_used() {
    let asked = |one, other| units([one, other].map(|name| side(name).build));
    assert_eq!(
        asked("prefork", "epoll"),
        [
            Unit::PageCopy,
            Unit::Switch,
            Unit::PageFault,
            Unit::SystemCall,
            Unit::WakeOneOfManyProcesses,
            Unit::Event,
            Unit::WakeProcessForConnection,
            Unit::WatchConnection,
            Unit::WakeClient
        ]
    );
    let starts = Build { started: Some(Unit::SpawnForConnection), ..Build::UNKNOWN };
    assert!(units([starts, Build::UNKNOWN]).contains(&Unit::SpawnForConnection));
    let hands_over = Build { hand_overs: 2.0, ..Build::UNKNOWN };
    assert!(units([hands_over, Build::UNKNOWN]).contains(&Unit::HandOver));
}

/// The planted prices as a header holds them.
fn prices() -> Vec<UnitPrice> {
    let of = |unit: Unit| {
        let cost = price(unit)?;
        let name = unit.name().to_string();
        Some(UnitPrice { unit: name, ns: cost.ns, switches: cost.switches, faults: cost.faults })
    };
    Unit::ALL.into_iter().filter_map(of).collect()
}

#[test]
fn the_parts_of_each_alone_are_those_by_which_two_differ_and_the_rest_is_what_is_left() {
    let cells = [
        cell("prefork", Step::Capacity, 12_000.0, [Some(1.0), Some(0.0), Some(2.0), Some(0.5)]),
        cell("epoll", Step::Capacity, 5_000.0, [Some(0.2), Some(0.0), Some(3.0), Some(0.0)]),
        cell("fork", Step::Connect, 380_000.0, [Some(2.5), Some(52.0), None, Some(0.0)]),
    ];
    let cells: Vec<&Record> = cells.iter().collect();
    let names = ["prefork", "epoll", "fork", "absent"].map(|name| (name, side(name).build));
    let found = stacks(&cells, &names, &prices());
    let told: Vec<_> = found.iter().map(|one| (one.label.as_str(), one.step, one.parts.clone())).collect();
    assert_eq!(
        told,
        [
            (
                "prefork",
                Step::Capacity,
                vec![
                    (CostPart::Switches, 5_500.0),
                    (CostPart::ClientsWoken, 1_000.0),
                    (CostPart::SystemCalls, 200.0)
                ]
            ),
            (
                "epoll",
                Step::Capacity,
                vec![(CostPart::Switches, 300.0), (CostPart::Events, 200.0), (CostPart::SystemCalls, 300.0)]
            ),
            (
                "fork",
                Step::Connect,
                vec![
                    (CostPart::Started, 400_000.0),
                    (CostPart::Switches, 2_500.0),
                    (CostPart::PageFaults, 6_000.0)
                ]
            ),
        ]
    );
    assert!((found[0].rest_ns() - 5_300.0).abs() < 1e-6, "{:?}", found[0]);
    assert!(found[2].rest_ns() < 0.0, "a fork is priced at more than the whole request");
    assert_eq!(found[2].largest(), Some((CostPart::Started, 400_000.0)));
    assert!(stacks(&cells, &names, &[]).iter().all(|one| one.parts.is_empty()), "nothing without prices");
}

#[test]
fn every_unit_that_a_design_needs_is_asked_for_once() {
    let builds = ["fork", "epoll", "thread-pool"].map(|name| side(name).build);
    let asked = units_of(&builds);
    for build in builds {
        assert!(units([build; 2]).iter().all(|unit| asked.contains(unit)), "{build:?}");
    }
    let mut once = asked.clone();
    once.dedup();
    assert_eq!(once, asked);
}
