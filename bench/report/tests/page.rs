//! Reports of an experiment with planted records, and the page in a real browser.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the page is opened in a real browser"
)]

mod browser;
mod planted;
mod shown;

use std::path::PathBuf;

use crate::browser::Window;
use crate::shown::{browser, page, report, results_of};

/// Records of `fast`, `slow`, `<idle>` (whose maximum is not reached) and `broken` (which never starts).
fn results() -> (tempfile::TempDir, PathBuf) {
    results_of(&["fast", "slow", "<idle>", "broken"])
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
