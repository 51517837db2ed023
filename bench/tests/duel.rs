//! `dyno duel` from the command line to its reports, and what it refuses.

mod support;

use std::path::Path;

use serde_json::Value;
use support::{DYNO, Ended, dyno};
use tempfile::TempDir;

/// A duel as short as one can be.
const SHORT: &str = "--blocks 2 --duration 100ms --warm-up 20ms --connections 8 --seed 5 -q";

fn duel(words: &str) -> (Ended, TempDir) {
    let place = tempfile::tempdir().unwrap();
    let ended = dyno(&format!("duel {words} {SHORT} -o {}/r", place.path().display()), &[]);
    (ended, place)
}

fn records(place: &TempDir) -> Vec<Value> {
    let text = std::fs::read_to_string(place.path().join("r/records.jsonl")).unwrap();
    text.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every kind of server that waits for its requests in another way, against one of another kind.
const PAIRS: [(&str, [&str; 2]); 5] = [
    ("epoll epoll", ["epoll", "epoll#2"]),
    ("iterative fork", ["iterative", "fork"]),
    ("thread-per-connection half-sync-half-async", ["thread-per-connection", "half-sync-half-async"]),
    ("io-uring:plain tokio", ["io-uring:plain", "tokio"]),
    ("prefork --transports plain,tls", ["prefork", "prefork+tls"]),
];

#[test]
fn two_take_turns_and_each_has_its_own_answers() {
    for (words, labels) in PAIRS {
        let (ended, place) = duel(words);
        // A machine that does something else as well may make all of it void.
        assert!(matches!(ended.code, 0 | 5), "{words}: {ended:?}");
        let records = records(&place);
        assert_eq!(records.len() % 4, 0, "{words}: two blocks, and repeats of whole pairs");
        for record in &records {
            let cell = &record["trial"]["cell"];
            let place = labels.iter().position(|label| cell["contestant"] == *label);
            let place = place.unwrap_or_else(|| panic!("{words}: {cell}"));
            assert_eq!(cell["step"], "duel");
            assert_eq!(cell["load"]["turns"]["against"], labels[1 - place], "{words}");
            assert!(record["load"]["answered"].as_u64().unwrap() > 0, "{words}: {record}");
            assert_eq!(record["load"]["errors"].as_object().unwrap().len(), 0, "{words}: {record}");
            let server = &record["server"];
            let cores = server["cores_used"].as_f64().unwrap();
            assert!((0.01..=1.2).contains(&cores), "{words}: {cores} of a core in its own bursts");
        }
        for file in ["report.html", "report.md", "cells.csv", "summary.csv", "summary.json"] {
            assert!(place.path().join("r").join(file).exists(), "{words}: {file}");
        }
        assert!(ended.stdout.contains(labels[0]) && ended.stdout.contains(labels[1]), "{words}: {ended:?}");
    }
}

#[test]
fn an_older_program_and_a_described_server_take_part() {
    let (ended, place) = duel(&format!("{DYNO}:epoll epoll"));
    assert!(matches!(ended.code, 0 | 5), "{ended:?}");
    let program = Path::new(DYNO).file_name().unwrap().to_str().unwrap();
    assert!(
        records(&place)
            .iter()
            .any(|record| record["trial"]["cell"]["contestant"] == format!("epoll@{program}"))
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = format!(
        "[[server]]\nname = 'mine'\ncommand = ['{DYNO}', 'serve', 'poll', '--listen', '127.0.0.1:{{port}}']\n"
    );
    std::fs::write(file.path(), text).unwrap();
    let (ended, place) = duel(&format!("epoll --servers {}", file.path().display()));
    assert!(matches!(ended.code, 0 | 5), "{ended:?}");
    assert!(records(&place).iter().any(|record| record["trial"]["cell"]["contestant"] == "mine"));
}

#[test]
fn a_server_that_dies_in_its_turn_makes_the_pair_void_and_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // It answers whoever asks for the service before the duel, and ends in the duel.
    let script =
        format!("{DYNO} serve epoll --listen 127.0.0.1:$1 & sleep 0.35; kill -9 $!; exec sleep 0.01");
    let text = format!("[[server]]\nname = 'mortal'\ncommand = ['sh', '-c', '{script}', 'sh', '{{port}}']\n");
    std::fs::write(file.path(), text).unwrap();
    let place = tempfile::tempdir().unwrap();
    let words = format!(
        "duel epoll --servers {} --blocks 1 --duration 900ms --warm-up 10ms -q -o {}/r",
        file.path().display(),
        place.path().display()
    );
    let ended = dyno(&words, &[]);
    assert_eq!(ended.code, 5, "{ended:?}");
    assert!(ended.stdout.contains("void"), "{ended:?}");
    for record in records(&place) {
        assert_eq!(record["audit"]["verdict"], "void", "{record}");
    }
}

#[test]
fn what_makes_no_duel_is_refused_before_anything_runs() {
    for (words, said) in [
        ("duel", "none is named"),
        ("duel epoll", "epoll is alone"),
        ("duel epoll fork poll", "not 3: epoll, fork, poll"),
        ("duel eppol fork", "there is no architecture eppol"),
        ("duel epoll nginxx", "there is no architecture nginxx"),
        ("duel epoll:plain fork", "epoll has no arms"),
        ("duel /no/such/dyno:epoll epoll", "there is no program /no/such/dyno"),
        ("duel epoll fork --rate 5k", "duel does not read rate"),
        ("duel epoll fork --limit 5ms", "duel does not read limit"),
        ("duel epoll fork --service hello", "no leading slash"),
        ("duel epoll fork --service /nowhere", "cannot be measured"),
        ("duel epoll fork --blocks 0", "0"),
        ("turns {}", "no plan of turns"),
    ] {
        let ended = dyno(words, &[]);
        assert_eq!(ended.code, 2, "{words}: {ended:?}");
        assert!(ended.stderr.contains(said), "{words}: {ended:?}");
    }
    let guess = dyno("duel eppol fork", &[]);
    assert!(guess.stderr.contains("epoll"), "{guess:?}");
}

#[test]
fn a_well_known_server_that_is_not_installed_is_named_with_its_package() {
    // Nothing is found on an empty search path; some systems keep servers elsewhere as well.
    let ended = dyno("duel epoll h2o --dry-run", &[("PATH", "/nonexistent")]);
    if ended.code == 0 {
        eprintln!("h2o is installed here: nothing was tried");
        return;
    }
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.stderr.contains("h2o is not installed") && ended.stderr.contains("apt-get install h2o"),
        "{ended:?}"
    );
}

#[test]
fn a_duel_goes_on_where_it_ended() {
    let (_, place) = duel("epoll poll");
    let directory = place.path().join("r");
    let file = directory.join("records.jsonl");
    let all =
        std::fs::read_to_string(&file).unwrap().replace("\"verdict\":\"void\"", "\"verdict\":\"sound\"");
    // The header and the first block are left.
    let kept: String = all.lines().take(3).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, &kept).unwrap();
    let ended = dyno(&format!("duel --resume {} -q", directory.display()), &[]);
    assert!(matches!(ended.code, 0 | 5), "{ended:?}");
    let now = std::fs::read_to_string(&file).unwrap();
    let cells = now.lines().filter(|line| line.contains("\"step\":\"duel\"")).count();
    assert!(cells >= 4 && cells.is_multiple_of(2), "the second block was measured: {now}");
    let first: Vec<&str> = kept.lines().skip(1).collect();
    assert!(first.iter().all(|line| now.contains(line)), "the first one was not measured again");
}

#[test]
fn the_plan_tells_how_long_it_takes() {
    for (options, seconds) in [("", 15..40), ("--quick", 4..15), ("--thorough", 60..240)] {
        let ended = dyno(&format!("duel epoll tokio {options} --dry-run"), &[]);
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stdout.contains("closed in turn with"), "{ended:?}");
        let time = ended.stdout.split("takes about ").nth(1).unwrap_or_else(|| panic!("{ended:?}"));
        let number: f64 = time.split_whitespace().next().unwrap().parse().unwrap();
        let unit = time.split_whitespace().nth(1).unwrap();
        let took = if unit.starts_with("min") { number * 60.0 } else { number };
        assert!(seconds.contains(&(took as u64)), "{options}: {time}");
    }
}
