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
        let command = ["cargo run --release -- ", "dyno "].iter().find_map(|start| line.strip_prefix(start));
        let Some(command) = command else { continue };
        let command = command.split('#').next().unwrap_or_default();
        let arguments: Vec<&str> = command.split_whitespace().collect();
        if !["compare", "curve", "scale", "connections", "waiting", "duel", "overload", "isolation"]
            .contains(&arguments[0])
        {
            continue;
        }
        let output = dyno(&[arguments.as_slice(), &["--dry-run"]].concat());
        if String::from_utf8_lossy(&output.stderr).contains("is not installed here") {
            println!("skipped: {command}");
            continue;
        }
        assert!(output.status.success(), "{command}: {output:?}");
        assert!(words(&output).contains("about"), "{command} tells how long it takes: {output:?}");
        planned += 1;
    }
    assert!(planned >= 5, "README shows {planned} experiments");
}

#[test]
fn the_file_of_the_readme_is_an_experiment() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let file = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("experiment.toml");
    // Program and directory must exist, and these need not be here.
    std::fs::write(&path, file.replace("[\"caddy\"", "[\"sh\"").replace("\"/srv\"", "\"/\"")).unwrap();
    for options in [["--dry-run"].as_slice(), &["--", "--dry-run"]] {
        let output = dyno(&[&["run", path.to_str().unwrap()], options].concat());
        assert!(output.status.success() && words(&output).contains("about"), "{output:?}");
        assert!(words(&output).contains("caddy"), "{output:?}");
    }
}

#[test]
fn list_and_doctor_answer() {
    let list = dyno(&["list"]);
    assert!(list.status.success() && words(&list).contains("thread-pool"), "{list:?}");
    assert!(words(&list).contains("nginx") && words(&list).contains("compare epoll NAME"), "{list:?}");
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
    for command in ["load", "keys"] {
        let mut one = Command::new(env!("CARGO_BIN_EXE_dyno"));
        let page = one.args(["man", command]).current_dir(directory.path()).output().unwrap();
        assert!(page.status.success() && words(&page).contains(".SH NAME"), "{page:?}");
        assert!(!directory.path().join(command).exists(), "a command is no directory");
    }
    let pages = dyno(&["man"]);
    let heads = words(&pages).matches("\n.TH ").count();
    assert!(pages.status.success() && heads >= 19, "one a command, in one stream: {heads}");
}

#[test]
fn a_server_that_is_not_there_is_told_before_anything_is_measured() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("servers.toml");
    std::fs::write(&file, "[[server]]\nname = 'x'\ncommand = ['no-such-program', '{port}']\n").unwrap();
    let output = dyno(&["compare", "-q", "--servers", file.to_str().unwrap(), "--dry-run"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("no program no-such-program"), "{told}");
}

/// As in `dyno compare 2>&1 | head -1`, whose reader leaves.
#[test]
fn a_reader_that_leaves_is_no_fault() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = command.args(["compare", "no-such-name"]).stderr(writer).stdout(std::process::Stdio::null());
    assert_eq!(child.status().unwrap().code(), Some(1), "an exit code that is documented");
}

/// What was asked for is asked for again by `--resume` alone: names, blocks and durations are on record.
#[test]
fn an_experiment_is_continued_as_it_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results");
    let place = results.to_str().unwrap();
    dyno(&[
        "compare",
        "epoll",
        "poll",
        "--blocks",
        "2",
        "--duration",
        "100ms",
        "--warm-up",
        "10ms",
        "-q",
        "-o",
        place,
    ]);
    let file = results.join("records.jsonl");
    let whole = std::fs::read_to_string(&file).unwrap();
    let cells = |text: &str| -> std::collections::BTreeSet<String> {
        let records = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        records.filter(|record| record["kind"] == "cell").map(|record| record["trial"].to_string()).collect()
    };
    assert_eq!(cells(&whole).len(), 2 * (2 + 2 * 3), "{whole}");
    // As after `kill -9`: the last cells are missing, and the line that was being written is torn.
    // None of those before is void, whatever the machine did: void ones would be measured again.
    let sound = whole.replace("\"verdict\":\"void\"", "\"verdict\":\"sound\"");
    let kept: Vec<&str> = sound.lines().take(1 + 10).collect();
    std::fs::write(&file, format!("{}\n{}", kept.join("\n"), &kept[3][..40])).unwrap();
    let resumed = dyno(&["compare", "-q", "--resume", place]);
    assert!(matches!(resumed.status.code(), Some(0 | 5)), "{resumed:?}");
    let again = std::fs::read_to_string(&file).unwrap();
    let steps = |text: &str| -> Vec<String> {
        let trial = |trial: &String| serde_json::from_str::<serde_json::Value>(trial).unwrap();
        let mut steps: Vec<String> = cells(text)
            .iter()
            .map(trial)
            .map(|trial| {
                format!("{} {} {}", trial["cell"]["step"], trial["cell"]["contestant"], trial["block"])
            })
            .collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    };
    assert_eq!(steps(&again), steps(&whole));
    let over = dyno(&["compare", "epoll", "-q", "-o", place]);
    assert!(over.status.code() == Some(2) && String::from_utf8_lossy(&over.stderr).contains("--resume"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), again, "nothing is written over an experiment");
    let more = dyno(&["compare", "epoll", "--resume", place]);
    assert_eq!(more.status.code(), Some(2), "{more:?}");
    let other = dyno(&["scale", "--resume", place]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("holds the experiment compare"), "{other:?}");
    // Records of older versions have the command line alone; that of the first start says what was asked.
    let planned = || words(&dyno(&["compare", "--resume", place, "--dry-run"]));
    let asked = planned();
    assert!(asked.contains("2 contestants"), "{asked}");
    let older = |line: &&str| {
        let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
        let spec = record.as_object_mut().unwrap().remove("spec");
        assert_eq!(spec.is_some(), record["kind"] == "header");
        format!("{record}\n")
    };
    std::fs::write(&file, kept.iter().map(older).collect::<String>()).unwrap();
    assert_eq!(planned(), asked);
}
