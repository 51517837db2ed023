//! Runs files of test vectors through Dyno's wrappers: `cargo run -p dyno-security --example vectors -- FILE...`
//!
//! Takes Wycheproof, HPKE and Noise files in JSON and RFC, NIST and Ed25519 files as text; the kind is told from the
//! content. Names what failed and what was skipped, and why; closes with `N passed, N failed, N skipped`. Exit code 1
//! when anything failed or a file could not be used.

mod checks;
mod json;
mod noise;
mod text;

use checks::Outcome;
use std::collections::BTreeMap;
use std::process::ExitCode;

fn run(path: &str) -> Result<Vec<(String, Outcome)>, String> {
    let content = std::fs::read(path).map_err(|error| error.to_string())?;
    let content = String::from_utf8(content).map_err(|_| "not text".to_owned())?;
    let outcomes = match serde_json::from_str(&content) {
        Ok(value) => json::run(&value),
        Err(_) => text::run(&content),
    };
    outcomes.ok_or_else(|| "no schema of test vectors for this crate".into())
}

fn main() -> ExitCode {
    let (mut passed, mut failed, mut skipped, mut unusable) = (0, 0, 0, false);
    let files: Vec<_> = std::env::args().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: vectors FILE...");
        return ExitCode::from(2);
    }
    for path in files {
        let outcomes = match run(&path) {
            Ok(outcomes) => outcomes,
            Err(reason) => {
                println!("{path}: not used: {reason}");
                unusable = true;
                continue;
            }
        };
        let (mut fine, mut reasons) = (0, BTreeMap::<String, u32>::new());
        for (name, outcome) in outcomes {
            match outcome {
                Outcome::Passed => fine += 1,
                Outcome::Failed(what) => {
                    failed += 1;
                    println!("{path}: {name}: FAILED: {what}");
                }
                Outcome::Skipped(why) => {
                    skipped += 1;
                    *reasons.entry(why).or_default() += 1;
                }
            }
        }
        println!("{path}: {fine} passed");
        reasons.iter().for_each(|(why, count)| println!("{path}: {count} skipped: {why}"));
        passed += fine;
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 || unusable { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
