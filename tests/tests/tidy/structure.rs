//! Crates and modules lie where they are looked for, and know nobody whom they need not know.

use std::fs;

use dyno_tests::imports::{circle, rooms, uses};
use dyno_tests::tree::{Crate, crates, root, sources};
use toml::Value;

use crate::Broken;

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

/// Whom each crate may know, and whom its tests, benchmarks and examples may know besides. A crate that joins the
/// workspace needs a row. A client knows no server: each has its own half of HTTP/1.1, so that one checks the other.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("security", &[], &[]),
    ("servers/http", &[], &[]),
    ("servers/proxy", &["dyno-http"], &[]),
    ("servers", &["dyno-http", "dyno-proxy", "dyno-security"], &[]),
    ("clients/units", &[], &[]),
    ("clients", &["dyno-security", "dyno-units"], &[]),
    ("bench/statistics", &[], &[]),
    ("bench/record", &["dyno-units"], &[]),
    ("bench/analysis", &["dyno-record", "dyno-statistics", "dyno-units"], &[]),
    ("bench/report", &["dyno-analysis", "dyno-record", "dyno-statistics", "dyno-units"], &["dyno-measure"]),
    ("bench/measure", MEASURE, &[]),
    ("bench", PROGRAM, &[]),
    ("tests", PROGRAM, &[]),
    ("tests/instructions", &["dyno-clients", "dyno-http", "dyno-security"], &[]),
    ("tests/models", &[], &[]),
];

/// What measures starts the programs of both sides, and speaks with them in their own types.
const MEASURE: &[&str] = &[
    "dyno-analysis",
    "dyno-clients",
    "dyno-http",
    "dyno-record",
    "dyno-security",
    "dyno-servers",
    "dyno-statistics",
    "dyno-units",
];

/// The program puts everything together.
const PROGRAM: &[&str] = &[
    "dyno-analysis",
    "dyno-bench",
    "dyno-clients",
    "dyno-http",
    "dyno-measure",
    "dyno-proxy",
    "dyno-record",
    "dyno-report",
    "dyno-security",
    "dyno-servers",
    "dyno-statistics",
    "dyno-units",
];

pub(crate) fn top_level() -> Broken {
    let entries = fs::read_dir(root()).expect("the root is a directory").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let unknown =
        names.filter(|name| !name.starts_with('.') && name != "target" && !TOP.contains(&name.as_str()));
    unknown.map(|name| format!("{name} does not belong at the top")).collect()
}

pub(crate) fn arrows() -> Broken {
    let mut broken = Vec::new();
    for Crate { directory, knows, tests_know, .. } in crates() {
        let Some((_, allowed, in_tests)) = ARROWS.iter().find(|(krate, ..)| *krate == directory) else {
            broken.push(format!("{directory} has no row in ARROWS"));
            continue;
        };
        let unknown = knows.iter().filter(|other| !allowed.contains(&other.as_str()));
        broken.extend(unknown.map(|other| format!("{directory} may not know {other}")));
        let is_known = |other: &str| allowed.contains(&other) || in_tests.contains(&other);
        let unknown = tests_know.iter().filter(|other| !is_known(other));
        broken.extend(unknown.map(|other| format!("the tests of {directory} may not know {other}")));
    }
    broken
}

/// Crates whose code has another name than the package.
const LIBRARY_NAMES: [(&str, &str); 1] = [("perf-event2", "perf_event")];

/// A dependency that no source of the crate names makes every build longer for nothing.
pub(crate) fn dependencies_are_used() -> Broken {
    let sources = sources();
    let mut broken = Vec::new();
    for Crate { directory, dependencies, .. } in crates() {
        let prefix = format!("{directory}/");
        let own: Vec<_> = sources.iter().filter(|source| source.path.starts_with(&prefix)).collect();
        for package in dependencies {
            let renamed = LIBRARY_NAMES.iter().find(|(name, _)| *name == package);
            let library =
                renamed.map_or_else(|| package.replace('-', "_"), |(_, library)| (*library).to_owned());
            let names = |line: &str| {
                line.split(|next: char| !next.is_alphanumeric() && next != '_').any(|word| word == library)
            };
            if !own.iter().any(|source| source.text.lines().any(names)) {
                broken.push(format!("{directory} does not use {package}"));
            }
        }
    }
    broken
}

pub(crate) fn licences() -> Broken {
    let inherits = |krate: &Crate| {
        let license = krate.package.get("license").and_then(|value| value.get("workspace"));
        license.and_then(Value::as_bool) == Some(true)
    };
    let silent = crates().into_iter().filter(|krate| !inherits(krate));
    silent.map(|krate| format!("{} does not say license.workspace = true", krate.directory)).collect()
}

pub(crate) fn no_circles_of_files() -> Broken {
    let sources = sources();
    let found = |krate: &Crate| circle(&uses(&krate.directory, &sources));
    let circles = crates().into_iter().filter_map(|krate| Some((found(&krate)?, krate)));
    circles.map(|(way, krate)| format!("{}: {}", krate.directory, way.join(" -> "))).collect()
}

pub(crate) fn no_circles_of_folders() -> Broken {
    let sources = sources();
    let mut broken = Vec::new();
    for krate in crates() {
        for (folder, graph) in rooms(&uses(&krate.directory, &sources)) {
            if let Some(way) = circle(&graph) {
                broken.push(format!("{}: in \"{folder}\": {}", krate.directory, way.join(" -> ")));
            }
        }
    }
    broken
}
