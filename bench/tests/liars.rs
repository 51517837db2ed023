//! The audit against liars that really run: each must be found out, and by the law that it breaks. A generator that
//! is late is planted in the tests of the session, where its clock can be slowed at will.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Runs a comparison of one block and gives its cells of one step.
fn cells(directory: &Path, step: &str, arguments: &[&str]) -> Vec<Value> {
    let results = directory.join("results");
    let output = Command::new(env!("CARGO_BIN_EXE_dyno"))
        .arg("compare")
        .args(arguments)
        .args(["--blocks", "1", "--duration", "150ms", "--warm-up", "20ms", "--quiet", "--output"])
        .arg(&results)
        .output()
        .unwrap();
    let records = fs::read_to_string(results.join("records.jsonl")).unwrap_or_else(|_| panic!("{output:?}"));
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let cells: Vec<Value> = records.filter(|record| record["trial"]["cell"]["step"] == step).collect();
    assert!(!cells.is_empty(), "{output:?}");
    cells
}

/// Whether the audit of this cell found that this law is broken, and judged so.
fn is_found(cell: &Value, law: &str, standing: &str) -> bool {
    let findings = cell["audit"]["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    findings.iter().any(|finding| finding["law"] == law && finding["verdict"] == standing)
}

/// Says that something has ended, even where a test fails before.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Before the first cell it would be refused, so it lies from then on.
#[test]
fn a_server_that_answers_other_bytes_is_void() {
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path().join("files");
    fs::create_dir(&files).unwrap();
    let file = files.join("text.txt");
    fs::write(&file, "as it was").unwrap();
    let servers = directory.path().join("servers.toml");
    let serve = [env!("CARGO_BIN_EXE_dyno"), "serve", "epoll", "--listen", "127.0.0.1:{port}", "--files"];
    let command: Vec<String> =
        serve.iter().map(ToString::to_string).chain([files.display().to_string()]).collect();
    fs::write(&servers, format!("[[server]]\nname = \"liar\"\ncommand = {command:?}\n")).unwrap();
    let ended = AtomicBool::new(false);
    let found = thread::scope(|scope| {
        let _ends = Ends(&ended);
        scope.spawn(|| {
            let records = directory.path().join("results").join("records.jsonl");
            while !records.exists() && !ended.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(3));
            }
            // As long as before, so that only its bytes tell.
            for text in ["as it is.", "as it was"].iter().cycle() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let other = files.join("other");
                fs::write(&other, text).unwrap();
                fs::rename(&other, &file).unwrap();
                thread::sleep(Duration::from_millis(3));
            }
        });
        cells(
            directory.path(),
            "capacity",
            &["--servers", servers.to_str().unwrap(), "--service", "/files/text.txt", "--connections", "4"],
        )
    });
    assert!(found.iter().all(|cell| is_found(cell, "bodies", "void")), "{found:?}");
}

#[test]
fn a_server_that_sleeps_claims_no_maximum() {
    let directory = tempfile::tempdir().unwrap();
    let found =
        cells(directory.path(), "capacity", &["epoll", "--service", "/wait/5000", "--connections", "2"]);
    assert!(found.iter().all(|cell| is_found(cell, "server-bottleneck", "at-least")), "{found:?}");
}
