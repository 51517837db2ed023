//! The page of `dyno watch` in a real browser: every control, every scene, light and dark, a phone.

#[path = "../report/tests/browser/mod.rs"]
mod browser;
mod watching;

use std::time::{Duration, Instant};

use browser::{Browser, Window};
use dyno_servers::architectures::ALL;
use serde_json::json;
use watching::{PATIENCE, Watch};

/// A browser with the page of a watch in it; `None` where this machine has none.
fn opened(watch: &Watch, width: u32) -> Option<Browser> {
    let browser = Browser::start(Window { width, dark: false, scripts: true });
    let Some(browser) = browser else {
        eprintln!("no chromedriver here: nothing was tried");
        return None;
    };
    browser.visit(&watch.url);
    await_true(&browser, "return document.querySelectorAll('.machine li').length > 3");
    Some(browser)
}

/// Waits until a script in the page says yes.
fn await_true(browser: &Browser, script: &str) {
    let begun = Instant::now();
    while browser.run(script) != json!(true) {
        if begun.elapsed() >= PATIENCE {
            panic!("this never came true: {script}\n{}", browser.text());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Chooses a value in the form as a user does.
fn choose(browser: &Browser, name: &str, value: &str) {
    browser.run(&format!(
        "const field = document.forms.controls.elements['{name}']; field.value = '{value}'; \
         field.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    ));
}

fn press(browser: &Browser, key: &str) {
    browser.run(&format!(
        "document.activeElement?.blur(); document.dispatchEvent(new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true, cancelable: true }}))"
    ));
}

fn no_complaint(browser: &Browser) {
    let console = browser.console();
    assert!(console.is_empty(), "{console:?}");
}

#[test]
fn every_control_acts_and_nothing_is_complained_about() {
    let watch = Watch::start(&["thread-pool", "--service", "/wait/30000", "--rate", "100"]);
    let Some(browser) = opened(&watch, 1280) else { return };
    await_true(&browser, "return /[0-9]/.test(document.querySelector('.big dd').textContent)");
    await_true(&browser, "return /were seen/.test(document.querySelector('.key').textContent)");
    // A dot is drawn where a request is: some pixel of the canvas has a colour.
    let painted = "const c = document.querySelector('.stage canvas'); \
                   return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((value) => value > 0)";
    await_true(&browser, painted);
    let state = |what: &str, wanted: &str| {
        await_true(
            &browser,
            &format!("return document.forms.controls.elements['{what}'].value === '{wanted}'"),
        );
    };
    for architecture in ALL.into_iter().step_by(6) {
        choose(&browser, "name-a", architecture.name);
        let is_shown = format!(
            "return document.querySelector('.side').getAttribute('aria-label') === '{}'",
            architecture.name
        );
        await_true(&browser, &is_shown);
    }
    choose(&browser, "name-a", "thread-pool");
    choose(&browser, "name-b", "epoll");
    await_true(&browser, "return document.querySelectorAll('.side').length === 2");
    for (field, value) in [
        ("path", "/wait/2000"),
        ("rate", "150"),
        ("connections", "20"),
        ("slow", "2"),
        ("workers-a", "9"),
        ("admission-b", "deadline"),
    ] {
        choose(&browser, field, value);
        state(field, value);
        await_true(&browser, "return document.getElementById('notice').hidden");
    }
    choose(&browser, "loop", "closed");
    await_true(&browser, "return document.forms.controls.elements.rate.disabled");
    choose(&browser, "loop", "open");
    await_true(&browser, "return !document.forms.controls.elements.rate.disabled");
    choose(&browser, "transport-b", "channel");
    state("transport-b", "channel");
    choose(&browser, "path", "/nowhere");
    await_true(&browser, "return /no service/.test(document.getElementById('notice').textContent)");
    // The refused order was answered with 400, which the browser notes; nothing else.
    browser.console();
    choose(&browser, "path", "/wait/2000");
    browser.run("document.getElementById('burst').click()");
    await_true(&browser, "return /at once/.test(document.getElementById('scene-act').textContent)");
    browser.run("document.forms.controls.elements.fault.value = 'exit'; document.getElementById('send-fault').click()");
    await_true(&browser, "return /has ended/.test(document.querySelector('.dead').textContent)");
    browser.run("document.getElementById('restart').click()");
    await_true(&browser, "return document.querySelector('.dead').hidden");
    for (button, words) in [("pause", "stopped"), ("step", "stopped"), ("pause", "live")] {
        browser.run(&format!("document.getElementById('{button}').click()"));
        await_true(
            &browser,
            &format!("return /^{words}/.test(document.getElementById('clock').textContent)"),
        );
    }
    for speed in ["0.1", "0.01", "0.001", "0.0001"] {
        browser.run(&format!(
            "const speed = document.getElementById('speed'); speed.value = '{speed}'; speed.dispatchEvent(new Event('change'))"
        ));
        await_true(&browser, "return /^slow motion/.test(document.getElementById('clock').textContent)");
    }
    press(&browser, "l");
    await_true(&browser, "return document.getElementById('clock').textContent === 'live'");
    let names = browser.run(
        "return [...document.querySelectorAll('button, select, input')].filter((one) => !one.labels?.length && !one.textContent.trim() && !one.ariaLabel).map((one) => one.outerHTML)",
    );
    assert_eq!(names, json!([]), "each control has a name");
    no_complaint(&browser);
}

#[test]
fn every_scene_begins_by_its_key_and_is_told_on_the_page() {
    let watch = Watch::start(&["--scene", "1"]);
    let Some(browser) = opened(&watch, 1280) else { return };
    assert_eq!(browser.run("return document.body.classList.contains('teach')"), true);
    for (number, key) in ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "q", "w"].into_iter().enumerate()
    {
        press(&browser, key);
        let told = format!(
            "return document.getElementById('scene-title').textContent.startsWith('{}. ')",
            number + 1
        );
        await_true(&browser, &told);
        await_true(
            &browser,
            "return [...document.querySelectorAll('.side')].every((side) => side.querySelector('.dead').hidden)",
        );
        await_true(&browser, "return document.getElementById('scene-look').textContent.length > 20");
    }
    press(&browser, "t");
    assert_eq!(browser.run("return document.body.classList.contains('teach')"), false);
    no_complaint(&browser);
}

#[test]
fn a_phone_and_a_projector_show_everything_and_a_second_watcher_takes_the_control() {
    let watch = Watch::start(&["epoll", "--against", "fork", "--rate", "50"]);
    let Some(browser) = opened(&watch, 1280) else { return };
    for (width, height) in [(390, 800), (1280, 720)] {
        for dark in [false, true] {
            browser.resize(width, height);
            let scheme = if dark { "dark" } else { "light" };
            browser
                .emulate(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")], "screen");
            for teach in [false, true] {
                browser.run(&format!("document.body.classList.toggle('teach', {teach})"));
                let wider =
                    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
                assert_eq!(browser.run(wider), 0, "{width} {scheme} {teach}");
            }
            let brightness = |property: &str| -> f64 {
                let script = format!(
                    "return getComputedStyle(document.body).{property}.match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((sum, part) => sum + part, 0) / 765"
                );
                browser.run(&script).as_f64().unwrap()
            };
            let (paper, ink) = (brightness("backgroundColor"), brightness("color"));
            assert_eq!(paper < ink, dark, "paper {paper}, ink {ink}");
        }
    }
    let other = opened(&watch, 800).unwrap();
    press(&browser, "b");
    await_true(&other, "return !document.getElementById('take').hidden");
    other.run("document.getElementById('take').click()");
    await_true(&other, "return document.getElementById('take').hidden");
    await_true(&browser, "return !document.getElementById('take').hidden");
    no_complaint(&browser);
    no_complaint(&other);
    other.visit(&format!("http://{}/", watch.address));
    await_true(&other, "return /lacks its token/.test(document.getElementById('notice').textContent)");
    await_true(&other, "return /refused/.test(document.getElementById('link').textContent)");
}
