//! Every line that a command prints for people fits a terminal of 80 columns, however long the names in it are.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const COLUMNS: usize = 80;

/// A name that nobody would give, and that a program or a file may have.
const LONG: &str = "a-server-with-a-name-that-is-longer-than-any-column-of-any-table";

/// What a command prints on standard output, in a directory.
fn said(place: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    let output = command.args(arguments).current_dir(place).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names of all commands: each has its manual page.
fn commands(place: &Path) -> Vec<String> {
    said(place, &["man", "pages"]);
    let files = fs::read_dir(place.join("pages")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let commands: Vec<String> =
        names.filter_map(|name| Some(name.strip_prefix("dyno-")?.strip_suffix(".1")?.to_owned())).collect();
    assert!(commands.len() > 10, "{commands:?}");
    commands
}

/// The lines that are too long.
fn wide(what: &str, text: &str) -> Vec<String> {
    assert!(!text.is_empty(), "{what} prints nothing");
    let lines = text.lines().map(|line| (line.chars().count(), line));
    lines
        .filter(|(columns, _)| *columns > COLUMNS)
        .map(|(columns, line)| format!("{what}: {columns} columns: {line}"))
        .collect()
}

/// The planted records of an older version, with a name that is too long for every table.
fn plant(place: &Path) {
    for name in ["earlier", "later"] {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/records").join(name);
        let records = fs::read_to_string(source.join("records.jsonl")).unwrap();
        let records = records
            .replace("\"label\":\"epoll\"", &format!("\"label\":\"{LONG}\""))
            .replace("\"contestant\":\"epoll\"", &format!("\"contestant\":\"{LONG}\""));
        assert!(records.contains(LONG));
        fs::create_dir(place.join(name)).unwrap();
        fs::write(place.join(name).join("records.jsonl"), records).unwrap();
    }
}

#[test]
fn help_fits_80_columns() {
    let place = tempfile::tempdir().unwrap();
    let mut found = wide("help", &said(place.path(), &["--help"]));
    for command in &commands(place.path()) {
        for help in ["--help", "-h"] {
            // The page of a command within another has both names.
            let words: Vec<&str> = command.split('-').chain([help]).collect();
            found.extend(wide(&words.join(" "), &said(place.path(), &words)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_commands_print_fits_80_columns() {
    let place = tempfile::tempdir().unwrap();
    plant(place.path());
    let file = format!("[[server]]\nname = '{LONG}'\ncommand = ['sh', '-c', 'exit 1 # {LONG}']\n");
    fs::write(place.path().join("servers.toml"), file).unwrap();
    let url = format!("http://127.0.0.1:1/{LONG}?{LONG}");
    let mut found = Vec::new();
    for arguments in [
        ["list"].as_slice(),
        &["demo"],
        &["demo", "signature", "--fast"],
        &["demo", "encryption", "--fast"],
        &["report", "earlier"],
        &["diff", "earlier", "later"],
        &["diff", "earlier", "later", "--relative"],
        &["doctor"],
        &["compare", "epoll", "--servers", "servers.toml", "--dry-run"],
        &["curve", "epoll", "--servers", "servers.toml", "--dry-run"],
        &["connections", "epoll", "--servers", "servers.toml", "--dry-run"],
        &["scale", "epoll", "--servers", "servers.toml", "--dry-run"],
        &["load", url.as_str(), "--dry-run", "--rate", "1k..50k/30s", "--requests-per-connection", "7"],
    ] {
        // A URL is one word, and whoever copies it needs all of it.
        let text = said(place.path(), arguments).replace(&url, "URL");
        found.extend(wide(&arguments.join(" "), &text));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
