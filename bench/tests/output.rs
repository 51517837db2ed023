//! Standard output that is full or whose reader has gone: one message, or none, and never a panic.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// A server of this program, ended when it goes out of scope.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
        command.args(["serve", "epoll", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        Served { child, url: format!("http://{}/", ready["address"].as_str().unwrap()) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Command lines of all commands that print a result and end by themselves. `URL` is a server, `DIR` a directory with
/// records, `NEW` one that does not exist.
const COMMANDS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["help", "load"],
    &["compare", "--help"],
    &["learn"],
    &["learn", "epoll", "--answer"],
    &["list"],
    &["list", "--names"],
    &["probe", "URL"],
    &["probe", "URL", "--json"],
    &["browse", "URL"],
    &["browse", "URL", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["completions", "bash"],
    &["completions", "fish"],
    &["demo"],
    &["demo", "encryption", "--fast"],
    &["demo", "mitm", "--fast"],
    &["demo", "replay", "--json"],
    &["keys", "NEW"],
    &["compare", "epoll", "--dry-run"],
    &["curve", "epoll", "--dry-run"],
    &["scale", "epoll", "--dry-run"],
    &["connections", "epoll", "--dry-run"],
    &["waiting", "epoll", "--dry-run"],
    &["textbook", "--list"],
    &["report", "DIR"],
    &["report", "DIR", "--format", "markdown"],
    &["report", "DIR", "--format", "csv"],
    &["report", "DIR", "--format", "html"],
    &["diff", "DIR", "DIR"],
];

fn each(stdout: impl Fn() -> Stdio, check: impl Fn(&str, &Output)) {
    let served = Served::start();
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results");
    // Records of version 0.1.0, copied because a report is written beside them.
    let planted = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/records/earlier/records.jsonl");
    std::fs::create_dir(&results).unwrap();
    std::fs::copy(planted, results.join("records.jsonl")).unwrap();
    for (number, words) in COMMANDS.iter().enumerate() {
        let new = directory.path().join(number.to_string());
        let words: Vec<&str> = words
            .iter()
            .map(|word| match *word {
                "URL" => served.url.as_str(),
                "DIR" => results.to_str().unwrap(),
                "NEW" => new.to_str().unwrap(),
                other => other,
            })
            .collect();
        let child = Command::new(env!("CARGO_BIN_EXE_dyno"))
            .args(&words)
            .stdin(Stdio::null())
            .stdout(stdout())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        check(&words.join(" "), &child.wait_with_output().unwrap());
    }
}

#[test]
fn a_full_disk_is_one_message_and_a_failure_of_every_command() {
    let full = || Stdio::from(OpenOptions::new().write(true).open("/dev/full").unwrap());
    each(full, |words, output| {
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words}: {told}");
        assert_eq!(told.matches("cannot write standard output").count(), 1, "{words}: {told}");
        assert!(!told.contains("panicked"), "{words}: {told}");
    });
}

#[test]
fn a_reader_that_has_gone_is_no_fault_to_tell() {
    let gone = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    each(gone, |words, output| {
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{words}: {output:?}");
        assert!(!told.contains("panicked") && !told.contains("cannot write"), "{words}: {told}");
    });
}

/// The records can be read, so what was asked for is printed, whether or not the files of the report find a place.
#[test]
fn a_report_that_finds_no_place_is_printed() {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/records/later/records.jsonl");
    for (format, says) in [
        ("text", "epoll"),
        ("markdown", "| "),
        ("csv", "epoll"),
        ("summary", "epoll"),
        ("json", "epoll"),
        ("html", "<html"),
    ] {
        let place = tempfile::tempdir().unwrap();
        std::fs::copy(&records, place.path().join("records.jsonl")).unwrap();
        // Where nobody may be refused by a mode, a directory is in the way.
        std::fs::create_dir(place.path().join("report.html")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
        command.arg("report").arg(place.path()).args(["--format", format]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(out.contains(says), "{format}: {said}");
        assert!(output.status.code() == Some(1) && said.contains("report.html"), "{format}: {said}");
    }
}
