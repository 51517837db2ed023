//! No command takes an option and ignores it: each option of each command stands here, with the lines in which it would
//! mean nothing. Such a line ends with exit code 2 and names the option.
//!
//! Whoever adds an option adds it here, and thinks of the commands and of the other options beside which nothing reads
//! it.

mod clients;
mod lines;

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use lines::{COMMANDS, EVERYWHERE};

/// Far beyond what a refusal takes: what runs on was not refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(20);

fn dyno(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    let place = tempfile::tempdir().unwrap();
    command.args(arguments).current_dir(place.path()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A help text fits into the pipe only in part, so somebody has to read while it is waited for.
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        out.read_to_end(&mut octets).map(|_| octets)
    });
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > REFUSED_WITHIN {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let stdout = reader.join().unwrap().unwrap();
    Output { stdout, ..child.wait_with_output().unwrap() }
}

/// What stands for a URL in the lines below.
const URL: &str = "http://127.0.0.1:1/";

/// The key of nobody.
const KEY: &str = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

#[test]
fn an_option_that_would_mean_nothing_is_refused_by_name() {
    let mut wrong = Vec::new();
    for (command, own, foreign) in COMMANDS {
        for (option, lines) in own.iter().copied().flatten().chain(*foreign) {
            for line in *lines {
                let words = line.split_whitespace().map(|word| match word {
                    "URL" => URL,
                    "URLS" => "https://127.0.0.1:1/",
                    "OTHER" => "http://127.0.0.1:2/",
                    "KEY" => KEY,
                    other => other,
                });
                let line: Vec<&str> = [*command].into_iter().chain(words).collect();
                let output = dyno(&line);
                let said = String::from_utf8_lossy(&output.stderr);
                let named = said.contains(option) || said.contains(option.trim_start_matches('-'));
                if output.status.code() != Some(2) || !named || said.contains("panicked") {
                    wrong.push(format!("{line:?}: {:?} {said}", output.status.code()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_option_of_every_command_stands_here() {
    for (command, own, _) in COMMANDS {
        let help = dyno(&[command, "--help"]);
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let words = lines
            .flat_map(|line| line.split_whitespace().take(2))
            .map(|word| word.trim_end_matches(',').split('[').next().unwrap_or(word));
        let shown: BTreeSet<&str> = words.filter(|word| word.starts_with("--")).collect();
        let known: BTreeSet<&str> =
            own.iter().copied().flatten().chain(EVERYWHERE).map(|(option, _)| *option).collect();
        assert_eq!(shown, known, "dyno {command}");
    }
}

#[test]
fn every_command_stands_here() {
    let help = dyno(&["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let shown: BTreeSet<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    // A file's experiment is checked as if its command had been given; `help` takes none but names.
    let known: BTreeSet<&str> =
        COMMANDS.iter().map(|(command, ..)| *command).chain(["run", "help"]).collect();
    assert_eq!(shown, known);
}
