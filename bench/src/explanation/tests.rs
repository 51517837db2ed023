use super::*;
use crate::record::audit::{Audit, Finding, Law, Standing};
use crate::record::cell::{Cell, Cores, Load, Trial};

/// A cell in which a request takes this much CPU and so many of everything that is counted.
fn cell(name: &str, step: &str, cpu_ns: f64, counts: [Option<f64>; 4]) -> Record {
    const RATE: f64 = 50_000.0;
    let [switches, faults, calls, roused] = counts.map(|count| count.map(|count| count * RATE));
    Record {
        schema: crate::record::SCHEMA,
        trial: Trial {
            cell: Cell {
                step: step.into(),
                contestant: name.into(),
                service: "/".into(),
                transport: "plain".into(),
                cores: Cores::default(),
                workers: None,
                load: Load {
                    connections: 64,
                    idle_connections: 0,
                    rate_per_s: None,
                    steps: Vec::new(),
                    requests_per_connection: None,
                    warm_up_ms: 60,
                    duration_ms: 200,
                },
            },
            block: 0,
        },
        turn: 0,
        began_unix_ms: 0,
        took_ms: 0,
        machine_id: "m".into(),
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
        machine: None,
        pace: Vec::new(),
        audit: Audit::of(Vec::new()),
        factors: None,
    }
}

/// Planted prices: what is asked for that is not here is not to be had.
fn price(unit: &Unit) -> Option<Cost> {
    let (ns, switches, faults) = match unit.name {
        "woken" => (4_000.0, 1.0, 0.0),
        "woken-process" => (5_500.0, 1.0, 0.0),
        "called" => (4_500.0, 1.0, 0.0),
        "called-process" => (5_000.0, 1.0, 0.0),
        "switch" => (1_500.0, 1.0, 0.0),
        "event" => (200.0, 0.0, 0.0),
        "watched" => (5_000.0, 0.5, 0.0),
        "passed-on" => (6_000.0, 4.0, 0.0),
        "born" => (30_000.0, 2.0, 3.0),
        "fork" => (400_000.0, 2.0, 50.0),
        "rouse" => (2_000.0, 0.0, 0.0),
        "call" => (100.0, 0.0, 0.0),
        "fault" => (1_000.0, 0.0, 0.0),
        "copy" => (3_000.0, 0.0, 0.0),
        _ => return None,
    };
    Some(Cost { ns, switches, faults })
}

fn explained(cells: &[Record], names: [&str; 2]) -> Vec<Explanation> {
    explain(&cells.iter().collect::<Vec<_>>(), names, &price)
}

fn adds(explanation: &Explanation) -> Vec<(&'static str, f64)> {
    explanation.reasons.iter().map(|reason| (reason.what, reason.adds_ns().round())).collect()
}

#[test]
fn lasting_connections_are_explained_by_wake_ups_and_the_sum_is_right() {
    let cells = [
        cell("prefork", CAPACITY, 12_000.0, [Some(1.0), Some(0.1), None, Some(0.5)]),
        cell("epoll", CAPACITY, 5_000.0, [Some(0.2), Some(0.0), None, Some(0.0)]),
        // Calls are counted in cells of their own; what those would say of switches is not asked.
        cell("prefork", PILOT, 30_000.0, [Some(9.0), None, Some(2.0), Some(9.0)]),
        cell("epoll", PILOT, 30_000.0, [Some(9.0), None, Some(3.0), Some(9.0)]),
    ];
    let found = explained(&cells, ["prefork", "epoll"]);
    assert_eq!(found.len(), 1, "there are no cells with a connection each");
    let expected = [
        ("events", -200.0),
        ("context switches", 5_500.0 - 300.0),
        ("page faults", 300.0),
        ("clients roused", 1_000.0),
        ("system calls", -100.0),
    ];
    assert_eq!(adds(&found[0]), expected);
    assert_eq!(found[0].difference_ns().round(), 7_000.0);
    assert_eq!(found[0].unexplained_ns().round(), 800.0);
    assert!((found[0].unexplained_share() - 0.8 / 7.0).abs() < 1e-9);
    assert_eq!(
        found[0].words(["prefork", "epoll"]),
        "74 % of it: prefork takes 1.00 context switches a request (one of 64 processes woken for a request), epoll takes \
         0.200.\n14 % of it: prefork takes 0.500 clients roused a request (a client roused by an answer, asleep on another \
         core), epoll takes none."
    );
}

#[test]
fn what_a_step_contains_is_not_counted_twice() {
    let cells = [
        cell("thread-pool", CONNECT, 30_000.0, [Some(6.0), Some(0.0), None, Some(0.0)]),
        cell("fork", CONNECT, 430_000.0, [None, Some(52.0), None, Some(0.0)]),
        cell("fork", COUNTS, 900_000.0, [Some(2.5), Some(52.0), None, Some(0.0)]),
    ];
    let found = explained(&cells, ["fork", "thread-pool"]);
    let expected = [
        ("processes", 400_000.0),
        ("callers passed on", -6_000.0),
        // Two of fork's and four of the pool's are in the prices above.
        ("context switches", 0.5 * 5_000.0 - 2.0 * 4_500.0),
        ("page faults", 2.0 * 3_000.0),
    ];
    assert_eq!(adds(&found[0]), expected);
}

#[test]
fn what_is_not_known_is_said_and_not_taken_for_nothing() {
    let mut void = cell("epoll", CAPACITY, 1.0, [Some(1.0); 4]);
    void.audit = Audit::of(vec![Finding {
        law: Law::UtilizationLaw,
        standing: Standing::Void,
        words: "spoilt".into(),
    }]);
    let cells = [
        cell("thread-pool", CAPACITY, 9_000.0, [Some(1.0), None, None, Some(0.0)]),
        cell("epoll", CAPACITY, 5_000.0, [Some(0.0), None, None, Some(0.0)]),
        void,
    ];
    let found = explained(&cells, ["thread-pool", "epoll"]);
    assert_eq!(found[0].cpu_ns.map(f64::round), [9_000.0, 5_000.0], "a void cell counts for nothing");
    assert_eq!(found[0].not_available, ["page faults", "system calls"]);
}

#[test]
fn the_units_asked_for_are_those_that_are_used() {
    let names = |one, other| units([one, other]).iter().map(|unit| unit.name).collect::<Vec<_>>();
    assert_eq!(
        names("prefork", "epoll"),
        ["copy", "switch", "fault", "call", "woken-process", "event", "called-process", "watched", "rouse"]
    );
    assert!(names("thread-per-connection", "thread-pool").contains(&"born"));
    assert!(names("fork#2", "io-uring:tuned").contains(&"fork"), "an arm and a namesake are built alike");
    assert!(names("half-sync-half-async", "epoll").contains(&"hand-over"));
}
