//! The chapters are complete, in order, and listed.

use std::collections::BTreeSet;
use std::fs;

use dyno_servers::architectures::ALL;
use dyno_tests::tree::{Source, root, sources};

use crate::Broken;

/// What a chapter's documentation goes through, in this order.
const HEADINGS: [&str; 6] = ["Idea", "Picture", "Price", "Shines", "Breaks", "Lineage"];

/// The chapters' names, as files have them, and their sources.
pub fn chapters() -> Vec<(String, Source)> {
    let name = |source: &Source| {
        let file = source.path.strip_prefix("servers/src/architectures/")?;
        file.strip_suffix(".rs").filter(|name| *name != "mod").map(str::to_owned)
    };
    sources().into_iter().filter_map(|source| Some((name(&source)?, source))).collect()
}

pub fn chapters_have_headings() -> Broken {
    let mut broken = Vec::new();
    for (name, source) in chapters() {
        let found: Vec<_> = source.text.lines().filter_map(|line| line.strip_prefix("//! # ")).collect();
        if found != HEADINGS {
            broken.push(format!("{name}: {found:?}"));
        }
    }
    broken
}

pub fn chapters_are_in_the_table() -> Broken {
    let files: BTreeSet<_> = chapters().into_iter().map(|(name, _)| name).collect();
    let rows: BTreeSet<_> = ALL.iter().map(|architecture| architecture.name.replace('-', "_")).collect();
    // A chapter may be a directory; then its row has no file of its own here.
    let lost: Vec<_> = files.difference(&rows).cloned().collect();
    let mut broken: Vec<_> = lost.into_iter().map(|name| format!("{name} has no row in ALL")).collect();
    if rows.len() < ALL.len() {
        broken.push("a name stands in ALL twice".into());
    }
    broken
}

/// Rows whose first cell is the name of an architecture, perhaps as code or as a link.
pub fn readme() -> Broken {
    let text = fs::read_to_string(root().join("README.md")).expect("README.md is text");
    // Its own section: results name the chapters too, and in other orders.
    let section = text.split("\n## ").find(|section| section.starts_with("The chapters")).unwrap_or("");
    let cells = section.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let plain = |cell: &str| {
        let cell = cell.trim().trim_start_matches('[');
        cell.split(']').next().unwrap_or(cell).trim_matches('`').to_owned()
    };
    let known: Vec<_> = ALL.iter().map(|architecture| architecture.name).collect();
    let listed: Vec<_> = cells.map(plain).filter(|cell| known.contains(&cell.as_str())).collect();
    let rows = listed.len().max(known.len());
    let cell = |cells: &[&str], row: usize| cells.get(row).map_or("nothing", |name| *name).to_owned();
    let listed: Vec<_> = listed.iter().map(String::as_str).collect();
    let first = (0..rows).find(|&row| cell(&listed, row) != cell(&known, row));
    let told = first.map(|row| {
        let (listed, known) = (cell(&listed, row), cell(&known, row));
        format!("row {} of the README's chapters is {listed}; the book has {known} there", row + 1)
    });
    told.into_iter().collect()
}
