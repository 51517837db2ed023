//! Reports of an experiment with planted records, and the page in a real browser.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the page is opened in a real browser"
)]

mod browser;
mod planted;

use dyno_record::experiment::Experiment;
use std::path::{Path, PathBuf};

use dyno_analysis::levelling::Levelled;
use dyno_report::Report;

use crate::browser::{Browser, Window};
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_measure::place::Placement;
use dyno_measure::rig::mock::{Mock, Nature};
use dyno_measure::setup::Setup;
use dyno_record::header::{Floor, Header};
use dyno_record::store::{self, Store};

/// Records of `fast`, `slow`, `<idle>` (whose maximum is not reached) and `broken` (which never starts).
fn results() -> (tempfile::TempDir, PathBuf) {
    results_of(&["fast", "slow", "<idle>", "broken"])
}

/// Records of some of these contestants.
fn results_of(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup {
        contestants: names.iter().map(|name| bare(name, vec![(*name).into()])).collect(),
        service: "/".into(),
        cores: Placement::flat(&[0, 1]).halves(),
        placement: None,
        connections: 8,
        blocks: 5,
        warm_up_ms: 100,
        warm_up_fixed: false,
        warm_ups_ms: std::collections::BTreeMap::new(),
        duration_ms: 500,
        seed: 3,
    };
    let header = Header {
        environment: dyno_measure::environment::read(),
        floor: Some(Floor {
            same_core_ns: Some(8_000),
            across_cores_ns: Some(30_000),
            spinning_ns: Some(7_000),
            ..Floor::default()
        }),
        ..planted::header(Experiment::Compare, &setup.contestants, 5)
    };
    let nature = |capacity_per_s, saturates_at, starts| Nature {
        capacity_per_s,
        saturates_at,
        starts,
        ..Nature::default()
    };
    let natures = [
        ("fast".to_string(), nature(20_000.0, 0.99, true)),
        ("slow".to_string(), nature(10_000.0, 0.99, true)),
        ("<idle>".to_string(), nature(5_000.0, 0.4, true)),
        ("broken".to_string(), nature(1.0, 1.0, false)),
    ];
    let store = Store::begin(directory.path(), &header).unwrap();
    let mut progress = Silent;
    let rig = Mock { natures: natures.into(), ..Mock::default() };
    let mut campaign = Campaign::new(rig, Some(store), Vec::new(), "m", &mut progress);
    let rounds = Rounds { capacity: 2, connect: 1, duration_ms: 160 };
    compare::run(&mut campaign, &setup, rounds, None).unwrap();
    let path = directory.path().to_path_buf();
    (directory, path)
}

/// The report of the records in a directory.
fn report(path: &Path) -> Report {
    Report::of(&Levelled::of(store::read(path).unwrap())).unwrap()
}

/// The page of the records in a directory, as a file there.
fn page(path: &Path) -> PathBuf {
    let page = path.join("report.html");
    std::fs::write(&page, report(path).html).unwrap();
    page
}

#[test]
fn the_verdict_says_what_the_figures_say() {
    let (_keep, path) = results();
    let written = report(&path);
    let text = written.terminal.replace('\n', " ");
    assert!(text.contains("fast answered most over lasting connections: 20.0 k/s"), "{text}");
    assert!(text.contains("Not decided for <idle>: something else was full before it was"), "{text}");
    assert!(text.contains("slow is last, 2.00x behind"), "{text}");
    assert!(text.contains(">5000"), "{text}");
    assert!(written.terminal.lines().all(|line| line.chars().count() <= 80), "{}", written.terminal);
    assert!(written.usable);
}

#[test]
fn the_words_for_one_compare_it_with_nobody() {
    let (_keep, path) = results_of(&["fast"]);
    let text = report(&path).terminal.replace('\n', " ");
    assert!(text.contains("fast answered 20.0 k/s (20.0 k to 20.0 k) over lasting connections."), "{text}");
    for comparing in ["answered most", "lowest", "least", "baseline", "the others"] {
        assert!(!text.contains(&format!(" {comparing} ")), "{comparing}: {text}");
    }
}

#[test]
fn what_is_void_is_shown_as_void_everywhere() {
    let (_keep, path) = results();
    let written = report(&path);
    assert!(written.terminal.lines().any(|line| line.starts_with("broken") && line.contains("void")));
    assert!(written.markdown.lines().any(|line| line.starts_with("| broken | void")), "{}", written.markdown);
    assert!(written.html.contains("void: it does not start"));
    assert_eq!(
        written.csv.lines().filter(|line| line.contains("broken") && line.contains(",void,")).count(),
        22
    );
}

#[test]
fn the_page_loads_nothing_and_stays_small() {
    let (_keep, path) = results();
    let html = report(&path).html;
    assert!(html.len() < 1_500_000);
    assert!(html.contains("default-src 'none'"));
    for loading in ["src=", "@import", "url(", "<link", "<iframe"] {
        assert!(!html.contains(loading), "{loading}");
    }
    assert!(!html.contains("<idle>"), "names are escaped");
}

/// A browser; `None` where there is none and none is required.
fn browser(window: Window) -> Option<Browser> {
    let found = Browser::start(window);
    assert!(found.is_some() || std::env::var_os("DYNO_REQUIRE_BROWSER").is_none(), "chromedriver is missing");
    if found.is_none() {
        eprintln!("no chromedriver on this machine: the page was not opened");
    }
    found
}

#[test]
fn the_page_works_in_a_browser() {
    let (_keep, path) = results();
    let page = page(&path);
    for dark in [false, true] {
        let Some(browser) = browser(Window { width: 1400, dark, scripts: true }) else { return };
        browser.open(&page);
        assert_eq!(browser.run("return document.documentElement.dataset.ready"), "1");
        assert_eq!(browser.run("return window.__errors"), serde_json::json!([]));
        assert_eq!(browser.console(), Vec::<String>::new());

        let first = "return document.querySelector('#main-table tbody th').dataset.value";
        browser.run("document.querySelectorAll('#main-table thead button')[1].click()");
        assert_eq!(browser.run(first), "fast", "sorted by capacity, falling");
        browser.run("document.querySelectorAll('#main-table thead button')[1].click()");
        assert_eq!(browser.run(first), "<idle>", "sorted by capacity, rising; what is void goes last");

        let shown = browser.run(
            "const field = document.querySelector('input[data-filter=main-table]'); field.value = 'SLOW'; \
             field.dispatchEvent(new Event('input')); \
             return [...document.querySelectorAll('#main-table tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[0].dataset.value)",
        );
        assert_eq!(shown, serde_json::json!(["slow"]));

        let painted = browser.run(
            "const canvas = document.getElementById('series'); \
             return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)",
        );
        assert_eq!(painted, true, "the series is painted");

        let switched = browser.run(
            "const chart = document.querySelector('.chart:has(button[data-scale])'); chart.querySelector('button[data-scale]').click(); \
             return [...chart.querySelectorAll('[data-variant]')].map((variant) => variant.hidden)",
        );
        assert_eq!(switched, serde_json::json!([true, false]));
    }
}

#[test]
fn the_page_fits_a_phone() {
    let (_keep, path) = results();
    let page = page(&path);
    let Some(browser) = browser(Window { width: 500, dark: false, scripts: true }) else { return };
    browser.open(&page);
    let overflow =
        browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert_eq!(overflow, 0, "nothing but tables and figures scrolls sideways");
}

#[test]
fn the_page_stands_without_scripts() {
    let (_keep, path) = results();
    let page = page(&path);
    let Some(browser) = browser(Window { width: 1400, dark: false, scripts: false }) else { return };
    browser.open(&page);
    let text = browser.text();
    for expected in ["What it says", "fast answered most", "void", "requests a second", "What not to believe"]
    {
        assert!(text.contains(expected), "{expected}");
    }
    assert!(!text.contains("Filter:"), "what needs scripts is not shown");
}
