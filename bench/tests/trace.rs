//! `dyno trace`: every architecture is traced, the parts of each request add up, and the file for viewers is one.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use dyno_servers::architectures::ALL;
use serde_json::Value;

fn dyno(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dyno")).arg("trace").args(arguments).output().unwrap()
}

fn account(arguments: &[&str]) -> Value {
    let output = dyno(&[arguments, &["--format", "json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn sum(parts: &Value) -> u64 {
    parts.as_object().unwrap().values().map(|part| part.as_u64().unwrap()).sum()
}

#[test]
fn every_architecture_is_traced_whole_and_its_parts_add_up() {
    let mut arguments: Vec<&str> = ALL.iter().map(|architecture| architecture.name).collect();
    arguments.extend(["--rate", "400", "--connections", "4", "--duration", "250ms", "--warm-up", "0"]);
    arguments.extend(["--service", "/wait/300", "--slowest", "100"]);
    let account = account(&arguments);
    let designs = account["designs"].as_array().unwrap();
    assert_eq!(designs.len(), ALL.len());
    assert_eq!(account["slower"].as_array().unwrap().len(), ALL.len() - 1);
    for (design, architecture) in designs.iter().zip(ALL) {
        let name = architecture.name;
        assert_eq!(design["name"], name);
        let slowest = design["slowest"].as_array().unwrap();
        assert!(design["requests"].as_u64().unwrap() >= 20 && slowest.len() >= 20, "{name}: {design}");
        assert_eq!(design["missing"]["unjoined_requests"], 0, "{name}");
        assert_eq!(design["missing"]["overtaken_events"], 0, "{name}");
        for request in slowest {
            assert_eq!(sum(&request["parts_ns"]), request["total_ns"].as_u64().unwrap(), "{name}: {request}");
            assert!(request["total_ns"].as_u64().unwrap() >= 300_000, "{name}: {request}");
        }
        assert!(design["levels"]["p50"]["parts_ns"]["back_end"].as_f64().unwrap() > 0.0, "{name}: {design}");
        let level = &design["levels"]["max"];
        let parts = level["parts_ns"].as_object().unwrap().values().map(|part| part.as_f64().unwrap());
        assert!((parts.sum::<f64>() - level["total_ns"].as_f64().unwrap()).abs() < 1.0, "{name}: {level}");
    }
}

#[test]
fn a_request_is_traced_through_a_transport_and_on_a_connection_of_its_own() {
    let short = ["--rate", "200", "--connections", "4", "--duration", "200ms", "--warm-up", "0"];
    for more in
        [&["--transport", "tls"][..], &["--transport", "channel"], &["--requests-per-connection", "1"]]
    {
        let account = account(&[&["fork", "epoll"], &short[..], more].concat());
        for design in account["designs"].as_array().unwrap() {
            assert!(design["requests"].as_u64().unwrap() >= 10, "{more:?}: {design}");
            assert_eq!(design["missing"]["unjoined_requests"], 0, "{more:?}: {design}");
        }
    }
}

#[test]
fn the_account_names_the_parts_and_what_makes_the_difference() {
    let load = "--workers 1 --service /wait/2000 --rate 400 --connections 8 --duration 500ms --warm-up 0";
    let arguments: Vec<&str> = ["thread-pool", "epoll"].into_iter().chain(load.split(' ')).collect();
    let output = dyno(&arguments);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    for words in ["p50", "p90", "back end", "total", "The slowest of epoll"] {
        assert!(text.contains(words), "no {words:?} in\n{text}");
    }
    // Which one is slower is up to a busy machine.
    let sentence = text.lines().nth(2).unwrap_or_default();
    assert!(sentence.contains("p90") && sentence.contains("thread-pool"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn the_file_is_one_that_viewers_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.json");
    let output = dyno(&[
        "half-sync-half-async",
        "fork",
        "--rate",
        "300",
        "--connections",
        "4",
        "--duration",
        "300ms",
        "--warm-up",
        "0",
        "--quiet",
        "--output",
        path.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/trace-events.v1.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("trace.json", schema).unwrap();
    let schema = compiler.compile("trace.json", &mut schemas).unwrap();
    if let Err(error) = schemas.validate(&written, schema) {
        panic!("{error}");
    }
    let events = written["traceEvents"].as_array().unwrap();
    check_tracks(events);
    check_slices(events);
    check_arrows(events);
    let mut broken = written.clone();
    broken["traceEvents"][0]["ph"] = "?".into();
    assert!(schemas.validate(&broken, schema).is_err());
}

/// On the track of each request, stretches are opened and closed like brackets, and none lies outside of another.
fn check_tracks(events: &[Value]) {
    let mut open: BTreeMap<&str, Vec<(&Value, f64)>> = BTreeMap::new();
    for event in events {
        let Some(id) = event["id"].as_str() else { continue };
        let at = event["ts"].as_f64().unwrap();
        match event["ph"].as_str().unwrap() {
            "b" => {
                let track = open.entry(id).or_default();
                assert!(track.last().is_none_or(|(_, from)| *from <= at), "{event}");
                track.push((&event["name"], at));
            }
            "e" => {
                let (name, from) = open.get_mut(id).and_then(Vec::pop).unwrap();
                assert!(*name == event["name"] && from <= at, "{event}");
            }
            _ => {}
        }
    }
    assert!(!open.is_empty() && open.values().all(Vec::is_empty));
}

/// The slices of a thread do not overlap.
fn check_slices(events: &[Value]) {
    let mut threads: BTreeMap<(u64, u64), Vec<(f64, f64)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["ph"] == "X") {
        let from = event["ts"].as_f64().unwrap();
        let thread = (event["pid"].as_u64().unwrap(), event["tid"].as_u64().unwrap());
        threads.entry(thread).or_default().push((from, from + event["dur"].as_f64().unwrap()));
    }
    assert!(threads.len() >= 4, "both generators, and workers of both");
    for (thread, mut slices) in threads {
        slices.sort_by(|one, other| one.0.total_cmp(&other.0));
        // Times are written in microseconds, so the last digit may be rounded.
        assert!(slices.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 0.01), "{thread:?}");
    }
}

/// Each arrow begins at a client, passes a service and comes back.
fn check_arrows(events: &[Value]) {
    let mut arrows: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["cat"] == "way") {
        arrows.entry(event["id"].as_str().unwrap()).or_default().push(event["ph"].as_str().unwrap());
    }
    assert!(arrows.len() >= 20 && arrows.values().all(|phases| phases == &["s", "t", "f"]));
}

#[test]
fn what_makes_no_sense_is_refused_with_a_remedy() {
    for (arguments, words) in [
        (&["epol"][..], "did you mean epoll"),
        (&["nginx"], "no trace"),
        (&["epoll", "--rate", "0"], "--rate"),
        (&["epoll", "--rate", "2G"], "1G"),
        (&["epoll", "--service", "json"], "slash"),
        (&["epoll", "--service", "/jsn"], "did you mean /json"),
        (&["epoll", "--workers", "2"], "--workers"),
        (&["epoll", "--transport", "quic"], "quic"),
        (&["epoll", "--duration", "0"], "--duration"),
        (&[], "NAME"),
    ] {
        let output = dyno(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    let output = dyno(&["epoll", "--output", "/nowhere/at/all.json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_rate_that_is_impossible_is_told() {
    // A server that waits for each request in turn serves some two hundred a second.
    let output = dyno(&[
        "iterative",
        "--service",
        "/wait/5000",
        "--rate",
        "600",
        "--duration",
        "200ms",
        "--warm-up",
        "0",
    ]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("no connection") || text.contains("cannot keep up"), "{text}");
}
