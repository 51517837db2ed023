//! `dyno report --format svg:NAME`: pictures alone, and what is said of names that are none.

use std::path::Path;
use std::process::{Command, Output};

/// `dyno report --format FORMAT` of records of version 0.1.0.
fn report(format: &str) -> Output {
    let place = tempfile::tempdir().unwrap();
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/records/earlier/records.jsonl");
    std::fs::copy(records, place.path().join("records.jsonl")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    command.arg("report").arg(place.path()).args(["--format", format]).output().unwrap()
}

#[test]
fn a_picture_is_written_alone_and_a_list_names_all() {
    let list = String::from_utf8(report("svg:list").stdout).unwrap();
    let names: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.contains(&"verdict") && names.contains(&"latency"), "{list}");
    for name in names {
        let output = report(&format!("svg:{name}"));
        assert!(output.status.success(), "{name}: {output:?}");
        let svg = String::from_utf8(output.stdout).unwrap();
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"),
            "{svg}"
        );
    }
}

#[test]
fn formats_that_are_none_are_refused_with_what_there_is() {
    for (format, told) in [
        ("svg:nonsense", "verdict"),
        ("svg:", "svg:NAME"),
        ("png:verdict", "svg:verdict"),
        ("gif", "markdown"),
        ("", "markdown"),
    ] {
        let output = report(format);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{format}: {said}");
        assert!(said.contains(told), "{format}: {said}");
    }
}
