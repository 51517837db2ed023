//! The report of requests that wait, from planted records.

mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_measure::contestant::foreign::bare;
use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_record::waiting::{Beside, HeldWaiters, WaitingFigures};
use dyno_report::Report;
use dyno_units::verdict::Verdict;

const BLOCKS: u32 = 5;
const MOST: u32 = 16;

/// Contestants, and how many waiters stop them.
const CONTESTANTS: [(&str, Option<u32>); 5] = [
    ("<one>", Some(1)),
    ("pool", Some(4)),
    ("loop", None),
    ("a-server-with-a-name-that-is-longer-than-any-column", Some(12)),
    ("broken", None),
];

fn record(step: Step, name: &str, block: u32, figures: Option<WaitingFigures>) -> Record {
    let cell = Cell {
        step,
        contestant: name.into(),
        service: "/wait/1000".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load: Load { waiting: Some(MOST), ..Load::closed(MOST, 0, 1_000) },
    };
    let void = Finding {
        law: Law::Contract,
        verdict: Verdict::Void,
        latency: Verdict::Sound,
        words: "it ended before it was ready".into(),
    };
    let audit = Audit::of(if figures.is_none() { vec![void] } else { Vec::new() });
    Record { waiting: figures, audit, ..Record::new(Trial { cell, block }, "m") }
}

/// What the contestant shows in a step.
fn figures(step: Step, stops: Option<u32>, block: u32) -> WaitingFigures {
    let mut found = WaitingFigures::default();
    match step {
        Step::WaitingJam => {
            let tried = [0, 1, 2, 3, 4, 8, 11, 12, MOST];
            let served = |waiting: u32| stops.is_none_or(|stop| waiting < stop);
            let beside = |waiting: u32| Beside {
                waiting,
                other_p50_ns: served(waiting).then_some(50_000 + 1_000 * u64::from(block)),
            };
            found.beside = tried.map(beside).to_vec();
            found.stopped_by = stops;
        }
        Step::WaitingHeld => {
            found.held = Some(HeldWaiters {
                waiting: 100,
                memory_bytes: Some(100 * 8192),
                kernel_bytes: Some(100 * 4096),
                cores_used: 0.001,
            });
        }
        _ => {
            found.released_fin_ns = vec![900_000, 100_000, 200_000];
            found.released_reset_ns = vec![150_000; 3];
        }
    }
    found
}

fn report() -> Report {
    let all = CONTESTANTS.map(|(name, _)| bare(name, vec![name.into()]));
    let header = planted::header(Experiment::Waiting, &all, BLOCKS);
    let mut cells = Vec::new();
    for (name, stops) in CONTESTANTS {
        for step in [Step::WaitingJam, Step::WaitingHeld, Step::WaitingLeft] {
            for block in 0..BLOCKS {
                let seen = (name != "broken").then(|| figures(step, stops, block));
                cells.push(record(step, name, block, seen));
            }
        }
    }
    Report::of(&Levelled::of(Records { header, cells })).unwrap()
}

#[test]
fn the_terminal_has_a_line_for_each_and_fits() {
    let text = report().terminal;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let columns = |name: &str| -> Vec<String> {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line[21..].split_whitespace().map(String::from).collect()
    };
    assert_eq!(
        columns("pool"),
        ["4", "52.0", "µs", "still", "8.00", "KiB", "10.0", "µs/s", "200", "µs", "150", "µs"]
    );
    assert_eq!(columns("loop")[..5], ["never", "52.0", "µs", "52.0", "µs"]);
    assert_eq!(columns("<one>")[0], "1");
    assert_eq!(columns("broken")[0], "void");
}

#[test]
fn words_name_who_is_stopped_by_how_many_and_who_never_is() {
    let text = report().terminal.replace('\n', " ");
    for words in [
        "Stopped for everybody else: <one> by one request that waits, pool by 4 of them",
        "Not by 16 of them: loop.",
        "broken could not be seen in full: it ended before it was ready.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn every_form_has_the_figures() {
    let report = report();
    assert!(report.usable);
    let pool = report.markdown.lines().find(|line| line.starts_with("| pool |")).unwrap();
    assert_eq!(pool, "| pool | 52.0 µs | 52.0 µs | 52.0 µs | still | still | still | 4 |");
    assert!(
        report.markdown.contains("| pool | 8.00 KiB | 4.00 KiB | 10.0 µs/s | 200 µs | 150 µs |"),
        "{}",
        report.markdown
    );
    assert!(report.summary_csv.contains("waiting,pool,"), "{}", report.summary_csv);
    assert!(report.summary_csv.contains("stopped_by_waiters,4"), "{}", report.summary_csv);
    assert!(report.csv.contains("waiting-jam"), "{}", report.csv);
    for words in ["id=\"jam-table\"", "&lt;one&gt;", "stopped by", "8.00 KiB"] {
        assert!(report.html.contains(words), "{words}");
    }
    assert!(!report.html.contains("<one>"));
    planted::assert_links_lead(&report.html);
}
