//! `dyno load` on a real server: conditions and exit codes, the page, servers against each other, the cores.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::Value;
use support::{Running, dyno};

const SMALL: &str = "-c 2 -w 0 -q --rate 300 -d 700ms";

fn json(words: &str) -> (i32, Value) {
    let ended = dyno(&format!("{words} --format json"), &[]);
    let outcome = serde_json::from_str(&ended.stdout);
    (
        ended.code,
        outcome.unwrap_or_else(|error| panic!("{words}: {error}: {} {}", ended.stdout, ended.stderr)),
    )
}

/// A server that answers two requests of a connection and closes it at the third.
fn unwell() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                let (mut stream, mut piece) = (stream, [0; 4096]);
                for _ in 0..2 {
                    let answer: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
                    if !matches!(stream.read(&mut piece), Ok(1..)) || stream.write_all(answer).is_err() {
                        return;
                    }
                }
                let _ = stream.read(&mut piece);
            });
        }
    });
    format!("http://{address}/")
}

#[test]
fn a_requirement_decides_the_exit_code_and_is_never_met_by_what_is_not_known() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.address);
    for (condition, holds) in [
        ("p50<1h", Some(true)),
        ("p50<1ns", Some(false)),
        ("mean<=1h", Some(true)),
        ("max<1ns", Some(false)),
        ("rate>1", Some(true)),
        ("rate>=1G", Some(false)),
        ("errors<1%", Some(true)),
        // 210 answers say nothing about this percentile.
        ("p99.99<1h", None),
    ] {
        let (code, outcome) = json(&format!("load {url} {SMALL} --require {condition}"));
        let told = &outcome["thresholds"][0];
        assert_eq!(told["role"], "require", "{condition}: {told}");
        let void = outcome["audit"]["verdict"] == "void";
        if void || told["undecided"] == true {
            // On a machine that is busy the figure may be void, and then nothing passes.
            assert_eq!(code, 5, "{condition}: {told}");
            continue;
        }
        assert_eq!(told["failed"], holds != Some(true), "{condition}: {told}");
        assert_eq!(told["measured"].is_null(), holds.is_none(), "{condition}: {told}");
        assert_eq!(code, if holds == Some(true) { 0 } else { 3 }, "{condition}: {told}");
    }
    let both = dyno(&format!("load {url} {SMALL} --require p50<1h,errors<50% --fail-if rate<1"), &[]);
    assert_eq!(both.stdout.matches("condition ").count(), 3, "{}", both.stdout);
    assert!(both.stdout.contains("require p50<1h (measured"), "{}", both.stdout);
}

#[test]
fn a_condition_ends_a_run_that_goes_wrong_and_keeps_what_was_measured() {
    let url = unwell();
    let common = "-c 4 -w 0 -q --rate 400 --errors-max 90%";
    let (code, outcome) = json(&format!("load {url} {common} -d 60s --abort-on errors>5%"));
    assert_eq!((code, &outcome["partial"]), (3, &Value::from("condition")), "{outcome:#}");
    let (told, counts) = (&outcome["thresholds"][0], &outcome["counts"]);
    assert!(told["role"] == "abort-on" && told["failed"] == true, "{told}");
    assert!(
        told["measured"].as_f64() > Some(0.05) && counts["failed"].as_u64() >= Some(10),
        "{told} {counts}"
    );
    let calm = dyno(&format!("load {url} {common} -d 500ms --abort-on p50>1h"), &[]);
    assert!(calm.stdout.contains("abort on p50>1h (it never held)"), "{}", calm.stdout);
}

#[test]
fn a_page_holds_the_run_and_loads_nothing() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("run.html");
    let url = format!("http://{}/", server.address);
    let options = "-c 2 -w 100ms -q --rate 200,400/600ms --require p50<1h";
    let ended = dyno(&format!("load {url} {options} --html {}", file.display()), &[]);
    let page = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{error}: {}", ended.stderr));
    for words in [
        "What it says",
        "The server answered",
        "Over time",
        "class=\"figure heat\"",
        "The slowest answer, ",
        "Latencies",
        "Step by step",
        "Conditions",
        "The audit",
        "default-src 'none'",
        "<svg",
        "p99",
    ] {
        assert!(page.contains(words), "{words}");
    }
    for outside in ["http-equiv=\"refresh\"", "<link", "src=\"", "url(", "NaN"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let lost = dyno(&format!("load {url} {options} --html /no/such/directory/x.html"), &[]);
    assert!(lost.code == 1 && lost.stderr.contains("--html"), "{}", lost.stderr);
}

#[test]
fn statistics_are_shown_where_they_are_asked_for() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.address);
    let plain = dyno(&format!("load {url} {SMALL}"), &[]).stdout;
    let full = dyno(&format!("load {url} {SMALL} --statistics"), &[]).stdout;
    for statistics in ["Little's law", "anderson-darling", "samples beyond"] {
        assert!(!plain.contains(statistics) && full.contains(statistics), "{statistics}\n{plain}\n{full}");
    }
}

#[test]
fn the_cores_of_the_generator_are_told_with_their_reason() {
    let server = Running::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("http://{}/", server.address);
    let placed =
        |options: &str| json(&format!("load {url} {SMALL} {options}")).1["plan"]["placement"].clone();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let usual = placed("");
    assert_eq!(usual["cores"], Value::Array(Vec::new()), "{usual}");
    assert!(["shared", "none-to-spare", "confined"].map(Value::from).contains(&usual["because"]), "{usual}");
    let left = placed("--no-pin");
    assert!(left["because"] == "left" && left["cores"] == Value::Array(Vec::new()), "{left}");
    let named = placed("--cpu 0");
    assert!(named["because"] == "named" && named["cores"][0] == 0, "{named}");
    if cores > 1 {
        // A server that is confined leaves the others free.
        let confined = Running::serve(&["--listen", "127.0.0.1:0", "--cores", "0"]);
        let (_, outcome) = json(&format!("load http://{}/ {SMALL}", confined.address));
        let free = &outcome["plan"]["placement"];
        assert!(free["because"] == "free" && free["cores"][0] != 0, "{free}");
    }
    let both = dyno(&format!("load {url} {SMALL} --no-pin --cpu 0"), &[]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}

#[test]
fn servers_are_loaded_in_turn_and_their_ratio_has_an_interval() {
    let (one, other) =
        (Running::serve(&["--listen", "127.0.0.1:0"]), Running::serve(&["--listen", "127.0.0.1:0"]));
    let urls = format!("http://{}/wait/1000 http://{}/wait/4000", one.address, other.address);
    let words = format!("load {urls} -c 2 -q -w 0 -d 1500ms --blocks 6");
    let (code, found) = json(&words);
    assert!(matches!(code, 0 | 5), "{code}");
    let blocks: Vec<usize> = found["sides"]
        .as_array()
        .unwrap()
        .iter()
        .map(|side| side["blocks"].as_array().unwrap().len())
        .collect();
    assert_eq!(blocks, [6, 6]);
    let rate = &found["ratios"][0];
    assert!(rate["figure"] == "rate" && rate["of"] == "A" && rate["to"] == "B", "{rate}");
    if rate["blocks"].as_u64() >= Some(5) {
        let [low, ratio, high] = ["low", "ratio", "high"].map(|name| rate[name].as_f64().unwrap());
        assert!(low <= ratio && ratio <= high && low > 1.0, "a quarter of the wait answers more: {rate}");
    }
    let text = dyno(&words, &[]).stdout;
    assert!(text.contains("A : B") && text.contains("answers/s"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for wrong in ["--rate 1k..2k/1s", "-n 5", "--html x.html", "--require p99<1s", "--dry-run"] {
        let refused = dyno(&format!("load {urls} {wrong}"), &[]);
        assert_eq!(refused.code, 2, "{wrong}: {}", refused.stderr);
    }
}
