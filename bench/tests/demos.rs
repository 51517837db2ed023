//! Every demonstration plays to its end, offline, and turns out as it announces.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

const DYNO: &str = env!("CARGO_BIN_EXE_dyno");

fn names() -> Vec<String> {
    let listed = Command::new(DYNO).arg("demo").output().unwrap();
    let text = String::from_utf8(listed.stdout).unwrap();
    // What goes on in a further line is indented.
    let rows = text.lines().filter(|line| !line.starts_with(' '));
    rows.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn each_one_holds_what_it_announces() {
    let names = names();
    assert_eq!(names.len(), 13);
    for name in names {
        let played = Command::new(DYNO).args(["demo", &name, "--json"]).output().unwrap();
        let text = String::from_utf8(played.stdout).unwrap();
        assert!(played.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&played.stderr));
        let events: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(events.iter().all(|event| event["demo"] == *name), "{name}");
        let verdicts: Vec<_> = events.iter().filter(|event| event["event"] == "verdict").collect();
        assert!(verdicts.len() >= 2, "{name}: {text}");
        assert!(verdicts.iter().all(|event| event["holds"] == true), "{name}: {text}");
    }
}

#[test]
fn the_tap_shows_kinds_and_no_words() {
    let played = Command::new(DYNO).args(["demo", "channel", "--tap", "--fast"]).output().unwrap();
    let text = String::from_utf8(played.stdout).unwrap();
    let tapped: Vec<_> = text.lines().filter(|line| line.contains("the wire")).collect();
    for kind in ["hello", "reply", "finish", "ready", "data", "close"] {
        assert!(tapped.iter().any(|line| line.contains(kind)), "{kind}: {text}");
    }
}

#[test]
fn two_terminals_talk() {
    let start = |arguments: &[&str]| {
        let mut command = Command::new(DYNO);
        command.args(["demo", "channel", "--fast"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let mut left = start(&["--listen", "127.0.0.1:0"]);
    let mut left_says = BufReader::new(left.stdout.take().unwrap()).lines().map(Result::unwrap);
    let call = left_says.find(|line| line.contains("--connect")).unwrap();
    let word = |after: &str| {
        let mut words = call.split_whitespace();
        words.find(|word| *word == after).unwrap();
        words.next().unwrap().to_owned()
    };
    let mut right = start(&["--connect", &word("--connect"), "--peer", &word("--peer")]);
    right.stdin.take().unwrap().write_all(b"hello from the right\n").unwrap();
    assert!(left_says.any(|line| line.contains("hello from the right")));
    drop(left.stdin.take());
    assert!(left.wait().unwrap().success() && right.wait().unwrap().success());
}

#[test]
fn wrong_usage_is_told() {
    for (arguments, hint) in [
        (&["demo", "replai"][..], "replay"),
        (&["demo", "replay", "--tap"], "channel"),
        (&["demo", "channel", "--connect", "127.0.0.1:1", "--peer", "x"], "--peer"),
    ] {
        let played = Command::new(DYNO).args(arguments).output().unwrap();
        let told = String::from_utf8_lossy(&played.stderr).into_owned();
        assert_eq!(played.status.code(), Some(2), "{told}");
        assert!(told.contains(hint), "{told}");
    }
}
