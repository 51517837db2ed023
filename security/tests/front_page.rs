//! The table of attacks on the front page names tests that exist, and leaves out none of the attack tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn the_table_of_attacks_and_the_tests_agree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("README.md")).unwrap();
    let named: BTreeSet<String> = page
        .lines()
        .filter_map(|line| line.strip_prefix('|')?.trim_end_matches([' ', '|']).rsplit_once('|'))
        .map(|(_, test)| test.trim().trim_matches('`').to_owned())
        .filter(|test| test.contains("::"))
        .collect();
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(root.join("tests")).unwrap() {
        let path = entry.unwrap().path();
        let Some(file) = path.file_name().unwrap().to_str().unwrap().strip_suffix(".rs") else { continue };
        let text = fs::read_to_string(&path).unwrap();
        let names = text.split("#[test]\nfn ").skip(1).filter_map(|rest| rest.split('(').next());
        tests.extend(names.map(|name| format!("{file}::{name}")));
    }
    let unknown: Vec<_> = named.difference(&tests).collect();
    assert!(unknown.is_empty(), "the front page names tests that do not exist: {unknown:?}");
    // The controls: what must be accepted is no attack.
    let controls = ["attack_handshake::the_honest_handshake_agrees", "attack_insider::the_truth_is_accepted"];
    let left_out: Vec<_> = tests
        .difference(&named)
        .filter(|test| test.starts_with("attack_") && !controls.contains(&test.as_str()))
        .collect();
    assert!(left_out.is_empty() && named.len() > 30, "the front page leaves out {left_out:?}");
}
