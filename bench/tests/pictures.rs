//! `dyno report --format svg:NAME` and `png:NAME`: pictures alone, and what is said of names that are none.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A directory with records of version 0.1.0.
fn records() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/records/earlier/records.jsonl");
    std::fs::copy(records, place.path().join("records.jsonl")).unwrap();
    place
}

/// `dyno report --format FORMAT` of such records.
fn report(format: &str) -> Output {
    report_at(records().path(), format, |command| command)
}

fn report_at(place: &Path, format: &str, set: impl Fn(&mut Command) -> &mut Command) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    set(command.arg("report").arg(place).args(["--format", format])).output().unwrap()
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
fn a_png_is_made_where_a_converter_is_and_refused_with_its_package_elsewhere() {
    let list = report("png:list");
    assert_eq!(list.stdout, report("svg:list").stdout);
    let without = report_at(records().path(), "png:verdict", |command| command.env("PATH", "/nonexistent"));
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert!(without.status.code() == Some(2) && said.contains("librsvg2-bin"), "{said}");
    if Command::new("rsvg-convert").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no rsvg-convert");
        return;
    }
    let svg = String::from_utf8(report("svg:verdict").stdout).unwrap();
    let size = |name: &str| -> u32 {
        let (_, behind) = svg.split_once(&format!(" {name}=\"")).unwrap();
        behind.split(['"', '.']).next().unwrap().parse().unwrap()
    };
    let output = report("png:verdict");
    assert!(output.status.success(), "{output:?}");
    let png = output.stdout;
    // The signature, the length and the name of the first chunk, and its width and height (PNG 5.2, 11.2.2).
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let read = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((read(16), read(20)), (2 * size("width"), 2 * size("height")));
}

#[test]
fn formats_that_are_none_are_refused_with_what_there_is() {
    for (format, told) in [
        ("svg:nonsense", "verdict"),
        ("svg:", "svg:NAME"),
        ("png:nonsense", "verdict"),
        ("png:", "png:NAME"),
        ("gif", "markdown"),
        ("", "markdown"),
    ] {
        let output = report(format);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{format}: {said}");
        assert!(said.contains(told), "{format}: {said}");
    }
}
