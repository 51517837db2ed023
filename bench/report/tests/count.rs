//! The report of a count of instructions, from planted records.

mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::header::Environment;
use dyno_record::instructions::InstructionFigures;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::Report;
use dyno_units::verdict::Verdict;

use crate::planted::{assert_links_lead, contestant, header};

const LONG: &str = "a-server-with-a-name-that-is-longer-than-any-column-of-any-table";

/// Contestants with what a request and a connection take; nothing where it is void.
const CONTESTANTS: [(&str, &str, Option<f64>, f64); 4] = [
    ("iterative", "iterative", Some(20_000.0), 56_000.0),
    ("<epoll>", "events", Some(15_600.0), 63_900.0),
    (LONG, "processes", Some(20_700.0), 1_234_567.0),
    ("broken", "threads", None, 70_000.0),
];

fn record(step: Step, label: &str, block: u32, per_request: Option<f64>) -> Record {
    let cell = Cell {
        step,
        contestant: label.into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![0] },
        workers: None,
        load: Load::counted(8, 100),
    };
    let void = Finding {
        law: Law::AccountsAddUp,
        verdict: Verdict::Void,
        latency: Verdict::Sound,
        words: "the accounts differ".into(),
    };
    let figures = |per_request: f64| InstructionFigures {
        requests: 100,
        // Blocks differ by a thousandth.
        per_request: per_request * (1.0 + 0.001 * (f64::from(block) - 2.0)),
        system_calls_per_request: Some(3.0),
        switches_per_request: Some(0.125),
        generator_per_request: 14_000.0,
        unaccounted_share: Some(0.001),
    };
    Record {
        instructions: per_request.map(figures),
        audit: Audit::of(if per_request.is_none() { vec![void] } else { Vec::new() }),
        ..Record::new(Trial { cell, block }, "m")
    }
}

fn report() -> Report {
    let contestants = CONTESTANTS.map(|(label, family, ..)| contestant(label, family));
    let mut header = header(Experiment::Count, &contestants, 5);
    header.environment = Environment { optimized: true, cores: 1, ..Environment::default() };
    header.threshold = 0.01;
    let both = |(label, _, request, connection): &(&str, &str, Option<f64>, f64)| -> Vec<Record> {
        let steps = [(Step::Instructions, *request), (Step::InstructionsConnect, Some(*connection))];
        steps
            .iter()
            .flat_map(|(step, value)| (0..5).map(|block| record(*step, label, block, *value)))
            .collect()
    };
    let cells = CONTESTANTS.iter().flat_map(both).collect();
    Report::of(&Levelled::of(Records { header, cells })).unwrap()
}

#[test]
fn the_terminal_shows_the_cheapest_first_and_fits() {
    let report = report();
    let text = &report.terminal;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let place = |name: &str| text.find(name).unwrap_or_else(|| panic!("{name}: {text}"));
    assert!(place("<epoll>") < place("iterative") && place("iterative") < place("a-server"), "{text}");
    assert!(place("a-server") < place("broken"), "{text}");
    let line = text.lines().find(|line| line.starts_with("<epoll>")).unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["<epoll>", "15.6", "k", "3.00", "0.12", "63.9", "k", "3.00", "0.12"]
    );
    let line = text.lines().find(|line| line.starts_with("broken")).unwrap();
    assert!(line.contains("void") && line.contains("70.0 k"), "{line}");
}

#[test]
fn words_name_both_ends_the_spread_and_what_is_void() {
    let text = report().terminal.replace('\n', " ");
    for words in [
        "A request over a lasting connection takes 15.6 k instructions with <epoll>",
        "(1.33x); with iterative 20.0 k.",
        "A request with a connection of its own takes 56.0 k instructions with iterative and 1.23 M",
        "at most 0.20 % from their median",
        "broken could not be counted: the accounts differ.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn every_form_has_the_figures() {
    let report = report();
    assert!(report.usable);
    assert!(report.markdown.contains("| iterative | 20.0 k | 3.00 | 0.12 | 56.0 k |"), "{}", report.markdown);
    assert!(
        report
            .csv
            .lines()
            .next()
            .unwrap()
            .ends_with("instructions_per_request,system_calls_per_request,switches_per_request,workload")
    );
    assert!(report.csv.lines().nth(3).unwrap().ends_with(",20000,3,0.125,"), "{}", report.csv);
    assert!(report.summary_csv.contains("count,iterative,iterative,"), "{}", report.summary_csv);
    assert!(
        report.summary_csv.contains("instructions_per_connection,56000,56000,"),
        "{}",
        report.summary_csv
    );
    for words in ["&lt;epoll&gt;", "instructions / request", "15.6 k", "the accounts differ"] {
        assert!(report.html.contains(words), "{words}");
    }
    assert!(!report.html.contains("<epoll>"));
    assert_links_lead(&report.html);
    assert!(!report.html.contains("shared cores"), "that both share a core is how it is counted");
}
