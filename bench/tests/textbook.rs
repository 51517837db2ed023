//! `dyno textbook` from its command line to verdicts, page and schema.

mod support;

use std::path::{Path, PathBuf};

use dyno_record::textbook::{ClaimVerdict, TEXTBOOK_SCHEMA, TextbookRun};
use serde_json::Value;
use support::dyno;

fn schema() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/textbook.v{TEXTBOOK_SCHEMA}.json"))
}

/// `DYNO_WRITE_SCHEMA=1 cargo test -p dyno-bench --test textbook` writes the file anew after a field was added.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let generated = serde_json::to_value(schemars::schema_for!(TextbookRun)).unwrap();
    if std::env::var_os("DYNO_WRITE_SCHEMA").is_some() {
        std::fs::write(schema(), format!("{generated:#}\n")).unwrap();
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(schema()).unwrap()).unwrap();
    assert!(published == generated, "the types have changed: write the schema anew, and keep old fields");
}

#[test]
fn claims_are_tried_and_shown_in_every_form() {
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.html");
    // Two steps, a server that crashes, and one that stands still: each kind of trial that does not want a quiet
    // machine.
    let names = "futex verify-sign crash-takes-threads fork-isolates blocking-stops-all loop-never-waits";
    let words = format!("textbook {names} --quick --quiet --format json --html {}", page.display());
    let ended = dyno(&words, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let run: TextbookRun = serde_json::from_str(&ended.stdout).unwrap();
    let tried: Vec<&str> = run.findings.iter().map(|finding| finding.name.as_str()).collect();
    assert_eq!(tried.join(" "), names);
    for finding in &run.findings {
        let estimate = finding.estimate.unwrap_or_else(|| panic!("{finding:?}"));
        assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{finding:?}");
        assert!(finding.rounds >= 5 && !finding.because.is_empty(), "{finding:?}");
    }
    // Whether it costs this or that depends on the machine; who dies with whom does not.
    let verdict = |name: &str| run.findings.iter().find(|finding| finding.name == name).unwrap().verdict;
    assert_eq!(verdict("crash-takes-threads"), ClaimVerdict::Holds, "{ended:?}");
    assert_eq!(verdict("fork-isolates"), ClaimVerdict::Holds, "{ended:?}");
    assert_eq!(verdict("loop-never-waits"), ClaimVerdict::DoesNotHold, "{ended:?}");

    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let published: Value = serde_json::from_str(&std::fs::read_to_string(schema()).unwrap()).unwrap();
    compiler.add_resource("textbook.json", published).unwrap();
    let compiled = compiler.compile("textbook.json", &mut schemas).unwrap();
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    schemas.validate(&value, compiled).unwrap_or_else(|error| panic!("{error}"));

    let html = std::fs::read_to_string(page).unwrap();
    for name in names.split(' ') {
        assert!(html.contains(&format!("id=\"{name}\"")), "{name} has a card");
    }
}

#[test]
fn the_text_fits_a_terminal_and_tells_source_and_verdict() {
    let ended = dyno("textbook futex --quick --quiet", &[]);
    assert!(matches!(ended.code, 0 | 5), "{ended:?}");
    for line in ended.stdout.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    let text = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["Switching", "futex", "Franke", "(OLS 2002)", "claimed 0.500x at most", "1 claim: "] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_claim_that_cannot_be_tried_says_why_and_decides_nothing() {
    let ended = dyno("textbook fork-isolates --quick --quiet", &[("TMPDIR", "/proc/absent")]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.contains("TMPDIR"), "{ended:?}");
}

#[test]
fn every_claim_is_listed_and_a_wrong_name_is_told_the_near_one() {
    let listed = dyno("textbook --list", &[]);
    assert_eq!(listed.code, 0, "{listed:?}");
    assert!(listed.stdout.lines().count() >= 20, "{listed:?}");
    let wrong = dyno("textbook thread-strat", &[]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(
        wrong.stderr.contains("did you mean thread-start?") && wrong.stderr.contains("--list"),
        "{wrong:?}"
    );
    for (option, value) in [("--rounds", "4"), ("--rounds", "0"), ("--format", "csv")] {
        let refused = dyno(&format!("textbook futex {option} {value}"), &[]);
        assert!(refused.code == 2 && refused.stderr.contains(option), "{refused:?}");
    }
}
