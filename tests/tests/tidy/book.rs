//! The chapters are complete, in order, and listed.

use std::collections::BTreeSet;
use std::fs;

use dyno_servers::architectures::ALL;
use dyno_servers::services;
use dyno_tests::tree::{Source, crates, root, sources};

use crate::Broken;

/// What a chapter's documentation goes through, in this order.
const HEADINGS: [&str; 7] = ["Idea", "Picture", "Price", "Shines", "Breaks", "Lineage", "Question"];

/// The chapters' names, as files have them, and their sources.
pub(crate) fn chapters() -> Vec<(String, Source)> {
    sources().into_iter().filter_map(|source| Some((chapter(&source.path)?.to_owned(), source))).collect()
}

/// The chapter whose file has this path: `thread_pool.rs`, or `epoll.rs` in a folder. What the chapters of a folder
/// have in common stands in its `mod.rs`, which is a chapter as well, under the name of the folder.
fn chapter(path: &str) -> Option<&str> {
    let stem = path.strip_prefix("servers/src/architectures/")?.strip_suffix(".rs")?;
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    let name = stem.rsplit('/').next().unwrap_or(stem);
    (name != "mod").then_some(name)
}

pub(crate) fn chapters_have_headings() -> Broken {
    let mut broken = Vec::new();
    for (name, source) in chapters() {
        let found: Vec<_> = source.text.lines().filter_map(|line| line.strip_prefix("//! # ")).collect();
        if found != HEADINGS {
            broken.push(format!("{name}: {found:?}"));
        }
    }
    broken
}

pub(crate) fn chapters_are_in_the_table() -> Broken {
    // What several chapters have in common runs nothing by itself.
    let runs = |source: &Source| !source.path.ends_with("/mod.rs");
    let files: BTreeSet<_> =
        chapters().into_iter().filter(|(_, source)| runs(source)).map(|(name, _)| name).collect();
    let rows: BTreeSet<_> = ALL.iter().map(|architecture| architecture.name.replace('-', "_")).collect();
    let lost = files.difference(&rows).map(|name| format!("{name} has no row in ALL"));
    let astray =
        rows.difference(&files).map(|name| format!("{name} has a row in ALL and no file of that name"));
    let mut broken: Vec<_> = lost.chain(astray).collect();
    if rows.len() < ALL.len() {
        broken.push("a name stands in ALL twice".into());
    }
    broken
}

/// Words that are chapters' names and mean something else where they stand.
const OTHER_MEANINGS: [(&str, &str, &str); 3] = [
    ("servers/src/architecture.rs", "iterative", "the family"),
    ("bench/record/src/header.rs", "iterative", "the family, by which the baseline is found"),
    ("bench/analysis/src/unit.rs", "fork", "the system call, whose price is a unit cost"),
];

/// What is known about an architecture stands in its row: code that asks for a name elsewhere is wrong for the next
/// chapter, and no test fails.
pub(crate) fn chapters_are_named_at_home() -> Broken {
    let crates = crates();
    let is_test = |path: &str| path.starts_with("tests/") || path.ends_with("/tests.rs");
    let mut broken = Vec::new();
    let mut met = BTreeSet::new();
    for source in sources() {
        let path = source.path.as_str();
        let is_code = crates.iter().any(|krate| krate.has(path)) && !is_test(path);
        if !is_code {
            continue;
        }
        let home = chapter(path).map(|name| name.replace('_', "-"));
        let code = source.without_tests().lines().enumerate();
        for (index, line) in code.filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for name in ALL.map(|architecture| architecture.name) {
                // An arm follows behind a colon.
                let is_named = line.contains(&format!("\"{name}\"")) || line.contains(&format!("\"{name}:"));
                if !is_named || home.as_deref() == Some(name) {
                    continue;
                }
                if OTHER_MEANINGS.iter().any(|(place, word, _)| (*place, *word) == (path, name)) {
                    met.insert((path.to_owned(), name));
                } else {
                    broken.push(format!("{path}:{}: {name}", index + 1));
                }
            }
        }
    }
    let needless =
        OTHER_MEANINGS.iter().filter(|(path, word, _)| !met.contains(&((*path).to_owned(), *word)));
    broken.extend(needless.map(|(path, word, _)| format!("{word} does not stand in {path} any more")));
    broken
}

/// The contents of the book list its chapters, in the order of `ALL`.
pub(crate) fn contents() -> Broken {
    let text = fs::read_to_string(root().join("servers/src/lib.rs")).expect("lib.rs is text");
    let lines = text.lines().filter_map(|line| line.strip_prefix("//! "));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    let chapters = ALL.map(|architecture| architecture.name);
    let section = text.split("\n# ").find(|section| section.contains("| chapter |")).unwrap_or("");
    let told =
        |(row, listed, known)| format!("row {row} of the contents is {listed}; the book has {known} there");
    first_difference(&cells(section), &chapters).map(told).into_iter().collect()
}

/// README has a table of chapters and one of services, each in the order of its `ALL`.
pub(crate) fn readme() -> Broken {
    let text = fs::read_to_string(root().join("README.md")).expect("README.md is text");
    let chapters = ALL.map(|architecture| architecture.name);
    let services = services::ALL.map(|service| service.path);
    [("The chapters", &chapters[..]), ("The services", &services[..])]
        .into_iter()
        .filter_map(|(heading, known)| {
            // A section of its own: results name the chapters too, and in other orders.
            let section = text.split("\n## ").find(|section| section.starts_with(heading)).unwrap_or("");
            let (row, listed, known) = first_difference(&cells(section), known)?;
            Some(format!("row {row} under \"{heading}\" in README is {listed}; the book has {known} there"))
        })
        .collect()
}

/// The first cells of a table's rows without its head: plain text of what may be code or links.
fn cells(section: &str) -> Vec<String> {
    let rows = section.lines().filter_map(|line| line.strip_prefix('|'));
    let cells = rows.skip(2).filter_map(|row| row.split('|').next());
    let text =
        |cell: &str| cell.trim().trim_start_matches('[').split(']').next().unwrap_or("").replace('`', "");
    cells.map(text).collect()
}

/// The number of the first row in which both differ, and what stands in it.
fn first_difference(listed: &[String], known: &[&str]) -> Option<(usize, String, String)> {
    let listed: Vec<_> = listed.iter().map(String::as_str).collect();
    let cell = |cells: &[&str], row: usize| cells.get(row).map_or("absent", |cell| *cell).to_owned();
    let row = (0..listed.len().max(known.len())).find(|&row| cell(&listed, row) != cell(known, row))?;
    Some((row + 1, cell(&listed, row), cell(known, row)))
}
