//! What the report of a curve says of its critical points, from records of a mock rig.

mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::curve;
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::header::{Header, RateLimit};
use dyno_record::load::{Latency, LoadFigures};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::Report;

fn report(contestants: &[Contestant], cells: Vec<Record>) -> Report {
    let header =
        Header { limit: Some(RateLimit::USUAL), ..planted::header(Experiment::Curve, contestants, 3) };
    Report::of(&Levelled::of(Records { header, cells })).unwrap()
}

/// The report of an experiment that is interrupted after so many starts.
fn measured(interrupt_after: Option<usize>) -> Report {
    let setup = setup(["x", "y"].map(|name| bare(name, vec![name.into()])).into());
    let natures = [("y".to_string(), Nature { capacity_per_s: 20_000.0, ..Nature::default() })].into();
    let rig = Mock { natures, interrupt_after, ..Mock::default() };
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    assert_eq!(curve::run(&mut campaign, &setup, RateLimit::USUAL).is_err(), interrupt_after.is_some());
    report(&setup.contestants, campaign.records().to_vec())
}

/// A cell at this rate with this 99th percentile.
fn cell(step: Step, rate_per_s: f64, block: u32, p99_ns: u64) -> Record {
    let cell = Cell {
        step,
        contestant: "x".into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load: Load { rate_per_s: Some(rate_per_s), ..Load::closed(64, 100, 500) },
    };
    let total = Latency { count: 1_000, percentiles: vec![(99.0, p99_ns)], ..Latency::default() };
    let load = LoadFigures {
        seconds: 0.5,
        answered: 1_000,
        rate_per_s,
        offered_per_s: Some(rate_per_s),
        total,
        ..LoadFigures::default()
    };
    Record { load: Some(load), ..Record::new(Trial { cell, block }, "m") }
}

fn words(report: &Report) -> String {
    report.terminal.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_critical_point_is_told_with_both_its_sides_its_ring_and_its_limit() {
    let written = measured(None);
    let text = words(&written);
    for who in ["x", "y"] {
        let told = format!("{who}: the critical point lies between ");
        assert!(text.contains(&told), "{text}");
    }
    assert!(
        text.contains("(confirmed: kept the limit") && text.contains("(refuted: 0 of 2 times)"),
        "{text}"
    );
    assert!(written.html.contains("limit: 10.0 ms"), "the limit is a line");
    // Two charts of both contestants in two scales, and one of each.
    let rings = written.html.matches("<circle class=\"ring\"").count();
    assert_eq!(rings, 2 * 2 * 2 + 2);
    assert!(written.terminal.lines().all(|line| line.chars().count() <= 80), "{}", written.terminal);
}

#[test]
fn a_rate_that_its_second_look_refutes_has_no_ring() {
    let contestants = [bare("x", vec!["x".into()])];
    let good = |step, rate, block| cell(step, rate, block, 1_000_000);
    let bad = |step, rate, block| cell(step, rate, block, 498_000_000);
    let closed = Record {
        trial: Trial {
            cell: Cell {
                step: Step::Capacity,
                load: Load::closed(64, 100, 500),
                ..good(Step::Curve, 1.0, 0).trial.cell
            },
            block: 0,
        },
        ..good(Step::Curve, 78_000.0, 0)
    };
    let mut cells = vec![
        closed,
        good(Step::CurveSearch, 78_000.0, 0),
        bad(Step::CurveSearch, 79_000.0, 0),
        bad(Step::Curve, 78_000.0, 0),
        bad(Step::Curve, 78_000.0, 1),
    ];
    let refuted = report(&contestants, cells.clone());
    let text = words(&refuted);
    assert!(text.contains("no critical point is confirmed"), "{text}");
    assert!(text.contains("78.0 k/s, 1 of 3 times"), "{text}");
    assert!(!refuted.html.contains("<circle class=\"ring\""));
    // Below it, one is confirmed.
    cells.extend((0..3).map(|block| good(Step::Curve, 63_000.0, block)));
    let written = report(&contestants, cells);
    let text = words(&written);
    let told = "lies between 63.0 k/s (confirmed: kept the limit 3 of 3 times, p99 1.00 ms) and 78.0 k/s (refuted: 1 of 3 times)";
    assert!(text.contains(told), "{text}");
    assert!(written.html.contains("<circle class=\"ring\""));
}

#[test]
fn who_was_not_reached_is_said_to_be_interrupted() {
    // Two pilots, and the first of x.
    for (starts, told) in [(0, ["x", "y"].as_slice()), (2, &["x", "y"]), (8, &["y"])] {
        let text = words(&measured(Some(starts)));
        for who in ["x", "y"] {
            let interrupted = format!("{who}: the experiment was interrupted before anything was searched");
            assert_eq!(text.contains(&interrupted), told.contains(&who), "{starts}: {text}");
        }
        assert!(!text.contains("there is no curve"), "{text}");
    }
}
