//! What can be checked about the tree is a test that anyone can run, not a habit to remember.

use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;

use dyno_servers::architectures::ALL;
use dyno_tests::suite::{self, Outcome, ensure, quick};
use dyno_tests::tree::{CRATES, Source, circle, root, sources, uses};

/// A file is read at one sitting.
const FILE_LINES: usize = 450;

/// A chapter is short, text included.
const CHAPTER_LINES: usize = 200;

/// Chapters that are longer, how long they may be, and why.
const LONG_CHAPTERS: [(&str, usize, &str); 2] = [
    ("coroutines", 230, "the scheduler is the lesson, so it stands in the chapter and not in the kit"),
    ("tokio", 205, "its three tasks and their way to stop are told in one place"),
];

/// Where a rule does not hold yet. What is paid must leave this table; nothing may join it.
const OWED: [(&str, &str); 0] = [];

/// What a chapter's documentation goes through, in this order.
const HEADINGS: [&str; 6] = ["Idea", "Picture", "Price", "Shines", "Breaks", "Lineage"];

/// Everything that may stand at the top, beside names with a dot in front and what cargo builds.
const TOP: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "bench",
    "clients",
    "security",
    "servers",
    "tests",
];

/// Whom each crate may know.
const ARROWS: [(&str, &[&str]); 11] = [
    ("security", &[]),
    ("servers/http", &[]),
    ("servers", &["dyno-http", "dyno-security"]),
    ("clients", &["dyno-security"]),
    ("bench/record", &[]),
    ("bench/statistics", &[]),
    ("bench/analysis", &["dyno-record", "dyno-statistics"]),
    ("bench/report", &["dyno-analysis", "dyno-measure", "dyno-record", "dyno-statistics"]),
    (
        "bench/measure",
        &[
            "dyno-analysis",
            "dyno-clients",
            "dyno-http",
            "dyno-record",
            "dyno-security",
            "dyno-servers",
            "dyno-statistics",
        ],
    ),
    (
        "bench",
        &[
            "dyno-analysis",
            "dyno-clients",
            "dyno-http",
            "dyno-measure",
            "dyno-record",
            "dyno-report",
            "dyno-security",
            "dyno-servers",
            "dyno-statistics",
        ],
    ),
    ("tests", &["dyno-bench", "dyno-servers", "dyno-clients", "dyno-http", "dyno-security"]),
];

/// A rule's name, and the check of it.
type Rule = (&'static str, fn() -> Outcome);

fn main() -> ExitCode {
    let rules: [Rule; 11] = [
        ("files-are-short", files_are_short),
        ("chapters-are-short", chapters_are_short),
        ("chapters-have-their-headings", chapters_have_headings),
        ("every-chapter-is-in-the-table", chapters_are_in_the_table),
        ("modules-go-round-in-no-circle", no_circles),
        ("unsafe-has-its-reason", unsafe_has_reason),
        ("nothing-is-left-to-do", nothing_left_to_do),
        ("limits-tell-unit-and-reason", limits_tell),
        ("the-top-level-is-known", top_level),
        ("crates-know-whom-they-may", arrows),
        ("the-readme-lists-the-chapters", readme),
    ];
    let trials = rules.map(|(name, rule)| quick(format!("tidy::{name}"), rule));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials.into()).exit_code()
}

/// Fails with all of `broken`, one a line, unless it is owed; and when something owed was paid and stands there still.
fn none(rule: &str, broken: Vec<String>) -> Outcome {
    let owed: Vec<_> = OWED.iter().filter(|(of, _)| *of == rule).map(|(_, what)| *what).collect();
    let new = broken.iter().filter(|line| !owed.iter().any(|what| line.starts_with(what))).cloned();
    let paid = owed.iter().filter(|what| !broken.iter().any(|line| line.starts_with(*what)));
    let lines: Vec<_> = new.chain(paid.map(|what| format!("no longer owed: {what}"))).collect();
    ensure(lines.is_empty(), || lines.join("\n"))
}

fn chapters() -> Vec<(String, Source)> {
    let name = |source: &Source| {
        let file = source.path.strip_prefix("servers/src/architectures/")?;
        file.strip_suffix(".rs").filter(|name| *name != "mod").map(str::to_owned)
    };
    sources().into_iter().filter_map(|source| Some((name(&source)?, source))).collect()
}

fn files_are_short() -> Outcome {
    let long = sources().into_iter().map(|source| (source.text.lines().count(), source.path));
    let long = long.filter(|(lines, _)| *lines > FILE_LINES);
    none(
        "files-are-short",
        long.map(|(lines, path)| format!("{path}: {lines} lines, more than {FILE_LINES}")).collect(),
    )
}

fn chapters_are_short() -> Outcome {
    let mut broken = Vec::new();
    for (name, source) in chapters() {
        let exception = LONG_CHAPTERS.iter().find(|(long, ..)| *long == name);
        let most = exception.map_or(CHAPTER_LINES, |(_, most, _)| *most);
        let lines = source.text.lines().count();
        if lines > most {
            broken.push(format!("{name}: {lines} lines, more than {most}"));
        }
        if exception.is_some() && lines <= CHAPTER_LINES {
            broken.push(format!("{name} needs no exception any more"));
        }
    }
    none("chapters-are-short", broken)
}

fn chapters_have_headings() -> Outcome {
    let mut broken = Vec::new();
    for (name, source) in chapters() {
        let found: Vec<_> = source.text.lines().filter_map(|line| line.strip_prefix("//! # ")).collect();
        if found != HEADINGS {
            broken.push(format!("{name}: {found:?}"));
        }
    }
    none("chapters-have-their-headings", broken)
}

fn chapters_are_in_the_table() -> Outcome {
    let files: BTreeSet<_> = chapters().into_iter().map(|(name, _)| name).collect();
    let rows: BTreeSet<_> = ALL.iter().map(|architecture| architecture.name.replace('-', "_")).collect();
    // A chapter may be a directory; then its row has no file of its own here.
    let lost: Vec<_> = files.difference(&rows).cloned().collect();
    ensure(lost.is_empty() && rows.len() == ALL.len(), || format!("no row, or a name twice: {lost:?}"))
}

fn no_circles() -> Outcome {
    let sources = sources();
    let circles = CRATES.iter().filter_map(|krate| Some((krate, circle(&uses(krate, &sources))?)));
    none(
        "modules-go-round-in-no-circle",
        circles.map(|(krate, way)| format!("{krate}: {}", way.join(" -> "))).collect(),
    )
}

fn unsafe_has_reason() -> Outcome {
    let mut broken = Vec::new();
    for source in sources() {
        let lines: Vec<_> = source.text.lines().collect();
        for (number, line) in source.code() {
            let code = line.split("//").next().unwrap_or(line);
            let opens =
                ["unsafe {", "unsafe impl"].iter().any(|words| code.contains(words)) && !code.contains('"');
            if !opens {
                continue;
            }
            let is_core =
                ["security/src/", "servers/http/src/"].iter().any(|core| source.path.starts_with(core));
            if is_core {
                broken.push(format!("{}:{number}: unsafe where none may be", source.path));
            }
            let near = &lines[number.saturating_sub(9)..number];
            if !near.iter().any(|line| line.contains("SAFETY:")) {
                broken.push(format!("{}:{number}: unsafe without its reason", source.path));
            }
        }
    }
    none("unsafe-has-its-reason", broken)
}

fn nothing_left_to_do() -> Outcome {
    // Put together here, so that this file does not find itself.
    let words = ["todo", "dbg", "unimplemented"].map(|word| format!("{word}!("));
    let marks = ["TO", "FIX"].map(|half| half.to_owned() + if half == "TO" { "DO" } else { "ME" });
    let ignored = format!("#[{}", "ignore");
    let mut broken = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            let is_left =
                words.iter().chain(&marks).chain([&ignored]).any(|word| line.contains(word.as_str()));
            if is_left {
                broken.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    none("nothing-is-left-to-do", broken)
}

/// An integer is a count or has a unit, so some word of its name is a plural (BYTES, OCTETS, WORKERS); a Duration has its
/// unit in its type. Each has a comment that tells its reason.
fn limits_tell() -> Outcome {
    let mut broken = Vec::new();
    for source in sources().iter().filter(|source| source.path.ends_with("src/limits.rs")) {
        let mut comment = 0;
        for line in source.without_tests().lines() {
            if let Some(text) = line.trim_start().strip_prefix("///") {
                comment += text.len();
                continue;
            }
            let constant = line.strip_prefix("pub const ").and_then(|rest| rest.split_once(": "));
            if let Some((name, kind)) = constant {
                let whole = ["u", "i"].iter().any(|start| kind.starts_with(start));
                if whole && !name.split('_').any(|word| word.ends_with('S')) {
                    broken.push(format!("{}: {name} names neither a unit nor what it counts", source.path));
                }
                if comment < 20 {
                    broken.push(format!("{}: {name} has no reason", source.path));
                }
            }
            comment = 0;
        }
    }
    none("limits-tell-unit-and-reason", broken)
}

fn top_level() -> Outcome {
    let names = fs::read_dir(root())?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
    let unknown =
        names.filter(|name| !name.starts_with('.') && name != "target" && !TOP.contains(&name.as_str()));
    none("the-top-level-is-known", unknown.map(|name| format!("{name} does not belong at the top")).collect())
}

fn arrows() -> Outcome {
    let mut broken = Vec::new();
    for (krate, allowed) in ARROWS {
        let manifest = fs::read_to_string(root().join(krate).join("Cargo.toml"))?;
        let known = manifest.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        for other in known.filter(|name| name.starts_with("dyno-")) {
            if !allowed.contains(&other) {
                broken.push(format!("{krate} may not know {other}"));
            }
        }
    }
    none("crates-know-whom-they-may", broken)
}

/// Rows whose first cell is the name of an architecture, perhaps as code or as a link.
fn readme() -> Outcome {
    let text = fs::read_to_string(root().join("README.md"))?;
    // Its own section: results name the chapters too, and in other orders.
    let section = text.split("\n## ").find(|section| section.starts_with("The chapters")).unwrap_or("");
    let cells = section.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let plain = |cell: &str| {
        let cell = cell.trim().trim_start_matches('[');
        cell.split(']').next().unwrap_or(cell).trim_matches('`').to_owned()
    };
    let known: Vec<_> = ALL.iter().map(|architecture| architecture.name).collect();
    let listed: Vec<_> = cells.map(plain).filter(|cell| known.contains(&cell.as_str())).collect();
    ensure(listed == known, || format!("the README lists {listed:?}; the book has {known:?}"))
}
