//! `dyno isolation` from the command line to its files, and its bad input.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn dyno(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dyno")).args(arguments).output().unwrap()
}

fn refused(arguments: &[&str], words: &[&str]) {
    let output = dyno(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: {word}: {said}");
    }
}

#[test]
fn bad_input_is_refused_with_its_remedy() {
    refused(&["isolation", "epol"], &["no architecture epol", "did you mean epoll"]);
    refused(&["isolation", "--faults", "panik"], &["panik", "similar value exists: 'panic'"]);
    refused(&["isolation", "--faults", ""], &["--faults"]);
    refused(&["isolation", "nginx"], &["nginx"]);
    refused(&["isolation", "epoll", "--duration", "300ms"], &["--duration 600ms or more"]);
    refused(&["isolation", "epoll", "--peers"], &["does not read peers"]);
    refused(&["isolation", "epoll", "--service", "/json"], &["does not read service"]);
    refused(&["isolation", "epoll", "--transports", "tls"], &["does not read transports"]);
    refused(&["compare", "epoll", "--faults", "panic"], &["does not read faults", "dyno isolation"]);
    refused(&["isolation", "epoll", "--quick", "--thorough"], &["--quick", "--thorough"]);
}

/// Whoever can connect could end the server.
#[test]
fn planted_faults_are_for_this_machine_alone() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        refused(
            &["serve", "epoll", "--faults", "--listen", address],
            &["no loopback address", "leave --faults out"],
        );
    }
}

#[test]
fn the_plan_names_each_fault_and_the_time() {
    let output = dyno(&["isolation", "--quick", "--dry-run"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    for fault in ["control", "panic", "abort", "exit", "overflow", "kill", "spin", "block", "leak"] {
        assert!(text.contains(&format!("{fault} among 64 connections")), "{fault}: {text}");
    }
    assert!(text.contains("144 cells of 16 contestants") && text.contains("takes about"), "{text}");
    assert!(!text.contains("steady"), "there is no pilot: {text}");
}

fn cells(place: &Path) -> Vec<Value> {
    let text = fs::read_to_string(place.join("records.jsonl")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["kind"] == "cell").collect()
}

/// A real run: a design whose faults reach everybody, and one whose do not. On a busy machine cells may be void, so
/// only those that count are looked at.
#[test]
fn a_real_run_tells_who_suffers() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join("results");
    let name = place.to_str().unwrap();
    let output = dyno(&[
        "isolation",
        "epoll",
        "fork",
        "--faults",
        "abort,panic",
        "--blocks",
        "1",
        "--duration",
        "800ms",
        "--warm-up",
        "50ms",
        "-q",
        "-o",
        name,
    ]);
    assert!(matches!(output.status.code(), Some(0 | 5)), "{output:?}");
    let sound: Vec<Value> =
        cells(&place).into_iter().filter(|cell| cell["audit"]["verdict"] != "void").collect();
    for cell in &sound {
        let (trial, figures) = (&cell["trial"]["cell"], &cell["isolation"]);
        let fates = |kind: &str| {
            ["unharmed", "stalled", "cut", "refused"].map(|fate| figures[kind][fate].as_u64().unwrap())
        };
        let all: u64 = ["running", "idle", "new"].iter().flat_map(|kind| fates(kind)).sum();
        assert_eq!(all, 64, "{cell}");
        if trial["contestant"] == "epoll" && trial["load"]["fault"] == "abort" {
            assert_eq!(figures["mending"], "gone", "{figures}");
            assert_eq!((fates("running")[2], fates("idle")[2]), (16, 16), "all were cut off: {figures}");
            assert!(figures["processes"]["first_ended"].as_str().unwrap().contains("SIGABRT"), "{figures}");
        }
        if trial["contestant"] == "fork" && trial["load"]["fault"] == "abort" {
            assert_eq!(figures["mending"], "per-connection", "{figures}");
            assert_eq!(fates("idle")[2] + fates("running")[2], 0, "nobody was cut off: {figures}");
        }
    }
    let page = fs::read_to_string(place.join("report.html")).unwrap();
    assert!(page.contains("class=\"radius\"") && page.contains("the handler calls abort(3)"), "the matrix");
    let summary = fs::read_to_string(place.join("summary.csv")).unwrap();
    assert!(summary.contains("abort_hurt_share") && summary.contains("panic_as_before_ns"), "{summary}");
    let again = dyno(&["report", name, "--format", "csv"]);
    let head = String::from_utf8_lossy(&again.stdout).lines().next().unwrap_or_default().to_string();
    assert!(head.starts_with("experiment,block,turn,contestant,fault,standing,reason,victims,"), "{head}");
}
