//! The report of an experiment of isolation, from planted records.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the page is opened in a real browser"
)]

mod browser;
mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_record::audit::{Audit, Finding, Law};
use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::experiment::Experiment;
use dyno_record::header::Environment;
use dyno_record::isolation::{
    CulpritEnd, IsolationFigures, Mending, PlantedFault, ProcessFates, VictimFates,
};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::Report;
use dyno_units::verdict::Verdict;

use crate::browser::{Browser, Window};
use crate::planted::{assert_links_lead, contestant, header};

const LONG: &str = "a-server-with-a-name-that-is-longer-than-any-column-of-any-table";

/// Contestants with how many of 64 suffer from a fault that ends its process, and by what they are mended.
const CONTESTANTS: [(&str, &str, [u32; 3], Mending); 4] = [
    ("<epoll>", "readiness", [64, 64, 64], Mending::Gone),
    ("prefork", "processes", [16, 16, 15], Mending::Respawn),
    ("fork", "processes", [0, 0, 0], Mending::PerConnection),
    (LONG, "threads", [64, 0, 64], Mending::Gone),
];

fn record(label: &str, fault: PlantedFault, block: u32, hurt: u32, mending: Mending) -> Record {
    let cell = Cell {
        step: Step::Isolation,
        contestant: label.into(),
        service: "/wait/5000".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: Some(4),
        load: Load::planted(fault, 64, 500, 1_200),
    };
    let whole = mending.is_whole();
    let figures = IsolationFigures {
        running: VictimFates { unharmed: 32 - hurt / 2, cut: hurt / 2, ..VictimFates::default() },
        idle: VictimFates::default(),
        new: VictimFates {
            unharmed: 32 - hurt.div_ceil(2),
            refused: hurt.div_ceil(2),
            ..VictimFates::default()
        },
        longest_before_ns: 20_000_000,
        longest_after_ns: 30_000_000,
        served_again_ns: whole.then_some(0),
        culprit: CulpritEnd::Cut,
        processes: ProcessFates {
            before: 5,
            after: 5,
            culprits_ended: true,
            first_ended: (mending == Mending::Gone).then(|| "signal: 6 (SIGABRT)".to_string()),
            replaced_ns: (mending == Mending::Respawn).then_some(7_000_000 + u64::from(block)),
        },
        kept_bytes: None,
        mending,
        watched_ns: 1_200_000_000,
    };
    Record { isolation: Some(figures), ..Record::new(Trial { cell, block }, "m") }
}

fn report() -> Report {
    let contestants = CONTESTANTS.map(|(label, family, ..)| contestant(label, family));
    let mut header = header(Experiment::Isolation, &contestants, 3);
    header.environment = Environment { optimized: true, cores: 2, ..Environment::default() };
    let mut cells = Vec::new();
    for (label, _, hurt, mending) in CONTESTANTS {
        for (block, hurt) in (0..).zip(hurt) {
            let mended = if hurt == 0 && mending == Mending::Gone { Mending::NotNeeded } else { mending };
            cells.push(record(label, PlantedFault::Control, block, 0, Mending::NotNeeded));
            cells.push(record(label, PlantedFault::Panic, block, 0, Mending::NotNeeded));
            cells.push(record(label, PlantedFault::Abort, block, hurt, mended));
            let mut void = record(label, PlantedFault::Spin, block, 64, Mending::Hung);
            if label == "fork" {
                let finding = Finding {
                    law: Law::WellBefore,
                    verdict: Verdict::Void,
                    latency: Verdict::Sound,
                    words: "a request waited before".into(),
                };
                void.audit = Audit::of(vec![finding]);
            }
            cells.push(void);
        }
    }
    Report::of(&Levelled::of(Records { header, cells })).unwrap()
}

#[test]
fn the_terminal_shows_share_and_remedy_and_fits() {
    let text = report().terminal;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let row = |name: &str| -> Vec<String> {
        let line =
            text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.split_whitespace().map(String::from).collect()
    };
    assert_eq!(row("others hurt by")[3..], ["panic", "abort", "spin"], "the control has no column");
    assert_eq!(row("<epoll>")[1..], ["0", "100%x", "100%!"]);
    assert_eq!(row("prefork")[1..], ["0", "25%r", "100%!"]);
    assert_eq!(row("fork")[1..], ["0", "0+", "void"]);
    assert_eq!(row("a-server")[1..], ["0", "~100%x", "100%!"], "blocks disagree");
}

#[test]
fn words_tell_who_suffers_and_what_mends() {
    let text = report().terminal.replace('\n', " ");
    for words in [
        "Without a fault nobody was hurt",
        "panic (the handler panics): nobody else suffers with all 4.",
        "abort (the handler calls abort(3)): everybody suffers with <epoll> and a-server",
        "some others suffer with prefork; nobody else suffers with fork. The server has ended with <epoll>",
        "was replaced by its master with prefork, after 7.00 ms",
        "abort (2 of 3)",
        "Nothing is known of fork, spin: a request waited before.",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn every_form_has_the_figures() {
    let report = report();
    assert!(report.usable);
    assert!(
        report.markdown.contains("| prefork | 0, at once | 25%, 7.00 ms | 100%, hangs |"),
        "{}",
        report.markdown
    );
    assert!(report.markdown.contains("(blocks disagree)"), "{}", report.markdown);
    let cells: Vec<&str> = report.csv.lines().collect();
    assert_eq!(cells.len(), 1 + 4 * 4 * 3);
    assert!(
        cells.iter().any(|line| line.contains("prefork,abort,sound,,64,48,0,8,8,8,0,8,some others")),
        "{}",
        report.csv
    );
    let summary = |name: &str| {
        report.summary_csv.lines().find(|line| line.contains(name)).unwrap_or_default().to_string()
    };
    assert!(summary("prefork,processes,,,,abort_hurt_share").contains(",0.25,"), "{}", report.summary_csv);
    assert!(
        summary("isolation,fork,processes,,,,spin_hurt_share").contains("void"),
        "{}",
        report.summary_csv
    );
    assert!(!report.html.contains("<epoll>"), "names are escaped");
    assert_links_lead(&report.html);
    for words in
        ["class=\"radius\"", "↻ 7.00\u{a0}ms", "✕ gone", "<i>2/3</i>", "void: a request waited before"]
    {
        assert!(report.html.contains(words), "{words}");
    }
}

#[test]
fn the_matrix_fits_a_phone_and_a_desk_in_light_and_dark() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("report.html");
    std::fs::write(&page, report().html).unwrap();
    for (width, dark) in [(500, false), (500, true), (1280, false), (1280, true)] {
        let Some(browser) = Browser::start(Window { width, dark, scripts: true }) else {
            assert!(std::env::var_os("DYNO_REQUIRE_BROWSER").is_none(), "chromedriver is missing");
            return;
        };
        browser.open(&page);
        assert_eq!(browser.run("return window.__errors"), serde_json::json!([]), "{width} {dark}");
        let overflow =
            browser.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, 0, "{width} {dark}");
        // Each shade is another colour, and text on it has at least the contrast that WCAG asks for.
        let worst = browser.run(
            "const lum = (c) => { const v = c.match(/[0-9.]+/g).slice(0, 3).map((x) => { x /= 255; return x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4 }); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] }; \
             return Math.min(...[...document.querySelectorAll('.radius td b')].map((one) => { const [a, b] = [lum(getComputedStyle(one).color), lum(getComputedStyle(one.parentElement).backgroundColor)].sort((x, y) => y - x); return (a + 0.05) / (b + 0.05) }))",
        );
        assert!(worst.as_f64().unwrap() >= 4.5, "{width} {dark}: contrast {worst}");
    }
}
