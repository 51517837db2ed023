//! `dyno count` with an emulator that is a shell script: what it makes of what a guest tells. One trial boots a real
//! guest.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dyno_record::header::Environment;
use serde_json::{Value, json};
use support::DYNO;

/// What a planted guest tells.
struct Guest {
    /// Instructions of a request, by cell and block.
    per_request: fn(u64, u64) -> u64,
    /// Nanoseconds of an instruction.
    clock_ns: f64,
    /// Its last line, or none.
    end: Option<Value>,
    /// A cell that fails.
    failing: Option<u64>,
}

/// A guest in which everything is right: cell 0 takes 16,000 instructions a request, the next one a thousand more.
const GOOD: Guest = Guest {
    per_request: |cell, block| 16_000 + 1_000 * cell + block,
    clock_ns: 1.001,
    end: None,
    failing: None,
};

/// Cells of a count of two contestants.
const CELLS: u64 = 4;

/// Blocks of a count.
const BLOCKS: u64 = 5;

impl Guest {
    fn lines(&self) -> Vec<String> {
        let environment = Environment { kernel: "6.1.0-planted".into(), cores: 1, ..Environment::default() };
        let mut lines = vec![
            "[    0.000000] Linux version 6.1.0-planted".to_string(),
            json!({"guest": "booted", "environment": environment, "ns_per_instruction": self.clock_ns})
                .to_string(),
        ];
        for cell in 0..CELLS {
            if self.failing == Some(cell) {
                lines.push(json!({"guest": "failed", "cell": cell, "words": "no such luck"}).to_string());
                continue;
            }
            for block in 0..BLOCKS {
                let load = |answered: u64| {
                    let server = 3_000_000 + (self.per_request)(cell, block) * answered;
                    let all = server + 9_000_000;
                    json!({"answered": answered, "server": server, "generator": 8_000_000, "others": 1_000_000, "all": all})
                };
                let loads = [load(100), load(200)];
                lines.push(
                    json!({"guest": "counted", "cell": cell, "block": block, "loads": loads}).to_string(),
                );
            }
            let loads = [200, 400].map(|calls| json!({"system_calls": calls, "switches": calls / 2}));
            lines.push(json!({"guest": "events", "cell": cell, "loads": loads}).to_string());
        }
        lines.push(self.end.clone().unwrap_or_else(|| json!({"guest": "done"})).to_string());
        lines
    }
}

/// A place with an emulator that prints these lines, and with a kernel.
struct Place(tempfile::TempDir);

impl Place {
    fn new(lines: &[String]) -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("bin")).unwrap();
        fs::write(place.path("kernel"), "a kernel").unwrap();
        fs::write(place.path("lines"), lines.join("\r\n") + "\r\n").unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$1\" in -version) echo 'QEMU emulator version 9.8.7 (planted)'; exit;; esac\n\
             echo \"$@\" > {0}/asked\ncat {0}/lines\n",
            place.0.path().display()
        );
        let emulator = place.path("bin/qemu-system-x86_64");
        fs::write(&emulator, script).unwrap();
        fs::set_permissions(&emulator, fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `dyno count epoll iterative` with these words, into a directory of that name.
    fn count(&self, into: &str, more: &[&str]) -> Output {
        let path = format!("{}:/usr/bin:/bin", self.path("bin").display());
        let mut command = Command::new(DYNO);
        command.args(["count", "epoll", "iterative", "--kernel"]).arg(self.path("kernel"));
        command.arg("--output").arg(self.path(into)).args(more).env("PATH", path).output().unwrap()
    }

    fn diff(&self, old: &str, new: &str) -> Output {
        let mut command = Command::new(DYNO);
        command.arg("diff").arg(self.path(old)).arg(self.path(new));
        command.args(["--threshold", "1%", "--fail-on-regression"]).output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn records(directory: &Path) -> Vec<Value> {
    let text = fs::read_to_string(directory.join("records.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn what_the_guest_counts_becomes_records_and_a_report() {
    let place = Place::new(&GOOD.lines());
    let output = place.count("r", &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let shown = text(&output.stdout);
    for words in ["epoll", "16.0 k", "17.0 k", "2.00", "1.00"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let lines = records(&place.path("r"));
    assert_eq!(lines.len() as u64, 1 + CELLS * BLOCKS);
    assert_eq!(lines[0]["environment"]["kernel"], "6.1.0-planted");
    assert!(lines[0]["environment"]["hypervisor"].as_str().unwrap().contains("9.8.7"));
    assert_eq!(lines[1]["instructions"]["per_request"], 16_000.0);
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/records.v{}.json", dyno_record::SCHEMA));
    compiler
        .add_resource("records.json", serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        .unwrap();
    let schema = compiler.compile("records.json", &mut schemas).unwrap();
    for line in &lines {
        assert!(schemas.validate(line, schema).is_ok(), "{line:#}");
    }
    for page in ["report.html", "report.md", "cells.csv", "summary.csv", "summary.json"] {
        assert!(fs::read_to_string(place.path("r").join(page)).unwrap().contains("epoll"), "{page}");
    }
    let asked = fs::read_to_string(place.path("asked")).unwrap();
    for words in ["-icount shift=0,sleep=off", "accel=tcg", "-- guest"] {
        assert!(asked.contains(words), "{words}: {asked}");
    }
}

#[test]
fn two_counts_are_told_apart_by_a_percent() {
    // As in a real machine, blocks differ by several per cent among themselves, and each is the same every time.
    fn scattered(cell: u64, block: u64) -> u64 {
        16_000 + 1_000 * cell + 700 * (block * 3 % 5)
    }
    let place = Place::new(&Guest { per_request: scattered, ..GOOD }.lines());
    assert_eq!(place.count("old", &[]).status.code(), Some(0));
    assert_eq!(place.count("new", &[]).status.code(), Some(0));
    let same = place.diff("old", "new");
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    assert!(text(&same.stdout).contains("0 better, 0 worse, 4 the same"), "{same:?}");
    // The second cell, and it alone, takes two per cent more.
    let worse = Guest {
        per_request: |cell, block| scattered(cell, block) * if cell == 1 { 102 } else { 100 } / 100,
        ..GOOD
    };
    fs::write(place.path("lines"), worse.lines().join("\n")).unwrap();
    assert_eq!(place.count("worse", &[]).status.code(), Some(0));
    let found = place.diff("old", "worse");
    assert_eq!(found.status.code(), Some(4), "{found:?}");
    assert!(text(&found.stdout).contains("0 better, 1 worse, 3 the same"), "{found:?}");
    let line = text(&found.stdout).lines().find(|line| line.contains("worse")).unwrap().to_string();
    assert!(line.starts_with("epoll") && line.contains("instr/connect"), "{line}");
}

#[test]
fn a_cell_that_fails_is_void_and_says_why() {
    let place = Place::new(&Guest { failing: Some(3), ..GOOD }.lines());
    let output = place.count("r", &[]);
    assert_eq!(output.status.code(), Some(0), "the others count: {output:?}");
    assert!(
        text(&output.stdout).contains("void") && text(&output.stderr).contains("no such luck"),
        "{output:?}"
    );
}

#[test]
fn a_clock_that_counts_no_instructions_makes_the_result_invalid() {
    let place = Place::new(&Guest { clock_ns: 0.3, ..GOOD }.lines());
    let output = place.count("r", &[]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(text(&output.stderr).contains("0.300 ns"), "{output:?}");
}

#[test]
fn a_guest_that_does_not_come_to_its_end_is_a_failure() {
    let panic = vec!["Kernel panic - not syncing: No working init found.".to_string()];
    let broken = vec![json!({"guest": "broken", "words": "cannot mount cgroup2"}).to_string()];
    for (lines, said) in
        [(panic, "No working init"), (broken, "cannot mount cgroup2"), (Vec::new(), "nothing")]
    {
        let output = Place::new(&lines).count("r", &[]);
        assert_eq!(output.status.code(), Some(1), "{said}: {output:?}");
        let words = text(&output.stderr);
        assert!(words.contains(said) && words.contains("--kernel"), "{words}");
    }
    // What was counted before is on record.
    let mut lines = GOOD.lines();
    lines.truncate(2 + BLOCKS as usize + 1);
    let place = Place::new(&lines);
    assert_eq!(place.count("r", &[]).status.code(), Some(1));
    assert_eq!(records(&place.path("r")).len() as u64, 1 + BLOCKS);
}

#[test]
fn what_is_missing_has_its_remedy() {
    let place = Place::new(&GOOD.lines());
    let output = place.count("r", &["--kernel", "/nonexistent/vmlinuz"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    fs::remove_file(place.path("kernel")).unwrap();
    let output = place.count("r", &[]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("--kernel FILE"), "{output:?}");
    let mut command = Command::new(DYNO);
    let output = command.args(["count", "epoll"]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("apt-get install qemu-system-x86"), "{output:?}");
    for nonsense in [&["count", "nobody"][..], &["count", "--service", "json"], &["count", "--blocks", "0"]] {
        let output = Command::new(DYNO).args(nonsense).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{nonsense:?}: {output:?}");
    }
}

#[test]
fn nobody_becomes_a_guest_by_mistake() {
    let output = Command::new(DYNO).arg("guest").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(text(&output.stderr).contains("dyno count"), "{output:?}");
}

/// Needs an emulator and a kernel, and some minutes where this program was built without optimization.
#[test]
fn a_real_guest_counts_the_same_twice() {
    if std::env::var_os("DYNO_SLOW").is_none_or(|value| value != "1") {
        eprintln!("runs under DYNO_SLOW=1 alone: nothing was tried");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let medians = ["one", "other"].map(|name| {
        let directory = place.path().join(name);
        let mut command = Command::new(DYNO);
        command
            .args(["count", "epoll", "fork", "--requests", "64", "--blocks", "3", "--output"])
            .arg(&directory);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let summary: Value =
            serde_json::from_str(&fs::read_to_string(directory.join("summary.json")).unwrap()).unwrap();
        let figures = summary["figures"].as_array().unwrap().clone();
        let counts = figures.into_iter().filter(|figure| {
            figure["quantity"].as_str().is_some_and(|quantity| quantity.starts_with("instructions"))
        });
        counts.map(|figure| figure["as_measured"].as_f64().unwrap()).collect::<Vec<f64>>()
    });
    assert_eq!(medians[0].len(), 4);
    for (one, other) in medians[0].iter().zip(&medians[1]) {
        assert!((one / other - 1.0).abs() < 0.005, "{medians:?}");
        assert!(*one > 1_000.0, "a request takes more: {medians:?}");
    }
}
