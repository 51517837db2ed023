//! Experiments that are continued again and again, by each command that can be.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use dyno_record::SCHEMA;
use serde_json::Value;
use tempfile::TempDir;

fn dyno(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dyno")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Each experiment that can be continued, with values that no default has.
const EXPERIMENTS: [(&str, &[&str]); 5] = [
    ("compare", &["--rate", "700"]),
    ("curve", &["--limit", "90ms", "--missed", "1%"]),
    ("scale", &[]),
    ("connections", &["--counts", "2,3"]),
    ("isolation", &["--faults", "control,abort"]),
];

/// An experiment that has been run once, and its folder.
struct Begun {
    place: PathBuf,
    /// Removed with this value.
    _parent: TempDir,
}

impl Begun {
    fn name(&self) -> &str {
        self.place.to_str().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.place.join("records.jsonl")
    }

    /// The records, of which none is void, whatever the machine did meanwhile: who goes on measures a void cell again,
    /// and nothing here depends on the figures.
    fn sound_records(&self) -> String {
        std::fs::read_to_string(self.file()).unwrap().replace("\"verdict\":\"void\"", "\"verdict\":\"sound\"")
    }
}

/// An experiment of this command that has been run once, for all tests: each gets its own folder with the records.
fn begun(command: &str) -> Begun {
    static RECORDS: [OnceLock<String>; EXPERIMENTS.len()] = [const { OnceLock::new() }; EXPERIMENTS.len()];
    let number = EXPERIMENTS.iter().position(|(name, _)| *name == command).unwrap();
    let records = RECORDS[number].get_or_init(|| measured(command, EXPERIMENTS[number].1).sound_records());
    let begun = nowhere();
    std::fs::create_dir(&begun.place).unwrap();
    std::fs::write(begun.file(), records).unwrap();
    begun
}

fn nowhere() -> Begun {
    let parent = tempfile::tempdir().unwrap();
    Begun { place: parent.path().join("results"), _parent: parent }
}

/// As short as such an experiment can be.
fn measured(command: &str, own: &[&str]) -> Begun {
    let begun = nowhere();
    let place = begun.name();
    // A stall is not seen in less.
    let time = if command == "isolation" { "700ms" } else { "100ms" };
    let short = ["--blocks", "1", "--duration", time, "--warm-up", "10ms"];
    // How many connections there are is what this experiment is about.
    let few: &[&str] = match command {
        "connections" => &["--threshold", "7%"],
        "isolation" => &[],
        _ => &["--connections", "3", "--threshold", "7%"],
    };
    let rest = ["--seed", "11", "-q", "-o", place];
    let output = dyno(&[&[command, "epoll"], own, &short, few, &rest].concat());
    assert!(matches!(output.status.code(), Some(0 | 5)), "{command}: {output:?}");
    begun
}

fn lines(place: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(place.join("records.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What was asked for, as every header tells it.
fn asked(line: &Value) -> [&Value; 6] {
    ["command", "spec", "seed", "blocks", "threshold", "contestants"].map(|field| &line[field])
}

fn goes_on_as_it_began(command: &str) {
    let begun = begun(command);
    let (place, name) = (&begun.place, begun.name());
    let planned = || dyno(&[command, "--resume", name, "--dry-run"]).stdout;
    let (first, plan) = (lines(place), planned());
    let cells = |lines: &[Value]| lines.iter().filter(|line| line["kind"] == "cell").count();
    for time in 1..=2 {
        // The last cell is measured again: something is left to do.
        let text = begun.sound_records();
        let end = text.trim_end().rfind("{\"kind\":\"cell\"").unwrap();
        std::fs::write(begun.file(), &text[..end]).unwrap();
        let output = dyno(&[command, "-q", "--resume", name]);
        assert!(matches!(output.status.code(), Some(0 | 5)), "{command}, time {time}: {output:?}");
        let now = lines(place);
        assert!(cells(&now) > 0 && now.iter().any(|line| line["kind"] == "header"));
        for header in now.iter().filter(|line| line["kind"] == "header") {
            assert_eq!(asked(header), asked(&first[0]), "{command}, time {time}");
        }
        let others = now.iter().filter(|line| line["kind"] == "cell");
        assert!(others.clone().all(|line| line["trial"]["cell"]["contestant"] == "epoll"), "time {time}");
        assert_eq!(planned(), plan, "{command}, time {time}");
    }
}

#[test]
fn compare_goes_on_as_it_began() {
    goes_on_as_it_began("compare");
}

#[test]
fn curve_goes_on_as_it_began() {
    goes_on_as_it_began("curve");
}

#[test]
fn scale_goes_on_as_it_began() {
    goes_on_as_it_began("scale");
}

#[test]
fn connections_goes_on_as_it_began() {
    goes_on_as_it_began("connections");
}

#[test]
fn isolation_goes_on_as_it_began() {
    goes_on_as_it_began("isolation");
}

#[test]
fn another_build_goes_on_only_where_that_is_asked_for() {
    let begun = begun("scale");
    let (place, name) = (&begun.place, begun.name());
    let file = begun.file();
    let text = std::fs::read_to_string(&file).unwrap();
    let own = lines(place)[0]["environment"]["programs"][0].as_str().unwrap().to_string();
    std::fs::write(&file, text.replace(&own, "0123456789ab")).unwrap();
    let refused = dyno(&["scale", "-q", "--resume", name]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("another build") && said(&refused).contains("--other-program"));
    let before = std::fs::read_to_string(&file).unwrap();
    assert!(!before.contains(&own), "what is refused writes nothing");
    let mixed = dyno(&["scale", "-q", "--resume", name, "--other-program"]);
    assert!(matches!(mixed.status.code(), Some(0 | 5)), "{mixed:?}");
    let page = std::fs::read_to_string(place.join("report.md")).unwrap();
    assert!(page.contains("2 builds of dyno"), "{page}");
    // From now on both are known.
    assert!(matches!(dyno(&["scale", "-q", "--resume", name]).status.code(), Some(0 | 5)));
}

#[test]
fn a_folder_that_is_being_written_is_refused() {
    let begun = begun("scale");
    let name = begun.name();
    let file = std::fs::File::open(begun.file()).unwrap();
    file.lock().unwrap();
    let refused = dyno(&["scale", "-q", "--resume", name]);
    assert!(
        refused.status.code() == Some(2) && said(&refused).contains("another dyno writes"),
        "{refused:?}"
    );
    let over = dyno(&["scale", "epoll", "-q", "-o", name]);
    assert!(over.status.code() == Some(2) && said(&over).contains("holds an experiment already"), "{over:?}");
    // Reading is no writing.
    assert!(matches!(dyno(&["report", name]).status.code(), Some(0 | 5)));
}

#[test]
fn every_command_that_reads_records_refuses_those_of_another_schema_by_name() {
    let begun = begun("compare");
    let name = begun.name();
    let file = begun.file();
    let text = std::fs::read_to_string(&file).unwrap();
    for schema in [0, SCHEMA + 1, 99] {
        std::fs::write(&file, text.replace(&format!("\"schema\":{SCHEMA}"), &format!("\"schema\":{schema}")))
            .unwrap();
        for command in [
            &["report", name][..],
            &["diff", name, name],
            &["compare", "-q", "--resume", name],
            &["explain", "epoll", "poll", "--results", name],
        ] {
            let refused = dyno(command);
            let named = format!("records.jsonl:1: a record of schema {schema}");
            assert!(refused.status.code() == Some(2) && said(&refused).contains(&named), "{refused:?}");
        }
    }
}
