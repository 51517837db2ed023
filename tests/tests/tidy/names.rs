//! A type's name means one thing.

use std::collections::{BTreeMap, BTreeSet};

use dyno_tests::tree::{crates, sources};

use crate::Broken;

/// Names that several crates use on purpose, and why a reader does not take one for the other.
const SHARED: &[(&str, &str)] = &[
    (
        "Audit",
        "the generator's result and the record of a cell are two published formats, versioned apart, and each is judged",
    ),
    (
        "Finding",
        "the same two formats: what the generator, and what the bench, found against its own measurement",
    ),
    ("Latency", "the same two formats: four parts in one, one distribution in the other"),
    ("Load", "the same two formats: what the generator was told to do"),
    ("Head", "clients and servers read HTTP/1.1 by code of their own, and both use the word of RFC 9112"),
    ("Request", "the same on purpose: what a client sends, and what a server was sent"),
];

/// The crate that is left out: its readers of requests and servers are named after what they read.
const TESTS: &str = "tests";

/// No two crates give the same name to types that others can import, `pub(crate)` included.
pub(crate) fn told_apart() -> Broken {
    let crates: Vec<_> = crates().into_iter().filter(|krate| krate.directory != TESTS).collect();
    let mut homes: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for source in sources() {
        let Some(home) = crates.iter().find(|krate| krate.has(&source.path)) else { continue };
        for name in source.without_tests().lines().filter_map(type_name) {
            homes.entry(name.to_owned()).or_default().insert(&home.directory);
        }
    }
    homes.retain(|_, crates| crates.len() > 1);
    let known = |name: &str| SHARED.iter().any(|(shared, _)| *shared == name);
    let twice = homes.iter().filter(|(name, _)| !known(name));
    let mut broken: Vec<_> = twice.map(|(name, crates)| format!("{name}: in {crates:?}")).collect();
    let needless = SHARED.iter().filter(|(name, _)| !homes.contains_key(*name));
    broken.extend(needless.map(|(name, _)| format!("{name} is shared no more, so it leaves the table")));
    broken
}

/// The name of the type that `line` defines at the top of a module for others.
fn type_name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub")?;
    let rest = if rest.starts_with('(') { rest.split_once(')')?.1 } else { rest };
    let (kind, rest) = rest.trim_start().split_once(' ')?;
    let name = rest.split(|next: char| !next.is_alphanumeric() && next != '_').next()?;
    ["struct", "enum", "trait", "union", "type"].contains(&kind).then_some(name)
}
