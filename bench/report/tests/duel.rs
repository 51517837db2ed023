//! The report of a duel, from planted records.

use dyno_analysis::levelling::Levelled;
use dyno_record::SCHEMA;
use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, InTurn, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::header::{ContestantLine, Environment, Header};
use dyno_record::load::LoadFigures;
use dyno_record::measured::Record;
use dyno_record::server::ServerFigures;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::Report;
use dyno_units::verdict::Verdict;

/// CPU of a request in nanoseconds and requests a second of each side, and what makes it void or a bound.
#[derive(Clone, Copy)]
struct Planted {
    labels: [&'static str; 2],
    cpu_ns: [f64; 2],
    rate: [f64; 2],
    verdict: [Verdict; 2],
}

const APART: Planted = Planted {
    labels: ["<epoll>", "fork"],
    cpu_ns: [6_800.0, 7_616.0],
    rate: [140_000.0, 125_000.0],
    verdict: [Verdict::Sound; 2],
};

fn records(planted: &[Planted], blocks: u32) -> Levelled {
    let mut cells = Vec::new();
    for block in 0..blocks {
        // The machine moves both sides by a tenth, and each ratio by a thousandth.
        let mood = 1.0 + 0.1 * f64::from(block % 3);
        for one in planted {
            for place in 0..2 {
                let luck = 1.0 + if place == 0 { 0.001 * (f64::from(block % 5) - 2.0) } else { 0.0 };
                cells.push(record(one, place, block, mood * luck));
            }
        }
    }
    let line = |label: &&str| ContestantLine {
        label: (*label).into(),
        idea: "an idea".into(),
        family: "events".into(),
        command: vec!["dyno".into()],
    };
    let header = Header {
        schema: SCHEMA,
        experiment: Experiment::Duel,
        command: vec!["dyno".into(), "duel".into()],
        spec: None,
        seed: 1,
        blocks,
        began_unix_ms: 1_700_000_000_000,
        threshold: 0.05,
        limit: None,
        compute_rounds_per_us: None,
        contestants: planted.iter().flat_map(|one| one.labels.iter()).map(line).collect(),
        environment: Environment { optimized: true, cores: 2, ..Environment::default() },
        floor: None,
    };
    Levelled::of(Records { header, cells })
}

fn record(planted: &Planted, place: usize, block: u32, factor: f64) -> Record {
    let cell = Cell {
        step: Step::Duel,
        contestant: planted.labels[place].into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load: Load {
            turns: Some(InTurn { against: planted.labels[1 - place].into(), burst_us: 1_000 }),
            ..Load::closed(64, 150, 650)
        },
    };
    let finding = Finding {
        law: Law::ServerBottleneck,
        verdict: planted.verdict[place],
        latency: Verdict::Sound,
        words: "the server used 60 % of its cores".into(),
    };
    let rate_per_s = planted.rate[place] / factor;
    let cpu_ns = planted.cpu_ns[place] * factor;
    Record {
        load: Some(LoadFigures { seconds: 0.3, answered: 40_000, rate_per_s, ..LoadFigures::default() }),
        server: Some(ServerFigures {
            cores_used: cpu_ns * rate_per_s / 1e9,
            cores_allotted: 1,
            ..ServerFigures::default()
        }),
        audit: Audit::of(if planted.verdict[place] == Verdict::Sound { Vec::new() } else { vec![finding] }),
        ..Record::new(Trial { cell, block }, "m")
    }
}

fn said(planted: &[Planted], blocks: u32) -> (Report, String) {
    let report = Report::of(&records(planted, blocks)).unwrap();
    let words = report.terminal.replace('\n', " ");
    (report, words)
}

#[test]
fn a_difference_is_told_with_its_interval_in_every_form() {
    let (report, words) = said(&[APART], 20);
    assert!(report.usable);
    assert!(report.terminal.lines().all(|line| line.chars().count() <= 80), "{}", report.terminal);
    for wanted in ["<epoll> takes 0.893 (", "times the CPU of fork a request:", "<epoll> answers 1.12"] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    assert!(report.markdown.contains("| <epoll> | fork |"), "{}", report.markdown);
    assert!(report.summary_csv.contains("cpu_per_request_to_rival"), "{}", report.summary_csv);
    assert!(report.html.contains("&lt;epoll&gt;") && !report.html.contains("<epoll>"));
    // Both moved by a tenth together: the interval of the ratio does not hold that.
    let json: serde_json::Value = serde_json::from_str(&report.summary_json).unwrap();
    let figures = json["figures"].as_array().unwrap();
    let ratio = figures.iter().find(|one| one["quantity"] == "cpu_per_request_to_rival").unwrap();
    let number = |name: &str| ratio[name].as_f64().unwrap();
    assert!(number("high") - number("low") < 0.004, "{ratio}");
    assert!((number("at_full_pace") - 6.8 / 7.616).abs() < 0.001, "{ratio}");
}

#[test]
fn equals_void_few_and_bounds_have_words_of_their_own() {
    let equal = Planted { labels: ["epoll", "epoll#2"], cpu_ns: [6_800.0; 2], rate: [140_000.0; 2], ..APART };
    let (_, words) = said(&[equal], 20);
    assert!(words.contains("No difference was seen in the CPU of a request: epoll takes 1.000 ("), "{words}");
    assert!(words.contains("No difference was seen in the rate"), "{words}");
    let (_, words) = said(&[APART], 3);
    assert!(words.contains("not decided, 3 bouts count"), "{words}");
    let void = Planted { verdict: [Verdict::Sound, Verdict::Void], ..APART };
    let (report, words) = said(&[void], 6);
    assert!(words.contains("<epoll> against fork: void in 6 bouts"), "{words}");
    assert!(report.terminal.contains("void"), "{words}");
    let bound = Planted { verdict: [Verdict::AtLeast, Verdict::Sound], ..APART };
    let (_, words) = said(&[bound], 20);
    assert!(words.contains("takes 0.89"), "a cost counts all the same: {words}");
    assert!(words.contains("<epoll> was not the bottleneck of its bursts"), "{words}");
}

#[test]
fn several_pairs_have_a_row_each() {
    let other = Planted { labels: ["poll", "select"], cpu_ns: [9_000.0, 9_100.0], ..APART };
    let (report, words) = said(&[APART, other], 8);
    assert!(words.contains("poll takes 0.989") && words.contains("<epoll> takes 0.89"), "{words}");
    assert_eq!(report.markdown.lines().filter(|line| line.starts_with("| ")).count(), 3);
}
