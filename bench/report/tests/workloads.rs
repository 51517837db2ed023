//! The report of workloads: the table at 80 columns, the words, the page and the files, from planted records.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the page is opened in a real browser"
)]

mod browser;
mod planted;

use std::path::PathBuf;

use dyno_analysis::levelling::Levelled;
use dyno_measure::contestant::foreign::bare;
use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::load::{Latency, LoadFigures};
use dyno_record::measured::Record;
use dyno_record::server::ServerFigures;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::workload::{Workload, all};
use dyno_report::Report;
use dyno_units::verdict::Verdict;

use crate::browser::{Browser, Window};

/// Sixteen designs with the longest names that there are.
const DESIGNS: [&str; 16] = [
    "iterative",
    "fork",
    "prefork",
    "thread-per-connection",
    "thread-pool",
    "leader-followers",
    "select",
    "poll",
    "epoll",
    "multi-reactor",
    "half-sync-half-async",
    "work-stealing",
    "coroutines",
    "tokio",
    "hyper",
    "io-uring",
];

/// How a planted design does under a workload: rate, the share of its core that it uses, and whether it fails.
fn nature(design: &str, workload: &str) -> (f64, f64, bool) {
    match (design, workload) {
        ("thread-pool" | "half-sync-half-async", "wait") => (400.0, 0.04, false),
        ("select", "held") => (1.0, 0.1, true),
        ("iterative", "wait" | "slow" | "held") => (1.0, 0.01, true),
        ("fork", _) => (9_000.0, 0.98, false),
        (_, _) => (50_000.0, 0.97, false),
    }
}

fn record(design: &str, workload: &Workload, step: Step, block: u32) -> Record {
    let (rate_per_s, busy, fails) = nature(design, &workload.name);
    let load = Load {
        workload: Some(workload.name.to_string()),
        rate_per_s: (step == Step::Latency).then_some(20_000.0),
        ..Load::closed(workload.clients.connections, 50, 120)
    };
    let cell = Cell {
        step,
        contestant: design.into(),
        service: workload.service.to_string(),
        transport: workload.transport,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load,
    };
    let total =
        Latency { count: 5_000, percentiles: vec![(50.0, 900_000), (99.0, 2_000_000)], ..Latency::default() };
    let wall = Finding {
        law: Law::ConnectionsOpen,
        verdict: Verdict::Void,
        latency: Verdict::Sound,
        words: "1021 of 2000 connections were open".into(),
    };
    Record {
        load: Some(LoadFigures { rate_per_s, total, ..LoadFigures::default() }),
        server: Some(ServerFigures {
            cores_used: busy,
            cores_allotted: 1,
            threads: 3,
            processes: 1,
            ..ServerFigures::default()
        }),
        audit: Audit::of(if fails { vec![wall] } else { Vec::new() }),
        ..Record::new(Trial { cell, block }, "m")
    }
}

/// The report of these designs under these workloads.
fn report(designs: &[&str], workloads: &[Workload]) -> Report {
    let contestants: Vec<_> = designs.iter().map(|name| bare(name, vec![(*name).into()])).collect();
    let header = planted::header(Experiment::Workloads, &contestants, 5);
    let mut cells = Vec::new();
    for block in 0..5 {
        for (workload, design) in
            workloads.iter().flat_map(|one| designs.iter().map(move |design| (one, design)))
        {
            cells.push(record(design, workload, Step::Capacity, block));
        }
    }
    for (workload, design) in workloads.iter().flat_map(|one| designs.iter().map(move |design| (one, design)))
    {
        cells.push(record(design, workload, Step::Latency, 0));
    }
    Report::of(&Levelled::of(Records { header, cells })).unwrap()
}

/// The text as a terminal without colours has it.
fn plain(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_string();
    first + &parts.map(|part| part.split_once('m').unwrap_or_default().1).collect::<String>()
}

#[test]
fn the_terminal_answers_first_and_fits_80_columns() {
    let written = report(&DESIGNS, &all());
    assert!(written.terminal.contains("\u{1b}[32m100*"), "marks have colours as well");
    let text = &plain(&written.terminal);
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let opening = words.find("among the best under").expect("an opening");
    let table = words.find("hello").expect("a table");
    assert!(opening < table || words.starts_with("epoll"), "{text}");
    for (design, ends) in [("select", "x"), ("iterative", "x"), ("epoll", "100*")] {
        let line = text.lines().find(|line| line.starts_with(&format!("{design:<22}"))).unwrap();
        assert!(line.ends_with(ends), "{line}");
    }
    assert!(words.contains("thread-pool (400/s, 2.00 wait at a time"), "{text}");
    assert!(words.contains("iterative and select fail: 1021 of 2000 connections were open"), "{text}");
    assert!(words.contains("thread-pool and half-sync-half-async jam under wait"), "{text}");
    for sign in ["* among the best", "~ jams", "x fails"] {
        assert!(text.contains(sign), "{sign}: {text}");
    }
    assert!(!text.contains("? not decided"), "what does not occur is not explained");
    // Each name stands above the last digit of its column.
    let heads: Vec<&str> =
        text.lines().filter(|line| line.contains("hello") || line.contains("json")).take(2).collect();
    let row = text.lines().find(|line| line.starts_with(&format!("{:<22}", "epoll"))).unwrap();
    for (place, workload) in all().iter().enumerate() {
        let end = 22 + (place + 1) * 4 - 1;
        let name = &workload.name;
        assert!(heads[place % 2][..end].ends_with(&**name), "{name}: {heads:?}");
        assert!(row[..end].ends_with("100"), "{name}: {row}");
    }
}

#[test]
fn more_workloads_than_a_terminal_has_columns_go_into_several_tables() {
    let paths: Vec<Workload> =
        (1..=20).map(|micros| Workload::of(&format!("/compute/{micros}00000")).unwrap()).collect();
    let text = plain(&report(&DESIGNS[..3], &paths).terminal);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(
        text.lines().filter(|line| line.starts_with(&format!("{:<22}", "prefork"))).count(),
        2,
        "{text}"
    );
}

#[test]
fn every_form_has_every_design_under_every_workload() {
    let written = report(&DESIGNS, &all());
    for workload in all() {
        assert!(written.markdown.contains(&format!("* {}: ", workload.name)), "{}", workload.name);
        for design in DESIGNS {
            let line = written.summary_csv.lines().find(|line| {
                line.contains(&format!(",{design},"))
                    && line.contains(",rate_per_s,")
                    && line.ends_with(&format!(",{}", workload.name))
            });
            assert!(line.is_some(), "{design} under {}", workload.name);
        }
    }
    assert!(written.markdown.contains("| epoll | **100** |"), "{}", written.markdown);
    assert!(written.csv.lines().nth(1).unwrap().ends_with(",hello"), "{}", written.csv);
    let json: serde_json::Value = serde_json::from_str(&written.summary_json).unwrap();
    assert_eq!(json["experiment"], "workloads");
    assert!(written.usable);
}

#[test]
fn the_page_has_a_sign_and_a_colour_for_each_and_fits_a_phone() {
    let directory = tempfile::tempdir().unwrap();
    let page: PathBuf = directory.path().join("report.html");
    let html = report(&DESIGNS, &all()).html;
    planted::assert_links_lead(&html);
    std::fs::write(&page, html).unwrap();
    for (width, dark) in [(1280, false), (390, true)] {
        let Some(browser) = Browser::start(Window { width, dark, scripts: true }) else {
            assert!(std::env::var_os("DYNO_REQUIRE_BROWSER").is_none(), "no chromedriver here");
            println!("skipped: there is no chromedriver");
            return;
        };
        browser.open(&page);
        let count = |selector: &str| {
            browser.run(&format!("return document.querySelectorAll('{selector}').length")).as_u64().unwrap()
        };
        assert_eq!(count("table.heat tbody td"), 16 * 13);
        assert_eq!((count("td.heat-fails"), count("td.heat-jams")), (4, 2));
        let wide = browser.run("return document.documentElement.scrollWidth - window.innerWidth");
        assert!(wide.as_i64().unwrap() <= 0, "the page is wider than {width}: {wide}");
        // Every place has a sign or a number that can be read, whatever its colour.
        let unread = browser.run(
            "return [...document.querySelectorAll('table.heat tbody td')].filter(place => place.innerText.trim() === '').length",
        );
        assert_eq!(unread, 0);
        let colours = browser.run(
            "const of = kind => getComputedStyle(document.querySelector(kind)).backgroundColor; return [of('td.heat-best'), of('td.heat-fails'), of('td.heat-jams')]",
        );
        let colours: std::collections::BTreeSet<_> =
            colours.as_array().unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(colours.len(), 3, "{colours:?}");
        assert!(browser.console().is_empty(), "{:?}", browser.console());
        let text = browser.text();
        assert!(text.contains("Which one when") && text.contains("1021 of 2000 connections"), "{text}");
    }
}

#[test]
fn the_map_is_a_picture_of_its_own() {
    let report = report(&DESIGNS, &all());
    let [picture] = report.pictures.as_slice() else { panic!("{:?}", report.pictures) };
    assert_eq!(picture.name, "verdict");
    assert!(picture.words.contains("jam"), "{}", picture.words);
    let places = picture.svg.matches("class=\"place ").count();
    assert_eq!(places, DESIGNS.len() * all().len());
    for words in ["thread-pool under wait: jams", "select under held: fails", "Percent of the best", "~ jams"]
    {
        assert!(picture.svg.contains(words), "{words}: {}", picture.svg);
    }
}
