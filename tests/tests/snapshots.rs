//! What a user reads, held against golden files: help, reports from records of version 0.1.0, errors with remedies.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};

use dyno_servers::architectures::ALL;
use dyno_tests::limits::STOP;
use dyno_tests::process::ends;
use dyno_tests::snapshot::{check, directory, text_of};
use dyno_tests::suite::{self, Outcome, ensure, program, quick};
use dyno_tests::tree::root;
use tempfile::TempDir;

/// The commands, as `dyno --help` lists them.
const COMMANDS: &[&str] = &[
    "compare",
    "curve",
    "scale",
    "connections",
    "count",
    "duel",
    "run",
    "overload",
    "waiting",
    "isolation",
    "choose",
    "explain",
    "trace",
    "report",
    "diff",
    "learn",
    "textbook",
    "watch",
    "serve",
    "superserver",
    "cluster",
    "control",
    "list",
    "load",
    "merge",
    "probe",
    "browse",
    "keys",
    "demo",
    "doctor",
    "calibrate",
    "completions",
    "man",
];

/// The other golden files.
const FILES: [&str; 7] = [
    "help/dyno.txt",
    "report/terminal.txt",
    "report/report.md",
    "report/cells.csv",
    "report/page.txt",
    "diff.txt",
    "errors.txt",
];

/// Command lines that cannot work. `DIR` is a directory with the records of two experiments, `earlier` and `later`.
const ERRORS: &[&[&str]] = &[
    &["sevre"],
    &["serve", "epol"],
    &["serve", "epoll", "--listen", "nowhere"],
    &["serve", "epoll", "--listen", "192.0.2.1:0"],
    &["serve", "prefork", "--workers", "0"],
    &["serve", "iterative", "--workers", "3"],
    &["serve", "epoll", "--cores", "3-1"],
    &["serve", "epoll", "--files", "DIR/absent"],
    &["serve", "epoll", "--transport", "channel", "--credentials", "DIR/absent"],
    &["compare", "epol"],
    &["compare", "epoll", "--dry-run", "--servers", "DIR/absent.toml"],
    &["compare", "epoll", "--transports", "smoke"],
    &["compare", "--resume", "DIR/absent"],
    &["compare", "--services", "conect"],
    &["compare", "--services", "hello,wait", "--peers"],
    &["compare", "--services", "hello,wait", "--connections", "8"],
    &["compare", "--services", "hello", "--service", "/"],
    &["choose", "--rate", "30k"],
    &["choose", "--rate", "30k", "--wait", "20ms", "DIR/earlier"],
    &["choose", "--rate", "30k", "DIR/absent"],
    &["explain", "epoll"],
    &["explain", "epol", "fork"],
    &["run", "DIR/absent.toml"],
    &["run", "DIR/mistyped.toml"],
    &["report", "DIR/absent"],
    &["diff", "DIR/earlier", "DIR/absent"],
    &["diff", "DIR/earlier", "DIR/elsewhere"],
    &["load", "ftp://127.0.0.1/"],
    &["load", "http://127.0.0.1:1/", "--duration", "100ms"],
    &["load", "http://127.0.0.1:1/", "--rate", "many"],
    &["load", "http://127.0.0.1:1/", "--fail-if", "p99=5"],
    &["load", "http://127.0.0.1:1/", "--transport", "channel", "--credentials", "DIR/absent"],
    &["load", "http://127.0.0.1:1/", "--part", "4/3", "--start-at", "1"],
    &["load", "http://127.0.0.1:1/", "--part", "1/3"],
    &["load", "http://127.0.0.1:1/", "--part", "1/3", "--start-at", "tomorrow"],
    &["merge", "DIR/absent.json"],
    &["merge", "DIR/earlier/records.jsonl"],
    &["probe", "http://127.0.0.1:1/"],
    &["browse", "http://127.0.0.1:1/"],
    &["demo", "absent"],
    &["keys", "DIR/earlier"],
    &["completions", "basic"],
    &["man", "/proc/absent"],
    &["textbook", "thread-strat"],
];

fn main() -> ExitCode {
    let mut trials = vec![
        quick("snapshots::help::dyno", || help(None)),
        quick("snapshots::help::every-command-has-its-file", every_command),
        quick("snapshots::no-file-is-left-over", no_file_is_left_over),
        quick("snapshots::report::terminal", || report("text", "report/terminal.txt", str::to_owned)),
        quick("snapshots::report::markdown", || report("markdown", "report/report.md", str::to_owned)),
        quick("snapshots::report::csv", || report("csv", "report/cells.csv", str::to_owned)),
        quick("snapshots::report::page", || report("html", "report/page.txt", page)),
        quick("snapshots::diff", diff),
        quick("snapshots::errors", errors),
    ];
    for command in COMMANDS {
        trials.push(quick(format!("snapshots::help::{command}"), move || help(Some(command))));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// Runs the program under its own name to its end, in `directory`, with nothing around it that changes its texts.
fn dyno(directory: &Path, arguments: &[String]) -> Result<Output, String> {
    let mut command = Command::new(program());
    command.arg0("dyno").args(arguments).current_dir(directory);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("COLUMNS", "100");
    command.stdin(Stdio::null());
    // Files take any amount of text, however late it is read.
    let (out, err) = (directory.join(".out"), directory.join(".err"));
    let file = |path: &Path| fs::File::create(path).map_err(|error| error.to_string());
    command.stdout(file(&out)?).stderr(file(&err)?);
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    ends(&mut child, STOP, &format!("dyno {arguments:?}"))?;
    let status = child.wait().map_err(|error| error.to_string())?;
    let read = |path: &Path| fs::read(path).map_err(|error| error.to_string());
    Ok(Output { status, stdout: read(&out)?, stderr: read(&err)? })
}

/// A directory with the planted records of `earlier` and `later`, and of `elsewhere`: another machine.
fn planted() -> Result<TempDir, std::io::Error> {
    let place = TempDir::new()?;
    for name in ["earlier", "later"] {
        let records = root().join("tests/data/records").join(name).join("records.jsonl");
        fs::create_dir(place.path().join(name))?;
        fs::copy(records, place.path().join(name).join("records.jsonl"))?;
    }
    let records = fs::read_to_string(place.path().join("later/records.jsonl"))?;
    fs::create_dir(place.path().join("elsewhere"))?;
    fs::write(place.path().join("elsewhere/records.jsonl"), records.replace("planted00001", "planted00002"))?;
    fs::write(place.path().join("mistyped.toml"), "experiment = \"compare\"\nblokcs = 7\n")?;
    Ok(place)
}

fn help(command: Option<&str>) -> Outcome {
    let place = TempDir::new()?;
    let arguments: Vec<_> = command.into_iter().chain(["--help"]).map(str::to_owned).collect();
    let output = dyno(place.path(), &arguments)?;
    ensure(output.status.success(), || output.status.to_string())?;
    check(&format!("help/{}.txt", command.unwrap_or("dyno")), std::str::from_utf8(&output.stdout)?)
}

fn every_command() -> Outcome {
    let place = TempDir::new()?;
    let output = dyno(place.path(), &["--help".to_owned()])?;
    let text = String::from_utf8(output.stdout)?;
    let before = text.split("\nOptions:\n").next().unwrap_or_default();
    // A description may go on in the next line, further to the right.
    let lines = before.lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_whitespace().next());
    let listed: Vec<_> = names.filter(|name| *name != "help").collect();
    ensure(listed == COMMANDS, || {
        format!("dyno --help lists {listed:?}; COMMANDS in this test is {COMMANDS:?}")
    })
}

fn no_file_is_left_over() -> Outcome {
    let help = COMMANDS.iter().map(|command| format!("help/{command}.txt"));
    let known: BTreeSet<_> = help.chain(FILES.map(str::to_owned)).collect();
    let mut found = BTreeSet::new();
    for folder in ["", "help/", "report/"] {
        for entry in fs::read_dir(directory().join(folder))?.flatten().filter(|entry| entry.path().is_file())
        {
            found.insert(format!("{folder}{}", entry.file_name().to_string_lossy()));
        }
    }
    let left: Vec<_> = found.difference(&known).collect();
    ensure(left.is_empty(), || format!("no test writes {left:?}"))
}

fn report(format: &str, file: &str, shown: fn(&str) -> String) -> Outcome {
    let place = planted()?;
    let arguments = ["report", "earlier", "--format", format].map(str::to_owned);
    let output = dyno(place.path(), &arguments)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure(output.status.success(), || format!("{}; {said}", output.status))?;
    ensure(said == "report: earlier/report.html\n", || format!("{said:?}"))?;
    check(file, &shown(std::str::from_utf8(&output.stdout)?))
}

/// The page as text, up to the method: that is `bench/METHODOLOGY.md`, word for word.
fn page(html: &str) -> String {
    let text = text_of(html);
    text.split_inclusive("\nHow it is measured\n").next().unwrap_or_default().to_owned()
}

fn diff() -> Outcome {
    let place = planted()?;
    let output = dyno(place.path(), &["diff", "earlier", "later"].map(str::to_owned))?;
    ensure(output.status.success(), || output.status.to_string())?;
    ensure(output.stderr.is_empty(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    check("diff.txt", std::str::from_utf8(&output.stdout)?)
}

fn errors() -> Outcome {
    let place = planted()?;
    let path = place.path().to_string_lossy().into_owned();
    // A new chapter changes no text but by its name.
    let names = ALL.map(|architecture| architecture.name).join(" ");
    let mut text = String::new();
    for line in ERRORS {
        let arguments: Vec<_> = line.iter().map(|argument| argument.replace("DIR", &path)).collect();
        let output = dyno(place.path(), &arguments)?;
        let stderr = String::from_utf8(output.stderr)?.replace(&path, "DIR").replace(&names, "NAMES");
        let code = output.status.code().ok_or_else(|| output.status.to_string())?;
        ensure(code != 0, || format!("dyno {line:?} works"))?;
        let lines: Vec<_> = stderr.lines().map(str::trim_end).collect();
        text += &format!("$ dyno {}\n{}\n[{code}]\n\n", line.join(" "), lines.join("\n"));
    }
    check("errors.txt", &text)
}
