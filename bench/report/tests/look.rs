//! How the page looks in a real browser: on its first screen, on a phone, in the dark, on paper, and when it is
//! clicked.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the page is opened in a real browser"
)]

mod browser;
mod planted;
mod shown;

use std::io::Read as _;

use crate::browser::{Browser, Window};
use crate::shown::{browser, page, report, results_of};
use serde_json::json;

/// As many as there are architectures, and one that never starts.
const SIXTEEN: [&str; 16] = [
    "fast",
    "slow",
    "half-sync-half-async",
    "d",
    "e",
    "f",
    "g",
    "h",
    "i",
    "j",
    "k",
    "l",
    "m",
    "n",
    "<idle>",
    "broken",
];

/// How far something reaches beyond the right end of the window.
const OVERFLOW: &str = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

#[test]
fn the_answer_stands_on_the_first_screen() {
    let (_keep, path) = results_of(&SIXTEEN);
    let page = page(&path);
    let Some(browser) = browser(Window { width: 1280, dark: false, scripts: true }) else { return };
    browser.resize(1280, 900);
    browser.open(&page);
    let bottom = |what: &str| {
        let script = format!("return document.querySelector('{what}').getBoundingClientRect().bottom");
        browser.run(&script).as_f64().unwrap()
    };
    for what in [".answer .lead", ".answer svg.figure"] {
        assert!(bottom(what) <= 900.0, "{what} ends at {}", bottom(what));
    }
    assert_eq!(browser.run(OVERFLOW), 0);
}

#[test]
fn a_phone_in_light_and_dark_shows_everything_without_scrolling_aside() {
    let (_keep, path) = results_of(&SIXTEEN);
    let page = page(&path);
    for dark in [false, true] {
        let Some(browser) = browser(Window { width: 500, dark, scripts: true }) else { return };
        browser.resize(390, 800);
        browser.open(&page);
        assert_eq!(browser.run("return innerWidth"), 390);
        assert_eq!(browser.run(OVERFLOW), 0, "dark: {dark}");
        let beside = browser.run(
            "return [...document.querySelectorAll('.answer > *')].map((part) => part.getBoundingClientRect().left)",
        );
        let beside: Vec<f64> = serde_json::from_value(beside).unwrap();
        assert!((beside[0] - beside[1]).abs() < 1.0, "sentence and picture stand below each other");
    }
}

#[test]
fn dark_pages_have_dark_paper_and_light_figures() {
    let (_keep, path) = results_of(&["fast", "slow"]);
    let page = page(&path);
    for dark in [false, true] {
        let Some(browser) = browser(Window { width: 1280, dark, scripts: true }) else { return };
        browser.emulate(&[("prefers-color-scheme", if dark { "dark" } else { "light" })], "screen");
        browser.open(&page);
        let brightness = |what: &str, property: &str| -> f64 {
            let script = format!(
                "return getComputedStyle(document.querySelector('{what}')).{property}.match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((sum, part) => sum + part, 0) / 765"
            );
            browser.run(&script).as_f64().unwrap()
        };
        let (paper, ink) = (brightness("body", "backgroundColor"), brightness(".answer svg .name", "fill"));
        assert_eq!(paper < ink, dark, "paper {paper}, ink {ink}");
        assert!((paper - ink).abs() > 0.6, "paper {paper}, ink {ink}");
    }
}

#[test]
fn the_navigation_stays_in_sight_and_names_lead_to_their_entries() {
    let (_keep, path) = results_of(&["fast", "slow"]);
    let page = page(&path);
    let Some(browser) = browser(Window { width: 1280, dark: false, scripts: true }) else { return };
    browser.open(&page);
    browser.run("scrollTo(0, document.body.scrollHeight / 2)");
    let top = browser.run("return document.querySelector('nav.top').getBoundingClientRect().top");
    assert!(top.as_f64().unwrap().abs() < 1.0, "{top}");
    browser.run("document.querySelector('#main-table a.who').click()");
    assert_eq!(browser.run("return location.hash"), "#who-fast");
    // The entry opens with the event that follows the click.
    let is_open = "return document.querySelector('#who-fast details').open";
    assert!((0..100).any(|_| browser.run(is_open) == json!(true)));
    assert!(browser.text().contains("It hurries."));
}

#[test]
fn paper_has_the_colours_of_the_screen() {
    let (_keep, path) = results_of(&["fast", "slow", "<idle>"]);
    let page = page(&path);
    let Some(browser) = browser(Window { width: 1280, dark: false, scripts: true }) else { return };
    browser.open(&page);
    let pdf = browser.print();
    assert!(pdf.starts_with(b"%PDF"));
    let drawn = inflated(&pdf);
    let colour = browser.run(
        "return getComputedStyle(document.querySelector('.legend li')).color.match(/[0-9]+/g).map(Number)",
    );
    let colour: Vec<f64> = serde_json::from_value(colour).unwrap();
    // The squares of the legend are backgrounds, which browsers leave out of paper unless they are told otherwise.
    let squares = filled(&drawn, &colour);
    let bars = report(&path).html.matches("class=\"bar").count();
    assert!(squares > 0, "no shape has the colour {colour:?} of the family, of {bars} bars");
    browser.emulate(&[], "print");
    let kept = "return getComputedStyle(document.querySelector('.legend li'), '::before').printColorAdjust";
    assert_eq!(browser.run(kept), "exact");
    let hidden = browser.run(
        "return ['nav.top', '.tools', '#time .script'].filter((part) => getComputedStyle(document.querySelector(part)).display !== 'none')",
    );
    assert_eq!(hidden, json!([]), "what only a screen can use is not printed");
}

/// The streams of a PDF, unpacked.
fn inflated(pdf: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = pdf;
    while let Some(begin) = find(rest, b"stream\n") {
        rest = &rest[begin + 7..];
        let mut bytes = Vec::new();
        // Streams of other kinds (fonts) unpack too, and hold no colours.
        let _ = flate2::read::ZlibDecoder::new(rest).read_to_end(&mut bytes);
        text += &String::from_utf8_lossy(&bytes);
        text.push('\n');
    }
    text
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// How often a colour (0 to 255 each) is chosen to fill with.
fn filled(drawn: &str, colour: &[f64]) -> usize {
    let is_it = |line: &&str| {
        let Some(numbers) = line.trim().strip_suffix(" rg") else { return false };
        // Before them, on the same line, the colour of lines is chosen.
        let mut numbers: Vec<f64> =
            numbers.rsplit(' ').take(3).filter_map(|number| number.parse().ok()).collect();
        numbers.reverse();
        numbers.len() == 3 && numbers.iter().zip(colour).all(|(one, other)| (one * 255.0 - other).abs() < 1.0)
    };
    drawn.lines().filter(is_it).count()
}

#[test]
fn charts_in_a_row_are_about_as_high_as_each_other() {
    let (_keep, path) = results_of(&SIXTEEN);
    let page = page(&path);
    let Some(browser) = browser(Window { width: 1280, dark: false, scripts: true }) else { return };
    browser.open(&page);
    let blank: Vec<String> = blank(&browser);
    assert_eq!(blank, Vec::<String>::new(), "half of a row is blank");
}

/// Rows of charts of which one is less than half as high as the highest.
fn blank(browser: &Browser) -> Vec<String> {
    let found = browser.run(
        "const found = []; \
         for (const charts of document.querySelectorAll('.charts')) { \
           const rows = new Map(); \
           for (const chart of charts.children) { \
             const box = chart.getBoundingClientRect(); const top = Math.round(box.top); \
             rows.set(top, [...(rows.get(top) ?? []), box.height]); \
           } \
           for (const heights of rows.values()) { \
             if (Math.min(...heights) < Math.max(...heights) / 2) found.push(charts.closest('section').id + ': ' + heights.join(' ')); \
           } \
         } \
         return found;",
    );
    serde_json::from_value(found).unwrap()
}
