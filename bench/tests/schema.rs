//! The JSON Schema of a line of the records: published as a file, equal to what the types say, and kept by real
//! records.

use std::path::{Path, PathBuf};

use dyno_record::SCHEMA;
use dyno_record::store::Line;
use dyno_report::summary;
use serde_json::Value;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/records.v{SCHEMA}.json"))
}

/// `DYNO_WRITE_SCHEMA=1 cargo test -p dyno-bench --test schema` writes the file anew after a field was added.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let generated = serde_json::to_value(schemars::schema_for!(Line)).unwrap();
    if std::env::var_os("DYNO_WRITE_SCHEMA").is_some() {
        std::fs::create_dir_all(path().parent().unwrap()).unwrap();
        std::fs::write(path(), format!("{generated:#}\n")).unwrap();
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap();
    assert!(published == generated, "the types have changed: write the schema anew, and keep old fields");
}

fn summary_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schema/summary.v{}.json", summary::SCHEMA))
}

#[test]
fn the_published_schema_of_the_summary_is_that_of_its_types() {
    let generated = summary::schema();
    if std::env::var_os("DYNO_WRITE_SCHEMA").is_some() {
        std::fs::write(summary_path(), format!("{generated:#}\n")).unwrap();
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(summary_path()).unwrap()).unwrap();
    assert!(published == generated, "the types have changed: write the schema anew, and keep old fields");
}

/// A real experiment, as short as one can be, from the command line to its records, its pages, and its refusal of
/// nonsense.
#[test]
fn a_real_experiment_keeps_to_the_schema() {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap();
    compiler.add_resource("records.json", published).unwrap();
    let schema = compiler.compile("records.json", &mut schemas).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_dyno"))
        .args(["compare", "epoll", "iterative", "--blocks", "1", "--duration", "100ms", "--warm-up", "30ms"])
        .args(["--connections", "2", "--quiet", "--output"])
        .arg(&results)
        .output()
        .unwrap();
    // On a busy machine every cell may be void (5): that is an answer too, and has records.
    assert!(matches!(output.status.code(), Some(0 | 5)), "{output:?}");
    let text = std::fs::read_to_string(results.join("records.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // A cell that was void is measured again, and the file has both records.
    let mut trials: Vec<String> = lines.iter().map(|line| line["trial"].to_string()).collect();
    trials.sort_unstable();
    trials.dedup();
    assert_eq!(trials.len(), 1 + 2 + 2 + 2 * 3, "a header, two pilots, two counts, three steps of two");
    for line in &lines {
        if let Err(error) = schemas.validate(line, schema) {
            panic!("{error}\n{line:#}");
        }
    }
    let published: Value = serde_json::from_str(&std::fs::read_to_string(summary_path()).unwrap()).unwrap();
    compiler.add_resource("summary.json", published).unwrap();
    let of_summary = compiler.compile("summary.json", &mut schemas).unwrap();
    let written = std::fs::read_to_string(results.join("summary.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    if let Err(error) = schemas.validate(&written, of_summary) {
        panic!("{error}\n{written:#}");
    }
    let mut broken = lines[1].clone();
    broken["trial"]["block"] = "first".into();
    assert!(schemas.validate(&broken, schema).is_err());
    for page in ["report.html", "report.md", "cells.csv", "summary.csv", "summary.json"] {
        assert!(results.join(page).metadata().unwrap().len() > 100, "{page}");
    }
}
