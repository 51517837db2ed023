//! The commands that README shows, as far as they end by themselves, and what a shell asks the program for.

use std::path::Path;
use std::process::{Command, Output};

fn dyno(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dyno")).args(arguments).output().unwrap()
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Experiments are planned and not run: what is wrong with a name, an option or a value is found either way.
#[test]
fn experiments_of_the_readme_can_be_planned() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let mut planned = 0;
    for line in readme.lines() {
        let Some(command) = line.strip_prefix("cargo run --release -- ") else { continue };
        let command = command.split('#').next().unwrap_or_default();
        let arguments: Vec<&str> = command.split_whitespace().collect();
        if !["compare", "curve", "scale", "connections"].contains(&arguments[0]) {
            continue;
        }
        let output = dyno(&[arguments.as_slice(), &["--dry-run"]].concat());
        assert!(output.status.success(), "{command}: {output:?}");
        assert!(words(&output).contains("about"), "{command} tells how long it takes: {output:?}");
        planned += 1;
    }
    assert!(planned >= 5, "README shows {planned} experiments");
}

#[test]
fn list_and_doctor_answer() {
    let list = dyno(&["list"]);
    assert!(list.status.success() && words(&list).contains("thread-pool"), "{list:?}");
    let doctor = dyno(&["doctor"]);
    assert!(doctor.status.code().is_some() && words(&doctor).contains("counters"), "{doctor:?}");
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = dyno(&["completions", shell]);
        assert!(output.status.success() && words(&output).contains("connections"), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man1");
    let output = dyno(&["man", pages.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    for command in
        ["serve", "load", "compare", "curve", "scale", "connections", "report", "diff", "explain", "run"]
    {
        let page = std::fs::read_to_string(pages.join(format!("dyno-{command}.1"))).unwrap();
        assert!(page.contains(".SH") && page.len() > 300, "{command}");
    }
}
