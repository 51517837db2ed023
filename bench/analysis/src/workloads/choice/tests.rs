use dyno_record::header::ContestantLine;
use dyno_record::workload::Workload;
use dyno_statistics::bootstrap::Interval;

use super::*;
use crate::figure::RowFigure;
use crate::workloads::{Score, Seen};

fn figure(value: f64) -> RowFigure {
    RowFigure {
        interval: Some(Interval { value, low: value * 0.98, high: value * 1.02, observations: 5 }),
        by_round: (0..5).map(|block| (block, value)).collect(),
        as_measured: Some(value),
        ..RowFigure::of(&[], 5, |_| None)
    }
}

fn score(cpu_us: f64, p99_ms: f64) -> Score {
    Score {
        rate: figure(1e9 / (cpu_us * 1e3)),
        cpu_ns: figure(cpu_us * 1e3),
        p50_ns: figure(1e5),
        p99_ns: figure(p99_ms * 1e6),
        memory: figure(1e6),
        seen: Seen::default(),
        standing: Standing::Best,
        share: Some(1.0),
    }
}

fn row(name: &str, scores: [Score; 2]) -> WorkloadRow {
    WorkloadRow { workload: Workload::of(name).unwrap(), common_per_s: None, scores: scores.into() }
}

/// A loop, and a pool that lets two wait at a time and fails where thousands are held.
fn matrix() -> Matrix {
    let jams = Score {
        standing: Standing::Jammed,
        seen: Seen { waiting: Some(2.0), ..Seen::default() },
        ..score(20.0, 60.0)
    };
    let fails = Score { standing: Standing::Fails("90 % failed".into()), ..score(20.0, 900.0) };
    let line = |label: &str| ContestantLine {
        label: label.into(),
        idea: String::new(),
        family: String::new(),
        command: Vec::new(),
    };
    Matrix {
        designs: vec![line("loop"), line("pool")],
        rows: vec![
            row("hello", [score(10.0, 1.0), score(11.0, 1.0)]),
            row("compute", [score(210.0, 2.0), score(211.0, 2.0)]),
            row("wait", [score(14.0, 8.0), jams]),
            row("held", [score(17.0, 40.0), fails]),
        ],
    }
}

const WISH: Wish =
    Wish { connections: 64, wait_ns: 0, compute_ns: 0, rate_per_s: 30_000.0, limit_ns: 20_000_000 };

fn of(wish: Wish) -> Vec<DesignOffer> {
    offers(&matrix(), &wish, |_| None).unwrap()
}

#[test]
fn costs_are_put_together_from_what_was_measured() {
    let plain = of(WISH);
    assert_eq!((plain[0].cpu_ns, plain[1].cpu_ns), (Some(10e3), Some(11e3)));
    assert!((plain[0].cores.unwrap() - 0.3).abs() < 1e-9);
    assert_eq!(plain[0].whole_cores(), Some(1));
    // A microsecond of work costs a microsecond, a wait 4, and thousands of connections 3.
    let close = |wish: Wish, us: f64| {
        let own = of(wish)[0].cpu_ns.unwrap();
        assert!((own - us * 1e3).abs() < 1.0, "{own} is not {us} us");
    };
    close(Wish { compute_ns: 50_000, ..WISH }, 60.0);
    close(Wish { wait_ns: 20_000_000, ..WISH }, 14.0);
    close(Wish { wait_ns: 20_000_000, connections: 2_000, ..WISH }, 17.0);
    close(Wish { wait_ns: 20_000_000, connections: 5_000, ..WISH }, 17.0);
    close(Wish { wait_ns: 20_000_000, connections: 1_032, ..WISH }, 15.5);
    // The wait of the measured cells was 5 ms, and 3 ms were added to it.
    let added = of(Wish { wait_ns: 20_000_000, ..WISH })[0].added_ns;
    assert_eq!(added, Some(3e6));
}

#[test]
fn who_jams_or_fails_is_no_choice_where_it_would() {
    let pool = |wish: Wish| of(wish).into_iter().find(|offer| offer.place == 1).unwrap().obstacle;
    assert_eq!(pool(WISH), None);
    let waits = Wish { wait_ns: 20_000_000, ..WISH };
    assert_eq!(pool(waits), Some(Obstacle::Jams(2.0, 600.0)));
    // One request in a tenth of a second lets its pool idle.
    assert_eq!(pool(Wish { rate_per_s: 10.0, limit_ns: 90_000_000, ..waits }), None);
    assert_eq!(pool(Wish { connections: 500, ..WISH }), Some(Obstacle::Between(500, 2_000)));
    let many = pool(Wish { connections: 5_000, ..WISH });
    assert_eq!(many, Some(Obstacle::Fails("held".into(), "90 % failed".into())));
}

#[test]
fn limits_of_one_core_and_of_the_tail_are_kept() {
    let wish = Wish { rate_per_s: 100_000.0, ..WISH };
    let one = offers(&matrix(), &wish, |label| (label == "loop").then_some(1)).unwrap();
    assert_eq!((one[0].place, one[0].whole_cores()), (1, Some(2)));
    assert_eq!(one[1].obstacle, Some(Obstacle::OneCore(1.0)));
    let slow = of(Wish { limit_ns: 500_000, ..WISH });
    assert!(slow.iter().all(|offer| matches!(offer.obstacle, Some(Obstacle::Slow(_)))), "{slow:?}");
}

#[test]
fn offers_that_cannot_be_told_apart_are_level() {
    assert_eq!(level(&of(WISH), 0.05), 1);
    assert_eq!(level(&of(WISH), 0.15), 2);
    assert_eq!(level(&of(Wish { compute_ns: 200_000, ..WISH }), 0.05), 2);
    assert_eq!(level(&[], 0.05), 0);
}

#[test]
fn what_a_wish_needs_and_lacks_is_told() {
    assert_eq!(needed(&WISH), ["hello"]);
    let all = Wish { connections: 5_000, wait_ns: 1, compute_ns: 1, ..WISH };
    assert_eq!(needed(&all), ["hello", "compute", "wait", "held"]);
    let mut lacking = matrix();
    lacking.rows.retain(|row| row.workload.name != "held");
    assert!(offers(&lacking, &all, |_| None).is_none());
    assert!(offers(&lacking, &WISH, |_| None).is_some());
}
